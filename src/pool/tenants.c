/* Those on whose behalf leases are wanted: found by their id, and, of those that wait, whose turn it is in each priority. */
#include <stdlib.h>

#include "base/util.h"
#include "pool/pool_internal.h"

static struct tenant *add(struct pool *p, uint64_t id)
{
	struct tenant *t = xcalloc(1, sizeof *t);

	t->node = (struct id_node){ .id = id, .of = t };
	t->came = ++p->last_turn;
	for (unsigned level = 0; level < PRIORITIES; level++)
		t->turns[level].of = t;
	id_table_add(&p->tenants, &t->node);
	return t;
}

struct tenant *tenants_enter(struct pool *p, uint64_t id)
{
	struct tenant *t = id_table_find(&p->tenants, id);

	if (t == NULL)
		t = add(p, id);
	t->leases++;
	return t;
}

void tenants_leave(struct pool *p, struct tenant *t)
{
	if (--t->leases > 0)
		return;
	id_table_remove(&p->tenants, &t->node);
	free(t);
}

bool tenants_is_before(const struct tenant *a, const struct tenant *b)
{
	return a->turn != b->turn ? a->turn < b->turn : a->came < b->came;
}

static bool goes_before(const void *left, const void *right)
{
	const struct tenant *a = left, *b = right;

	return a->held != b->held ? a->held < b->held : tenants_is_before(a, b);
}

void tenants_init(struct pool *p)
{
	for (unsigned level = 0; level < PRIORITIES; level++)
		p->turns[level].before = goes_before;
}

void tenants_moved(struct pool *p, struct tenant *t)
{
	for (unsigned level = 0; level < PRIORITIES; level++)
		heap_moved(&p->turns[level], &t->turns[level]);
}

void tenants_done(struct pool *p)
{
	for (unsigned level = 0; level < PRIORITIES; level++)
		heap_done(&p->turns[level]);
	id_table_done(&p->tenants);
}
