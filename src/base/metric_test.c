#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/metric.h"

static void test_histogram_puts_a_bound_in_its_own_bucket(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram_observe(&h, histogram_bounds_ns[i]);
	histogram_observe(&h, 120 * NS_PER_S);
	for (int i = 0; i <= HISTOGRAM_BUCKETS; i++)
		assert_int_equal(h.counts[i], 1);
	assert_int_equal(h.count, HISTOGRAM_BUCKETS + 1);
}

static void test_quantiles_are_upper_bounds(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	assert_int_equal(histogram_quantile_ns(&h, 0.5), 0);
	for (int i = 0; i < 99; i++)
		histogram_observe(&h, 900000);
	histogram_observe(&h, 9 * NS_PER_MS);
	assert_int_equal(histogram_quantile_ns(&h, 0.5), NS_PER_MS);
	assert_int_equal(histogram_quantile_ns(&h, 0.99), NS_PER_MS);
	assert_int_equal(histogram_quantile_ns(&h, 1.0), 10 * NS_PER_MS);
}

static void test_error_prefix_keeps_code_and_text(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&err, ERROR_LIMIT, "%d is too many; at most %d", 9, 8), -1);
	assert_int_equal(error_prefix(&err, "pool %s", "en"), -1);
	assert_string_equal(err.text, "pool en: 9 is too many; at most 8");
	assert_string_equal(error_code_name(err.code), "limit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histogram_puts_a_bound_in_its_own_bucket),
		cmocka_unit_test(test_quantiles_are_upper_bounds),
		cmocka_unit_test(test_error_prefix_keeps_code_and_text),
	};
	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
