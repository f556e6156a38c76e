#include "engine/word_errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

static void test_words_that_differ_are_counted(void **state)
{
	static const struct {
		const char *meant, *heard;
		size_t errors, words;
	} cases[] = {
		{ "", "", 0, 0 },
		{ "", "a b", 2, 0 },
		{ "a b", "", 2, 2 },
		{ "ask not what", "Ask not, what.", 0, 3 },
		{ "ask not what", "ask what", 1, 3 },
		{ "ask what", "ask not what", 1, 2 },
		{ "ask not what", "asked not what you", 2, 3 },
		{ "the old man", "man the old", 2, 3 },
		{ "don't", "dont", 1, 1 },
		{ "d\xc3\xa9j\xc3\xa0 vu", "d\xc3\xa9j\xc3\xa0 vu", 0, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(word_errors(cases[i].meant, cases[i].heard), cases[i].errors);
		assert_int_equal(word_errors_words(cases[i].meant), cases[i].words);
	}
}

static void test_a_long_text_is_compared_by_its_first_words(void **state)
{
	static char text[4 * WORD_ERRORS_WORDS_MAX];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof text; i += 2) {
		text[i] = 'a';
		text[i + 1] = ' ';
	}
	assert_int_equal(word_errors_words(text), WORD_ERRORS_WORDS_MAX);
	assert_int_equal(word_errors(text, ""), WORD_ERRORS_WORDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_that_differ_are_counted),
		cmocka_unit_test(test_a_long_text_is_compared_by_its_first_words),
	};

	return cmocka_run_group_tests_name("word_errors", tests, NULL, NULL);
}
