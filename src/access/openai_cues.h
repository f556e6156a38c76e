/* openai_cues: a final as subtitles show it: in pieces of whole words that are short enough to be read, cut where the speaker
 * stopped longest, with the times of their words. Pure. */
#ifndef ACCESS_OPENAI_CUES_H
#define ACCESS_OPENAI_CUES_H

#include <stddef.h>
#include <stdint.h>

#include "session/session.h"

enum {
	OPENAI_CUE_MS = 7000,
	OPENAI_CUE_LETTERS = 84
}; /* of one piece; only a single word may be longer */

struct openai_cue {
	size_t from, to; /* bytes of the final's text, without blanks around it */
	uint64_t start_ms, end_ms;
};

/* Calls `add` for each piece in order. Where the engine gave no words, or others than its text is made of, times are as if it
 * were spoken evenly, and what has no blanks may be cut between letters. -1: memory is out, or `add` has returned that. */
int openai_cues_of(const struct session_event *final,
    int (*add)(void *arg, const struct openai_cue *cue), void *arg);

#endif
