/* What clients do with a lease that changes who has a place, or wants one: each ends in pool_settle. */
#include <assert.h>
#include <stdlib.h>

#include "base/util.h"
#include "pool/pool_internal.h"

static void word_full(const struct pool *p, struct error *err)
{
	(void)error_set(err, ERROR_BUSY,
	    "pool %s: all places are taken (max %u) and the queue is full (queue_max %u)", p->name,
	    p->cfg.max, p->cfg.queue_max);
}

static int refuse(struct pool *p, struct error *err)
{
	if (p->state == POOL_STOPPED)
		return error_set(
		    err, ERROR_RESTARTING, "pool %s: the server is shutting down", p->name);
	if (p->state == POOL_FAILED) {
		p->counts.refused_failed++;
		*err = p->failure;
		return -1;
	}
	/* Places that are free but cannot be given out yet, while the model loads, count as room. */
	if (p->places_taken + p->waiting >= p->cfg.max + p->cfg.queue_max) {
		p->counts.refused_full++;
		word_full(p, err);
		return -1;
	}
	return 0;
}

/* With who has just queued up. */
static bool has_no_room(const struct pool *p)
{
	return p->places_taken + p->waiting > p->cfg.max + p->cfg.queue_max;
}

struct lease *lease_new(struct pool *pool, const struct lease_owner *owner,
    const struct lease_events *events, void *arg, struct error *err, unsigned *retry_after_ms_out)
{
	struct lease *l;

	if (!owner->by_utterance && refuse(pool, err) < 0) {
		if (retry_after_ms_out != NULL)
			*retry_after_ms_out = queue_retry_after_ms(pool);
		return NULL;
	}
	l = xcalloc(1, sizeof *l);
	l->pool = pool;
	l->events = events;
	l->arg = arg;
	l->session = owner->session;
	l->priority = owner->priority;
	lease_tell_init(l);
	if (owner->by_utterance)
		lease_join_limited(l);
	l->tenant = tenants_enter(pool, owner->tenant);
	return l;
}

void lease_start(struct lease *l)
{
	struct pool *p = l->pool;

	assert(l->state == LEASE_NEW);
	if (lease_is_by_utterance(l)) {
		lease_move(l, LEASE_REST);
		lease_tell_granted(l);
		return;
	}
	lease_queue_up(l);
	pool_settle(p);
	if (l->state == LEASE_WAITING)
		lease_tell_queued(l);
}

void lease_give_up_in(struct lease *l, uint64_t from_ns, unsigned ms)
{
	struct pool *p = l->pool;
	uint64_t look_ns = p->lack_look_ns;

	if (l->attempt != ATTEMPT_WAITING && !lease_is_at_work(l))
		return;
	l->bears_ms = ms;
	l->bears_from_ns = from_ns;
	lease_note_lack(l);
	if (p->lack_look_ns < look_ns)
		pool_settle(p);
}

void lease_abort(struct lease *l)
{
	lease_forget_utterance(l);
	pool_settle(l->pool);
}

void lease_settle(struct lease *l)
{
	if (l->attempt != ATTEMPT_BEGUN) {
		lease_abort(l);
		return;
	}
	lease_tell_none_of_utterance(l);
	lease_step(l, ATTEMPT_END);
	histogram_observe(&l->pool->counts.final, 0);
	lease_stop_instance(l);
	lease_finish(l, ATTEMPT_FINAL);
	pool_settle(l->pool);
}

void lease_release(struct lease **lease)
{
	struct lease *l = *lease;
	struct pool *p;

	if (l == NULL)
		return;
	*lease = NULL;
	p = l->pool;
	if (l->state != LEASE_NEW && l->state != LEASE_REFUSED)
		lease_forget_utterance(l);
	if (l->state == LEASE_GRANTED)
		lease_leave_place(l);
	if (l->state == LEASE_WAITING) {
		queue_remove(l);
		p->counts.queue_left++;
	}
	lease_leave_slots(l);
	lease_leave_limited(l);
	tenants_leave(p, l->tenant);
	lease_tell_none(l);
	free(l);
	pool_settle(p);
}

static void refuse_for_room(struct lease *l)
{
	struct pool *p = l->pool;
	struct error err;

	p->counts.refused_full++;
	word_full(p, &err);
	lease_refuse(l, &err);
}

/* A place for one utterance: now, if it is free and nobody else's turn. */
static void ask_place(struct lease *l)
{
	lease_queue_up(l);
	if (queue_may_grant(l->pool) && queue_first(l->pool) == l) {
		queue_remove(l);
		lease_take_place(l);
	} else if (l->by_utterance && has_no_room(l->pool)) {
		refuse_for_room(l);
	}
}

bool lease_begin(struct lease *l, const struct ipc_begin *what)
{
	struct pool *p = l->pool;
	bool begun, first, resting = l->state == LEASE_RESTING;

	assert(l->state != LEASE_NEW && l->state != LEASE_REFUSED && !lease_is_at_work(l));
	if (lease_tells_an_end(l))
		return false; /* who is told it asks again */
	first = lease_ask(l);
	if (resting)
		ask_place(l);
	begun = lease_send_begin(l, what);
	/* Somebody has to look whether it gets on, or an instance. */
	if (resting || (begun && p->in_work == 1) || (first && l->instance == NULL))
		pool_settle(p);
	return begun;
}
