#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "net/utf8.h"

static struct row {
	const char *name;
	const char *bytes;
	size_t bad_at; /* index of the byte that is refused; the length: none */
	int whole;
} rows[] = {
	{ "nothing is UTF-8", "", 0, 1 },
	{ "ASCII of more than a word is UTF-8", "The quick brown fox\n", 20, 1 },
	{ "two, three and four bytes are UTF-8", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x99", 9, 1 },
	{ "the least and the greatest of each length are UTF-8",
	    "\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 18, 1 },
	{ "characters beside the surrogates are UTF-8", "\xed\x9f\xbf\xee\x80\x80", 6, 1 },
	{ "a cut character is not whole", "a\xe2\x82", 3, 0 },
	{ "a lone continuation is refused", "abcdefghi\x80", 9, 0 },
	{ "a longer form of ASCII is refused", "\xc0\xaf", 0, 0 },
	{ "a longer form of two bytes is refused", "\xe0\x9f\xbf", 1, 0 },
	{ "a longer form of three bytes is refused", "\xf0\x8f\xbf\xbf", 1, 0 },
	{ "a surrogate is refused", "\xed\xa0\x80", 1, 0 },
	{ "above U+10FFFF is refused", "\xf4\x90\x80\x80", 1, 0 },
	{ "a five-byte form is refused", "\xf8\x88\x80\x80\x80", 0, 0 },
	{ "ASCII inside a character is refused", "\xe2\x82z", 2, 0 },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	const uint8_t *bytes = (const uint8_t *)r->bytes;
	size_t n = strlen(r->bytes), i;
	struct utf8 whole = { 0 }, single = { 0 };

	assert_int_equal(utf8_take(&whole, bytes, n), r->bad_at == n);
	for (i = 0; i < n && utf8_take(&single, bytes + i, 1); i++)
		;
	assert_int_equal(i, r->bad_at);
	if (r->bad_at == n) {
		assert_int_equal(utf8_is_whole(&whole), r->whole);
		assert_int_equal(utf8_is_whole(&single), r->whole);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
