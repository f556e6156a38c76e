/* Lines and their words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "host/command.h"

static struct row {
	const char *name, *line;
	const char *words[5]; /* none: it is refused */
	const char *says;
} rows[] = {
	{ "one word", "/bin/engine", { "/bin/engine" }, NULL },
	{ "blanks and tabs part words", "  a \t b  ", { "a", "b" }, NULL },
	{ "quotes keep blanks", "a 'b c' \"d e\"", { "a", "b c", "d e" }, NULL },
	{ "a quote may stand inside of a word", "--model='my model'.bin",
	    { "--model=my model.bin" }, NULL },
	{ "quotes with nothing inside are a word", "a '' b", { "a", "", "b" }, NULL },
	{ "the other quote is a character", "a \"it's\" '\"'", { "a", "it's", "\"" }, NULL },
	{ "a backslash keeps a blank", "a\\ b c", { "a b", "c" }, NULL },
	{ "a backslash keeps a quote", "a \\'b\\\"", { "a", "'b\"" }, NULL },
	{ "a backslash is one within '...'", "a 'b\\c'", { "a", "b\\c" }, NULL },
	{ "a backslash keeps what follows within \"...\"", "a \"b\\\"c\\\\\"", { "a", "b\"c\\" },
	    NULL },
	{ "a backslash at the end is one", "a b\\", { "a", "b\\" }, NULL },
	{ "nothing else has a meaning", "a $HOME *;|", { "a", "$HOME", "*;|" }, NULL },
	{ "an empty line names no program", "", { NULL }, "it names no program" },
	{ "nor do blanks", " \t ", { NULL }, "it names no program" },
	{ "nor does an empty word", "'' a", { NULL }, "it names no program" },
	{ "a quote without another is refused", "a 'b", { NULL }, "a ' has no other one" },
	{ "likewise a double one", "a \"b\\\"", { NULL }, "a \" has no other one" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct command c;
	struct error err = ERROR_INIT;
	int rc = command_split(&c, r->line, &err);

	if (r->says != NULL) {
		assert_int_equal(rc, -1);
		assert_int_equal(err.code, ERROR_CONFIG);
		assert_string_equal(err.text, r->says);
		return;
	}
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < ARRAY_SIZE(r->words); i++) {
		if (r->words[i] == NULL) {
			assert_null(c.words[i]);
			break;
		}
		assert_string_equal(c.words[i], r->words[i]);
	}
	command_done(&c);
	assert_null(c.bytes);
}

static void test_too_many(void **state)
{
	char line[2 * COMMAND_WORDS_MAX + 2 + 1];
	struct command c;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof line; i++)
		line[i] = i % 2 == 0 ? 'a' : ' ';
	line[2 * COMMAND_WORDS_MAX] = '\0';
	assert_int_equal(command_split(&c, line, &err), 0);
	assert_non_null(c.words[COMMAND_WORDS_MAX - 1]);
	assert_null(c.words[COMMAND_WORDS_MAX]);
	command_done(&c);
	line[2 * COMMAND_WORDS_MAX] = 'a';
	line[2 * COMMAND_WORDS_MAX + 1] = '\0';
	assert_int_equal(command_split(&c, line, &err), -1);
	assert_string_equal(err.text, "it has more than 64 words");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest)cmocka_unit_test(test_too_many);
	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
