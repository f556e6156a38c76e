/* The table of the instance loop (host/instance.h), for itself. */
#include "host/instance_state.h"

/* What follows a state on an event. A missing cell is INSTANCE_NONE: the server broke the protocol. An
 * ABORT or a CANCEL may cross with the answer it was to prevent, so both are heard in every state. */
static const enum instance_state next[INSTANCE_STATES][INSTANCE_EVENTS] = {
	[INSTANCE_IDLE] = { [INSTANCE_ON_BEGIN] = INSTANCE_HEARING,
	    [INSTANCE_ON_CANCEL] = INSTANCE_IDLE,
	    [INSTANCE_ON_ABORT] = INSTANCE_IDLE,
	    [INSTANCE_ON_RESET] = INSTANCE_IDLE },
	[INSTANCE_HEARING] = { [INSTANCE_ON_AUDIO] = INSTANCE_HEARING,
	    [INSTANCE_ON_PARTIAL_REQUEST] = INSTANCE_HEARING,
	    [INSTANCE_ON_EAGER_REQUEST] = INSTANCE_HEARING,
	    [INSTANCE_ON_CANCEL] = INSTANCE_HEARING,
	    [INSTANCE_ON_END] = INSTANCE_ENDING,
	    [INSTANCE_ON_ABORT] = INSTANCE_IDLE,
	    [INSTANCE_ON_FAILED] = INSTANCE_DEAF },
	[INSTANCE_ENDING] = { [INSTANCE_ON_CANCEL] = INSTANCE_ENDING,
	    [INSTANCE_ON_ABORT] = INSTANCE_IDLE,
	    [INSTANCE_ON_DONE] = INSTANCE_IDLE,
	    [INSTANCE_ON_FAILED] = INSTANCE_DEAF },
	[INSTANCE_DEAF] = { [INSTANCE_ON_BEGIN] = INSTANCE_HEARING,
	    [INSTANCE_ON_AUDIO] = INSTANCE_DEAF,
	    [INSTANCE_ON_PARTIAL_REQUEST] = INSTANCE_DEAF,
	    [INSTANCE_ON_EAGER_REQUEST] = INSTANCE_DEAF,
	    [INSTANCE_ON_CANCEL] = INSTANCE_DEAF,
	    [INSTANCE_ON_END] = INSTANCE_DEAF,
	    [INSTANCE_ON_ABORT] = INSTANCE_IDLE,
	    [INSTANCE_ON_RESET] = INSTANCE_IDLE },
};

static const char *const names[INSTANCE_STATES] = {
	[INSTANCE_NONE] = "none",
	[INSTANCE_IDLE] = "idle",
	[INSTANCE_HEARING] = "hearing",
	[INSTANCE_ENDING] = "ending",
	[INSTANCE_DEAF] = "deaf",
};

enum instance_state instance_next(enum instance_state s, enum instance_event e)
{
	return next[s][e];
}

const char *instance_state_name(enum instance_state s)
{
	return names[s];
}
