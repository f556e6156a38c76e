/* The leases that wait for a place. The higher priority goes first; within one, the tenant that holds the fewest places,
 * and of those with equally many the one whose last turn is longest ago; within a tenant, first come, first served. So
 * one that opens many sessions waits behind its own, and not others behind it. */
#include <assert.h>
#include <stdlib.h>

#include "base/util.h"
#include "pool/pool_internal.h"

enum { RETRY_AFTER_MIN_MS = 1000, MEAN_WEIGHT = 5 /* a lease counts for one fifth of the mean */ };

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

struct tenant *queue_tenant(struct pool *p, uint64_t id)
{
	struct tenant *t = p->tenants;

	while (t != NULL && t->id != id)
		t = t->next;
	if (t == NULL) {
		t = xcalloc(1, sizeof *t);
		t->id = id;
		t->came = ++p->last_turn;
		t->next = p->tenants;
		p->tenants = t;
	}
	t->leases++;
	return t;
}

void queue_leave_tenant(struct lease *l)
{
	struct tenant **at = &l->pool->tenants, *t = l->tenant;

	l->tenant = NULL;
	if (t == NULL || --t->leases > 0)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t);
}

void queue_push(struct lease *l)
{
	lease_list_append(&l->tenant->waiting[l->priority], l);
	l->pool->waiting++;
	l->pool->queue_moved = true;
}

void queue_remove(struct lease *l)
{
	lease_list_remove(l);
	l->pool->waiting--;
	l->pool->queue_moved = true;
}

static bool goes_before(const struct tenant *a, const struct tenant *b)
{
	if (a->held != b->held)
		return a->held < b->held;
	return a->turn != b->turn ? a->turn < b->turn : a->came < b->came;
}

struct lease *queue_first(const struct pool *p)
{
	for (unsigned level = 0; level < PRIORITIES && p->waiting > 0; level++) {
		const struct tenant *best = NULL;

		for (const struct tenant *t = p->tenants; t != NULL; t = t->next)
			if (t->waiting[level].count > 0 && (best == NULL || goes_before(t, best)))
				best = t;
		if (best != NULL)
			return best->waiting[level].first;
	}
	return NULL;
}

/* A waiter's rank: how many places its tenant will hold before it is its turn. */
struct rank {
	struct lease *lease;
	unsigned held;
};

static int compare(const void *left, const void *right)
{
	const struct rank *a = left, *b = right;
	const struct lease *l = a->lease, *r = b->lease;
	struct tenant lt = *l->tenant, rt = *r->tenant;

	if (l->priority != r->priority)
		return l->priority < r->priority ? -1 : 1;
	lt.held = a->held;
	rt.held = b->held;
	return goes_before(&lt, &rt) ? -1 : goes_before(&rt, &lt);
}

static struct rank *rank_all(const struct pool *p)
{
	struct rank *ranks = xcalloc(p->waiting + 1u, sizeof *ranks);
	unsigned n = 0;

	for (const struct tenant *t = p->tenants; t != NULL; t = t->next) {
		unsigned held = t->held;

		for (unsigned level = 0; level < PRIORITIES; level++)
			for (struct lease *l = t->waiting[level].first; l != NULL; l = l->next)
				ranks[n++] = (struct rank){ l, held++ };
	}
	assert(n == p->waiting);
	qsort(ranks, n, sizeof *ranks, compare);
	return ranks;
}

void queue_each(
    const struct pool *p, void (*f)(void *arg, struct lease *l, unsigned position), void *arg)
{
	struct rank *ranks = rank_all(p);

	for (unsigned i = 0; i < p->waiting; i++)
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

unsigned queue_position(const struct lease *l)
{
	return l->position;
}

bool queue_may_grant(const struct pool *p)
{
	if (p->waiting == 0 || p->places_taken >= p->cfg.max)
		return false;
	return crowd_idle(p) > 0 || p->state == POOL_READY;
}
