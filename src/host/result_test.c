#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/result.h"

static struct result_scratch scratch;

static struct ipc_result filled(const struct engine_result *heard)
{
	static uint8_t packet[IPC_PACKET_MAX];
	struct ipc_message m = { .type = IPC_FINAL };
	struct error err = ERROR_INIT;

	memset(&scratch, 0xee, sizeof scratch);
	result_fill(&m.result, heard, &scratch);
	assert_true(ipc_encode(&m, packet, sizeof packet, &err) > 0);
	return m.result;
}

static void assert_text(const struct ipc_text *text, const char *want)
{
	assert_int_equal(text->length, strlen(want));
	assert_memory_equal(text->bytes, want, text->length);
}

static void test_what_fits_comes_through(void **state)
{
	const struct engine_word words[] = { { "na\xc3\xafve", 10, 300, 0.25f },
		{ "\xf0\x9f\x8e\xb6", 300, 500, 1.0f } };
	const struct engine_result heard = { .text = "na\xc3\xafve \xf0\x9f\x8e\xb6",
		.confidence = 0.5f,
		.words = words,
		.words_n = 2,
		.adaptation = "blob",
		.adaptation_bytes = 4 };
	struct ipc_result r = filled(&heard);

	(void)state;
	assert_text(&r.text, heard.text);
	assert_int_equal(r.confidence, 5000);
	assert_int_equal(r.words_n, 2);
	assert_text(&r.words[0].text, words[0].text);
	assert_int_equal(r.words[0].start_ms, 10);
	assert_int_equal(r.words[0].end_ms, 300);
	assert_int_equal(r.words[0].confidence, 2500);
	assert_text(&r.words[1].text, words[1].text);
	assert_int_equal(r.words[1].confidence, IPC_CONFIDENCE_ONE);
	assert_int_equal(r.adaptation_bytes, 4);
}

static void test_a_language_is_a_short_name_or_none(void **state)
{
	const struct {
		const char *heard, *told;
	} rows[] = { { "de", "de" }, { NULL, "" }, { "", "" }, { "zh-Hans", "zh-Hans" },
		{ "fifteen-letters", "fifteen-letters" }, { "sixteen--letters", "" },
		{ "d\"e", "" }, { "fran\xe7", "" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct engine_result heard = { .text = "", .language = rows[i].heard };
		struct ipc_result r = filled(&heard);

		assert_text(&r.language, rows[i].told);
	}
}

static void test_a_long_text_is_cut_after_a_word(void **state)
{
	static char text[2 * IPC_TEXT_MAX];
	const struct engine_result heard = { .text = text };
	struct ipc_result r;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof text; i++)
		text[i] = i % 7 == 6 ? ' ' : 'x';
	r = filled(&heard);
	assert_in_range(r.text.length, IPC_TEXT_MAX - 7, IPC_TEXT_MAX);
	assert_int_equal(r.text.length % 7, 6);
}

static void test_words_beyond_the_bounds_are_left_out(void **state)
{
	static struct engine_word words[2 * IPC_WORDS_MAX];
	static char long_word[100];
	struct engine_result heard = { .text = "", .words = words, .words_n = ARRAY_SIZE(words) };

	(void)state;
	memset(long_word, 'x', sizeof long_word - 1);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i].text = "word";
	assert_int_equal(filled(&heard).words_n, IPC_WORDS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i].text = long_word;
	assert_in_range(filled(&heard).words_n, 500, 600);
}

static void test_an_adaptation_that_is_too_long_is_left_out(void **state)
{
	static const uint8_t blob[IPC_BLOB_MAX + 1];
	struct engine_result heard = {
		.text = "", .adaptation = blob, .adaptation_bytes = IPC_BLOB_MAX
	};

	(void)state;
	assert_int_equal(filled(&heard).adaptation_bytes, IPC_BLOB_MAX);
	heard.adaptation_bytes = IPC_BLOB_MAX + 1;
	assert_int_equal(filled(&heard).adaptation_bytes, 0);
}

static void test_odd_numbers_are_made_even(void **state)
{
	const struct engine_word words[] = { { "a", 500, 300, -1.0f }, { "b", 0, 0, 7.0f } };
	const struct engine_result heard = {
		.text = "", .confidence = 0.0f / 0.0f, .words = words, .words_n = 2
	};
	struct ipc_result r = filled(&heard);

	(void)state;
	assert_int_equal(r.confidence, 0);
	assert_int_equal(r.words[0].end_ms, 500);
	assert_int_equal(r.words[0].confidence, 0);
	assert_int_equal(r.words[1].confidence, IPC_CONFIDENCE_ONE);
}

static struct spelling {
	const char *name, *bytes, *want;
} spellings[] = {
	{ "a lone continuation byte", "a\x80z", "a?z" },
	{ "a sequence cut short", "a\xe2\x82", "a??" },
	{ "an overlong slash", "\xc0\xaf", "??" },
	{ "an overlong of three bytes", "\xe0\x80\xaf", "???" },
	{ "a surrogate", "\xed\xa0\x80", "???" },
	{ "beyond Unicode", "\xf4\x90\x80\x80", "????" },
	{ "bytes that never occur", "\xff\xfe", "??" },
	{ "the last character", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
};

static void test_is_made_utf8(void **state)
{
	const struct spelling *s = *state;
	const struct engine_word word = { .text = s->bytes };
	const struct engine_result heard = { .text = s->bytes, .words = &word, .words_n = 1 };
	struct ipc_result r = filled(&heard);

	assert_text(&r.text, s->want);
	assert_text(&r.words[0].text, s->want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_language_is_a_short_name_or_none),
		cmocka_unit_test(test_what_fits_comes_through),
		cmocka_unit_test(test_a_long_text_is_cut_after_a_word),
		cmocka_unit_test(test_words_beyond_the_bounds_are_left_out),
		cmocka_unit_test(test_an_adaptation_that_is_too_long_is_left_out),
		cmocka_unit_test(test_odd_numbers_are_made_even),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(spellings)];

	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
		all[ARRAY_SIZE(tests) + i] = (struct CMUnitTest){ spellings[i].name,
			test_is_made_utf8, NULL, NULL, &spellings[i] };
	return cmocka_run_group_tests_name("result", all, NULL, NULL);
}
