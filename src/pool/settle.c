/* Brings wishes and instances together after every change, until nothing is left to do. */
#include <inttypes.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

#define LOOK_EVERY_NS (250 * NS_PER_MS)

static void call_writable(struct lease *l)
{
	struct pool *p = l->pool;

	l->call_due = l == p->asking;
	p->call_later = p->call_later || l->call_due;
	if (!l->call_due)
		l->events->on_writable(l->arg);
}

/* What could not be said while the lease itself was asking. */
static bool call_one(struct pool *p)
{
	if (!p->call_later || p->asking != NULL)
		return false;
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next)
			if (i->lease != NULL && i->lease->call_due) {
				call_writable(i->lease);
				return true;
			}
	p->call_later = false;
	return false;
}

/* Gives an instance to the place that has waited for one longest. */
static bool bind_one(struct pool *p)
{
	struct lease *l = p->bare.first;

	if (l == NULL)
		return false;
	l->instance = crowd_take_idle(p, l);
	if (l->instance == NULL)
		return false;
	l->last_instance = l->instance->id;
	lease_list_remove(l);
	if (l->wish_ns != 0)
		call_writable(l);
	return true;
}

static bool grant_one(struct pool *p)
{
	struct lease *l;

	if (!queue_may_grant(p))
		return false;
	l = queue_first(p);
	queue_remove(l);
	lease_take_place(l);
	if (p->cfg.lease == LEASE_BY_SESSION)
		l->events->on_granted(l->arg);
	else if (l->instance != NULL)
		call_writable(l);
	return true;
}

static bool refuse_one(struct pool *p)
{
	struct lease *l = p->waiting > 0 ? queue_first(p) : NULL;
	struct error err;

	if (l == NULL || l == p->asking)
		return false;
	if (p->state == POOL_FAILED)
		err = p->failure;
	else if (p->state == POOL_STOPPED)
		(void)error_set(
		    &err, ERROR_RESTARTING, "pool %s: the server is shutting down", p->name);
	else
		return false;
	p->counts.refused_failed++;
	lease_refuse(l, &err);
	return true;
}

static void kill_stuck(struct pool *p, struct instance *i)
{
	struct lease *l = i->lease;
	bool ended = l->step == STEP_ENDED;
	struct error err;

	p->counts.stuck++;
	(void)error_set(&err, ERROR_TIMEOUT,
	    "instance %s/%" PRIu64
	    " made no progress within %s %u and %u times the audio it was given",
	    p->name, i->id, ended ? "final_timeout_ms" : "begin_timeout_ms",
	    ended ? p->cfg.final_timeout_ms : p->cfg.begin_timeout_ms, p->cfg.slowest_factor);
	log_warn("%s, killing it", err.text);
	crowd_kill(p, i);
	lease_lost(l, (struct loss_cause){ LOSS_STUCK, 0 }, &err);
}

/* Nobody has said in time why its socket ended: its host stands still, or it does itself. */
static void leave_unexplained(struct pool *p, struct instance *i)
{
	struct error err;

	(void)error_set(
	    &err, ERROR_PEER, "instance %s/%" PRIu64 " closed its socket", p->name, i->id);
	lease_leave_for(p, i, (struct loss_cause){ LOSS_UNKNOWN, 0 }, &err);
}

static bool kill_one_stuck(struct pool *p, uint64_t now_ns)
{
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next)
			if (i->lease != NULL && lease_due_ns(i->lease) <= now_ns) {
				if (i->closed_ns != 0)
					leave_unexplained(p, i);
				else
					kill_stuck(p, i);
				return true;
			}
	return false;
}

/* Progress comes too often to plan anew with each, so while somebody speaks all leases are looked at now and then. */
static uint64_t check_stuck(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);

	if (p->in_work == 0)
		return UINT64_MAX;
	if (now_ns >= p->look_at_ns) {
		while (kill_one_stuck(p, now_ns))
			p->again = true;
		p->look_at_ns = now_ns + LOOK_EVERY_NS;
	}
	return p->look_at_ns;
}

/* Any callback in here may ask for another round instead of starting one inside this one. */
void pool_settle(struct pool *p)
{
	uint64_t next_ns;

	p->again = true;
	if (p->settling)
		return;
	p->settling = true;
	do {
		p->again = false;
		while (call_one(p) || bind_one(p) || refuse_one(p) || grant_one(p))
			continue;
		crowd_refill(p);
		queue_announce(p);
		next_ns = crowd_check_deadlines(p);
		next_ns = MIN(next_ns, patience_check_queue(p));
		next_ns = MIN(next_ns, patience_check_bare(p));
		next_ns = MIN(next_ns, check_stuck(p));
		next_ns = MIN(next_ns, renewal_check(p));
		next_ns = MIN(next_ns, canary_check(p));
	} while (p->again);
	p->settling = false;
	if (p->call_later || (p->asking != NULL && p->waiting > 0 && p->state != POOL_READY))
		next_ns = pool_now_ns(p); /* but not from inside a call of that lease */
	p->ops->wake_at(p->arg, next_ns);
}
