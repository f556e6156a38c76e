/* The leases that wait for a place. The higher priority goes first; within one, the tenant that holds the fewest places,
 * and of those with equally many the one whose last turn is longest ago; within a tenant, first come, first served. So
 * one that opens many sessions waits behind its own, and not others behind it.
 *
 * Nothing here costs more for thousands that wait than for a few, but for queue_each. A waiter's rank is what it would be
 * if places were given out now one after the other: each waiter stands where its tenant will hold as many places as it
 * holds now and as have gone to those of it that wait before. So the rank of one is counted from how many wait of each tenant, which
 * is done where those are few; otherwise it is known when all have been ranked (announce.c). `queue_moves` counts
 * what changes the ranks of others. */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "base/util.h"
#include "pool/pool_internal.h"

enum {
	RETRY_AFTER_MIN_MS = 1000,
	MEAN_WEIGHT = 5, /* a lease counts for one fifth of the mean */
	COUNTED_MAX = 64 /* tenants, or leases of one, beyond which a single rank is not counted */
};

void lease_list_append(struct lease_list *list, struct lease *l)
{
	assert(l->list == NULL);
	l->list = list;
	l->next = NULL;
	l->prev = list->last;
	if (list->last != NULL)
		list->last->next = l;
	else
		list->first = l;
	list->last = l;
	list->count++;
}

void lease_list_remove(struct lease *l)
{
	struct lease_list *list = l->list;

	if (list == NULL)
		return;
	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		list->first = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	else
		list->last = l->prev;
	list->count--;
	l->prev = l->next = NULL;
	l->list = NULL;
}

/* All that wait, by when they came. */

static void join_ages(struct pool *p, struct lease *l)
{
	l->older = p->newest;
	l->newer = NULL;
	if (p->newest != NULL)
		p->newest->newer = l;
	else
		p->oldest = l;
	p->newest = l;
}

static void leave_ages(struct pool *p, struct lease *l)
{
	if (l->older != NULL)
		l->older->newer = l->newer;
	else
		p->oldest = l->newer;
	if (l->newer != NULL)
		l->newer->older = l->older;
	else
		p->newest = l->older;
	l->older = l->newer = NULL;
}

/* How many places a tenant holds when the first of its leases in a level is granted. */
static unsigned held_before(const struct tenant *t, unsigned level)
{
	unsigned held = t->held;

	for (unsigned above = 0; above < level; above++)
		held += t->waiting[above].count;
	return held;
}

/* How many wait before it in its list; UINT_MAX: not counted. New ones are at the end. */
static unsigned count_own(const struct lease *l)
{
	unsigned behind = 0;

	for (const struct lease *o = l->next; o != NULL; o = o->next)
		if (++behind == COUNTED_MAX)
			return UINT_MAX;
	return l->list->count - 1 - behind;
}

/* Of `t`, how many go before one whose tenant holds `held` places by then. */
static unsigned count_of(
    const struct tenant *t, unsigned level, unsigned held, const struct tenant *of)
{
	unsigned from = held_before(t, level), to = from + t->waiting[level].count;

	if (held < from)
		return 0;
	if (held >= to)
		return to - from;
	return held - from + tenants_is_before(t, of);
}

static unsigned count_position(const struct lease *l)
{
	const struct pool *p = l->pool;
	const struct heap *turns = &p->turns[l->priority];
	unsigned own = count_own(l), position = own + 1, held;

	if (own == UINT_MAX || turns->n > COUNTED_MAX)
		return 0;
	held = held_before(l->tenant, l->priority) + own;
	for (unsigned above = 0; above < l->priority; above++)
		position += p->waiting_in[above];
	for (unsigned i = 1; i <= turns->n; i++)
		if (turns->nodes[i]->of != l->tenant)
			position += count_of(turns->nodes[i]->of, l->priority, held, l->tenant);
	return position;
}

unsigned queue_position(const struct lease *l)
{
	return l->ranked_at == l->pool->queue_moves ? l->position : count_position(l);
}

/* One that is the last of all comes and goes without moving others. */
static void note_moved(struct pool *p, const struct lease *l)
{
	if (p->cfg.lease == LEASE_BY_SESSION && count_position(l) != p->waiting)
		p->queue_moves++;
}

