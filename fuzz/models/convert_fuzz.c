/* Weights in CTranslate2's form and a vocabulary: whatever they are, they become a ggml file that its own reader takes, or they are
 * refused in a sentence. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "models/convert.h"
#include "models/ggml_file.h"
#include "runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct all {
	uint8_t *data; /* owned */
	size_t n;
};

static int append(void *arg, const void *bytes, size_t n, struct error *err)
{
	struct all *a = arg;

	if (a->n + n > 2 * RUNS_MAX_BYTES)
		return error_set(err, ERROR_LIMIT, "that is more than the fuzzer has room for");
	memcpy(a->data + a->n, bytes, n);
	a->n += n;
	return 0;
}

static void convert(const struct convert_input *in)
{
	struct all out = { malloc(2 * RUNS_MAX_BYTES), 0 };
	struct error err = ERROR_INIT;
	struct ggml_file_info info;

	if (convert_ct2(in, append, &out, &err) < 0)
		assert(err.text[0] != '\0');
	else
		assert(ggml_file_check_bytes("it", out.data, out.n, &info, &err) == 0);
	free(out.data);
}

/* Two bytes: how many are the vocabulary's; those; and the weights in runs. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct convert_input in = { .vocabulary = data + 2 };
	uint8_t *model;

	if (n < 2)
		return 0;
	in.vocabulary_n = runs_number(data, 2);
	in.vocabulary_n = in.vocabulary_n < n - 2 ? in.vocabulary_n : n - 2;
	model = runs_exact(data + 2 + in.vocabulary_n, n - 2 - in.vocabulary_n, &in.model_n);
	in.model = model;
	convert(&in);
	free(model);
	return 0;
}
