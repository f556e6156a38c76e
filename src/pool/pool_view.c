/* What status and metrics may see of a pool. */
#include "base/util.h"
#include "pool/pool_internal.h"

static const char *const state_names[POOL_STATES] = { "starting", "ready", "failed", "stopped" };

enum pool_state pool_state(const struct pool *p)
{
	return p->state;
}

const char *pool_state_name(enum pool_state s)
{
	return state_names[s];
}

struct turn *pool_turn(const struct pool *p)
{
	return p->turn;
}

const char *pool_failure(const struct pool *p)
{
	return p->failure.text;
}

const char *pool_name(const struct pool *p)
{
	return p->name;
}

const struct pool_config *pool_config_of(const struct pool *p)
{
	return &p->cfg;
}

const struct pool_counts *pool_counts(const struct pool *p)
{
	return &p->counts;
}

unsigned pool_instances_in(const struct pool *p, enum instance_state s)
{
	return p->in_state[s];
}

unsigned pool_places_taken(const struct pool *p)
{
	return p->places_taken;
}

unsigned pool_queue_length(const struct pool *p)
{
	return p->waiting;
}

void pool_each_instance(const struct pool *p, pool_each_f *f, void *arg)
{
	uint64_t now_ns = pool_now_ns(p);

	for (unsigned b = 0; b < BUCKETS; b++) {
		for (const struct instance *i = p->buckets[b]; i != NULL; i = i->next) {
			struct instance_view v = { .id = i->id,
				.pid = i->pid,
				.state = i->state,
				.session = i->lease == NULL ? 0 : i->lease->session,
				.uses = i->uses,
				.age_ms = (now_ns - i->born_ns) / NS_PER_MS,
				.rss_kb = i->rss_kb };

			f(arg, &v);
		}
	}
}

struct waiter_walk {
	const struct pool *pool;
	pool_waiter_f *f;
	void *arg;
	uint64_t now_ns;
};

static void show_waiter(void *arg, struct lease *l, unsigned position)
{
	const struct waiter_walk *w = arg;
	const struct waiter_view v = { .session = l->session,
		.position = position,
		.waited_ms = (w->now_ns - l->asked_ns) / NS_PER_MS,
		.estimated_wait_ms = queue_estimate_ms(w->pool, position) };

	w->f(w->arg, &v);
}

void pool_each_waiter(const struct pool *p, pool_waiter_f *f, void *arg)
{
	struct waiter_walk w = { p, f, arg, pool_now_ns(p) };

	queue_each(p, show_waiter, &w);
}
