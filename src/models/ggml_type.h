/* ggml_type: the kinds of numbers in ggml's files that Whisper's models have. Pure. */
#ifndef MODELS_GGML_TYPE_H
#define MODELS_GGML_TYPE_H

#include <stdint.h>

enum {
	GGML_MAGIC = 0x67676d6c, /* "lmgg" in a file */
	/* Of a tensor: */
	GGML_F32 = 0,
	GGML_F16 = 1,
	GGML_Q8_0 = 8,
	/* A model's own type is, quantised, another number; and so many times the version of the quantisation is added. */
	GGML_MODEL_Q8_0 = 7,
	GGML_QUANTISATION_FACTOR = 1000,
	GGML_QUANTISATION_VERSION = 2,
};

struct ggml_type {
	const char *name;     /* "q8_0" */
	uint32_t model, type; /* its numbers in the header, and at a tensor */
	uint32_t block;       /* so many numbers stand together */
	uint32_t block_bytes; /* and take so many bytes */
};

/* By the number in a model's header, without the version of the quantisation. NULL: no such type is read. */
const struct ggml_type *ggml_type_of_model(uint32_t model);

#endif
