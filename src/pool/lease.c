/* A lease from request to release, and the attempt at an utterance that it carries to its instance. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

bool lease_is_by_utterance(const struct lease *l)
{
	return l->pool->cfg.lease == LEASE_BY_UTTERANCE;
}

void lease_queue_up(struct lease *l)
{
	l->state = LEASE_WAITING;
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

	l->state = LEASE_GRANTED;
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

/* The only writer of l->attempt. */
static void step(struct lease *l, enum attempt_event e)
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

bool lease_ask(struct lease *l)
{
	if (l->attempt == ATTEMPT_WAITING)
		return false;
	step(l, ATTEMPT_ASK);
	l->wish_ns = pool_now_ns(l->pool);
	lease_note_bare(l);
	return true;
}

/* It was at work. */
static void note_over(struct lease *l, enum attempt_event how)
{
	step(l, how);
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
static void finish_utterance(struct lease *l, enum attempt_event how)
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
		l->state = LEASE_RESTING;
	}
}

static bool send_to(struct lease *l, const struct ipc_message *m)
{
	return l->pool->ops->send(l->pool->arg, l->instance->id, m) == 1;
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
	l->state = LEASE_RESTING;
}

void lease_forget_utterance(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_ABORT, .epoch = l->epoch };

	lease_tell_none_of_utterance(l);
	if (!lease_is_at_work(l)) {
		if (l->attempt != ATTEMPT_NONE && l->attempt != ATTEMPT_GIVEN_UP)
			step(l, ATTEMPT_GIVE_UP);
		give_up_wish(l);
		return;
	}
	if (l->pool->cfg.refresh != REFRESH_UTTERANCE && !send_to(l, &m)) {
		crowd_retire(l->pool, l->instance);
		l->instance = NULL;
		wait_bare(l);
	}
	finish_utterance(l, ATTEMPT_GIVE_UP);
}

static void note_begun(struct lease *l)
{
	struct pool *p = l->pool;

	l->epoch = ++p->last_epoch;
	step(l, ATTEMPT_BEGIN);
	l->given = l->done = l->signs = 0;
	l->partial_due = false;
	l->sign_ns = pool_now_ns(p);
	l->instance->uses++;
	l->instance->dirty = true;
	p->in_work++;
	if (l->tenant == NULL)
		return;
	p->counts.utterances_begun++;
	histogram_observe(&p->counts.begin, l->sign_ns - l->wish_ns);
}

bool lease_send_begin(struct lease *l, const struct ipc_begin *what)
{
	const struct ipc_message m = {
		.type = IPC_BEGIN, .epoch = l->pool->last_epoch + 1, .begin = *what
	};

	if (l->instance == NULL || !send_to(l, &m))
		return false;
	note_begun(l);
	return true;
}

static bool owes(const struct lease *l)
{
	return l->attempt == ATTEMPT_ENDED ||
	    (l->attempt == ATTEMPT_BEGUN &&
		(l->partial_due || l->given - l->done >= IPC_BLOCK_SAMPLES));
}

/* An instance whose socket has ended owes the reason. */
#define REASON_WITHIN_NS (200 * NS_PER_MS)

/* How much it may have to decode before it is heard of again; some engines decode all of it anew for a partial, or for
 * the final. */
static uint64_t owed_samples(const struct lease *l)
{
	const struct ipc_traits *t = &l->pool->traits;
	bool anew = l->attempt == ATTEMPT_ENDED
	    ? t->decoding == IPC_DECODES_WHOLE
	    : l->partial_due && t->partials == IPC_PARTIALS_ANEW;

	return anew ? l->given : l->given - l->done;
}

unsigned lease_slowest_factor(const struct lease *l)
{
	return MAX(l->pool->cfg.slowest_factor, l->pool->traits.quiet_factor);
}

uint64_t lease_due_ns(const struct lease *l)
{
	const struct pool_config *cfg = &l->pool->cfg;
	uint64_t patience_ns, audio_ns = owed_samples(l) * NS_PER_S / IPC_RATE_HZ;

	if (l->instance != NULL && l->instance->closed_ns != 0)
		return l->instance->closed_ns + REASON_WITHIN_NS;
	if (!owes(l))
		return UINT64_MAX;
	patience_ns =
	    (l->attempt == ATTEMPT_ENDED ? cfg->final_timeout_ms : cfg->begin_timeout_ms) *
	    NS_PER_MS;
	return l->sign_ns + patience_ns + audio_ns * lease_slowest_factor(l);
}

size_t lease_audio(struct lease *l, const int16_t *samples, size_t n)
{
	bool owed = owes(l);
	size_t taken = 0;

	if (l->attempt != ATTEMPT_BEGUN)
		return 0;
	while (taken < n) {
		size_t part = MIN(n - taken, (size_t)IPC_AUDIO_MAX_SAMPLES);
		struct ipc_message m = { .type = IPC_AUDIO, .epoch = l->epoch };

		m.audio.bytes =
		    (const uint8_t *)(samples + taken); /* s16le: the hosts we run on are */
		m.audio.samples = (uint32_t)part;
		if (!send_to(l, &m))
			break;
		taken += part;
		l->given += part;
	}
	if (!owed)
		l->sign_ns = pool_now_ns(l->pool);
	return taken;
}

bool lease_request_partial(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_PARTIAL_REQUEST, .epoch = l->epoch };
	bool owed = owes(l);

	if (l->attempt != ATTEMPT_BEGUN || !send_to(l, &m))
		return false;
	l->partial_due = true;
	if (!owed)
		l->sign_ns = pool_now_ns(l->pool);
	return true;
}

