/* ggml_fake: the smallest ggml file of Whisper's form, for tests: what ct2_fake's model becomes. */
#ifndef MODELS_GGML_FAKE_H
#define MODELS_GGML_FAKE_H

#include <stddef.h>
#include <stdint.h>

struct ggml_fake {
	uint8_t *data; /* owned */
	size_t n;
};

void ggml_fake_make(struct ggml_fake *f, uint32_t tokens, int zeros);
/* The same, quantised. */
void ggml_fake_quantise(struct ggml_fake *f);
void ggml_fake_done(struct ggml_fake *f);

#endif