void queue_push(struct lease *l)
{
	struct pool *p = l->pool;
	struct lease_list *list = &l->tenant->waiting[l->priority];

	lease_list_append(list, l);
	join_ages(p, l);
	p->waiting_in[l->priority]++;
	p->waiting++;
	if (list->count == 1)
		heap_add(&p->turns[l->priority], &l->tenant->turns[l->priority]);
	note_moved(p, l);
}

void queue_remove(struct lease *l)
{
	struct pool *p = l->pool;
	struct lease_list *list = l->list;

	note_moved(p, l);
	lease_list_remove(l);
	leave_ages(p, l);
	p->waiting_in[l->priority]--;
	p->waiting--;
	if (list->count == 0)
		heap_remove(&p->turns[l->priority], &l->tenant->turns[l->priority]);
}

void queue_take_place(struct lease *l)
{
	struct pool *p = l->pool;

	l->tenant->held++;
	l->tenant->turn = ++p->last_turn;
	p->places_taken++;
	p->queue_moves++;
	tenants_moved(p, l->tenant);
}

void queue_leave_place(struct lease *l)
{
	struct pool *p = l->pool;

	l->tenant->held--;
	p->places_taken--;
	p->queue_moves++;
	tenants_moved(p, l->tenant);
}

struct lease *queue_first(const struct pool *p)
{
	for (unsigned level = 0; level < PRIORITIES; level++) {
		const struct tenant *t = heap_first(&p->turns[level]);

		if (t != NULL)
			return t->waiting[level].first;
	}
	return NULL;
}

struct rank {
	struct lease *lease;
	unsigned held; /* places of its tenant when it is its turn */
	uint64_t turn, came;
};

/* Of one level. */
static int compare(const void *left, const void *right)
{
	const struct rank *a = left, *b = right;

	if (a->held != b->held)
		return a->held < b->held ? -1 : 1;
	if (a->turn != b->turn)
		return a->turn < b->turn ? -1 : 1;
	return a->came < b->came ? -1 : a->came > b->came;
}

static unsigned rank_level(const struct pool *p, unsigned level, struct rank *ranks)
{
	const struct heap *turns = &p->turns[level];
	unsigned n = 0;

	for (unsigned i = 1; i <= turns->n; i++) {
		const struct tenant *t = turns->nodes[i]->of;
		unsigned held = held_before(t, level);

		for (struct lease *l = t->waiting[level].first; l != NULL; l = l->next)
			ranks[n++] = (struct rank){ l, held++, t->turn, t->came };
	}
	qsort(ranks, n, sizeof *ranks, compare);
	return n;
}

void queue_each(
    const struct pool *p, void (*f)(void *arg, struct lease *l, unsigned position), void *arg)
{
	struct rank *ranks = xcalloc(p->waiting + 1u, sizeof *ranks);
	unsigned n = 0;

	for (unsigned level = 0; level < PRIORITIES; level++)
		n += rank_level(p, level, ranks + n);
	assert(n == p->waiting);
	for (unsigned i = 0; i < n; i++)
		f(arg, ranks[i].lease, i + 1);
	free(ranks);
}

void queue_note_lease(struct pool *p, uint64_t duration_ns)
{
	p->mean_lease_ns = (p->mean_lease_ns * (MEAN_WEIGHT - 1) + duration_ns) / MEAN_WEIGHT;
}

/* One of `max` places is given back every mean_lease / max. */
uint64_t queue_estimate_ms(const struct pool *p, unsigned position)
{
	return p->mean_lease_ns / NS_PER_MS * position / p->cfg.max;
}

unsigned queue_retry_after_ms(const struct pool *p)
{
	uint64_t ms = queue_estimate_ms(p, p->waiting + 1);

	return (unsigned)MIN(MAX(ms, (uint64_t)RETRY_AFTER_MIN_MS), (uint64_t)3600000);
}

bool queue_may_grant(const struct pool *p)
{
	if (p->waiting == 0 || p->places_taken >= p->cfg.max)
		return false;
	return crowd_idle(p) > 0 || p->state == POOL_READY;
}
