/* ggml_file: whether a file is a whole ggml model of Whisper, and which. A library that trusts its file may read it then.
 * Any process; blocks while it reads the parts that tell. What its numbers are is told by its sum only (sum.h). */
#ifndef MODELS_GGML_FILE_H
#define MODELS_GGML_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/whisper_tensors.h"

struct error;

struct ggml_file_info {
	struct whisper_sizes sizes;
	bool is_multilingual;
	const char *type; /* "f16", "q8_0", ... */
};

/* -1: it cannot be read, is cut, damaged, or something else: ERROR_CONFIG, a sentence that begins with the path. */
int ggml_file_check(const char *path, struct ggml_file_info *out, struct error *err);
/* The same of bytes that are said to be those of `path`. Pure. */
int ggml_file_check_bytes(
    const char *path, const uint8_t *data, size_t n, struct ggml_file_info *out, struct error *err);

#endif
