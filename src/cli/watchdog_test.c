#include "cli/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/test_rows.h"

enum { OWN = 4711 };

static struct row {
	const char *name, *usec, *pid;
	uint64_t want_ms;
} rows[] = {
	{ "nobody asks", NULL, NULL, 0 },
	{ "twice in the time allowed", "3000000", NULL, 1500 },
	{ "asked by our pid", "30000000", "4711", 15000 },
	{ "somebody else is asked", "30000000", "4712", 0 },
	{ "a pid that is none is nobody's", "30000000", "me", 0 },
	{ "0 is not asked", "0", NULL, 0 },
	{ "less than a millisecond is as often as can be", "900", NULL, 1 },
	{ "a time that is none", "3s", NULL, 0 },
	{ "a negative time", "-1", NULL, 0 },
	{ "an empty one", "", NULL, 0 },
	{ "one beyond 64 bits", "99999999999999999999", NULL, 0 },
};

static void test_interval(void **state)
{
	const struct row *r = *state;

	assert_int_equal(watchdog_interval_ms(r->usec, r->pid, OWN), r->want_ms);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, test_interval);
	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
