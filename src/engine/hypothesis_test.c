#include "engine/hypothesis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "engine/engine.h"

enum { ROOM = 256 };

static struct hypothesis h;
static char text[ROOM], spelled[ROOM];
static struct engine_word words[ENGINE_WORDS_MAX];

/* One token a character of `ids`, `ms` apart. */
static void hear(const char *ids, int ms)
{
	static char bytes[128][3];

	hypothesis_clear(&h, 60000);
	for (int i = 0; ids[i] != '\0'; i++) {
		int id = ids[i];

		bytes[id][0] = ' ';
		bytes[id][1] = (char)id;
		hypothesis_add(&h,
		    &(struct hypothesis_token){ bytes[id], id, 0.5f, -0.5f, i * ms, (i + 1) * ms });
	}
}

static size_t write_words(size_t cap)
{
	return hypothesis_words(&h, &(struct hypothesis_room){ text, spelled, cap, words });
}

static const struct circle {
	const char *name, *ids;
	size_t repeated;
} circles[] = {
	{ "nothing goes round", "", 0 },
	{ "a sentence does not", "abcdefghijklmnopqrst", 0 },
	{ "one said twice is none yet", "abcdefghabcdefgh", 0 },
	{ "one said three times is", "abcdefghabcdefghabcdefgh", 16 },
	{ "one that breaks off in its third round is none", "abcdefghabcdefghabcdefg", 0 },
	{ "one that breaks off in its fourth is", "xabcdeabcdeabcdeabc", 13 },
	{ "a word said four times is none", "xnnnn", 0 },
	{ "eleven times is none", "xnnnnnnnnnnn", 0 },
	{ "twelve times is", "xnnnnnnnnnnnn", 11 },
	{ "one in the middle is said and done", "abcabcabcabcabcx", 0 },
};

static void test_circle(void **state)
{
	const struct circle *c = *state;

	hear(c->ids, 100);
	assert_int_equal(hypothesis_loop(&h), c->repeated);
	assert_int_equal(hypothesis_is_suspect(&h), c->repeated > 0);
}

static void test_what_nobody_could_have_said_is_cut(void **state)
{
	(void)state;
	hear("yabcabcabcabcabc", 100);
	hypothesis_cut_loop(&h);
	assert_int_equal(write_words(ROOM), 4);
	assert_string_equal(text, "y a b c");
}

static void test_what_was_said_in_its_time_stays(void **state)
{
	(void)state;
	hear("yabcabcabcabcabc", 200);
	hypothesis_cut_loop(&h);
	assert_int_equal(write_words(ROOM), 16);
}

static void test_at_the_limit_nothing_was_said_in_its_time(void **state)
{
	(void)state;
	hear("yabcabcabcabcabc", 200);
	h.at_limit = true;
	assert_true(hypothesis_is_suspect(&h));
	hypothesis_cut_loop(&h);
	assert_int_equal(write_words(ROOM), 4);
}

