#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/wanted.h"
#include "base/util.h"
#include "ipc/message.h"

static void prompt(struct wanted *w, const char *text)
{
	wanted_prompt(w, text, strlen(text));
}

static void hot_words(struct wanted *w, const char *text)
{
	wanted_hot_words(w, text, strlen(text));
}

static void phrase(struct wanted *w, const char *text)
{
	wanted_phrase(w, text, strlen(text));
}

static void test_nothing_is_wished_at_first(void **state)
{
	struct wanted w = { .translate = false };
	struct session_wishes lent = wanted_lend(&w);

	(void)state;
	assert_int_equal(wanted_kinds(&lent), 0);
	wanted_language(&w, "English");
	prompt(&w, "");
	hot_words(&w, " , ,");
	phrase(&w, " \n ");
	lent = wanted_lend(&w);
	assert_int_equal(wanted_kinds(&lent), 0);
	assert_null(w.prompt);
	assert_null(w.hot_words);
}

static void test_each_wish_is_of_its_kind(void **state)
{
	struct wanted w = { .translate = false };
	struct session_wishes lent;

	(void)state;
	wanted_language(&w, "de-AT");
	lent = wanted_lend(&w);
	assert_string_equal(lent.language, "de");
	assert_int_equal(wanted_kinds(&lent), IPC_TAKES_LANGUAGE);
	hot_words(&w, "a");
	lent = wanted_lend(&w);
	assert_int_equal(wanted_kinds(&lent), IPC_TAKES_LANGUAGE | IPC_TAKES_HOT_WORDS);
	wanted_forget_hot_words(&w);
	prompt(&w, "Dr.");
	phrase(&w, "go on");
	lent = wanted_lend(&w);
	assert_string_equal(lent.phrases, "go on");
	assert_int_equal(
	    wanted_kinds(&lent), IPC_TAKES_LANGUAGE | IPC_TAKES_PROMPT | IPC_TAKES_PHRASES);
	prompt(&w, "");
	wanted_forget_phrases(&w);
	w.translate = true;
	lent = wanted_lend(&w);
	assert_int_equal(wanted_kinds(&lent), IPC_TAKES_LANGUAGE | IPC_TAKES_TRANSLATE);
	wanted_done(&w);
	assert_string_equal(w.language, "");
}

static void test_of_a_prompt_the_end_is_kept(void **state)
{
	static char text[2 * IPC_PROMPT_MAX + 1];
	struct wanted w = { .translate = false };

	(void)state;
	memset(text, 'a', sizeof text - 1);
	memcpy(text + sizeof text - 1 - 3, "end", 3);
	prompt(&w, text);
	assert_int_equal(strlen(w.prompt), IPC_PROMPT_MAX);
	assert_string_equal(w.prompt + IPC_PROMPT_MAX - 4, "aend");
	prompt(&w, "another");
	assert_string_equal(w.prompt, "another");
	wanted_done(&w);
}

static void test_a_prompt_begins_with_a_whole_character(void **state)
{
	static char text[2 * IPC_PROMPT_MAX + 2]; /* of two bytes each, and one more */
	struct wanted w = { .translate = false };

	(void)state;
	for (size_t i = 0; i + 2 < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xbc", 2);
	text[sizeof text - 2] = '!';
	prompt(&w, text);
	assert_int_equal(strlen(w.prompt), IPC_PROMPT_MAX - 1);
	assert_memory_equal(w.prompt, "\xc3\xbc", 2);
	wanted_done(&w);
}

static void test_what_is_no_text_is_none(void **state)
{
	struct wanted w = { .translate = false };

	(void)state;
	prompt(&w, "before");
	prompt(&w,
	    "fran\xe7"
	    "ais");
	assert_null(w.prompt);
	wanted_prompt(&w, "a\0b", 3);
	assert_null(w.prompt);
	hot_words(&w, "cut \xc3");
	assert_null(w.hot_words);
}

static void test_hot_words_are_put_together(void **state)
{
	struct wanted w = { .translate = false };

	(void)state;
	hot_words(&w, " MRT ,CT,, Dr. Ott\n");
	hot_words(&w, "EKG");
	assert_string_equal(w.hot_words, "MRT, CT, Dr. Ott, EKG");
	wanted_done(&w);
}

static void test_of_hot_words_the_first_ones_are_kept(void **state)
{
	char word[101];
	struct wanted w = { .translate = false };

	(void)state;
	memset(word, 'a', 100);
	word[100] = '\0';
	for (int i = 0; i < 20; i++) {
		word[0] = (char)('a' + i);
		hot_words(&w, word);
	}
	assert_int_equal(strlen(w.hot_words), 10 * 100 + 9 * 2);
	assert_int_equal(w.hot_words[9 * 102], 'j');
	wanted_done(&w);
}

static void test_phrases_are_lines(void **state)
{
	struct wanted w = { .translate = false };

	(void)state;
	phrase(&w, " turn \n left ");
	phrase(&w, "cut \xc3");
	phrase(&w, "right");
	assert_string_equal(w.phrases, "turn left\nright");
	wanted_done(&w);
	assert_null(w.phrases);
}

static void test_of_phrases_the_first_ones_are_kept(void **state)
{
	char text[1001];
	struct wanted w = { .translate = false };

	(void)state;
	memset(text, 'a', 1000);
	text[1000] = '\0';
	for (int i = 0; i < 20; i++) {
		text[0] = (char)('a' + i);
		phrase(&w, text);
	}
	assert_int_equal(strlen(w.phrases), 8 * 1001 - 1);
	assert_int_equal(w.phrases[7 * 1001], 'h');
	wanted_done(&w);
}

static struct row {
	const char *name;
	unsigned kinds;
	const char *said;
} rows[] = {
	{ "of nothing nothing is said", 0, "" },
	{ "nor of a language", IPC_TAKES_LANGUAGE, "" },
	{ "one has its name", IPC_TAKES_HOT_WORDS, "hot words" },
	{ "all have theirs", IPC_TAKES_ALL, "prompt, hot words, phrases, translation" },
};

static void test_names(void **state)
{
	const struct row *r = *state;
	char names[WANTED_NAMES_BYTES];

	wanted_names(r->kinds, names);
	assert_string_equal(names, r->said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_wished_at_first),
		cmocka_unit_test(test_each_wish_is_of_its_kind),
		cmocka_unit_test(test_of_a_prompt_the_end_is_kept),
		cmocka_unit_test(test_a_prompt_begins_with_a_whole_character),
		cmocka_unit_test(test_what_is_no_text_is_none),
		cmocka_unit_test(test_hot_words_are_put_together),
		cmocka_unit_test(test_of_hot_words_the_first_ones_are_kept),
		cmocka_unit_test(test_phrases_are_lines),
		cmocka_unit_test(test_of_phrases_the_first_ones_are_kept),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(rows)];

	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		all[ARRAY_SIZE(tests) + i] =
		    (struct CMUnitTest){ rows[i].name, test_names, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("wanted", all, NULL, NULL);
}
