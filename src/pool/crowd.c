/* The instances of a pool: how many there ought to be, and the one writer of their states. */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

#define SPAWN_PAUSE_NS  (100 * NS_PER_MS) /* after a newborn that failed; doubles */
#define SPAWN_PAUSES    6                 /* ... so often */
#define BIRTHS_IN_VAIN  3                 /* in a row: it is their host that is at fault */
#define RETIRE_GRACE_NS (2 * NS_PER_S)    /* from being told to go to being killed */

struct instance *crowd_find(const struct pool *p, uint64_t id)
{
	struct instance *i = p->buckets[id % BUCKETS];

	while (i != NULL && i->id != id)
		i = i->next;
	return i;
}

static uint64_t deadline_ns(const struct pool *p, const struct instance *i)
{
	if (i->state == INSTANCE_STARTING)
		return i->since_ns + p->cfg.start_timeout_ms * NS_PER_MS;
	if (i->state == INSTANCE_RETIRING)
		return i->since_ns + RETIRE_GRACE_NS;
	return UINT64_MAX;
}

bool crowd_is_older(const void *left, const void *right)
{
	const struct instance *a = left, *b = right;

	return a->id < b->id;
}

static void join_idle(struct pool *p, struct instance *i)
{
	heap_add(&p->idle, &i->idle);
	p->worn_look_ns = MIN(p->worn_look_ns, wear_due_ns(p, i));
}

void crowd_step(struct pool *p, struct instance *i, enum instance_event e)
{
	enum instance_state from = i->state, to = instance_next(from, e);

	assert(to != INSTANCE_NONE);
	p->in_state[from]--;
	p->in_state[to]++;
	i->state = to;
	if (from != to)
		i->since_ns = pool_now_ns(p);
	heap_remove(&p->idle, &i->idle);
	if (to == INSTANCE_IDLE && !i->worn)
		join_idle(p, i);
	p->deadline_ns = MIN(p->deadline_ns, deadline_ns(p, i));
	log_debug("instance %s/%llu: %s -> %s on %s", p->name, (unsigned long long)i->id,
	    instance_state_name(from), instance_state_name(to), instance_event_name(e));
}

static void insert(struct pool *p, uint64_t id)
{
	struct instance *i = xcalloc(1, sizeof *i);

	i->id = id;
	i->idle.of = i;
	i->state = INSTANCE_STARTING;
	i->generation = p->generation;
	i->born_ns = i->since_ns = pool_now_ns(p);
	flood_init(p, i);
	i->next = p->buckets[id % BUCKETS];
	p->buckets[id % BUCKETS] = i;
	p->in_state[INSTANCE_STARTING]++;
	p->deadline_ns = MIN(p->deadline_ns, deadline_ns(p, i));
	p->counts.spawned++;
}

void crowd_remove(struct pool *p, struct instance *i)
{
	struct instance **at = &p->buckets[i->id % BUCKETS];

	assert(i->state == INSTANCE_DEAD && i->lease == NULL);
	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	p->in_state[INSTANCE_DEAD]--;
	p->counts.exited++;
	free(i);
}

unsigned crowd_idle(const struct pool *p)
{
	return p->idle.n;
}

unsigned crowd_worn_idle(const struct pool *p)
{
	return p->in_state[INSTANCE_IDLE] - p->idle.n;
}

void crowd_mark_worn(struct pool *p, struct instance *i)
{
	i->worn = true;
	heap_remove(&p->idle, &i->idle);
}

static unsigned ahead(const struct pool *p)
{
	return p->in_state[INSTANCE_STARTING] + crowd_idle(p);
}

/* For how many there is room beside those that are not to be had. A row is free again when whoever had it is over. */
static unsigned room(const struct pool *p)
{
	unsigned most = p->cfg.max + p->cfg.spare, taken = p->in_state[INSTANCE_LEASED];

	if (p->traits.rows > 0) {
		most = MIN(most, (unsigned)p->traits.rows);
		taken += p->in_state[INSTANCE_RETIRING] + crowd_worn_idle(p);
	}
	return most - MIN(taken, most);
}

/* Newborns wanted now: one for each place that lacks one, the spare ones, and what `min` asks for. */
unsigned crowd_wanted(const struct pool *p)
{
	unsigned leased = p->in_state[INSTANCE_LEASED];
	unsigned want = p->bare.count + p->cfg.spare;

	if (p->cfg.min > leased)
		want = MAX(want, p->cfg.min - leased);
	if (p->waiting > 0 && p->places_taken < p->cfg.max)
		want++;
	return MIN(want, room(p));
}

void crowd_refill(struct pool *p)
{
	if (p->state == POOL_STOPPED || pool_now_ns(p) < p->spawn_not_before_ns)
		return;
	while (ahead(p) < crowd_wanted(p)) {
		if (p->ops->spawn(p->arg, p->last_id + 1) < 0)
			return;
		insert(p, ++p->last_id);
	}
}