static void test_inventions_are_not_told(void **state)
{
	static const struct {
		float no_speech, log_p_min;
		size_t kept;
	} cases[] = { { 0.6f, -0.1f, 3 }, { 0.61f, -9, 0 }, { -1, -0.6f, 3 }, { -1, -0.4f, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		hear("abc", 200);
		h.no_speech = cases[i].no_speech;
		hypothesis_cut_invention(&h, 0.6f, cases[i].log_p_min);
		assert_int_equal(h.n, cases[i].kept);
		hypothesis_cut_invention(&h, 0.6f, cases[i].log_p_min); /* of nothing, too */
	}
}

static void test_what_has_no_word_is_not_told(void **state)
{
	static const struct {
		const char *bytes[3];
		size_t kept;
	} cases[] = {
		{ { " \xe2\x99\xaa", "\xe2\x99\xaa", "\xe2\x99\xaa\xe2\x99\xab" }, 0 },
		{ { " ...", " -", "" }, 0 }, { { " \xe2\x99\xaa", " la", " \xe2\x99\xaa" }, 3 },
		{ { " 7", "", "" }, 3 }, { { " \xd0\xb4", "\xd0\xb0", "." }, 3 },
		{ { " \xe2", "\x99", "\xaa" }, 3 }, /* in pieces it may be anything */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		hypothesis_clear(&h, 1000);
		for (size_t j = 0; j < 3; j++)
			hypothesis_add(
			    &h, &(struct hypothesis_token){ .bytes = cases[i].bytes[j] });
		hypothesis_cut_wordless(&h);
		assert_int_equal(h.n, cases[i].kept);
	}
}

static void add(const char *bytes, float p, int from_ms, int to_ms)
{
	hypothesis_add(&h, &(struct hypothesis_token){ bytes, 1, p, 0, from_ms, to_ms });
}

static void test_words_are_what_stands_between_spaces(void **state)
{
	(void)state;
	hypothesis_clear(&h, 1000);
	add(" J", 0.5f, 100, 200);
	add("ane", 0.7f, 200, 300);
	add(",", 0.9f, 300, 310);
	add(" \xc3", 1, 310, 500);
	add("\xa9t\xc3\xa9", 1, 500, 700);
	assert_int_equal(write_words(ROOM), 2);
	assert_string_equal(text, "Jane, \xc3\xa9t\xc3\xa9");
	assert_string_equal(words[0].text, "Jane,");
	assert_string_equal(words[1].text, "\xc3\xa9t\xc3\xa9");
	assert_int_equal(words[0].start_ms, 100);
	assert_int_equal(words[0].end_ms, 310);
	assert_true(words[0].confidence > 0.69f && words[0].confidence < 0.71f);
	assert_int_equal(words[1].start_ms, 310);
	assert_int_equal(words[1].end_ms, 700);
}

static void test_a_text_without_a_space_before_it_begins_with_a_word(void **state)
{
	(void)state;
	hypothesis_clear(&h, 1000);
	add("and", 1, 0, 100);
	add(" ", 1, 100, 100);
	add(" so", 1, 100, 200);
	assert_int_equal(write_words(ROOM), 2);
	assert_string_equal(text, "and so");
}

static void test_times_stay_in_order_and_within_the_audio(void **state)
{
	(void)state;
	hypothesis_clear(&h, 1000);
	add(" a", 1, -20, 500);
	add(" b", 1, 600, 500);
	add(" c", 1, 300, 2000);
	add(" d", 1, 3000, 4000);
	assert_int_equal(write_words(ROOM), 4);
	assert_int_equal(words[0].start_ms, 0);
	assert_int_equal(words[1].end_ms, 600);
	assert_int_equal(words[2].start_ms, 600);
	assert_int_equal(words[2].end_ms, 1000);
	assert_int_equal(words[3].start_ms, 1000);
	assert_int_equal(words[3].end_ms, 1000);
}

static void test_what_there_is_no_room_for_is_left_out_by_words(void **state)
{
	(void)state;
	hypothesis_clear(&h, 1000);
	for (int i = 0; i < 100; i++)
		add(" word", 1, i, i + 1);
	assert_int_equal(write_words(16), 3);
	assert_string_equal(text, "word word word");
	for (int i = 0; i < ENGINE_WORDS_MAX; i++)
		add(" w", 1, i, i + 1);
	{
		static char much[4 * ENGINE_WORDS_MAX], spelt[4 * ENGINE_WORDS_MAX];

		assert_int_equal(hypothesis_words(&h,
				     &(struct hypothesis_room){ much, spelt, sizeof much, words }),
		    ENGINE_WORDS_MAX);
	}
}

static int teardown(void **state)
{
	(void)state;
	hypothesis_done(&h);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_nobody_could_have_said_is_cut),
		cmocka_unit_test(test_what_was_said_in_its_time_stays),
		cmocka_unit_test(test_at_the_limit_nothing_was_said_in_its_time),
		cmocka_unit_test(test_inventions_are_not_told),
		cmocka_unit_test(test_what_has_no_word_is_not_told),
		cmocka_unit_test(test_words_are_what_stands_between_spaces),
		cmocka_unit_test(test_a_text_without_a_space_before_it_begins_with_a_word),
		cmocka_unit_test(test_times_stay_in_order_and_within_the_audio),
		cmocka_unit_test(test_what_there_is_no_room_for_is_left_out_by_words),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(circles)];

	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(circles); i++)
		all[ARRAY_SIZE(tests) + i] = (struct CMUnitTest){ circles[i].name, test_circle,
			NULL, NULL, (void *)(uintptr_t)&circles[i] };
	return cmocka_run_group_tests_name("hypothesis", all, NULL, teardown);
}
