/* What becomes of the canary's lease, which is told of it as others are. */
#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

#define AGAIN_AFTER_NS (1 * NS_PER_S) /* a canary that was lost */

static void on_writable(void *arg)
{
	struct pool *p = arg;

	canary_feed(p);
	pool_settle(p); /* the clock of who is stuck may run now */
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
	canary_rest(p);
	pool_settle(p);
}

static void on_lost(void *arg, const struct error *why, const struct loss *loss)
{
	struct pool *p = arg;

	(void)loss;
	log_warn("pool %s: the canary was lost: %s", p->name, why->text);
	p->counts.canaries_lost++;
	p->canary.not_before_ns = pool_now_ns(p) + AGAIN_AFTER_NS;
	canary_rest(p);
	pool_settle(p);
}

const struct lease_events canary_events = { .on_writable = on_writable,
	.on_partial = on_partial,
	.on_final = on_final,
	.on_lost = on_lost };
