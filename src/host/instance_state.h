/* instance_state: the states of the instance loop, which host/instance.h explains, and what leads from one to another. */
#ifndef HOST_INSTANCE_STATE_H
#define HOST_INSTANCE_STATE_H

enum instance_state {
	INSTANCE_NONE, /* of a cell of the table: must not happen */
	INSTANCE_IDLE,
	INSTANCE_HEARING,
	INSTANCE_ENDING,
	INSTANCE_DEAF,
	INSTANCE_STATES,
};

enum instance_event {
	INSTANCE_ON_BEGIN,
	INSTANCE_ON_AUDIO,
	INSTANCE_ON_PARTIAL_REQUEST,
	INSTANCE_ON_EAGER_REQUEST,
	INSTANCE_ON_CANCEL,
	INSTANCE_ON_END,
	INSTANCE_ON_ABORT,
	INSTANCE_ON_RESET,
	INSTANCE_ON_DONE,   /* the final is sent */
	INSTANCE_ON_FAILED, /* the engine could not */
	INSTANCE_EVENTS,
};

/* Pure: what follows. */
enum instance_state instance_next(enum instance_state s, enum instance_event e);
const char *instance_state_name(enum instance_state s); /* for people */

#endif
