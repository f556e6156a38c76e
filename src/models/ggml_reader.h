/* ggml_reader: walks a ggml file of Whisper, tensor by tensor, and believes nothing it says: sizes that no Whisper model has, a
 * tensor that is unknown, doubled, missing, of another shape or not all there, and bytes left over end it with a sentence.
 * Pure: bytes in memory, borrowed. */
#ifndef MODELS_GGML_READER_H
#define MODELS_GGML_READER_H

#include <stddef.h>
#include <stdint.h>

#include "models/whisper_tensors.h"

struct error;
struct ggml_type;
struct ggml_reader;

struct ggml_tensor {
	struct whisper_tensor is; /* its name, kind and shape */
	uint32_t type;            /* GGML_F32, ... */
	const uint8_t *data;      /* lent, as long as the file's bytes */
	size_t bytes;
};

/* Reads up to the first tensor. `path` is borrowed for the sentences. NULL: it is no such file. */
struct ggml_reader *ggml_reader_new(
    const char *path, const uint8_t *data, size_t n, struct error *err);
void ggml_reader_free(struct ggml_reader **r); /* NULL is fine */

const struct whisper_sizes *ggml_reader_sizes(const struct ggml_reader *r);
const struct ggml_type *ggml_reader_type(const struct ggml_reader *r);
/* Where the filters begin and where the vocabulary ends, from the file's first byte: what is between has no type. */
size_t ggml_reader_filters_at(const struct ggml_reader *r);
size_t ggml_reader_tensors_at(const struct ggml_reader *r);

/* 1: *out is the next tensor; 0: that was all, and it was what it should be; -1: it is not. */
int ggml_reader_next(struct ggml_reader *r, struct ggml_tensor *out, struct error *err);

#endif
