/* Weights in CTranslate2's form and a vocabulary: whatever they are, they become a ggml file that its own reader takes, or they are
 * refused in a sentence. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "models/convert.h"
#include "models/ggml_file.h"
#include "runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint8_t out[2 * RUNS_MAX_BYTES];

static int append(void *arg, const void *bytes, size_t n, struct error *err)
{
	size_t *out_n = arg;

	if (*out_n + n > sizeof out)
		return error_set(err, ERROR_LIMIT, "that is more than the fuzzer has room for");
	memcpy(out + *out_n, bytes, n);
	*out_n += n;
	return 0;
}

static void convert(const struct convert_input *in)
{
	struct error err = ERROR_INIT;
	struct ggml_file_info info;
	size_t out_n = 0;

	if (convert_ct2(in, append, &out_n, &err) < 0)
		assert(err.text[0] != '\0');
	else
		assert(ggml_file_check_bytes("it", out, out_n, &info, &err) == 0);
}

/* Two bytes: how many are the vocabulary's; those; and the weights in runs. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct convert_input in = { .vocabulary = data + 2 };

	if (n < 2)
		return 0;
	in.vocabulary_n = runs_least(runs_number(data, 2), n - 2);
	data += 2 + in.vocabulary_n;
	n -= 2 + in.vocabulary_n;
	in.model = runs_expand(data, n, &in.model_n);
	convert(&in);
	runs_wipe(data, n, in.model_n);
	return 0;
}
