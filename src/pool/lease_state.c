/* What a lease is at, and what it says to its instance: all that the other files of a lease stand on. */
#include <assert.h>
#include <inttypes.h>

#include "base/log.h"
#include "pool/pool_internal.h"

#define NEVER LEASE_STATES
static const enum lease_state next[LEASE_STATES][LEASE_EVENTS] = {
	/*                     rest           queue          grant          refuse */
	[LEASE_NEW] = { LEASE_RESTING, LEASE_WAITING, LEASE_GRANTED, NEVER },
	[LEASE_RESTING] = { LEASE_RESTING, LEASE_WAITING, NEVER, NEVER },
	[LEASE_WAITING] = { LEASE_RESTING, NEVER, LEASE_GRANTED, LEASE_REFUSED },
	[LEASE_GRANTED] = { LEASE_RESTING, NEVER, NEVER, NEVER },
	[LEASE_REFUSED] = { NEVER, NEVER, NEVER, NEVER },
};

void lease_move(struct lease *l, enum lease_event e)
{
	enum lease_state to = next[l->state][e];

	assert(to != NEVER);
	l->state = to;
}

void lease_step(struct lease *l, enum attempt_event e)
{
	enum attempt_state from = l->attempt, to = attempt_next(from, e);

	assert(to != ATTEMPT_NONE);
	l->attempt = to;
	log_debug("session %" PRIu64 ", pool %s: attempt %s -> %s on %s", l->session, l->pool->name,
	    attempt_state_name(from), attempt_state_name(to), attempt_event_name(e));
}

void lease_got_on(struct lease *l)
{
	l->got_on_ns = l->sign_ns = pool_now_ns(l->pool);
}

bool lease_is_at_work(const struct lease *l)
{
	return l->attempt == ATTEMPT_BEGUN || l->attempt == ATTEMPT_ENDED;
}

enum attempt_state lease_attempt(const struct lease *l)
{
	return l->attempt;
}

uint64_t lease_instance(const struct lease *l)
{
	return l->last_instance;
}

bool lease_send(struct lease *l, const struct ipc_message *m)
{
	if (l->pool->ops->send(l->pool->arg, l->instance->id, m) != 1)
		return false;
	flood_asked(l->instance);
	return true;
}
