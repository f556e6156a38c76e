/* verdict: whether an utterance is to blame for the instances that were lost to it, and how long it is tried.
 *
 * What kills by itself does so again: by the same signal of its own, or at the same place of the audio. An instance
 * that is killed from outside, by an operator or by a machine that is short of memory, says nothing against what it heard;
 * nor do several, though they got equally far, as long as all began at the same place: who kills once a second does that.
 * Pure. */
#ifndef SESSION_VERDICT_H
#define SESSION_VERDICT_H

#include <stddef.h>

#include "pool/loss.h"

/* An instance that heard some of an utterance and was lost. */
struct lost_attempt {
	struct loss_cause cause;
	uint64_t from; /* samples of the utterance: where it began, */
	uint64_t at;   /* ... and how far it told to have come */
	bool busy;     /* it had something to do there */
	bool decoding; /* ... which was the next block, and not the first one */
};

enum verdict {
	VERDICT_GO_ON,   /* another instance is to hear it */
	VERDICT_POISON,  /* it is to blame */
	VERDICT_GIVE_UP, /* it is not, but enough have been lost to it */
};

enum {
	VERDICT_ATTEMPTS_MAX = 64, /* that are looked at, and the largest losses_max */
	VERDICT_SAME_OWN = 2,      /* so often by the same doing of its own, wherever: poison */
	VERDICT_SAME_STUCK = 2,    /* so often in a row no progress at one place: poison */
	VERDICT_SAME_OUTSIDE = 3,  /* so often in a row killed from outside at one place, though
				    * they had begun at different ones: poison */
};

/* On the attempts at an utterance, oldest first; n >= 1, and the last one is the new one. The last `vain` of them
 * have brought it no further. */
enum verdict verdict_of(const struct lost_attempt *a, size_t n, size_t vain, unsigned losses_max);

#endif
