#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/util.h"

/* RFC 4648, section 10 */
static const struct row {
	const char *bytes, *text;
} rows[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void test_vectors_of_the_rfc_both_ways(void **state)
{
	char text[16];
	uint8_t bytes[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].bytes);

		base64_encode((const uint8_t *)rows[i].bytes, n, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(base64_decode(text, strlen(text), bytes, sizeof bytes), n);
		assert_memory_equal(bytes, rows[i].bytes, n);
	}
}

static void test_what_is_no_base64_is_refused(void **state)
{
	static const char *const bad[] = { "Z", "Zg=", "Zg",
		"Zh==", "Z===", "====", "Zg==Zg==", "Zg==\nZg==", "Zm9v\nZ", "Zm 9", "Zm\v9v",
		"Zm9*", "Z=9v" };
	uint8_t bytes[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), bytes, sizeof bytes), -1);
}

static void test_lines_may_break_anywhere(void **state)
{
	static const char text[] = "\r\nZm 9v\nYm\tFy\r\n\r\nZ\nm\n8\n=\n";
	uint8_t bytes[8];
	size_t at = 0;

	(void)state;
	assert_int_equal(base64_decode(text, sizeof text - 1, bytes, sizeof bytes), 8);
	assert_memory_equal(bytes, "foobarfo", 8);
	assert_int_equal(base64_decode(text, sizeof text - 1, bytes, 7), -1);
	assert_int_equal(base64_decode_some(text, sizeof text - 1, &at, bytes, 6), 6);
	assert_memory_equal(bytes, "foobar", 6);
	assert_int_equal(base64_decode_some(text, sizeof text - 1, &at, bytes, 6), 2);
	assert_memory_equal(bytes, "fo", 2);
	assert_int_equal(at, sizeof text - 1);
}

static void test_never_writes_past_the_room(void **state)
{
	uint8_t bytes[4] = { 9, 9, 9, 9 };

	(void)state;
	assert_int_equal(base64_decode("Zm9vYg==", 8, bytes, 3), -1);
	assert_int_equal(bytes[3], 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_of_the_rfc_both_ways),
		cmocka_unit_test(test_what_is_no_base64_is_refused),
		cmocka_unit_test(test_lines_may_break_anywhere),
		cmocka_unit_test(test_never_writes_past_the_room),
	};
	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
