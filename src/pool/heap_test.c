/* The first is always the least, in whatever order members come, move and go. */
#include "pool/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

enum { MEMBERS = 200, OPERATIONS = 20000, KEYS = 50 };

struct member {
	struct heap_node node;
	unsigned key, id;
};

static struct member members[MEMBERS];
static uint64_t seed = 0x9e3779b97f4a7c15ull;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static bool is_before(const void *left, const void *right)
{
	const struct member *a = left, *b = right;

	return a->key != b->key ? a->key < b->key : a->id < b->id;
}

static const struct member *naive_first(void)
{
	const struct member *best = NULL;

	for (unsigned i = 0; i < MEMBERS; i++)
		if (members[i].node.at != 0 && (best == NULL || is_before(&members[i], best)))
			best = &members[i];
	return best;
}

static void change(struct heap *h, struct member *m)
{
	if (m->node.at == 0) {
		m->key = rnd(KEYS);
		heap_add(h, &m->node);
	} else if (rnd(2) == 0) {
		m->key = rnd(KEYS);
		heap_moved(h, &m->node);
	} else {
		heap_remove(h, &m->node);
		assert_int_equal(m->node.at, 0);
	}
}

static void test_first_is_first(void **state)
{
	struct heap h = { .before = is_before };

	(void)state;
	for (unsigned i = 0; i < MEMBERS; i++)
		members[i] = (struct member){ .node = { .of = &members[i] }, .id = i };
	assert_null(heap_first(&h));
	for (unsigned i = 0; i < OPERATIONS; i++) {
		change(&h, &members[rnd(MEMBERS)]);
		assert_ptr_equal(heap_first(&h), naive_first());
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		heap_remove(&h, &members[i].node);
	heap_remove(&h, &members[0].node);
	heap_moved(&h, &members[0].node);
	assert_null(heap_first(&h));
	heap_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the first is the first of a naive search, whatever comes, goes and changes",
		    test_first_is_first, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
