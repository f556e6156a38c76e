#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"

static void test_takes_what_was_appended_in_order(void **state)
{
	struct buffer b;
	unsigned next_in = 0, next_out = 0;

	(void)state;
	buffer_init(&b, 100000);
	for (int round = 0; round < 2000; round++) {
		for (unsigned i = 0; i < (unsigned)round % 37; i++) {
			uint8_t byte = (uint8_t)next_in++;

			assert_int_equal(buffer_append(&b, &byte, 1), 0);
		}
		for (unsigned i = 0; i < (unsigned)round % 31 && b.len > 0; i++) {
			assert_int_equal(*buffer_head(&b), (uint8_t)next_out++);
			buffer_consume(&b, 1);
		}
	}
	assert_int_equal(b.len, next_in - next_out);
	buffer_done(&b);
}

static void test_refuses_past_its_bound_and_keeps_what_it_has(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 4);
	assert_int_equal(buffer_append(&b, "abc", 3), 0);
	assert_int_equal(buffer_append(&b, "de", 2), -1);
	assert_int_equal(b.len, 3);
	assert_memory_equal(buffer_head(&b), "abc", 3);
	assert_int_equal(buffer_append(&b, "d", 1), 0);
	assert_null(buffer_reserve(&b, SIZE_MAX));
	buffer_done(&b);
}

static void test_gives_back_large_memory_when_empty(void **state)
{
	static const uint8_t big[5000];
	struct buffer b;

	(void)state;
	buffer_init(&b, sizeof big);
	assert_int_equal(buffer_append(&b, big, sizeof big), 0);
	buffer_consume(&b, sizeof big);
	assert_int_equal(b.cap, 0);
	assert_int_equal(buffer_append(&b, "x", 1), 0);
	buffer_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_what_was_appended_in_order),
		cmocka_unit_test(test_refuses_past_its_bound_and_keeps_what_it_has),
		cmocka_unit_test(test_gives_back_large_memory_when_empty),
	};
	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
