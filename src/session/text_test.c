#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
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

static void two_are_enough_where_each_is_a_decode_of_its_own(void **state)
{
	struct text t;

	(void)state;
	text_init(&t);
	t.agree = 2;
	assert_int_equal(text_partial(&t, "a b c", 5), 0);
	assert_int_equal(text_partial(&t, "a b d", 5), 3);
	assert_int_equal(text_partial(&t, "a b d e", 7), 3); /* the last word may still grow */
	assert_int_equal(text_partial(&t, "a b d e f", 9), 5);
	assert_int_equal(text_partial(&t, "a b d e f", 9), 7);
	text_done(&t);
}

static void what_is_stable_stays(void **state)
{
	static const struct {
		const char *partial, *told;
	} cases[] = {
		{ "ask not what", NULL },
		{ "ask not", NULL },
		{ "Ask not what your", "ask not what your" },
		{ "ask, not what", "ask not what" },
		{ "ask nothing at all", "ask not at all" },
		{ "ask", "ask not" },
		{ "", "ask not" },
		{ "ask nota", "ask not" },
	};
	struct text t;

	(void)state;
	text_init(&t);
	t.agree = 2;
	assert_null(text_keep_stable(&t, "ask not", 7, NULL));
	(void)text_partial(&t, "ask not w", 9);
	assert_int_equal(text_partial(&t, "ask not x", 9), 7);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = 0;
		char *told = text_keep_stable(&t, cases[i].partial, strlen(cases[i].partial), &n);

		assert_true((told == NULL) == (cases[i].told == NULL));
		if (told == NULL)
			continue;
		assert_string_equal(told, cases[i].told);
		assert_int_equal(n, strlen(told));
		free(told);
	}
	text_done(&t);
}

/* A shorter decode says no more than what is stable already; the next one is another opinion again. */
static void what_is_stable_stays_when_nothing_follows_it(void **state)
{
	struct text t;
	size_t n;
	char *told;

	(void)state;
	text_init(&t);
	t.agree = 2;
	(void)text_partial(&t, "ask not what", 12);
	assert_int_equal(text_partial(&t, "ask not what", 12), 7);
	told = text_keep_stable(&t, "ask", 3, &n);
	assert_string_equal(told, "ask not");
	assert_int_equal(text_partial(&t, told, n), 7);
	free(told);
	told = text_keep_stable(&t, "ask no more", 11, &n);
	assert_string_equal(told, "ask not more");
	free(told);
	text_done(&t);
}

static bool is_near(float got, double want)
{
	return got > want - 0.001 && got < want + 0.001;
}

static void a_word_is_the_likelier_to_stay_the_oftener_it_stood(void **state)
{
	struct text t;

	(void)state;
	text_init(&t);
	(void)text_partial(&t, "go for", 6);
	assert_true(is_near(text_confidence_of_all(&t), 0.5));
	(void)text_partial(&t, "go forward", 10);
	assert_true(is_near(text_confidence(&t, 0), 2 / 3.0));
	assert_true(is_near(text_confidence(&t, 1), 0.5));
	(void)text_partial(&t, "go forward ten", 14);
	assert_true(is_near(text_confidence(&t, 0), 0.75));
	assert_true(is_near(text_confidence(&t, 1), 2 / 3.0));
	assert_true(is_near(text_confidence(&t, 2), 0.5));
	assert_true(is_near(text_confidence_of_all(&t), (0.75 + 2 / 3.0 + 0.5) / 3));
	(void)text_partial(&t, "no forward ten", 14); /* a word after one that changed is another */
	assert_true(is_near(text_confidence(&t, 1), 0.5));
	text_done(&t);
}

static void test_settled(void **state)
{
	struct text t;

	(void)state;
	text_init(&t);
	assert_int_equal(text_settled(&t, 0), 0);
	(void)text_partial_at(&t, "hello w", 7, 1000);
	(void)text_partial_at(&t, "hello wide world", 16, 1500);
	assert_int_equal(text_settled(&t, 600), 0);
	(void)text_partial_at(&t, "hello wide world", 16, 3000);
	assert_int_equal(text_settled(&t, 2000), 5);  /* "hello" was there from the first on, */
	assert_int_equal(text_settled(&t, 1500), 10); /* "wide" came then, */
	assert_int_equal(text_settled(&t, 1), 10);    /* and the last word may still grow */
	(void)text_partial_at(&t, "hello wild world", 16, 9000);
	assert_int_equal(text_settled(&t, 1), 5);
	(void)text_partial_at(&t, "hello", 5, 9500);
	assert_int_equal(text_settled(&t, 1), 0);
	text_done(&t);
}

static void a_part_settles_only_what_goes_on_from_what_is_stable(void **state)
{
	static const struct {
		const char *part, *want;
	} parts[] = { { "one", "one two" }, { "one two", "one two" },
		{ "won two three", "one two" }, { "one twofold", "one two" },
		{ "one two three", "one two three" } };
	struct text t;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		text_init(&t);
		for (int k = 0; k < 3; k++)
			(void)text_partial(&t, "one two six", 11);
		text_settle(&t, parts[i].part, strlen(parts[i].part));
		assert_memory_equal(text_stable(&t, &n), parts[i].want, strlen(parts[i].want));
		assert_int_equal(n, strlen(parts[i].want));
		text_done(&t);
	}
}

int main(void)
{
	const struct CMUnitTest others[] = {
		{ "words settle once they stood long enough", test_settled, NULL, NULL, NULL },
		cmocka_unit_test(two_are_enough_where_each_is_a_decode_of_its_own),
		cmocka_unit_test(what_is_stable_stays),
		cmocka_unit_test(a_part_settles_only_what_goes_on_from_what_is_stable),
		cmocka_unit_test(what_is_stable_stays_when_nothing_follows_it),
		cmocka_unit_test(a_word_is_the_likelier_to_stay_the_oftener_it_stood),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_stable, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("text", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("confidence", others, NULL, NULL);
}
