#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/delta.h"

static void partial(struct delta *d, const char *text, size_t stable, const char *sent)
{
	size_t n;
	const char *got = delta_of_partial(d, text, stable, &n);

	assert_int_equal(n, strlen(sent));
	assert_memory_equal(got, sent, n);
}

static void final(struct delta *d, const char *text, const char *sent)
{
	size_t n;
	const char *got = delta_of_final(d, text, strlen(text), &n);

	assert_int_equal(n, strlen(sent));
	assert_memory_equal(got, sent, n);
}

static void what_is_sent_makes_the_final_text(void **state)
{
	struct delta d = { 0 };

	(void)state;
	partial(&d, "go", 0, "");
	partial(&d, "go forward", 2, "go");
	partial(&d, "go forward ten", 3, "");
	partial(&d, "go forward ten", 10, " forward");
	final(&d, "go forward ten meters", " ten meters");
	final(&d, "go forward ten meters", "");
	delta_reset(&d);
	final(&d, "stop", "stop");
	delta_reset(&d);
}

static void what_has_been_sent_is_not_taken_back(void **state)
{
	struct delta d = { 0 };

	(void)state;
	partial(&d, "go for", 6, "go for");
	partial(&d, "go four ten", 11, "");
	partial(&d, "go", 2, "");
	final(&d, "go four ten", "");
	final(&d, "go", "");
	delta_reset(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_makes_the_final_text),
		cmocka_unit_test(what_has_been_sent_is_not_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
