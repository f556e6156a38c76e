/* Brings wishes and instances together after every change, until nothing is left to do. */
#include <inttypes.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

#define LOOK_EVERY_NS (250 * NS_PER_MS)

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
	if (l->attempt == ATTEMPT_WAITING)
		lease_tell_writable(l);
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
	if (!lease_is_by_utterance(l))
		lease_tell_granted(l);
	else if (l->instance != NULL)
		lease_tell_writable(l);
	return true;
}

static bool refuse_one(struct pool *p)
{
	struct lease *l = queue_first(p);
	struct error err;

	if (l == NULL)
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
	bool ended = l->attempt == ATTEMPT_ENDED || lease_owes_eager(l);
	struct error err;

	p->counts.stuck++;
	(void)error_set(&err, ERROR_TIMEOUT,
	    "instance %s/%" PRIu64
	    " made no progress within %s %u and %u times the audio it was given",
	    p->name, i->id, ended ? "final_timeout_ms" : "begin_timeout_ms",
	    ended ? p->cfg.final_timeout_ms : p->cfg.begin_timeout_ms, lease_slowest_factor(l));
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
static bool check_stuck(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);
	bool any = false;

	if (p->in_work == 0 || now_ns < p->look_at_ns)
		return false;
	while (kill_one_stuck(p, now_ns))
		any = true;
	p->look_at_ns = now_ns + LOOK_EVERY_NS;
	return any;
}

/* What time alone brings about; whether anything changed. */
static bool check_times(struct pool *p)
{
	bool late = crowd_check_deadlines(p), impatient = patience_check(p);
	bool stuck = check_stuck(p), worn = renewal_check(p);

	return late || impatient || stuck || worn || canary_check(p);
}

static uint64_t next_ns(const struct pool *p)
{
	uint64_t at_ns = MIN(crowd_next_ns(p), patience_next_ns(p));

	at_ns = MIN(at_ns, announce_next_ns(p));
	at_ns = MIN(at_ns, renewal_next_ns(p));
	at_ns = MIN(at_ns, canary_due_ns(p));
	return p->in_work > 0 ? MIN(at_ns, p->look_at_ns) : at_ns;
}

void pool_settle(struct pool *p)
{
	do {
		while (bind_one(p) || refuse_one(p) || grant_one(p))
			continue;
		crowd_refill(p);
	} while (check_times(p));
	announce_check(p);
	p->ops->wake_at(p->arg, next_ns(p));
}
