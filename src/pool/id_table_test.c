/* Members are found by their ids, however many there are. */
#include "pool/id_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MEMBERS = 1000 };

static struct id_node nodes[MEMBERS];

/* Ids that differ in their high bits only are those of hashes; rising ones are counters. */
static uint64_t id_of(unsigned i)
{
	return i % 2 == 0 ? i : (uint64_t)i << 40;
}

static void check(const struct id_table *t, unsigned from)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		assert_ptr_equal(id_table_find(t, id_of(i)), i < from ? NULL : &nodes[i]);
	assert_int_equal(t->n, MEMBERS - from);
}

static void test_each_is_found_until_it_goes(void **state)
{
	struct id_table t = { 0 };

	(void)state;
	assert_null(id_table_find(&t, 0));
	for (unsigned i = 0; i < MEMBERS; i++) {
		nodes[i] = (struct id_node){ .id = id_of(i), .of = &nodes[i] };
		assert_null(id_table_find(&t, id_of(i)));
		id_table_add(&t, &nodes[i]);
	}
	check(&t, 0);
	for (unsigned i = 0; i < MEMBERS; i++) {
		id_table_remove(&t, &nodes[i]);
		if (i % 100 == 0)
			check(&t, i + 1);
	}
	id_table_done(&t);
	assert_null(id_table_find(&t, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "each is found until it goes", test_each_is_found_until_it_goes, NULL, NULL,
		    NULL },
	};

	return cmocka_run_group_tests_name("id_table", tests, NULL, NULL);
}
