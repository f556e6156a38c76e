/* What an instance answers its lease. */
#include <inttypes.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "pool/pool_internal.h"

static void on_final(struct lease *l, const struct ipc_result *r)
{
	struct pool *p = l->pool;

	p->proven_ns = pool_now_ns(p);
	if (l->tenant != NULL)
		histogram_observe(&p->counts.final, p->proven_ns - l->ended_ns);
	if (l->instance != NULL)
		l->instance->rss_kb = r->rss_kb;
	lease_finish(l, ATTEMPT_FINAL);
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

static void on_protocol_error(struct lease *l, const char *what)
{
	struct error err;

	l->pool->counts.protocol_errors++;
	(void)error_set(&err, ERROR_PEER, "instance %s/%" PRIu64 " sent %s", l->pool->name,
	    l->instance->id, what);
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
		p->proven_ns = pool_now_ns(p);
		lease_got_on(l);
	}
	if (wear_is_oversized(l->pool, l->instance))
		on_oversized(l);
}

static void on_partial(struct lease *l, const struct ipc_result *r)
{
	if (l->partial_due) {
		l->pool->proven_ns = pool_now_ns(l->pool);
		l->partial_cost_ns = l->pool->proven_ns - l->partial_asked_ns;
		lease_got_on(l);
	}
	l->partial_due = false;
	if (l->attempt == ATTEMPT_BEGUN && l->eager == EAGER_NONE)
		lease_release_slot(l);
	lease_tell_partial(l, r);
}

/* The instance is done with it. */
static void eager_answered(struct lease *l)
{
	l->eager = EAGER_NONE;
	lease_got_on(l);
	if (l->attempt == ATTEMPT_BEGUN)
		lease_release_slot(l);
}

static void tell_eager(struct lease *l, const struct ipc_result *r)
{
	eager_answered(l);
	l->eager = EAGER_TOLD;
	l->eager_cpu_us = r->eager_cpu_us;
	lease_tell_eager(l, r);
}

static void on_eager_final(struct lease *l, const struct ipc_result *r)
{
	if (!lease_owes_eager(l)) {
		on_protocol_error(l, "an eager final that nobody asked for");
		return;
	}
	if (l->eager == EAGER_CANCELLED) {
		metric_add(METRIC_eager_cpu_in_vain_seconds_total, r->eager_cpu_us);
		eager_answered(l);
	} else if (r->samples != l->given) {
		metric_add(METRIC_eager_cpu_in_vain_seconds_total, r->eager_cpu_us);
	} else if (l->attempt == ATTEMPT_ENDED) {
		lease_stop_instance(l);
		on_final(l, r);
	} else {
		tell_eager(l, r);
	}
}

/* No partial comes for what it was asked; where it had to make room for a final one is wanted still. */
static void on_cancelled(struct lease *l)
{
	bool eager = l->eager == EAGER_CANCELLED;

	if (eager)
		eager_answered(l);
	if (!l->partial_due)
		return;
	lease_got_on(l);
	l->partial_due = false;
	if (eager || lease_needs_slot(l))
		lease_ask_partial_again(l);
}

/* The epoch is the lease's, and an utterance is in work. */
void lease_message(struct lease *l, const struct ipc_message *m)
{
	if (m->type == IPC_PROGRESS)
		on_progress(l, &m->progress);
	else if (m->type == IPC_PARTIAL)
		on_partial(l, &m->result);
	else if (m->type == IPC_EAGER_FINAL)
		on_eager_final(l, &m->result);
	else if (m->type == IPC_CANCELLED)
		on_cancelled(l);
	else if (m->type == IPC_FAILED)
		on_failed(l, &m->failure);
	else if (l->attempt == ATTEMPT_ENDED)
		on_final(l, &m->result);
	else
		on_protocol_error(l, "a final before the utterance's end");
}
