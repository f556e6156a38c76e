/* instance: the life of one recogniser process as the server sees it. The table of its states is pure; the
 * struct belongs to the pool, which is its only user. Server process, loop thread only. */
#ifndef POOL_INSTANCE_H
#define POOL_INSTANCE_H

enum instance_state {
	INSTANCE_NONE = 0, /* in the table: must not happen */
	INSTANCE_STARTING, /* asked for, forked or being reset: does not wait for a BEGIN yet */
	INSTANCE_IDLE,     /* waits, nobody's */
	INSTANCE_LEASED,   /* in the place of a lease */
	INSTANCE_RETIRING, /* told to go or killed; its process has not ended yet */
	INSTANCE_DEAD,     /* its process has ended */
	INSTANCE_STATES,
};

enum instance_event {
	INSTANCE_READY,    /* it said it waits for a BEGIN */
	INSTANCE_LENT,     /* bound to a lease */
	INSTANCE_UNUSED,   /* given back without having heard anything */
	INSTANCE_RETURNED, /* asked to reset itself for the next client */
	INSTANCE_LEFT,     /* told to go, killed, or its socket closed */
	INSTANCE_EXITED,   /* its process has ended */
	INSTANCE_EVENTS,
};

/* What follows `s` on `e`; INSTANCE_NONE: that must not happen. */
enum instance_state instance_next(enum instance_state s, enum instance_event e);
const char *instance_state_name(enum instance_state s);
const char *instance_event_name(enum instance_event e);

#endif
