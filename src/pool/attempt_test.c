/* The table of an attempt's states, cell by cell. */
#include "pool/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

static struct row {
	const char *name;
	enum attempt_state from;
	enum attempt_event on;
	enum attempt_state want;
} rows[] = {
	{ "the first is asked for", ATTEMPT_NONE, ATTEMPT_ASK, ATTEMPT_WAITING },
	{ "one that waits begins", ATTEMPT_WAITING, ATTEMPT_BEGIN, ATTEMPT_BEGUN },
	{ "one that waits is lost with its instance", ATTEMPT_WAITING, ATTEMPT_LOSE, ATTEMPT_LOST },
	{ "one that waits is given up", ATTEMPT_WAITING, ATTEMPT_GIVE_UP, ATTEMPT_GIVEN_UP },
	{ "one that was begun ends", ATTEMPT_BEGUN, ATTEMPT_END, ATTEMPT_ENDED },
	{ "one that was begun is lost", ATTEMPT_BEGUN, ATTEMPT_LOSE, ATTEMPT_LOST },
	{ "one that was begun is given up", ATTEMPT_BEGUN, ATTEMPT_GIVE_UP, ATTEMPT_GIVEN_UP },
	{ "one that was ended gets its final", ATTEMPT_ENDED, ATTEMPT_FINAL, ATTEMPT_DONE },
	{ "one that was ended is lost", ATTEMPT_ENDED, ATTEMPT_LOSE, ATTEMPT_LOST },
	{ "one that was ended is given up", ATTEMPT_ENDED, ATTEMPT_GIVE_UP, ATTEMPT_GIVEN_UP },
	{ "another follows a final", ATTEMPT_DONE, ATTEMPT_ASK, ATTEMPT_WAITING },
	{ "a final may be given up", ATTEMPT_DONE, ATTEMPT_GIVE_UP, ATTEMPT_GIVEN_UP },
	{ "another follows a loss", ATTEMPT_LOST, ATTEMPT_ASK, ATTEMPT_WAITING },
	{ "one that was lost may be given up", ATTEMPT_LOST, ATTEMPT_GIVE_UP, ATTEMPT_GIVEN_UP },
	{ "another follows one given up", ATTEMPT_GIVEN_UP, ATTEMPT_ASK, ATTEMPT_WAITING },
	{ "no final before the end", ATTEMPT_BEGUN, ATTEMPT_FINAL, ATTEMPT_NONE },
	{ "no second begin", ATTEMPT_BEGUN, ATTEMPT_BEGIN, ATTEMPT_NONE },
	{ "no second end", ATTEMPT_ENDED, ATTEMPT_END, ATTEMPT_NONE },
	{ "none is asked for while one is under way", ATTEMPT_ENDED, ATTEMPT_ASK, ATTEMPT_NONE },
	{ "what is done cannot be lost", ATTEMPT_DONE, ATTEMPT_LOSE, ATTEMPT_NONE },
};

static void test_next(void **state)
{
	const struct row *r = *state;

	assert_int_equal(attempt_next(r->from, r->on), r->want);
}

static void test_nothing_else_may_happen(void **state)
{
	unsigned possible = 0, wanted = 0;

	(void)state;
	for (int s = 0; s < ATTEMPT_STATES; s++)
		for (int e = 0; e < ATTEMPT_EVENTS; e++)
			possible += attempt_next((enum attempt_state)s, (enum attempt_event)e) !=
			    ATTEMPT_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		wanted += rows[i].want != ATTEMPT_NONE;
	assert_int_equal(possible, wanted);
}

static void test_names(void **state)
{
	(void)state;
	for (int s = 0; s < ATTEMPT_STATES; s++)
		assert_non_null(attempt_state_name((enum attempt_state)s));
	for (int e = 0; e < ATTEMPT_EVENTS; e++)
		assert_non_null(attempt_event_name((enum attempt_event)e));
	assert_string_equal(attempt_state_name(ATTEMPT_GIVEN_UP), "given up");
	assert_string_equal(attempt_event_name(ATTEMPT_GIVE_UP), "give up");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_next, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest){ "nothing else may happen",
		test_nothing_else_may_happen, NULL, NULL, NULL };
	tests[ARRAY_SIZE(rows) + 1] =
	    (struct CMUnitTest){ "states and events have names", test_names, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("attempt", tests, NULL, NULL);
}
