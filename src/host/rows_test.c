/* Who has which row, and what becomes of what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/rows.h"

enum { ROWS = 2 };

static struct rows *r;

static int setup(void **state)
{
	(void)state;
	r = rows_new(ROWS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rows_free(&r);
	assert_null(r);
	return 0;
}

static void tell(unsigned row, enum ipc_type type, uint64_t epoch)
{
	const struct ipc_message m = { .type = type, .epoch = epoch };

	rows_told(r, row, &m);
}

static void test_taken_until_none_is_left(void **state)
{
	(void)state;
	assert_int_equal(rows_take(r, 11), 1);
	assert_int_equal(rows_take(r, 12), 2);
	assert_int_equal(rows_take(r, 13), 0);
	assert_true(rows_is_open(r, 2));
	assert_int_equal(rows_instance(r, 2), 12);
}

static void test_open_all_is_passed(void **state)
{
	static const enum ipc_type said[] = { IPC_READY, IPC_READY, IPC_PROGRESS, IPC_PARTIAL,
		IPC_FINAL, IPC_FAILED, IPC_CANCELLED, IPC_EAGER_FINAL };

	(void)state;
	assert_int_equal(rows_take(r, 11), 1);
	for (unsigned i = 0; i < sizeof said / sizeof *said; i++)
		assert_int_equal(rows_hear(r, 1, said[i]), ROWS_PASS);
}

static void test_wrong(void **state)
{
	(void)state;
	assert_int_equal(rows_take(r, 11), 1);
	for (unsigned type = 0; type < IPC_TYPES + 2; type++)
		if ((type < IPC_READY || type > IPC_FAILED) && type != IPC_CANCELLED &&
		    type != IPC_EAGER_FINAL)
			assert_int_equal(rows_hear(r, 1, (enum ipc_type)type), ROWS_WRONG);
	assert_int_equal(rows_hear(r, 0, IPC_READY), ROWS_WRONG);
	assert_int_equal(rows_hear(r, 2, IPC_READY), ROWS_WRONG);
	assert_int_equal(rows_hear(r, ROWS + 1, IPC_READY), ROWS_WRONG);
	assert_int_equal(rows_hear(r, UINT16_MAX, IPC_READY), ROWS_WRONG);
}

/* What is on its way when an instance is over must not reach the next one. */
static void test_closed(void **state)
{
	(void)state;
	assert_int_equal(rows_take(r, 11), 1);
	assert_int_equal(rows_hear(r, 1, IPC_READY), ROWS_PASS);
	tell(1, IPC_BEGIN, 7);
	rows_close(r, 1);
	assert_true(rows_owes_goodbye(r, 1));
	assert_int_equal(rows_epoch(r, 1), 7);
	assert_int_equal(rows_hear(r, 1, IPC_FINAL), ROWS_DROP);
	assert_int_equal(rows_hear(r, 1, IPC_READY), ROWS_DROP); /* of nothing */
	rows_said_goodbye(r, 1);
	assert_false(rows_owes_goodbye(r, 1));
	assert_int_equal(rows_take(r, 12), 2);
	assert_int_equal(rows_take(r, 13), 0);
	assert_int_equal(rows_hear(r, 1, IPC_PROGRESS), ROWS_DROP);
	assert_int_equal(rows_hear(r, 1, IPC_READY), ROWS_OVER);
	assert_int_equal(rows_instance(r, 1), 11);
	assert_int_equal(rows_hear(r, 1, IPC_READY), ROWS_WRONG);
	assert_int_equal(rows_take(r, 13), 1);
	assert_int_equal(rows_epoch(r, 1), 0);
}

/* An instance that leaves before it is ready, or while it is being reset, is owed more than one READY. */
static void test_each_reset_is_answered_first(void **state)
{
	(void)state;
	assert_int_equal(rows_take(r, 11), 1);
	tell(1, IPC_RESET, 0);
	rows_close(r, 1);
	rows_said_goodbye(r, 1);
	assert_int_equal(rows_hear(r, 1, IPC_READY), ROWS_DROP);
	assert_int_equal(rows_hear(r, 1, IPC_READY), ROWS_DROP);
	assert_int_equal(rows_hear(r, 1, IPC_READY), ROWS_OVER);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_taken_until_none_is_left),
		T(test_open_all_is_passed), T(test_wrong), T(test_closed),
		T(test_each_reset_is_answered_first) };

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
