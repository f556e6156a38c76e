/* A lease from request to release, and the attempt at an utterance that it carries to its instance. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

bool lease_is_by_utterance(const struct lease *l)
{
	return l->by_utterance || l->pool->cfg.lease == LEASE_BY_UTTERANCE;
}

void lease_queue_up(struct lease *l)
{
	lease_move(l, LEASE_QUEUE);
	l->asked_ns = pool_now_ns(l->pool);
	queue_push(l);
}

/* Its place lacks an instance. */
static void wait_bare(struct lease *l)
{
	lease_list_append(&l->pool->bare, l);
	lease_note_bare(l);
}

/* If it waits for one it does so for so long. */
void lease_note_bare(struct lease *l)
{
	struct pool *p = l->pool;

	if (l->list == &p->bare && l->attempt == ATTEMPT_WAITING)
		p->bare_look_ns =
		    MIN(p->bare_look_ns, l->wish_ns + p->cfg.queue_timeout_ms * NS_PER_MS);
}

void lease_take_place(struct lease *l)
{
	struct pool *p = l->pool;

	lease_move(l, LEASE_GRANT);
	l->granted_ns = pool_now_ns(p);
	queue_take_place(l);
	p->counts.leases_granted++;
	histogram_observe(&p->counts.wait, l->granted_ns - l->asked_ns);
	l->instance = crowd_take_idle(p, l);
	if (l->instance != NULL)
		l->last_instance = l->instance->id;
	else
		wait_bare(l);
}

void lease_leave_place(struct lease *l)
{
	struct pool *p = l->pool;

	/* Out of `bare` before the pool settles: no newborn for a place that is given back. */
	lease_list_remove(l);
	if (l->instance != NULL)
		crowd_give_back(p, l->instance);
	l->instance = NULL;
	queue_leave_place(l);
	p->counts.leases_ended++;
	queue_note_lease(p, pool_now_ns(p) - l->granted_ns);
}

bool lease_ask(struct lease *l)
{
	if (l->attempt == ATTEMPT_WAITING)
		return false;
	lease_step(l, ATTEMPT_ASK);
	l->bears_ms = LEASE_BEARS_ALL;
	l->wish_ns = pool_now_ns(l->pool);
	lease_note_bare(l);
	return true;
}

/* It was at work. */
static void note_over(struct lease *l, enum attempt_event how)
{
	lease_step(l, how);
	lease_eager_over(l);
	lease_release_slot(l);
	l->pool->in_work--;
	l->pool->counts.utterances_ended += l->tenant != NULL;
}

void lease_drop_canary(struct lease *l)
{
	struct instance *i = l->instance;

	l->instance = NULL;
	if (lease_is_at_work(l))
		note_over(l, ATTEMPT_GIVE_UP);
	if (i != NULL && l->pool->cfg.refresh == REFRESH_RESET)
		crowd_give_back(l->pool, i);
	else if (i != NULL)
		crowd_retire(l->pool, i);
}

/* Whether the next utterance is for another instance, whoever speaks. */
static bool is_used_up(const struct lease *l)
{
	bool grown = wear_is_oversized(l->pool, l->instance);

	l->pool->counts.worn += grown && l->pool->cfg.refresh != REFRESH_UTTERANCE;
	return grown || l->pool->cfg.refresh == REFRESH_UTTERANCE;
}

/* The instance has done its part: by `refresh` it stays with the lease or makes room for a newborn. */
void lease_finish(struct lease *l, enum attempt_event how)
{
	struct pool *p = l->pool;

	note_over(l, how);
	if (l->tenant == NULL) {
		lease_drop_canary(l);
		return;
	}
	if (l->instance != NULL && is_used_up(l)) {
		crowd_retire(p, l->instance);
		l->instance = NULL;
		wait_bare(l);
	}
	if (lease_is_by_utterance(l)) {
		lease_leave_place(l);
		lease_move(l, LEASE_REST);
	}
}

/* Of a place for an utterance that was not begun, or was lost. */
static void give_up_wish(struct lease *l)
{
	if (!lease_is_by_utterance(l))
		return;
	if (l->state == LEASE_WAITING) {
		queue_remove(l);
		l->pool->counts.queue_left++;
	} else if (l->state == LEASE_GRANTED) {
		lease_leave_place(l);
	} else {
		return;
	}
	lease_move(l, LEASE_REST);
}

/* One that goes all the same need not be told. */
void lease_stop_instance(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_ABORT, .epoch = l->epoch };

	if (l->pool->cfg.refresh == REFRESH_UTTERANCE || lease_send(l, &m))
		return;
	crowd_retire(l->pool, l->instance);
	l->instance = NULL;
	wait_bare(l);
}

void lease_forget_utterance(struct lease *l)
{
	lease_tell_none_of_utterance(l);
	if (!lease_is_at_work(l)) {
		if (l->attempt != ATTEMPT_NONE && l->attempt != ATTEMPT_GIVEN_UP)
			lease_step(l, ATTEMPT_GIVE_UP);
		give_up_wish(l);
		return;
	}
	lease_stop_instance(l);
	lease_finish(l, ATTEMPT_GIVE_UP);
}

/* The instance is gone already; the place stays and gets another one. */
void lease_lost(struct lease *l, struct loss_cause cause, const struct error *why)
{
	bool open = lease_is_at_work(l);
	const struct loss loss = { .cause = cause,
		.done = l->done,
		.given = l->given,
		.busy = lease_owes(l),
		.ended = l->attempt == ATTEMPT_ENDED };

	l->instance = NULL;
	if (l->tenant != NULL)
		wait_bare(l);
	if (open)
		note_over(l, ATTEMPT_LOSE);
	else if (l->tenant == NULL)
		lease_step(l, ATTEMPT_LOSE);
	if (open || l->tenant == NULL)
		lease_tell_lost(l, why, &loss);
}

void lease_leave_for(
    struct pool *p, struct instance *i, struct loss_cause cause, const struct error *why)
{
	struct lease *l = i->lease;

	i->lease = NULL;
	p->counts.lost++;
	if (i->state == INSTANCE_STARTING)
		crowd_note_spawn_failure(p);
	crowd_judge_birth(p, i);
	crowd_step(p, i, INSTANCE_LEFT);
	if (l != NULL)
		lease_lost(l, cause, why);
}

void lease_unserved(struct lease *l, const struct error *why)
{
	lease_step(l, ATTEMPT_GIVE_UP);
	give_up_wish(l);
	lease_tell_failed(l, why);
}

/* Of a session's lease this is the end; one for an utterance may ask again for the next. */
void lease_refuse(struct lease *l, const struct error *why)
{
	if (l->state == LEASE_WAITING)
		queue_remove(l);
	if (lease_is_by_utterance(l)) {
		lease_move(l, LEASE_REST);
		lease_step(l, ATTEMPT_GIVE_UP);
		lease_tell_failed(l, why);
	} else {
		lease_move(l, LEASE_REFUSE);
		lease_tell_refused(l, why, queue_retry_after_ms(l->pool));
	}
}
