/* tokens: the vocabulary of a Whisper model in CTranslate2's form (vocabulary.txt): a token a line, and in it a character for
 * each byte, as GPT-2 has them. Pure. */
#ifndef MODELS_TOKENS_H
#define MODELS_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "models/whisper_tensors.h"

struct error;

struct tokens {
	const uint8_t *text; /* borrowed */
	size_t n, at;
};

/* How many tokens come before those that whisper.cpp makes itself. -1: it is no such vocabulary. */
int tokens_count(
    const uint8_t *text, size_t n, const struct whisper_sizes *sizes, struct error *err);
/* The next token's bytes; how many, or -1: the line has a character that stands for no byte, or is too long. */
int tokens_next(struct tokens *t, uint8_t out[WHISPER_TOKEN_MAX_BYTES], struct error *err);

#endif
