/* A hash table with lists, which doubles when it has as many members as slots. */
#include "pool/id_table.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/util.h"

enum { FIRST_CAP = 64 }; /* a power of two */

static struct id_node **slot(const struct id_table *t, uint64_t id)
{
	/* Fibonacci hashing, Knuth 6.4 */
	return &t->slots[(id * 0x9e3779b97f4a7c15ull >> 32) & (t->cap - 1)];
}

static void put(struct id_table *t, struct id_node *node)
{
	struct id_node **to = slot(t, node->id);

	node->next = *to;
	*to = node;
	t->n++;
}

static void grow(struct id_table *t)
{
	struct id_table more = { .cap = t->cap == 0 ? FIRST_CAP : 2 * t->cap };
	struct id_node *node, *next;

	more.slots = xcalloc(more.cap, sizeof(struct id_node *));
	for (unsigned i = 0; i < t->cap; i++) {
		for (node = t->slots[i]; node != NULL; node = next) {
			next = node->next;
			put(&more, node);
		}
	}
	free(t->slots);
	*t = more;
}

void *id_table_find(const struct id_table *t, uint64_t id)
{
	const struct id_node *node = t->cap == 0 ? NULL : *slot(t, id);

	while (node != NULL && node->id != id)
		node = node->next;
	return node == NULL ? NULL : node->of;
}

void id_table_add(struct id_table *t, struct id_node *node)
{
	if (t->n >= t->cap)
		grow(t);
	put(t, node);
}

void id_table_remove(struct id_table *t, struct id_node *node)
{
	struct id_node **at = slot(t, node->id);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	t->n--;
}

void id_table_done(struct id_table *t)
{
	assert(t->n == 0);
	free(t->slots);
	*t = (struct id_table){ 0 };
}
