/* heap: who comes first among many whose order changes. Members embed a node and stay where they are. Adding, removing and
 * moving cost the logarithm of how many there are, who is first costs nothing.
 *
 * Server process; pure. */
#ifndef POOL_HEAP_H
#define POOL_HEAP_H

#include <stdbool.h>

struct heap_node {   /* zeroed but for `of`: in no heap */
	void *of;    /* the member */
	unsigned at; /* its place, from 1; 0: in none */
};

typedef bool heap_before_f(const void *a, const void *b); /* members; a strict order */

struct heap { /* plain data; zeroed but for `before`: empty */
	heap_before_f *before;
	struct heap_node *
	    *nodes; /* owned array; [1..n] are in it, each before those at 2 i and 2 i + 1 */
	unsigned n, cap;
};

void heap_add(struct heap *h, struct heap_node *node);    /* which is in none */
void heap_remove(struct heap *h, struct heap_node *node); /* no effect if it is in none */
void heap_moved(
    struct heap *h, struct heap_node *node); /* its member compares otherwise now; likewise */
void *heap_first(const struct heap *h);      /* a member; NULL: empty */
void heap_done(struct heap *h);

#endif
