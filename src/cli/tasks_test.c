#include "cli/tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/test_rows.h"
#include "cli/config.h"

/* Two pools of 4 places and a spare one each, 16 decoders: 2 * (2 + 4 + 1) + 16 = 30 processes. */
static struct row {
	const char *name;
	uint64_t left;
	unsigned ear_threads;
	int want;
	unsigned want_ear, want_work;
} rows[] = {
	{ "without a limit all threads are started", TASKS_UNLIMITED, 64, 0, 64, 66 },
	{ "with just enough for all they are, too", 96, 64, 0, 64, 66 },
	{ "one task less takes one thread less", 95, 64, 0, 63, 64 },
	{ "processes are not starved by threads", 40, 64, 0, 8, 9 },
	{ "short of all processes, a quarter of what is beyond the least", 30, 64, 0, 7, 8 },
	{ "never more threads than the settings say", 30, 2, 0, 2, 3 },
	{ "the least is an ear and a look-up, a host and an instance for each pool", 6, 2, 0, 1,
	    2 },
	{ "less than that is refused", 5, 2, -1, 0, 0 },
	{ "and nothing is refused, too", 0, 2, -1, 0, 0 },
};

static void test_plan(void **state)
{
	const struct row *r = *state;
	struct tasks_room room = {
		.left = r->left, .limit = r->left + 7, .by = "RLIMIT_NPROC of this user"
	};
	struct config *c = calloc(1, sizeof *c);
	struct tasks_plan plan;
	struct error err;

	c->ear_threads = r->ear_threads;
	c->decoder.max = 16;
	c->pools_n = 2;
	for (unsigned i = 0; i < 2; i++) {
		c->pools[i].pool.max = 4;
		c->pools[i].pool.spare = 1;
	}
	assert_int_equal(tasks_plan(c, &room, &plan, &err), r->want);
	if (r->want == 0) {
		assert_int_equal(plan.ear_threads, r->want_ear);
		assert_int_equal(plan.work_threads, r->want_work);
	} else {
		assert_non_null(strstr(err.text, "RLIMIT_NPROC of this user is"));
	}
	free(c);
}

static void test_room(void **state)
{
	struct tasks_room room;

	(void)state;
	tasks_find_room(&room);
	assert_true(room.left <= room.limit);
	assert_true(room.left == TASKS_UNLIMITED || room.by[0] != '\0');
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, test_plan);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_room);
	return cmocka_run_group_tests_name("tasks", tests, NULL, NULL);
}
