#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "pool/instance.h"

static struct row {
	const char *name;
	enum instance_state from;
	enum instance_event on;
	enum instance_state want;
} rows[] = {
	{ "ready ends the start", INSTANCE_STARTING, INSTANCE_READY, INSTANCE_IDLE },
	{ "what starts is not lent", INSTANCE_STARTING, INSTANCE_LENT, INSTANCE_NONE },
	{ "what starts was not lent, so it does not come back", INSTANCE_STARTING, INSTANCE_UNUSED,
	    INSTANCE_NONE },
	{ "what starts is not reset", INSTANCE_STARTING, INSTANCE_RETURNED, INSTANCE_NONE },
	{ "it may be told to go before it is ready", INSTANCE_STARTING, INSTANCE_LEFT,
	    INSTANCE_RETIRING },
	{ "it may end before it is ready", INSTANCE_STARTING, INSTANCE_EXITED, INSTANCE_DEAD },
	{ "a second ready must not happen", INSTANCE_IDLE, INSTANCE_READY, INSTANCE_NONE },
	{ "an idle one is lent", INSTANCE_IDLE, INSTANCE_LENT, INSTANCE_LEASED },
	{ "an idle one cannot come back", INSTANCE_IDLE, INSTANCE_UNUSED, INSTANCE_NONE },
	{ "an idle one is not reset", INSTANCE_IDLE, INSTANCE_RETURNED, INSTANCE_NONE },
	{ "an idle one may be told to go", INSTANCE_IDLE, INSTANCE_LEFT, INSTANCE_RETIRING },
	{ "an idle one may end", INSTANCE_IDLE, INSTANCE_EXITED, INSTANCE_DEAD },
	{ "ready while lent must not happen", INSTANCE_LEASED, INSTANCE_READY, INSTANCE_NONE },
	{ "a lent one is not lent again", INSTANCE_LEASED, INSTANCE_LENT, INSTANCE_NONE },
	{ "a lent one that heard nothing is as new", INSTANCE_LEASED, INSTANCE_UNUSED,
	    INSTANCE_IDLE },
	{ "a lent one that is reset starts anew", INSTANCE_LEASED, INSTANCE_RETURNED,
	    INSTANCE_STARTING },
	{ "a lent one may be told to go", INSTANCE_LEASED, INSTANCE_LEFT, INSTANCE_RETIRING },
	{ "a lent one may end", INSTANCE_LEASED, INSTANCE_EXITED, INSTANCE_DEAD },
	{ "what was told to go is ready no more", INSTANCE_RETIRING, INSTANCE_READY,
	    INSTANCE_NONE },
	{ "what was told to go is not lent", INSTANCE_RETIRING, INSTANCE_LENT, INSTANCE_NONE },
	{ "what was told to go does not come back", INSTANCE_RETIRING, INSTANCE_UNUSED,
	    INSTANCE_NONE },
	{ "what was told to go is not reset", INSTANCE_RETIRING, INSTANCE_RETURNED, INSTANCE_NONE },
	{ "it may be told twice", INSTANCE_RETIRING, INSTANCE_LEFT, INSTANCE_RETIRING },
	{ "what was told to go ends", INSTANCE_RETIRING, INSTANCE_EXITED, INSTANCE_DEAD },
	{ "the dead are not ready", INSTANCE_DEAD, INSTANCE_READY, INSTANCE_NONE },
	{ "the dead are not lent", INSTANCE_DEAD, INSTANCE_LENT, INSTANCE_NONE },
	{ "the dead do not come back", INSTANCE_DEAD, INSTANCE_UNUSED, INSTANCE_NONE },
	{ "the dead are not reset", INSTANCE_DEAD, INSTANCE_RETURNED, INSTANCE_NONE },
	{ "the dead are told nothing", INSTANCE_DEAD, INSTANCE_LEFT, INSTANCE_NONE },
	{ "nobody dies twice", INSTANCE_DEAD, INSTANCE_EXITED, INSTANCE_NONE },
};

static void test_next(void **state)
{
	const struct row *r = *state;

	assert_int_equal(instance_next(r->from, r->on), r->want);
}

static void test_rows_are_all(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_SIZE(rows), (INSTANCE_STATES - 1) * INSTANCE_EVENTS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(rows[i].from, 1 + i / INSTANCE_EVENTS);
		assert_int_equal(rows[i].on, i % INSTANCE_EVENTS);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (int s = 0; s < INSTANCE_STATES; s++)
		for (int t = 0; t < s; t++)
			assert_string_not_equal(instance_state_name((enum instance_state)s),
			    instance_state_name((enum instance_state)t));
	for (int e = 0; e < INSTANCE_EVENTS; e++)
		for (int f = 0; f < e; f++)
			assert_string_not_equal(instance_event_name((enum instance_event)e),
			    instance_event_name((enum instance_event)f));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
		cmocka_unit_test(test_rows_are_all),
		cmocka_unit_test(test_names),
	};

	tests[0].name = "the rows are all there are, in order";
	tests[1].name = "each state and event has a name of its own";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i + 2] = (struct CMUnitTest){ rows[i].name, test_next, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}
