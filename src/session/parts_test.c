#include "session/parts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/util.h"

enum { SECOND = 16000 };

static struct row {
	const char *name;
	size_t left, furthest, vain, want;
} rows[] = {
	{ "one loss costs no part", 10 * SECOND, SECOND, 1, SIZE_MAX },
	{ "nor do two", 10 * SECOND, SECOND, 2, SIZE_MAX },
	{ "after three it is half of what was done", 10 * SECOND, 4 * SECOND, 3, 2 * SECOND },
	{ "or of what there is", 2 * SECOND, 4 * SECOND, 3, SECOND },
	{ "and half of that after four", 10 * SECOND, 4 * SECOND, 4, SECOND },
	{ "but never less than the shortest", 10 * SECOND, 4 * SECOND, 20, PARTS_SHORTEST },
	{ "also if nothing was done", 10 * SECOND, 0, 3, PARTS_SHORTEST },
};

static void test_length(void **state)
{
	const struct row *r = *state;

	assert_int_equal(parts_length(r->left, r->furthest, r->vain), r->want);
}

/* Loud but for 50 ms at `quiet_at`. */
static size_t cut(size_t n, size_t most, size_t quiet_at)
{
	int16_t *samples = xcalloc(n, sizeof *samples);
	size_t at;

	for (size_t i = 0; i < n; i++)
		samples[i] = i - quiet_at < 800 ? 10 : (int16_t)(i % 2 ? 9000 : -9000);
	at = parts_cut(samples, n, most);
	free(samples);
	return at;
}

static void test_cut(void **state)
{
	(void)state;
	assert_in_range(cut(5 * SECOND, 2 * SECOND, 30000), 30000, 30800);
	assert_in_range(cut(5 * SECOND, 2 * SECOND, 17000), 17000, 17800);
	/* Not where it would bring nothing, or what is left could not be heard. */
	assert_in_range(cut(5 * SECOND, 2 * SECOND, 2000), SECOND, 2 * SECOND);
	assert_in_range(cut(5 * SECOND, 2 * SECOND, 50000), SECOND, 2 * SECOND);
	assert_int_equal(cut(2 * SECOND, 2 * SECOND, 30000), 2 * SECOND);
	assert_int_equal(cut(2 * SECOND + 100, 2 * SECOND, 30000), 2 * SECOND + 100);
	assert_int_equal(cut(2 * SECOND, SIZE_MAX, 30000), 2 * SECOND);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_length, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest){ "cuts fall where it is quietest", test_cut, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
