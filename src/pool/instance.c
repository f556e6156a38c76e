#include "pool/instance.h"

static const enum instance_state table[INSTANCE_STATES][INSTANCE_EVENTS] = {
	[INSTANCE_STARTING] = { [INSTANCE_READY] = INSTANCE_IDLE,
	    [INSTANCE_LEFT] = INSTANCE_RETIRING,
	    [INSTANCE_EXITED] = INSTANCE_DEAD },
	[INSTANCE_IDLE] = { [INSTANCE_LENT] = INSTANCE_LEASED,
	    [INSTANCE_LEFT] = INSTANCE_RETIRING,
	    [INSTANCE_EXITED] = INSTANCE_DEAD },
	[INSTANCE_LEASED] = { [INSTANCE_UNUSED] = INSTANCE_IDLE,
	    [INSTANCE_RETURNED] = INSTANCE_STARTING,
	    [INSTANCE_LEFT] = INSTANCE_RETIRING,
	    [INSTANCE_EXITED] = INSTANCE_DEAD },
	[INSTANCE_RETIRING] = { [INSTANCE_LEFT] = INSTANCE_RETIRING,
	    [INSTANCE_EXITED] = INSTANCE_DEAD },
};

static const char *const state_names[INSTANCE_STATES] = { "none", "starting", "idle", "leased",
	"retiring", "dead" };
static const char *const event_names[INSTANCE_EVENTS] = { "ready", "lent", "unused", "returned",
	"left", "exited" };

enum instance_state instance_next(enum instance_state s, enum instance_event e)
{
	return table[s][e];
}

const char *instance_state_name(enum instance_state s)
{
	return state_names[s];
}

const char *instance_event_name(enum instance_event e)
{
	return event_names[e];
}
