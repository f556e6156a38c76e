/* The canary: a short clip that an idle instance hears when none has shown for a while that it can decode. It takes no
 * place, never makes anybody wait but for the moment in which a newborn is made, and is given up when the pool stops.
 *   RESTING --due, an instance is idle--> SINGING --final, loss--> RESTING */
#include <stdlib.h>

#include "base/util.h"
#include "pool/pool_internal.h"

void canary_feed(struct pool *p)
{
	struct canary *c = &p->canary;
	const struct ipc_begin what = { .utterance = 1 };

	if (c->lease->attempt == ATTEMPT_WAITING && !lease_send_begin(c->lease, &what))
		return;
	if (c->lease->attempt != ATTEMPT_BEGUN)
		return;
	c->sent += lease_audio(c->lease, c->samples + c->sent, c->n - c->sent);
	if (c->sent == c->n)
		(void)lease_end(c->lease);
}

void canary_rest(struct pool *p)
{
	lease_tell_none(p->canary.lease);
	lease_leave_slots(p->canary.lease);
	free(p->canary.lease);
	p->canary.lease = NULL;
}

static void sing(struct pool *p)
{
	struct lease *l = xcalloc(1, sizeof *l);

	l->pool = p;
	l->events = p->canary.events;
	l->arg = p;
	lease_tell_init(l);
	lease_move(l, LEASE_GRANT);
	l->instance = crowd_take_idle(p, l);
	lease_ask(l);
	p->canary.lease = l;
	p->canary.sent = 0;
	p->counts.canaries++;
	canary_feed(p);
}

uint64_t canary_due_ns(const struct pool *p)
{
	if (p->cfg.canary_interval_ms == 0 || p->canary.n == 0 || p->canary.lease != NULL)
		return UINT64_MAX;
	if (p->state != POOL_READY || crowd_idle(p) == 0)
		return UINT64_MAX; /* there is another look when that changes */
	return MAX(p->proven_ns + p->cfg.canary_interval_ms * NS_PER_MS, p->canary.not_before_ns);
}

bool canary_check(struct pool *p)
{
	if (pool_now_ns(p) < canary_due_ns(p))
		return false;
	sing(p);
	return true;
}

void canary_drop(struct pool *p)
{
	if (p->canary.lease == NULL)
		return;
	lease_drop_canary(p->canary.lease);
	canary_rest(p);
}

void pool_set_canary(struct pool *p, const int16_t *samples, size_t n)
{
	canary_drop(p);
	p->canary.samples = samples;
	p->canary.n = n;
}

bool pool_is_proven(const struct pool *p)
{
	if (p->state != POOL_READY)
		return false;
	return p->cfg.canary_interval_ms == 0 || p->canary.n == 0 ||
	    pool_now_ns(p) <= p->proven_ns + 2 * p->cfg.canary_interval_ms * NS_PER_MS;
}
