/* whisper_tensors: which tensors a Whisper model has, from the sizes of its parts: their names and shapes in ggml's files, in
 * the order of OpenAI's checkpoints, and where each lies in CTranslate2's form. Pure. */
#ifndef MODELS_WHISPER_TENSORS_H
#define MODELS_WHISPER_TENSORS_H

#include <stdbool.h>
#include <stdint.h>

struct error;

struct whisper_sizes {
	uint32_t vocabulary;
	uint32_t audio_ctx, audio_state, audio_heads, audio_layers;
	uint32_t text_ctx, text_state, text_heads, text_layers;
	uint32_t mels;
};

enum {
	WHISPER_AUDIO_CTX = 1500, /* of every model: 30 s in frames of 20 ms */
	WHISPER_TEXT_CTX = 448,
	WHISPER_FFT_BINS = 201,
	WHISPER_VOCABULARY_ENGLISH = 51864, /* more: many languages */
	WHISPER_VOCABULARY_MAX = 51866,
	WHISPER_TOKEN_MAX_BYTES = 256,
	WHISPER_DIMS_MAX = 3,
	WHISPER_NAME_BYTES = 64,
};

enum whisper_tensor_kind {
	WHISPER_TENSOR_EXACT,  /* 32 bits, whatever the model's type */
	WHISPER_TENSOR_WEIGHT, /* the model's type */
	WHISPER_TENSOR_CONV,   /* 16 bits, but in models of 32 */
};

struct whisper_tensor {
	char name[WHISPER_NAME_BYTES]; /* "decoder.blocks.0.attn.query.weight" */
	char source
	    [WHISPER_NAME_BYTES]; /* in CTranslate2: "decoder/layer_0/self_attention/linear_0/weight" */
	unsigned part, parts;     /* it is this one of so many, one behind the other, in `source` */
	enum whisper_tensor_kind kind;
	unsigned dims_n;
	uint32_t dims[WHISPER_DIMS_MAX]; /* the innermost first; 1 beyond dims_n */
};

/* -1: no Whisper model has such sizes, or none that fit each other; the sentence says which are allowed. */
int whisper_sizes_check(const struct whisper_sizes *s, struct error *err);
/* Whether it knows more languages than English. */
bool whisper_sizes_is_multilingual(const struct whisper_sizes *s);

/* How many there are; sizes have been checked, here and below. */
unsigned whisper_tensors_count(const struct whisper_sizes *s);
void whisper_tensors_at(
    const struct whisper_sizes *s, unsigned i, struct whisper_tensor *out); /* i < the count */

#endif
