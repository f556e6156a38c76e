#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/letter.h"
#include "base/util.h"

static struct row {
	const char *name;
	const char *small, *capital; /* one character each */
} rows[] = {
	{ "Latin", "a", "A" },
	{ "of two bytes", "\xc3\xa9", "\xc3\x89" },
	{ "whose capital is far behind it", "\xc3\xbf", "\xc5\xb8" },
	{ "Polish, whose capitals are even", "\xc4\x85", "\xc4\x84" },
	{ "Polish, whose capitals are odd", "\xc5\xbc", "\xc5\xbb" },
	{ "Vietnamese, of three bytes", "\xe1\xba\xa5", "\xe1\xba\xa4" },
	{ "Greek", "\xcf\x89", "\xce\xa9" },
	{ "Greek with an accent", "\xce\xad", "\xce\x88" },
	{ "Greek with a breathing", "\xe1\xbc\x80", "\xe1\xbc\x88" },
	{ "Russian", "\xd1\x8f", "\xd0\xaf" },
	{ "Ukrainian", "\xd1\x97", "\xd0\x87" },
	{ "Kazakh", "\xd3\x99", "\xd3\x98" },
	{ "Armenian", "\xd5\xa1", "\xd4\xb1" },
};

static struct row same[] = {
	{ "a digit has no case", "7", "7" },
	{ "a division sign is no letter", "\xc3\xb7", "\xc3\xb7" },
	{ "a multiplication sign is none", "\xc3\x97", "\xc3\x97" },
	{ "a sharp s begins no word", "\xc3\x9f", "\xc3\x9f" },
	{ "a dotless i would change its length", "\xc4\xb1", "\xc4\xb1" },
	{ "a sigma of a word's end begins none", "\xcf\x82", "\xcf\x82" },
	{ "Georgian has no capitals at beginnings", "\xe1\x83\x90", "\xe1\x83\x90" },
	{ "Hangul has no case", "\xea\xb0\x80", "\xea\xb0\x80" },
	{ "Chinese has none", "\xe4\xbd\xa0", "\xe4\xbd\xa0" },
};

static uint32_t one(const char *text)
{
	size_t bytes;
	uint32_t c = letter_at(text, strlen(text), &bytes);

	assert_int_equal(bytes, strlen(text));
	return c;
}

static void test_case(void **state)
{
	const struct row *r = *state;

	assert_int_equal(letter_upper(one(r->small)), one(r->capital));
	assert_int_equal(letter_lower(one(r->capital)), one(r->small));
	assert_int_equal(letter_upper(one(r->capital)), one(r->capital));
	assert_int_equal(letter_lower(one(r->small)), one(r->small));
}

/* All that there are: one case has one way to the other, and takes as many bytes. */
static void test_every_pair(void **state)
{
	char was[4], is[4];

	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		uint32_t up = letter_upper(c), down = letter_lower(c);

		assert_int_equal(letter_put(c, was), letter_put(up, is));
		assert_int_equal(letter_put(c, was), letter_put(down, is));
		assert_true(up == c || (letter_lower(up) == c && letter_upper(up) == up));
		assert_true(down == c || (letter_upper(down) == c && letter_lower(down) == down));
	}
}

static void test_put_is_read_again(void **state)
{
	char bytes[4];
	size_t n;

	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		size_t put = letter_put(c, bytes);

		assert_int_equal(letter_at(bytes, put, &n), c);
		assert_int_equal(n, put);
	}
}

static void test_what_is_no_utf8_is_a_character_a_byte(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(letter_at("\xc3", 1, &n), 0xc3);
	assert_int_equal(n, 1);
	assert_int_equal(letter_at("\xe1\x83x", 3, &n), 0xe1);
	assert_int_equal(n, 1);
	assert_int_equal(letter_at("\x80", 1, &n), 0x80);
	assert_int_equal(n, 1);
}

static void test_which_scripts_end_with_a_dot(void **state)
{
	static const char *const with[] = { "a", "Z", "9", "\xc3\xa9", "\xcc\x81", "\xce\xa9",
		"\xd1\x8f", "\xd7\x90", "\xe1\x83\x90", "\xe1\xba\xa5" };
	static const char *const without[] = { ".", "?", " ", "'", "\xc3\x97", "\xcd\xbe",
		"\xce\x87", "\xd5\xa1", "\xd8\xa7", "\xe0\xa4\xb9", "\xe0\xb8\x81", "\xe4\xbd\xa0",
		"\xea\xb0\x80", "\xe3\x81\x82", "\xe3\x80\x82" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(with); i++)
		assert_true(letter_takes_full_stop(one(with[i])));
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		assert_false(letter_takes_full_stop(one(without[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_put_is_read_again),
		cmocka_unit_test(test_what_is_no_utf8_is_a_character_a_byte),
		cmocka_unit_test(test_which_scripts_end_with_a_dot),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(rows) + ARRAY_SIZE(same)];
	size_t n = ARRAY_SIZE(tests);

	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		all[n++] = (struct CMUnitTest){ rows[i].name, test_case, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		all[n++] = (struct CMUnitTest){ same[i].name, test_case, NULL, NULL, &same[i] };
	return cmocka_run_group_tests_name("letter", all, NULL, NULL);
}
