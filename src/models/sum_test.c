#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "models/sum.h"

static const char sum_of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void test_in_pieces(void **state)
{
	char hex[SUM_HEX_BYTES];
	struct sum *s = sum_new();

	(void)state;
	sum_add(s, "a", 1);
	sum_add(s, "bc", 2);
	sum_finish(&s, hex);
	assert_null(s);
	assert_string_equal(hex, sum_of_abc);
}

static void test_of_a_file(void **state)
{
	char path[] = "/tmp/stenopool-sum-XXXXXX", hex[SUM_HEX_BYTES];
	struct error err = ERROR_INIT;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(close(fd), 0);
	assert_int_equal(sum_of_file(path, hex, &err), 0);
	assert_string_equal(hex, sum_of_abc);
	assert_int_equal(
	    sum_check_file(
		path, "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", &err),
	    0);
	assert_int_equal(sum_check_file(path, "00", &err), -1);
	assert_non_null(strstr(
	    err.text, " is not what it should be: its SHA-256 is ba7816bf8f01cfea..., not 00..."));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sum_check_file(path, sum_of_abc, &err), -1);
	assert_non_null(strstr(err.text, "cannot read /tmp/stenopool-sum-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_pieces),
		cmocka_unit_test(test_of_a_file),
	};

	return cmocka_run_group_tests_name("sum", tests, NULL, NULL);
}
