#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "pool/lines.h"

static void test_a_loop_ends_though_children_could_still_write(void **state)
{
	enum { N = 3 };
	int pipes[N][2];
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	for (int i = 0; i < N; i++) {
		assert_int_equal(pipe2(pipes[i], O_CLOEXEC), 0);
		lines_start(&loop, pipes[i][0], "child");
	}
	assert_int_equal(close(pipes[1][1]), 0); /* this one has ended */
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(write(pipes[0][1], "x", 1), 1);
	lines_stop_all();
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(close(pipes[0][1]), 0);
	assert_int_equal(close(pipes[2][1]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_loop_ends_though_children_could_still_write),
	};

	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
