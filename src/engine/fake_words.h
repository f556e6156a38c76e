/* fake_words: what the fake engines hear (engine/fake.h): a function of samples, model and adaptation, and of the
 * residue, which is what must not matter. */
#ifndef ENGINE_FAKE_WORDS_H
#define ENGINE_FAKE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

struct error;

enum { FAKE_WORD_BYTES = 9, FAKE_ADAPTATION_BYTES = 16 };

struct fake_words { /* of one engine; zeroed and then given a model */
	uint64_t model_hash;
	uint64_t residue; /* of all the samples since the last reset */

	/* of the utterance */
	uint64_t samples;    /* heard */
	uint64_t block_hash; /* of the samples of the open block */
	uint64_t block_loudness;
	uint64_t adaptation; /* a hash of all words of the session */
	uint8_t adaptation_out[FAKE_ADAPTATION_BYTES];
	char text[ENGINE_WORDS_MAX * (FAKE_WORD_BYTES + 1)];
	struct engine_word words[ENGINE_WORDS_MAX];
	size_t words_n;
};

void fake_words_set_model(struct fake_words *f, const char *model);
/* -1 and ERROR_INVALID for an adaptation that is none of theirs. */
int fake_words_begin(struct fake_words *f, const struct engine_begin *begin, struct error *err);
void fake_words_hear(struct fake_words *f, const int16_t *samples, size_t n);
/* So far; borrows from *f until it hears more. */
void fake_words_partial(const struct fake_words *f, struct engine_result *out);
/* Closes the open block; likewise. */
void fake_words_end(struct fake_words *f, struct engine_result *out);

#endif
