/* loss: how an instance was lost with an utterance in work, as far as that can be known: what ended it, and where in the
 * audio it was. Whether the utterance is to blame for it is for others to judge (session/verdict.h).
 *
 * Server process; pure. */
#ifndef POOL_LOSS_H
#define POOL_LOSS_H

#include <stdbool.h>
#include <stdint.h>

enum loss_kind {
	LOSS_UNKNOWN, /* its socket ended, and nobody could say in time what became of it */
	LOSS_KILLED, /* by a signal that comes from outside: an operator, the kernel short of memory */
	LOSS_CRASHED, /* by a signal of its own doing, or for leaving its confinement */
	LOSS_EXITED,  /* it left by itself */
	LOSS_FAILED,  /* its engine said that it cannot do it */
	LOSS_GARBAGE, /* killed by us: it said what no instance may say */
	LOSS_MEMORY,  /* killed by us: it grew beyond max_rss_mb */
	LOSS_STUCK,   /* killed by us: it made no progress */
	LOSS_KINDS
};

/* Of its process. */
struct loss_cause {
	enum loss_kind kind;
	int number; /* KILLED, CRASHED: the signal; EXITED: the status; otherwise 0 */
};

struct loss {
	struct loss_cause cause;
	uint64_t done;  /* samples of the utterance that it told it had decoded */
	uint64_t given; /* ... and that it had been sent */
	bool busy;      /* it had something to do: a block, a partial, the end */
	bool ended;     /* it had been told that the utterance is over */
};

/* `wait_status` as waitpid gives it; -1: it is not known. */
struct loss_cause loss_of_exit(int wait_status);

#endif
