/* blocks: audio in blocks of one size however it comes, for libraries whose result depends on how it is cut. Pure. */
#ifndef ENGINE_BLOCKS_H
#define ENGINE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

struct engine;
struct error;

enum { BLOCKS_SAMPLES = 1600 };

struct blocks { /* of an utterance; zeroed, or `n` alone set to 0: it begins */
	int16_t samples[BLOCKS_SAMPLES];
	size_t n; /* always < BLOCKS_SAMPLES between calls */
};

/* -1 with the reason in *err. */
typedef int blocks_decode_f(
    struct engine *engine, const int16_t *samples, size_t n, struct error *err);

/* Decodes each block that becomes whole; -1 as soon as that fails. */
int blocks_add(struct blocks *b, const int16_t *samples, size_t n, blocks_decode_f *decode,
    struct engine *engine, struct error *err);
/* Decodes what is left, though there be nothing. */
int blocks_end(struct blocks *b, blocks_decode_f *decode, struct engine *engine, struct error *err);

#endif
