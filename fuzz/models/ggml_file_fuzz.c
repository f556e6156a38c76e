/* A file that is said to be a ggml model: it is walked to its end or refused in a sentence that names it, and no byte beyond its
 * end is read. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "models/ggml_file.h"
#include "runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct error err = ERROR_INIT;
	struct ggml_file_info info = { .type = NULL };
	size_t file_n;
	const uint8_t *file = runs_expand(data, n, &file_n);

	if (ggml_file_check_bytes("/it", file, file_n, &info, &err) < 0)
		assert(strncmp(err.text, "/it ", 4) == 0 && info.type == NULL);
	else
		assert(info.type != NULL && info.sizes.vocabulary >= WHISPER_VOCABULARY_ENGLISH);
	runs_wipe(data, n, file_n);
	return 0;
}
