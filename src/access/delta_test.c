#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "access/delta.h"
#include "session/session.h"

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

static const struct session_word thought[] = { { "go", 2, 0, 300, 1 }, { "four", 4, 300, 800, 1 },
	{ "ten", 3, 800, 1100, 1 } };
static const struct session_word better[] = { { "go", 2, 0, 300, 1 }, { "for", 3, 300, 500, 1 },
	{ "ward", 4, 500, 800, 1 }, { "ten", 3, 810, 1100, 1 }, { "meters", 6, 1100, 1500, 1 } };

static void behind(bool has_times, const char *want)
{
	const struct session_event now = { .partial = {
					       .words = thought, .words_n = has_times ? 3 : 0 } };
	const struct session_event end = { .final = { .text = "go for ward ten meters",
					       .text_bytes = 22,
					       .words = better,
					       .words_n = has_times ? 5 : 0 } };
	struct delta d = { 0 };
	const char *got;
	size_t n;

	partial(&d, "go four ten", 7, "go four");
	delta_note_time(&d, &now);
	assert_false(delta_goes_on(&d, end.final.text, end.final.text_bytes));
	got = delta_behind(&d, &end, &n);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(got, want, n);
	delta_reset(&d);
}

static void what_was_said_behind_it_follows(void **state)
{
	(void)state;
	behind(true, "ten meters");
	behind(false, "ward ten meters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_makes_the_final_text),
		cmocka_unit_test(what_has_been_sent_is_not_taken_back),
		cmocka_unit_test(what_was_said_behind_it_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