bool lease_end(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_END, .epoch = l->epoch };

	if (l->attempt != ATTEMPT_BEGUN || !send_to(l, &m))
		return false;
	step(l, ATTEMPT_END);
	l->partial_due = false; /* the final stands for it */
	l->ended_ns = l->sign_ns = pool_now_ns(l->pool);
	return true;
}

static void on_final(struct lease *l, const struct ipc_result *r)
{
	struct pool *p = l->pool;

	p->proven_ns = pool_now_ns(p);
	if (l->tenant != NULL)
		histogram_observe(&p->counts.final, p->proven_ns - l->ended_ns);
	l->instance->rss_kb = r->rss_kb;
	finish_utterance(l, ATTEMPT_FINAL);
	lease_tell_final(l, r);
}

/* What an engine could not do with this instance it may do with another. */
static void on_failed(struct lease *l, const struct ipc_failure *f)
{
	struct error err;

	(void)error_set(&err, ERROR_ENGINE, "%.*s", (int)f->text.length, f->text.bytes);
	crowd_retire(l->pool, l->instance);
	lease_lost(l, (struct loss_cause){ LOSS_FAILED, 0 }, &err);
}

static void kill_and_lose(struct lease *l, enum loss_kind kind, const struct error *why)
{
	log_warn("%s, killing it", why->text);
	crowd_kill(l->pool, l->instance);
	lease_lost(l, (struct loss_cause){ kind, 0 }, why);
}

static void on_early_final(struct lease *l)
{
	struct instance *i = l->instance;
	struct error err;

	l->pool->counts.protocol_errors++;
	(void)error_set(&err, ERROR_PEER,
	    "instance %s/%" PRIu64 " sent a final before the utterance's end", l->pool->name,
	    i->id);
	kill_and_lose(l, LOSS_GARBAGE, &err);
}

static void on_oversized(struct lease *l)
{
	struct error err;

	l->pool->counts.oversized++;
	(void)error_set(&err, ERROR_LIMIT, "instance %s/%" PRIu64 " uses %u MB (max_rss_mb %u)",
	    l->pool->name, l->instance->id, l->instance->rss_kb / 1024, l->pool->cfg.max_rss_mb);
	kill_and_lose(l, LOSS_MEMORY, &err);
}

static void on_progress(struct lease *l, const struct ipc_progress *progress)
{
	struct pool *p = l->pool;

	l->instance->rss_kb = progress->rss_kb;
	if (progress->signs > l->signs)
		l->sign_ns = pool_now_ns(p); /* it computes, whatever has come of it */
	l->signs = progress->signs;
	if (progress->samples > l->done && progress->samples <= l->given) {
		l->done = progress->samples;
		p->proven_ns = l->sign_ns = pool_now_ns(p);
	}
	if (wear_is_oversized(l->pool, l->instance))
		on_oversized(l);
}

static void on_partial(struct lease *l, const struct ipc_result *r)
{
	if (l->partial_due)
		l->pool->proven_ns = l->sign_ns = pool_now_ns(l->pool);
	l->partial_due = false;
	lease_tell_partial(l, r);
}

/* No partial comes for what it was asked. */
static void on_cancelled(struct lease *l)
{
	if (l->partial_due)
		l->sign_ns = pool_now_ns(l->pool);
	l->partial_due = false;
}

/* The epoch is the lease's, and an utterance is in work. */
void lease_message(struct lease *l, const struct ipc_message *m)
{
	if (m->type == IPC_PROGRESS)
		on_progress(l, &m->progress);
	else if (m->type == IPC_PARTIAL)
		on_partial(l, &m->result);
	else if (m->type == IPC_CANCELLED)
		on_cancelled(l);
	else if (m->type == IPC_FAILED)
		on_failed(l, &m->failure);
	else if (l->attempt == ATTEMPT_ENDED)
		on_final(l, &m->result);
	else
		on_early_final(l);
}

/* The instance is gone already; the place stays and gets another one. */
void lease_lost(struct lease *l, struct loss_cause cause, const struct error *why)
{
	bool open = lease_is_at_work(l);
	const struct loss loss = { .cause = cause,
		.done = l->done,
		.given = l->given,
		.busy = owes(l),
		.ended = l->attempt == ATTEMPT_ENDED };

	l->instance = NULL;
	if (l->tenant != NULL)
		wait_bare(l);
	if (open)
		note_over(l, ATTEMPT_LOSE);
	else if (l->tenant == NULL)
		step(l, ATTEMPT_LOSE);
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
	step(l, ATTEMPT_GIVE_UP);
	give_up_wish(l);
	lease_tell_failed(l, why);
}

/* Of a session's lease this is the end; one for an utterance may ask again for the next. */
void lease_refuse(struct lease *l, const struct error *why)
{
	if (l->state == LEASE_WAITING)
		queue_remove(l);
	if (lease_is_by_utterance(l)) {
		l->state = LEASE_RESTING;
		step(l, ATTEMPT_GIVE_UP);
		lease_tell_failed(l, why);
	} else {
		l->state = LEASE_REFUSED;
		lease_tell_refused(l, why, queue_retry_after_ms(l->pool));
	}
}

enum attempt_state lease_attempt(const struct lease *l)
{
	return l->attempt;
}

uint64_t lease_instance(const struct lease *l)
{
	return l->last_instance;
}
