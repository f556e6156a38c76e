#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/binary_text.h"
#include "base/test_rows.h"
#include "base/util.h"

static struct row {
	const char *name, *bytes;
	size_t n; /* 0: as long as the text */
	bool want;
} rows[] = {
	{ "a command", "{\"eof\" : 1}", 0, true },
	{ "white space around it, and a line's end", " {\n\t\"eof\" : 1 }\r\n", 0, true },
	{ "text in another script", "{\"uid\":\"\xc3\xa4\"}", 0, true },
	{ "a slip within is for the parser to tell", "{\"eof\" = 1}", 0, true },
	{ "nothing", "", 0, false },
	{ "two bytes that may be a sample", "{}", 0, false },
	{ "no key", "{      }", 0, false },
	{ "an array", "[\"eof\", 1]", 0, false },
	{ "its beginning", "{\"eof\" : 1", 0, false },
	{ "a NUL within", "{\"eof\0\":1}", 10, false },
	{ "what is not UTF-8", "{\"eof\":\"\xff\"}", 0, false },
	{ "a character that is cut", "{\"eof\":\"\xc3\"}", 0, false },
	{ "a packet's length that is a brace", "{\0\0\0{\"sampleRate\":16000}", 24, false },
};

static void an_object_is_told_from_audio(void **state)
{
	const struct row *r = *state;
	size_t n = r->n == 0 ? strlen(r->bytes) : r->n;
	char *copy = xcalloc(n + 1, 1); /* to the byte, so that ASan sees a read behind the end */

	memcpy(copy + 1, r->bytes, n);
	assert_int_equal(binary_text_is_object(copy + 1, n), r->want);
	free(copy);
}

static void a_word_may_have_a_line_end_behind_it(void **state)
{
	(void)state;
	assert_true(binary_text_is_word("Done", 4, "Done"));
	assert_true(binary_text_is_word("Done\r\n", 6, "Done"));
	assert_false(binary_text_is_word("Done!", 5, "Done"));
	assert_false(binary_text_is_word(" Done", 5, "Done"));
	assert_false(binary_text_is_word("Done ", 5, "Done"));
	assert_false(binary_text_is_word("Don", 3, "Done"));
	assert_false(binary_text_is_word("Done\0\0\0\0", 8, "Done"));
	assert_false(binary_text_is_word("", 0, "Done"));
	assert_false(binary_text_is_word("\n\n\n\n", 4, "Done"));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, an_object_is_told_from_audio);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_word_may_have_a_line_end_behind_it);
	return cmocka_run_group_tests_name("binary_text", tests, NULL, NULL);
}
