/* ct2_fake: the smallest model of Whisper's form in CTranslate2's, for tests: a state of 32 numbers, one layer a side, and numbers
 * that are a function of their place. Pure. */
#ifndef MODELS_CT2_FAKE_H
#define MODELS_CT2_FAKE_H

#include <stddef.h>
#include <stdint.h>

struct ct2_fake {
	uint8_t *data; /* owned */
	size_t n;
};

enum { CT2_FAKE_STATE = 32 };

/* Tokens of its vocabulary: 51864 for English, 51865 for many languages. `zeros`: all numbers are 0. */
void ct2_fake_model(struct ct2_fake *f, uint32_t tokens, int zeros);
void ct2_fake_vocabulary(
    struct ct2_fake *f); /* three tokens, of all bytes, before the special ones */
void ct2_fake_done(struct ct2_fake *f);

#endif
