#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "session/text.h"

enum { PARTIALS_MAX = 8 };

/* What of each partial is stable, after the bar. */
static struct row {
	const char *name;
	const char *partials[PARTIALS_MAX];
} rows[] = {
	{ "nothing is stable at first", { "|hello wide world" } },
	{ "two in a row are not enough", { "|hello wide world", "|hello wide world" } },
	{ "three in a row are", { "|hello wide world", "|hello wide world", "hello wide| world" } },
	{ "the last word may still grow", { "|hell", "|hello", "|hello", "|hello" } },
	{ "a word counts once another follows it", { "|one", "|one two", "|one two", "one| two" } },
	{ "all three must agree", { "|a b c d", "|a x c d", "a| b c d", "a| b c d", "a b c| d" } },
	{ "it grows with the words",
	    { "|a b", "|a b c", "a| b c d", "a b| c d e", "a b c| d e f" } },
	{ "it shrinks where the text changes",
	    { "|a b c", "|a b c", "a b| c", "a| x c", "a| x c", "a x| c" } },
	{ "it may vanish with the first word",
	    { "|a b c", "|a b c", "a b| c", "|x b c", "|x b c" } },
	{ "a partial that is cut short is stable no further",
	    { "|a b c d", "|a b c d", "a b c| d", "a| b" } },
	{ "an empty one takes everything back", { "|a b c", "|a b c", "a b| c", "|", "|a b c" } },
	{ "a prefix of a word is not the word", { "|ab cd", "|abc cd", "|ab cd" } },
	{ "letters of several bytes are never cut",
	    { "|d\xc3\xa9j\xc3\xa0 vu", "|d\xc3\xa9j\xc3\xa8 vu", "|d\xc3\xa9j\xc3\xa0 vu" } },
};

static void test_stable(void **state)
{
	const struct row *r = *state;
	struct text t;

	text_init(&t);
	for (int i = 0; i < PARTIALS_MAX && r->partials[i] != NULL; i++) {
		const char *want = r->partials[i], *bar = strchr(want, '|');
		char partial[64];

		assert_non_null(bar);
		memcpy(partial, want, (size_t)(bar - want));
		strcpy(partial + (bar - want), bar + 1);
		assert_int_equal(text_partial(&t, partial, strlen(partial)), bar - want);
	}
	text_done(&t);
	text_done(&t);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_stable, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
