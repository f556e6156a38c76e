#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/stt_data_text.h"
#include "base/base64.h"
#include "base/util.h"

static struct row {
	const char *name, *text, *want;
} rows[] = {
	{ "nothing", "", "" },
	{ "a capital is put first", "go forward", "Go forward" },
	{ "blanks before it are dropped", " \t go", "Go" },
	{ "dots before it are dropped", "...and so", "And so" },
	{ "blanks and dots before it are dropped", "  ... and so", "And so" },
	{ "only dots", "...", "" },
	{ "a quote behind dots is dropped", "and then...'", "And then..." },
	{ "a quote elsewhere stays", "'tis the boys'", "'tis the boys'" },
	{ "Latin letters with accents",
	    "\xc3\xbc"
	    "ber",
	    "\xc3\x9c"
	    "ber" },
	{ "Cyrillic letters", "\xd0\xb4\xd0\xb0", "\xd0\x94\xd0\xb0" },
	{ "Greek letters", "\xcf\x89", "\xce\xa9" },
	{ "other writing stays", "\xe4\xbd\xa0", "\xe4\xbd\xa0" },
	{ "what is no UTF-8 stays",
	    "\xff"
	    "a",
	    "\xff"
	    "a" },
	{ "a character that is cut stays", "\xc3", "\xc3" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	char *got = stt_sentence(r->text, strlen(r->text));

	assert_string_equal(got, r->want);
	free(got);
}

static void audio_is_floats_of_any_number_of_samples(void **state)
{
	static const int16_t samples[] = { 0, 16384, -32768, 1, -1, 32767, 3 };
	char text[64];
	uint8_t bytes[32];

	(void)state;
	for (size_t n = 0; n <= ARRAY_SIZE(samples); n++) {
		stt_audio_base64(samples, n, text);
		assert_int_equal(strlen(text), stt_audio_base64_bytes(n));
		assert_int_equal(
		    base64_decode(text, strlen(text), bytes, sizeof bytes), (long)(4 * n));
		for (size_t i = 0; i < n; i++) {
			float f;

			memcpy(&f, bytes + 4 * i, sizeof f);
			assert_int_equal((int)(f * 32768.0f), samples[i]);
		}
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest)cmocka_unit_test(audio_is_floats_of_any_number_of_samples);
	return cmocka_run_group_tests_name("stt_data_text", tests, NULL, NULL);
}
