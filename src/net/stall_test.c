#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "net/stall.h"

struct look {
	uint64_t at_ms, taken, left;
	bool stalled;
};

/* 100 bytes are sent at 1000; the limit is 400 ms. */
static struct row {
	const char *name;
	struct look looks[6];
} rows[] = {
	{ "nothing is taken",
	    { { 1100, 0, 100, false }, { 1399, 0, 100, false }, { 1400, 0, 100, true } } },
	{ "time counts from the last byte taken",
	    { { 1100, 0, 100, false }, { 1300, 1, 99, false }, { 1699, 1, 99, false },
		{ 1700, 1, 99, true } } },
	{ "what is sent meanwhile is not taken",
	    { { 1100, 0, 200, false }, { 1300, 0, 300, false }, { 1400, 0, 400, true } } },
	{ "all is taken", { { 1100, 100, 0, false } } },
	{ "a byte now and then is enough",
	    { { 1300, 1, 99, false }, { 1600, 2, 98, false }, { 1900, 3, 97, false } } },
};

static void test_looks(void **state)
{
	const struct row *r = *state;
	struct stall s = { .limit_ms = 400 };
	const struct look *l;

	assert_true(stall_begin(&s, 0, 1000));
	assert_int_equal(s.look_at_ms, 1100);
	assert_false(stall_begin(&s, 0, 1050)); /* it is being looked at already */
	for (l = r->looks; l < r->looks + ARRAY_SIZE(r->looks) && l->at_ms != 0; l++) {
		assert_int_equal(stall_look(&s, l->taken, l->left, l->at_ms), l->stalled);
		assert_int_equal(s.look_at_ms, l->stalled || l->left == 0 ? 0 : l->at_ms + 100);
	}
}

static void test_begins_anew_when_all_was_taken(void **state)
{
	struct stall s = { .limit_ms = 400 };

	(void)state;
	assert_true(stall_begin(&s, 0, 1000));
	assert_false(stall_look(&s, 100, 0, 1100));
	assert_true(stall_begin(&s, 100, 5000));
	assert_false(stall_look(&s, 100, 10, 5399));
	assert_true(stall_look(&s, 100, 10, 5400));
}

static void test_without_a_limit_nothing_is_looked_at(void **state)
{
	struct stall s = { 0 };

	(void)state;
	assert_false(stall_begin(&s, 0, 1000));
	assert_int_equal(s.look_at_ms, 0);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
		cmocka_unit_test(test_begins_anew_when_all_was_taken),
		cmocka_unit_test(test_without_a_limit_nothing_is_looked_at),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i + 2] =
		    (struct CMUnitTest){ rows[i].name, test_looks, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
