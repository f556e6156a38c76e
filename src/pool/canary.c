/* The canary: a short clip that an idle instance hears when none has shown for a while that it can decode. It takes no
 * place, never makes anybody wait but for the moment in which a newborn is made, and is given up when the pool stops.
 *   RESTING --due, an instance is idle--> SINGING --final, loss--> RESTING */
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

#define AGAIN_AFTER_NS (1 * NS_PER_S) /* a canary that was lost */

static void feed(struct pool *p)
{
	struct canary *c = &p->canary;
	const struct ipc_begin what = { .utterance = 1 };

	if (c->lease->step == STEP_NONE && !lease_send_begin(c->lease, &what))
		return;
	if (c->lease->step != STEP_BEGUN)
		return;
	c->sent += lease_audio(c->lease, c->samples + c->sent, c->n - c->sent);
	if (c->sent == c->n)
		(void)lease_end(c->lease);
}

static void rest(struct pool *p)
{
	free(p->canary.lease);
	p->canary.lease = NULL;
}

static void on_writable(void *arg)
{
	feed(arg);
}

static void on_progress(void *arg, uint64_t samples)
{
	(void)arg;
	(void)samples;
}

static void on_partial(void *arg, const struct ipc_result *r)
{
	(void)arg;
	(void)r;
}

static void on_final(void *arg, const struct ipc_result *r)
{
	struct pool *p = arg;

	(void)r;
	p->counts.canaries_done++;
	rest(p);
}

static void on_lost(void *arg, const struct error *why, const struct loss *loss)
{
	struct pool *p = arg;

	(void)loss;
	log_warn("pool %s: the canary was lost: %s", p->name, why->text);
	p->counts.canaries_lost++;
	p->canary.not_before_ns = pool_now_ns(p) + AGAIN_AFTER_NS;
	rest(p);
}

static const struct lease_events events = { .on_writable = on_writable,
	.on_progress = on_progress,
	.on_partial = on_partial,
	.on_final = on_final,
	.on_lost = on_lost };

static void sing(struct pool *p)
{
	struct lease *l = xcalloc(1, sizeof *l);

	l->pool = p;
	l->events = &events;
	l->arg = p;
	l->state = LEASE_GRANTED;
	l->instance = crowd_take_idle(p, l);
	p->canary.lease = l;
	p->canary.sent = 0;
	p->counts.canaries++;
	feed(p);
	p->again = true; /* an instance is missing */
}

uint64_t canary_check(struct pool *p)
{
	uint64_t due_ns =
	    MAX(p->proven_ns + p->cfg.canary_interval_ms * NS_PER_MS, p->canary.not_before_ns);

	if (p->cfg.canary_interval_ms == 0 || p->canary.n == 0 || p->canary.lease != NULL)
		return UINT64_MAX;
	if (p->state != POOL_READY || crowd_idle(p) == 0)
		return UINT64_MAX; /* there is another look when that changes */
	if (pool_now_ns(p) < due_ns)
		return due_ns;
	sing(p);
	return UINT64_MAX;
}

void canary_drop(struct pool *p)
{
	if (p->canary.lease == NULL)
		return;
	lease_drop_canary(p->canary.lease);
	rest(p);
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
