/* A binary heap in an array (Knuth 5.2.3). Each node knows where it is, so that any may leave or move. */
#include "pool/heap.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/util.h"

enum { FIRST_CAP = 16 };

static void put(struct heap *h, unsigned at, struct heap_node *node)
{
	h->nodes[at] = node;
	node->at = at;
}

static bool is_before(const struct heap *h, const struct heap_node *a, const struct heap_node *b)
{
	return h->before(a->of, b->of);
}

static void rise(struct heap *h, struct heap_node *node)
{
	unsigned at = node->at;

	for (; at > 1 && is_before(h, node, h->nodes[at / 2]); at /= 2)
		put(h, at, h->nodes[at / 2]);
	put(h, at, node);
}

static void sink(struct heap *h, struct heap_node *node)
{
	unsigned at = node->at;

	for (;;) {
		unsigned child = 2 * at;

		if (child < h->n && is_before(h, h->nodes[child + 1], h->nodes[child]))
			child++;
		if (child > h->n || !is_before(h, h->nodes[child], node))
			break;
		put(h, at, h->nodes[child]);
		at = child;
	}
	put(h, at, node);
}

static void grow(struct heap *h)
{
	unsigned cap = h->cap == 0 ? FIRST_CAP : 2 * h->cap;
	struct heap_node **nodes = xcalloc(cap, sizeof(struct heap_node *));

	for (unsigned i = 1; i <= h->n; i++)
		nodes[i] = h->nodes[i];
	free(h->nodes);
	h->nodes = nodes;
	h->cap = cap;
}

void heap_add(struct heap *h, struct heap_node *node)
{
	assert(node->at == 0 && node->of != NULL);
	if (h->n + 1 >= h->cap)
		grow(h);
	put(h, ++h->n, node);
	rise(h, node);
}

void heap_moved(struct heap *h, struct heap_node *node)
{
	if (node->at == 0)
		return;
	rise(h, node);
	sink(h, node);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	unsigned at = node->at;
	struct heap_node *last;

	if (at == 0)
		return;
	last = h->nodes[h->n--];
	node->at = 0;
	if (last == node)
		return;
	put(h, at, last);
	heap_moved(h, last);
}

void *heap_first(const struct heap *h)
{
	return h->n == 0 ? NULL : h->nodes[1]->of;
}

void heap_done(struct heap *h)
{
	assert(h->n == 0);
	free(h->nodes);
	h->nodes = NULL;
	h->cap = 0;
}