void crowd_note_spawn_failure(struct pool *p)
{
	unsigned n = MIN(p->spawn_failures, (unsigned)SPAWN_PAUSES);

	p->spawn_failures++;
	p->spawn_not_before_ns = pool_now_ns(p) + (SPAWN_PAUSE_NS << n);
}

static void replace_host(struct pool *p)
{
	struct error err;

	(void)error_set(&err, ERROR_ENGINE,
	    "made %d instances in a row of which none was ready within start_timeout_ms %u",
	    BIRTHS_IN_VAIN, p->cfg.start_timeout_ms);
	p->ops->replace_host(p->arg, &err);
}

/* One that has no process yet says nothing: its host owes it still, or the system had no room. Of those that were on their
 * way together one is counted, since one moment of the machine may have been too much for all of them. */
void crowd_judge_birth(struct pool *p, const struct instance *i)
{
	bool is_newborn = i->state == INSTANCE_STARTING && i->pid != 0 && !i->dirty;

	if (!is_newborn || i->born_ns < p->births_since_ns || p->state != POOL_READY)
		return;
	p->births_since_ns = pool_now_ns(p);
	if (++p->failed_births < BIRTHS_IN_VAIN)
		return;
	p->failed_births = 0;
	replace_host(p);
}

void crowd_trust_births(struct pool *p)
{
	p->spawn_failures = p->failed_births = 0;
	p->unborn = (struct error)ERROR_INIT;
}

/* The oldest idle one: the others stay warm for as long as they can. */
struct instance *crowd_take_idle(struct pool *p, struct lease *l)
{
	struct instance *best = heap_first(&p->idle);

	if (best == NULL)
		return NULL;
	crowd_step(p, best, INSTANCE_LENT);
	best->lease = l;
	return best;
}

void crowd_retire(struct pool *p, struct instance *i)
{
	i->lease = NULL;
	crowd_step(p, i, INSTANCE_LEFT);
	p->ops->retire(p->arg, i->id);
}

void crowd_kill(struct pool *p, struct instance *i)
{
	i->lease = NULL;
	if (i->state != INSTANCE_RETIRING)
		crowd_step(p, i, INSTANCE_LEFT);
	p->ops->kill(p->arg, i->id);
}

static bool reset(struct pool *p, struct instance *i)
{
	const struct ipc_message m = { .type = IPC_RESET };

	if (p->ops->send(p->arg, i->id, &m) != 1)
		return false;
	flood_asked(i);
	i->lease = NULL;
	crowd_step(p, i, INSTANCE_RETURNED);
	return true;
}

void crowd_give_back(struct pool *p, struct instance *i)
{
	i->clients += i->dirty;
	if (p->state == POOL_STOPPED) {
		crowd_retire(p, i);
	} else if (i->dirty && wear_is_due(p, i)) {
		p->counts.worn++;
		crowd_retire(p, i);
	} else if (!i->dirty) {
		i->lease = NULL;
		crowd_step(p, i, INSTANCE_UNUSED);
	} else if (p->cfg.refresh != REFRESH_RESET || !reset(p, i)) {
		crowd_retire(p, i);
	}
}

void crowd_trim(struct pool *p)
{
	unsigned most = p->cfg.max + p->cfg.spare;

	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next)
			if (i->state == INSTANCE_IDLE &&
			    p->in_state[INSTANCE_LEASED] + ahead(p) > most)
				crowd_retire(p, i);
}

void crowd_retire_idle(struct pool *p)
{
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next)
			if (i->state == INSTANCE_IDLE || i->state == INSTANCE_STARTING)
				crowd_retire(p, i);
}

static void kill_late(struct pool *p, struct instance *i, uint64_t now_ns)
{
	if (i->state == INSTANCE_STARTING)
		log_warn("instance %s/%llu: not ready after start_timeout_ms %u, killing it",
		    p->name, (unsigned long long)i->id, p->cfg.start_timeout_ms);
	crowd_judge_birth(p, i);
	i->since_ns = now_ns; /* kill again, should it be needed, one grace later */
	crowd_kill(p, i);
}

bool crowd_check_deadlines(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);
	bool any = false;

	if (now_ns < p->deadline_ns)
		return false;
	p->deadline_ns = UINT64_MAX;
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next) {
			if (deadline_ns(p, i) <= now_ns) {
				kill_late(p, i, now_ns);
				any = true;
			}
			p->deadline_ns = MIN(p->deadline_ns, deadline_ns(p, i));
		}
	}
	return any;
}

uint64_t crowd_next_ns(const struct pool *p)
{
	return p->spawn_not_before_ns > pool_now_ns(p) ? MIN(p->deadline_ns, p->spawn_not_before_ns)
						       : p->deadline_ns;
}
