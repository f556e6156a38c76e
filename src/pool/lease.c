/* A lease from request to release, and the utterance it carries to its instance. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

static int refuse(struct pool *p, struct error *err)
{
	if (p->state == POOL_STOPPED)
		return error_set(err, ERROR_BUSY, "pool %s: the server is shutting down", p->name);
	if (p->state == POOL_FAILED) {
		p->counts.refused_failed++;
		*err = p->failure;
		return -1;
	}
	/* Places that are free but cannot be given out yet, while the model loads, count as room. */
	if (p->places_taken + p->queue.count >= p->cfg.max + p->cfg.queue_max) {
		p->counts.refused_full++;
		return error_set(err, ERROR_BUSY,
		    "pool %s: all places are taken (max %u) and the queue is full (queue_max %u)",
		    p->name, p->cfg.max, p->cfg.queue_max);
	}
	return 0;
}

struct lease *lease_new(struct pool *pool, const struct lease_events *events, void *arg,
    struct error *err, unsigned *retry_after_ms_out)
{
	struct lease *l;

	if (refuse(pool, err) < 0) {
		if (retry_after_ms_out != NULL)
			*retry_after_ms_out = queue_retry_after_ms(pool);
		return NULL;
	}
	l = xcalloc(1, sizeof *l);
	l->pool = pool;
	l->events = events;
	l->arg = arg;
	return l;
}

void lease_start(struct lease *l)
{
	struct pool *p = l->pool;

	assert(l->state == LEASE_NEW);
	l->state = LEASE_WAITING;
	l->asked_ns = pool_now_ns(p);
	lease_list_append(&p->queue, l);
	pool_settle(p);
}

/* The instance has done its part: by `refresh` it stays with the lease or makes room for a newborn. */
static void finish_utterance(struct lease *l)
{
	struct pool *p = l->pool;

	l->step = STEP_NONE;
	l->wish_ns = 0;
	p->counts.utterances_ended++;
	if (l->instance == NULL || p->cfg.refresh != REFRESH_UTTERANCE)
		return;
	crowd_retire(p, l->instance);
	l->instance = NULL;
	lease_list_append(&p->bare, l);
}

static bool send_to(struct lease *l, const struct ipc_message *m)
{
	return l->pool->ops->send(l->pool->arg, l->instance->id, m) == 1;
}

static void forget_utterance(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_ABORT, .epoch = l->epoch };

	l->wish_ns = 0;
	if (l->step == STEP_NONE)
		return;
	if (l->pool->cfg.refresh != REFRESH_UTTERANCE && !send_to(l, &m)) {
		crowd_retire(l->pool, l->instance);
		l->instance = NULL;
		lease_list_append(&l->pool->bare, l);
	}
	finish_utterance(l);
}

void lease_abort(struct lease *l)
{
	forget_utterance(l);
	pool_settle(l->pool);
}

static void give_up_place(struct lease *l)
{
	struct pool *p = l->pool;

	forget_utterance(l);
	lease_list_remove(
	    l); /* before the pool settles: no newborn for a place that is given back */
	if (l->instance != NULL)
		crowd_give_back(p, l->instance);
	l->instance = NULL;
	p->places_taken--;
	p->counts.leases_ended++;
	queue_note_lease(p, pool_now_ns(p) - l->granted_ns);
}

void lease_release(struct lease **lease)
{
	struct lease *l = *lease;
	struct pool *p;

	if (l == NULL)
		return;
	*lease = NULL;
	p = l->pool;
	if (l->state == LEASE_GRANTED)
		give_up_place(l);
	if (l->state == LEASE_WAITING)
		p->counts.queue_left++;
	lease_list_remove(l);
	free(l);
	pool_settle(p);
}

