/* attempt: what becomes of an utterance with one lease: it is asked for, begun, ended and heard, or it is lost or given up. The
 * table of its states is pure; the lease is the only writer (pool/lease_state.c), and tells the state to whoever asks
 * (lease_attempt). Server process. */
#ifndef POOL_ATTEMPT_H
#define POOL_ATTEMPT_H

enum attempt_state {
	ATTEMPT_NONE = 0, /* none was asked for yet; in the table: must not happen */
	ATTEMPT_WAITING,  /* asked for, and there is no place, no instance or no room yet */
	ATTEMPT_BEGUN,    /* an instance hears it */
	ATTEMPT_ENDED,    /* ... and owes the final */
	ATTEMPT_DONE,     /* the final has come; it may not have been told yet */
	ATTEMPT_LOST,     /* the instance is gone; likewise */
	ATTEMPT_GIVEN_UP, /* aborted, or no instance could be had */
	ATTEMPT_STATES,
};

enum attempt_event {
	ATTEMPT_ASK,     /* the lease is to hear an utterance */
	ATTEMPT_BEGIN,   /* BEGIN was written */
	ATTEMPT_END,     /* END was written */
	ATTEMPT_FINAL,   /* the final came */
	ATTEMPT_LOSE,    /* its instance is gone */
	ATTEMPT_GIVE_UP, /* nobody wants it any more, or nobody can hear it */
	ATTEMPT_EVENTS,
};

/* What follows `s` on `e`; ATTEMPT_NONE: that must not happen. */
enum attempt_state attempt_next(enum attempt_state s, enum attempt_event e);
const char *attempt_state_name(enum attempt_state s);
const char *attempt_event_name(enum attempt_event e);

#endif
