#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/test_rows.h"
#include "models/half.h"

static struct row {
	const char *name;
	float f;
	uint16_t half;
} rows[] = {
	{ "nothing", 0.0f, 0 },
	{ "nothing from below", -0.0f, 0x8000 },
	{ "one", 1.0f, 0x3c00 },
	{ "minus two", -2.0f, 0xc000 },
	{ "the largest", 65504.0f, 0x7bff },
	{ "beyond the largest, but nearer to it", 65519.0f, 0x7bff },
	{ "beyond the largest", 65520.0f, 0x7c00 },
	{ "far beyond", 1e30f, 0x7c00 },
	{ "the smallest normal one", 0x1p-14f, 0x0400 },
	{ "the largest that is not", 0x1.ff8p-15f, 0x03ff },
	{ "what rounds up to a normal one", 0x1.ffcp-15f, 0x0400 },
	{ "the smallest", 0x1p-24f, 0x0001 },
	{ "half of the smallest, to the even one", 0x1p-25f, 0x0000 },
	{ "a little more than half of the smallest", 0x1.000002p-25f, 0x0001 },
	{ "far less than the smallest", 1e-20f, 0x0000 },
	{ "between two, the even one below", 1.0f + 0x1p-11f, 0x3c00 },
	{ "between two, the even one above", 1.0f + 0x1.8p-10f, 0x3c02 },
	{ "a mantissa that runs over", 0x1.ffep0f, 0x4000 },
};

static void test_row(void **state)
{
	const struct row *r = *state;

	assert_int_equal(half_from_float(r->f), r->half);
}

static void test_every_half_comes_back(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 0x10000; h++) {
		float f = half_to_float((uint16_t)h);

		if ((h & 0x7fff) > 0x7c00)
			assert_true(isnan(f) && (half_from_float(f) & 0x7fff) > 0x7c00);
		else
			assert_int_equal(half_from_float(f), h);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_every_half_comes_back);
	return _cmocka_run_group_tests("half", tests, n, NULL, NULL);
}
