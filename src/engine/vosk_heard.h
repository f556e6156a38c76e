/* vosk_heard: what an utterance has come to, from the library's results. The library cuts an utterance into stretches at pauses of its
 * own and tells each when it ends; all of them together are the final. Pure, and trusts no result to be one. */
#ifndef ENGINE_VOSK_HEARD_H
#define ENGINE_VOSK_HEARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

struct error;

enum { VOSK_HEARD_TEXT_BYTES = 32 * 1024 };

struct vosk_heard { /* no pointers but into itself; touched only as far as it is used */
	bool
	    keeps_fillers; /* words in brackets ([unk], <UNK>) are words, as somebody wished for them */
	size_t text_n, spelled_n, words_n;
	double confidence_sum;
	char text[VOSK_HEARD_TEXT_BYTES];
	char spelled[VOSK_HEARD_TEXT_BYTES]; /* the words, each terminated */
	struct engine_word words[ENGINE_WORDS_MAX];
	char partial[VOSK_HEARD_TEXT_BYTES];
};

/* Before the first result that is read: the JSON library would ask the system for random bytes later on, where that may be forbidden. */
void vosk_heard_prepare(void);
void vosk_heard_begin(struct vosk_heard *h, bool keeps_fillers);
/* A stretch has ended. `json`: its result, NULL is none; `samples`: of the utterance so far, which no word ends after. What does not fit
 * any more is left out. -1: ERROR_ENGINE, it is no result, and nothing was added. */
int vosk_heard_add(struct vosk_heard *h, const char *json, uint64_t samples, struct error *err);
/* What ended, as the result of the utterance; borrows from *h. */
void vosk_heard_tell(const struct vosk_heard *h, struct engine_result *out);
/* The same with what the library makes of the stretch that has not ended; nothing is kept of that. Words have no times then. */
int vosk_heard_tell_partial(
    struct vosk_heard *h, const char *json, struct engine_result *out, struct error *err);

#endif
