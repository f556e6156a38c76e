/* Those on whose behalf leases are wanted: found by their id, and, of those that wait, whose turn it is in each priority. */
#include <stdlib.h>

#include "base/util.h"
#include "pool/pool_internal.h"

enum { FIRST_CAP = 64 }; /* a power of two */

static struct tenant **slot(struct tenants *all, uint64_t id)
{
	/* Fibonacci hashing, Knuth 6.4 */
	return &all->table[(id * 0x9e3779b97f4a7c15ull >> 32) & (all->cap - 1)];
}

static void grow(struct tenants *all)
{
	struct tenants more = { .cap = all->cap == 0 ? FIRST_CAP : 2 * all->cap };
	struct tenant *t, *next;

	more.table = xcalloc(more.cap, sizeof(struct tenant *));
	for (unsigned i = 0; i < all->cap; i++) {
		for (t = all->table[i]; t != NULL; t = next) {
			struct tenant **to = slot(&more, t->id);

			next = t->next;
			t->next = *to;
			*to = t;
		}
	}
	free(all->table);
	all->table = more.table;
	all->cap = more.cap;
}

static struct tenant *add(struct pool *p, uint64_t id)
{
	struct tenants *all = &p->tenants;
	struct tenant *t = xcalloc(1, sizeof *t), **to;

	if (all->n >= all->cap)
		grow(all);
	to = slot(all, id);
	t->id = id;
	t->came = ++p->last_turn;
	for (unsigned level = 0; level < PRIORITIES; level++)
		t->turns[level].of = t;
	t->next = *to;
	*to = t;
	all->n++;
	return t;
}

struct tenant *tenants_enter(struct pool *p, uint64_t id)
{
	struct tenant *t = p->tenants.cap == 0 ? NULL : *slot(&p->tenants, id);

	while (t != NULL && t->id != id)
		t = t->next;
	if (t == NULL)
		t = add(p, id);
	t->leases++;
	return t;
}

void tenants_leave(struct pool *p, struct tenant *t)
{
	struct tenant **at;

	if (--t->leases > 0)
		return;
	at = slot(&p->tenants, t->id);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	p->tenants.n--;
	free(t);
}

static bool goes_before(const void *left, const void *right)
{
	const struct tenant *a = left, *b = right;

	if (a->held != b->held)
		return a->held < b->held;
	return tenants_is_before(a, b);
}

/* Of two that hold equally many places. */
bool tenants_is_before(const struct tenant *a, const struct tenant *b)
{
	return a->turn != b->turn ? a->turn < b->turn : a->came < b->came;
}

void tenants_init(struct pool *p)
{
	for (unsigned level = 0; level < PRIORITIES; level++)
		p->tenants.turns[level].before = goes_before;
}

void tenants_moved(struct pool *p, struct tenant *t)
{
	for (unsigned level = 0; level < PRIORITIES; level++)
		heap_moved(&p->tenants.turns[level], &t->turns[level]);
}

void tenants_done(struct pool *p)
{
	for (unsigned level = 0; level < PRIORITIES; level++)
		heap_done(&p->tenants.turns[level]);
	free(p->tenants.table);
}
