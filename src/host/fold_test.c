#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/util.h"
#include "host/fold.h"

static void test_only_what_is_narrow_is_folded(void **state)
{
	(void)state;
	assert_false(fold_is_narrow(0));
	assert_true(fold_is_narrow(6000));
	assert_true(fold_is_narrow(8000));
	assert_true(fold_is_narrow(11025));
	assert_false(fold_is_narrow(12000));
	assert_false(fold_is_narrow(16000));
}

static void test_what_is_not_to_be_folded_stays_as_it_is(void **state)
{
	const int16_t as_it_was[] = { 1000, -1000, 32767, -32768 };
	int16_t samples[ARRAY_SIZE(as_it_was)];
	struct fold f;

	(void)state;
	memcpy(samples, as_it_was, sizeof samples);
	fold_init(&f, false);
	fold_samples(&f, samples, ARRAY_SIZE(samples));
	assert_memory_equal(samples, as_it_was, sizeof samples);
}

/* A wave of 1 kHz, which is 16 samples long, comes back with one of 7 kHz beside it: correlated with both. */
static void test_a_tone_gets_its_mirror_image(void **state)
{
	static const int16_t low[] = { 0, 383, 707, 924, 1000, 924, 707, 383, 0, -383, -707, -924,
		-1000, -924, -707, -383 };
	int16_t samples[ARRAY_SIZE(low)];
	long with_low = 0, with_high = 0, of_low = 0;
	struct fold f;

	(void)state;
	memcpy(samples, low, sizeof samples);
	fold_init(&f, true);
	fold_samples(&f, samples, ARRAY_SIZE(samples));
	for (size_t i = 0; i < ARRAY_SIZE(low); i++) {
		with_low += (long)samples[i] * low[i];
		with_high += (long)samples[i] * (i % 2 == 0 ? low[i] : -low[i]);
		of_low += (long)low[i] * low[i];
	}
	assert_in_range(with_low, of_low - of_low / 100, of_low + of_low / 100);
	assert_in_range(with_high, of_low / 20, of_low);
}

static void test_loud_samples_are_clipped_and_do_not_turn(void **state)
{
	int16_t samples[] = { INT16_MAX, INT16_MAX, INT16_MIN, INT16_MIN };
	struct fold f;

	(void)state;
	fold_init(&f, true);
	fold_samples(&f, samples, ARRAY_SIZE(samples));
	assert_int_equal(samples[0], INT16_MAX);
	assert_in_range(samples[1], 0, INT16_MAX - 1);
	assert_int_equal(samples[2], INT16_MIN);
	assert_true(samples[3] < 0 && samples[3] > INT16_MIN);
}

static void test_chunks_do_not_matter(void **state)
{
	int16_t whole[1000], pieces[1000];
	size_t at = 0;
	struct fold f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		whole[i] = pieces[i] = (int16_t)(i * 7919);
	fold_init(&f, true);
	fold_samples(&f, whole, ARRAY_SIZE(whole));
	fold_init(&f, true);
	for (size_t n = 0; at < ARRAY_SIZE(pieces); at += n, n++)
		fold_samples(&f, pieces + at, MIN(n, ARRAY_SIZE(pieces) - at));
	assert_memory_equal(whole, pieces, sizeof whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_is_narrow_is_folded),
		cmocka_unit_test(test_what_is_not_to_be_folded_stays_as_it_is),
		cmocka_unit_test(test_a_tone_gets_its_mirror_image),
		cmocka_unit_test(test_loud_samples_are_clipped_and_do_not_turn),
		cmocka_unit_test(test_chunks_do_not_matter),
	};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
