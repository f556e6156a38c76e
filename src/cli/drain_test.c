#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "cli/drain.h"

static struct row {
	const char *name;
	enum drain_state from;
	enum drain_event on;
	enum drain_state want;
} rows[] = {
	{ "asked once it drains", DRAIN_SERVING, DRAIN_ASKED, DRAIN_DRAINING },
	{ "a server that serves may be empty", DRAIN_SERVING, DRAIN_EMPTY, DRAIN_STATES },
	{ "nobody is late while it serves", DRAIN_SERVING, DRAIN_LATE, DRAIN_STATES },
	{ "with the last client gone it leaves", DRAIN_DRAINING, DRAIN_EMPTY, DRAIN_LEAVING },
	{ "what is late is cut", DRAIN_DRAINING, DRAIN_LATE, DRAIN_CUTTING },
	{ "asked twice it leaves at once", DRAIN_DRAINING, DRAIN_ASKED, DRAIN_LEAVING },
	{ "with the last final it leaves", DRAIN_CUTTING, DRAIN_EMPTY, DRAIN_LEAVING },
	{ "late after the cut is not waited for", DRAIN_CUTTING, DRAIN_LATE, DRAIN_LEAVING },
	{ "asked after the cut it leaves at once", DRAIN_CUTTING, DRAIN_ASKED, DRAIN_LEAVING },
	{ "leaving, the last client may close", DRAIN_LEAVING, DRAIN_EMPTY, DRAIN_LEAVING },
	{ "leaving, asked again it leaves", DRAIN_LEAVING, DRAIN_ASKED, DRAIN_LEAVING },
	{ "leaving, nothing is waited for", DRAIN_LEAVING, DRAIN_LATE, DRAIN_STATES },
};

static void test_next(void **state)
{
	const struct row *r = *state;

	assert_int_equal(drain_next(r->from, r->on), r->want);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_next, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
