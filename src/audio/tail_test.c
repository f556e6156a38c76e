#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audio/tail.h"

static int16_t at(uint64_t position)
{
	return (int16_t)(position * 31 % 1009);
}

static void push(struct tail *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int16_t sample = at(t->to);

		tail_push(t, &sample, 1);
	}
}

static void check(const struct tail *t)
{
	int16_t out[512];

	tail_read(t, t->from, t->to, out);
	for (uint64_t i = t->from; i < t->to; i++)
		assert_int_equal(out[i - t->from], at(i));
}

static void test_keeps_samples_by_their_position_across_the_end_of_the_ring(void **state)
{
	struct tail t = { 0 };

	(void)state;
	assert_int_equal(tail_resize(&t, 100), 0);
	for (int round = 0; round < 300; round++) {
		push(&t, 1 + (size_t)round % 60);
		check(&t);
		tail_drop_before(
		    &t, t.to - (uint64_t)(round % 40 < (int)(t.to - t.from) ? round % 40 : 0));
		check(&t);
	}
	tail_done(&t);
}

static void test_resizing_keeps_what_is_there(void **state)
{
	struct tail t = { 0 };

	(void)state;
	assert_int_equal(tail_resize(&t, 100), 0);
	push(&t, 100);
	tail_drop_before(&t, 77);
	push(&t, 70);
	assert_int_equal(tail_resize(&t, 333), 0);
	assert_int_equal(t.from, 77);
	assert_int_equal(t.to, 170);
	check(&t);
	push(&t, 240);
	check(&t);
	tail_drop_before(&t, 400);
	assert_int_equal(tail_resize(&t, 10), 0);
	check(&t);
	tail_done(&t);
	assert_int_equal(t.to, 410);
}

static void push_level(struct tail *t, size_t n, int16_t level)
{
	for (size_t i = 0; i < n; i++) {
		int16_t sample = i % 2 == 0 ? level : (int16_t)-level;

		tail_push(t, &sample, 1);
	}
}

static void test_finds_the_middle_of_the_quietest_100_ms(void **state)
{
	struct tail t = { 0 };

	(void)state;
	assert_int_equal(tail_resize(&t, 16000), 0);
	push_level(&t, 4000, 900);
	push_level(&t, 1600, 10); /* 4000..5600 */
	push_level(&t, 4000, 900);
	push_level(&t, 800, 0); /* quieter, but too short */
	push_level(&t, 4000, 900);
	assert_int_equal(tail_quietest(&t, 0, t.to), 4800);
	assert_int_equal(tail_quietest(&t, 0, 1000), 1000);
	tail_done(&t);
}

static void test_of_equal_moments_the_last_is_taken(void **state)
{
	struct tail t = { 0 };

	(void)state;
	assert_int_equal(tail_resize(&t, 16000), 0);
	push_level(&t, 16000, INT16_MIN);
	assert_int_equal(tail_quietest(&t, 0, t.to), 16000 - 800);
	tail_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_samples_by_their_position_across_the_end_of_the_ring),
		cmocka_unit_test(test_resizing_keeps_what_is_there),
		cmocka_unit_test(test_finds_the_middle_of_the_quietest_100_ms),
		cmocka_unit_test(test_of_equal_moments_the_last_is_taken),
	};
	return cmocka_run_group_tests_name("tail", tests, NULL, NULL);
}
