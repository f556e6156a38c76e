/* The table of an attempt's states. Another attempt begins where one is over, or before there was any. */
#include "pool/attempt.h"

static const enum attempt_state table[ATTEMPT_STATES][ATTEMPT_EVENTS] = {
	[ATTEMPT_NONE] = { [ATTEMPT_ASK] = ATTEMPT_WAITING },
	[ATTEMPT_WAITING] = { [ATTEMPT_BEGIN] = ATTEMPT_BEGUN,
	    [ATTEMPT_LOSE] = ATTEMPT_LOST,
	    [ATTEMPT_GIVE_UP] = ATTEMPT_GIVEN_UP },
	[ATTEMPT_BEGUN] = { [ATTEMPT_END] = ATTEMPT_ENDED,
	    [ATTEMPT_LOSE] = ATTEMPT_LOST,
	    [ATTEMPT_GIVE_UP] = ATTEMPT_GIVEN_UP },
	[ATTEMPT_ENDED] = { [ATTEMPT_FINAL] = ATTEMPT_DONE,
	    [ATTEMPT_LOSE] = ATTEMPT_LOST,
	    [ATTEMPT_GIVE_UP] = ATTEMPT_GIVEN_UP },
	[ATTEMPT_DONE] = { [ATTEMPT_ASK] = ATTEMPT_WAITING, [ATTEMPT_GIVE_UP] = ATTEMPT_GIVEN_UP },
	[ATTEMPT_LOST] = { [ATTEMPT_ASK] = ATTEMPT_WAITING, [ATTEMPT_GIVE_UP] = ATTEMPT_GIVEN_UP },
	[ATTEMPT_GIVEN_UP] = { [ATTEMPT_ASK] = ATTEMPT_WAITING },
};

static const char *const state_names[ATTEMPT_STATES] = { "none", "waiting", "begun", "ended",
	"done", "lost", "given up" };
static const char *const event_names[ATTEMPT_EVENTS] = { "ask", "begin", "end", "final", "lose",
	"give up" };

enum attempt_state attempt_next(enum attempt_state s, enum attempt_event e)
{
	return table[s][e];
}

const char *attempt_state_name(enum attempt_state s)
{
	return state_names[s];
}

const char *attempt_event_name(enum attempt_event e)
{
	return event_names[e];
}
