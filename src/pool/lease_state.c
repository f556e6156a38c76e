/* What a lease is at, and what it says to its instance: all that the other files of a lease stand on. */
#include <assert.h>
#include <inttypes.h>

#include "base/log.h"
#include "pool/pool_internal.h"

/* The only writer of l->attempt. */
void lease_step(struct lease *l, enum attempt_event e)
{
	enum attempt_state from = l->attempt, to = attempt_next(from, e);

	assert(to != ATTEMPT_NONE);
	l->attempt = to;
	log_debug("session %" PRIu64 ", pool %s: attempt %s -> %s on %s", l->session, l->pool->name,
	    attempt_state_name(from), attempt_state_name(to), attempt_event_name(e));
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
	return l->pool->ops->send(l->pool->arg, l->instance->id, m) == 1;
}