bool lease_begin(struct lease *l, const struct ipc_begin *begin)
{
	struct pool *p = l->pool;
	struct ipc_message m = { .type = IPC_BEGIN, .epoch = p->last_epoch + 1, .begin = *begin };

	assert(l->state == LEASE_GRANTED && l->step == STEP_NONE);
	if (l->wish_ns == 0)
		l->wish_ns = pool_now_ns(p);
	if (l->instance == NULL || !send_to(l, &m))
		return false;
	l->epoch = ++p->last_epoch;
	l->step = STEP_BEGUN;
	l->instance->uses++;
	l->instance->dirty = true;
	p->counts.utterances_begun++;
	histogram_observe(&p->counts.begin, pool_now_ns(p) - l->wish_ns);
	return true;
}

size_t lease_audio(struct lease *l, const int16_t *samples, size_t n)
{
	size_t taken = 0;

	assert(l->step == STEP_BEGUN);
	while (taken < n) {
		size_t part = MIN(n - taken, (size_t)IPC_AUDIO_MAX_SAMPLES);
		struct ipc_message m = { .type = IPC_AUDIO, .epoch = l->epoch };

		m.audio.bytes =
		    (const uint8_t *)(samples + taken); /* s16le: the hosts we run on are */
		m.audio.samples = (uint32_t)part;
		if (!send_to(l, &m))
			break;
		taken += part;
	}
	return taken;
}

bool lease_request_partial(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_PARTIAL_REQUEST, .epoch = l->epoch };

	assert(l->step == STEP_BEGUN);
	return send_to(l, &m);
}

bool lease_end(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_END, .epoch = l->epoch };

	assert(l->step == STEP_BEGUN);
	if (!send_to(l, &m))
		return false;
	l->step = STEP_ENDED;
	l->ended_ns = pool_now_ns(l->pool);
	return true;
}

static void on_final(struct lease *l, const struct ipc_result *r)
{
	struct pool *p = l->pool;

	histogram_observe(&p->counts.final, pool_now_ns(p) - l->ended_ns);
	l->instance->rss_kb = r->rss_kb;
	finish_utterance(l);
	l->events->on_final(l->arg, r);
}

static void on_failed(struct lease *l, const struct ipc_failure *f)
{
	struct error err;

	(void)error_set(&err, ERROR_ENGINE, "%.*s", (int)f->text.length, f->text.bytes);
	finish_utterance(l);
	l->events->on_failed(l->arg, &err);
}

static void on_early_final(struct lease *l)
{
	struct instance *i = l->instance;
	struct error err;

	l->pool->counts.protocol_errors++;
	(void)error_set(&err, ERROR_PEER,
	    "instance %s/%" PRIu64 " sent a final before the utterance's end", l->pool->name,
	    i->id);
	log_warn("%s, killing it", err.text);
	crowd_kill(l->pool, i);
	lease_lost(l, &err);
}

/* The epoch is the lease's, and an utterance is in work. */
void lease_message(struct lease *l, const struct ipc_message *m)
{
	if (m->type == IPC_PROGRESS)
		l->events->on_progress(l->arg, m->progress_samples);
	else if (m->type == IPC_PARTIAL)
		l->events->on_partial(l->arg, &m->result);
	else if (m->type == IPC_FAILED)
		on_failed(l, &m->failure);
	else if (l->step == STEP_ENDED)
		on_final(l, &m->result);
	else
		on_early_final(l);
}

/* The instance is gone already; the place stays and gets another one. */
void lease_lost(struct lease *l, const struct error *why)
{
	bool open = l->step != STEP_NONE;

	l->instance = NULL;
	lease_list_append(&l->pool->bare, l);
	if (!open)
		return;
	l->step = STEP_NONE;
	l->wish_ns = 0;
	l->pool->counts.utterances_ended++;
	l->events->on_failed(l->arg, why);
}

uint64_t lease_instance(const struct lease *l)
{
	return l->last_instance;
}

void lease_set_owner(struct lease *l, uint64_t session)
{
	l->session = session;
}
