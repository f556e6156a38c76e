#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/whisperlive_text.h"
#include "base/error.h"
#include "base/test_rows.h"
#include "base/util.h"

static struct option_row {
	const char *name, *text;
	struct whisperlive_options want;
} options[] = {
	{ "the least that may be said", "{\"uid\":\"u\"}",
	    { .uid = "u", .segments = 10, .encoding = ENCODING_F32LE } },
	{ "all that the Python client says",
	    "{\"uid\":\"a-b\",\"language\":\"en\",\"task\":\"transcribe\",\"model\":\"small\","
	    "\"use_vad\":true,\"send_last_n_segments\":3,\"no_speech_thresh\":0.45,"
	    "\"clip_audio\":false,\"same_output_threshold\":10,\"enable_translation\":false,"
	    "\"target_language\":\"fr\",\"hotwords\":null,\"initial_prompt\":null,"
	    "\"vad_parameters\":null,\"enable_diarization\":false,"
	    "\"word_timestamps\":true,\"audio_format\":\"int16\"}",
	    { .uid = "a-b",
		.language = "en",
		.model = "small",
		.segments = 3,
		.word_timestamps = true,
		.encoding = ENCODING_S16LE } },
	{ "a language to be detected, and uint8",
	    "{\"uid\":\"u\",\"language\":null,\"audio_format\":\"uint8\"}",
	    { .uid = "u", .segments = 10, .encoding = ENCODING_U8 } },
	{ "no audio_format is float32", "{\"uid\":\"u\",\"audio_format\":null}",
	    { .uid = "u", .segments = 10, .encoding = ENCODING_F32LE } },
	{ "a translation", "{\"uid\":\"u\",\"task\":\"translate\"}",
	    { .uid = "u", .segments = 10, .wanted.translate = true, .encoding = ENCODING_F32LE } },
	{ "a translation beside it", "{\"uid\":\"u\",\"enable_translation\":true}",
	    { .uid = "u", .segments = 10, .second_text = true, .encoding = ENCODING_F32LE } },
	{ "more segments than are told", "{\"uid\":\"u\",\"send_last_n_segments\":100000000000}",
	    { .uid = "u", .segments = 100, .encoding = ENCODING_F32LE } },
	{ "no segments", "{\"uid\":\"u\",\"send_last_n_segments\":0}",
	    { .uid = "u", .segments = 10, .encoding = ENCODING_F32LE } },
	{ "what is not done is remembered by its name",
	    "{\"uid\":\"u\",\"hotwords\":\"Bennet\",\"initial_prompt\":\"\","
	    "\"enable_diarization\":true,\"known_speakers\":[],\"vad_parameters\":{\"threshold\":0."
	    "5}}",
	    { .uid = "u",
		.segments = 10,
		.unheeded = "hotwords, enable_diarization, vad_parameters",
		.encoding = ENCODING_F32LE } },
	{ "all at once that is not done",
	    "{\"uid\":\"u\",\"hotwords\":\"a\",\"initial_prompt\":\"b\",\"enable_diarization\":"
	    "true,"
	    "\"known_speakers\":[{}],\"vad_parameters\":{\"threshold\":0.5}}",
	    { .uid = "u",
		.segments = 10,
		.unheeded = "hotwords, initial_prompt, enable_diarization, known_speakers, "
			    "vad_parameters",
		.encoding = ENCODING_F32LE } },
	{ "numbers and flags as text",
	    "{\"uid\":\"u\",\"send_last_n_segments\":\"3\",\"word_timestamps\":\"true\","
	    "\"enable_translation\":\"0\",\"enable_diarization\":\"false\"}",
	    { .uid = "u", .segments = 3, .word_timestamps = true, .encoding = ENCODING_F32LE } },
	{ "fields of the wrong kind are not there",
	    "{\"uid\":\"u\",\"language\":1,\"model\":[],\"task\":{},\"send_last_n_segments\":\"x\","
	    "\"word_timestamps\":\"yes\"}",
	    { .uid = "u", .segments = 10, .encoding = ENCODING_F32LE } },
	{ "a model that is longer than a pool's name",
	    "{\"uid\":\"u\",\"model\":"
	    "\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
	    { .uid = "u", .segments = 10, .encoding = ENCODING_F32LE } },
};

static void test_options(void **state)
{
	const struct option_row *r = *state;
	struct whisperlive_options got;
	struct error err = ERROR_INIT;

	assert_int_equal(whisperlive_parse(r->text, strlen(r->text), &got, &err), 0);
	assert_string_equal(got.uid, r->want.uid);
	assert_string_equal(got.language, r->want.language);
	assert_string_equal(got.model, r->want.model);
	whisperlive_settle_options(&got, IPC_TAKES_ALL);
	assert_string_equal(got.unheeded, r->want.unheeded);
	assert_int_equal(got.wanted.translate, r->want.wanted.translate);
	assert_int_equal(got.second_text, r->want.second_text);
	assert_int_equal(got.word_timestamps, r->want.word_timestamps);
	assert_int_equal(got.segments, r->want.segments);
	assert_int_equal(got.encoding, r->want.encoding);
	whisperlive_options_done(&got);
}

static void test_wishes(void **state)
{
	static const char text[] =
	    "{\"uid\":\"u\",\"language\":\"DE\",\"initial_prompt\":\"Dr. Ott\","
	    "\"hotwords\":[\"MRT\",5,\"CT\"],\"vad_parameters\":{\"a\":1}}";
	struct whisperlive_options o;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(whisperlive_parse(text, sizeof text - 1, &o, &err), 0);
	assert_string_equal(o.wanted.language, "de");
	assert_string_equal(o.wanted.prompt, "Dr. Ott");
	assert_string_equal(o.wanted.hot_words, "MRT, CT");
	whisperlive_settle_options(&o, IPC_TAKES_TRANSLATE);
	assert_string_equal(o.unheeded, "vad_parameters");
	whisperlive_settle_options(&o, IPC_TAKES_PROMPT);
	assert_string_equal(o.unheeded, "initial_prompt, vad_parameters");
	whisperlive_settle_options(&o, IPC_TAKES_HOT_WORDS);
	assert_string_equal(o.unheeded, "hotwords, initial_prompt, vad_parameters");
	whisperlive_options_done(&o);
	assert_int_equal(whisperlive_parse("{\"uid\":\"u\"}", 11, &o, &err), 0);
	assert_string_equal(o.wanted.language, "auto");
	whisperlive_options_done(&o);
}

static struct refusal_row {
	const char *name, *text, *why, *uid;
} refusals[] = {
	{ "no JSON", "END_OF_AUDIO", "the message is not JSON", "" },
	{ "no object", "[]", "a message must be a JSON object, not an array", "" },
	{ "no uid", "{\"language\":\"en\"}",
	    "the options have no \"uid\"; it is a text of 1 to 256 bytes", "" },
	{ "a uid that is a number", "{\"uid\":7}",
	    "\"uid\" must be a text of 1 to 256 bytes, without a NUL", "" },
	{ "an empty uid", "{\"uid\":\"\"}",
	    "\"uid\" must be a text of 1 to 256 bytes, without a NUL", "" },
	{ "a uid with a NUL", "{\"uid\":\"a\\u0000b\"}",
	    "\"uid\" must be a text of 1 to 256 bytes, without a NUL", "" },
	{ "audio_format: the uid is known", "{\"uid\":\"u\",\"audio_format\":\"mp3\"}",
	    "\"audio_format\" must be \"float32\", \"int16\" or \"uint8\", not \"mp3\"", "u" },
	{ "audio_format: not even text", "{\"uid\":\"u\",\"audio_format\":16}",
	    "\"audio_format\" must be \"float32\", \"int16\" or \"uint8\", not \"\"", "u" },
};

static void test_refusal(void **state)
{
	const struct refusal_row *r = *state;
	struct whisperlive_options got;
	struct error err = ERROR_INIT;

	assert_int_equal(whisperlive_parse(r->text, strlen(r->text), &got, &err), -1);
	assert_memory_equal(err.text, r->why, strlen(r->why));
	assert_string_equal(got.uid, r->uid);
}

static void test_long_uid(void **state)
{
	struct whisperlive_options got;
	struct error err = ERROR_INIT;
	char text[300];

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "{\"uid\":\"", 8);
	memcpy(text + 8 + 256, "\"}", 2);
	assert_int_equal(whisperlive_parse(text, 8 + 256 + 2, &got, &err), 0);
	memcpy(text + 8 + 256, "x\"}", 3);
	assert_int_equal(whisperlive_parse(text, 8 + 257 + 2, &got, &err), -1);
}

static void assert_json(json_t *got, const char *want)
{
	char *text = got == NULL ? NULL : json_dumps(got, JSON_COMPACT | JSON_REAL_PRECISION(9));

	json_decref(got);
	if (want == NULL) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

static struct session_event span(enum session_event_kind kind, uint64_t utterance, uint64_t at_ms)
{
	return (struct session_event){ .kind = kind, .utterance = utterance, .at_ms = at_ms };
}

static struct session_event partial(uint64_t utterance, const char *text)
{
	return (struct session_event){ .kind = SESSION_EVENT_PARTIAL,
		.utterance = utterance,
		.partial = { .text = text, .text_bytes = strlen(text) } };
}

static const struct session_word words[] = { { "hello", 5, 100, 420, 0.98f } };

static struct session_event final(uint64_t start_ms, uint64_t end_ms, const char *text)
{
	return (struct session_event){ .kind = SESSION_EVENT_FINAL,
		.utterance = 1,
		.final = { .text = text,
		    .text_bytes = strlen(text),
		    .start_ms = start_ms,
		    .end_ms = end_ms,
		    .words = words,
		    .words_n = 1 } };
}

static const struct whisperlive_options plain = { .uid = "u", .segments = 2 };

static void test_empty_is_not_told(void **state)
{
	struct whisperlive_segments s = { 0 };
	struct session_event none = partial(1, ""), nothing = final(0, 10, "");

	(void)state;
	assert_json(whisperlive_segments_of(&s, &plain, NULL, 5), NULL);
	assert_json(whisperlive_segments_of(&s, &plain, &none, 5), NULL);
	whisperlive_complete(&s, &plain, &nothing);
	assert_json(whisperlive_segments_of(&s, &plain, NULL, 5), NULL);
	whisperlive_segments_done(&s);
}

static void test_growing(void **state)
{
	struct whisperlive_segments s = { 0 };
	struct session_event start = span(SESSION_EVENT_SPEECH_START, 1, 1840);
	struct session_event end = span(SESSION_EVENT_SPEECH_END, 1, 2400), p = partial(1, "how");

	(void)state;
	whisperlive_note_span(&s, &start);
	assert_json(whisperlive_segments_of(&s, &plain, &p, 2500),
	    "{\"uid\":\"u\",\"segments\":[{\"start\":\"1.840\",\"end\":\"2.500\",\"text\":\" how\","
	    "\"completed\":false}]}");
	whisperlive_note_span(&s, &end);
	assert_json(whisperlive_segments_of(&s, &plain, &p, 9000),
	    "{\"uid\":\"u\",\"segments\":[{\"start\":\"1.840\",\"end\":\"2.400\",\"text\":\" how\","
	    "\"completed\":false}]}");
	whisperlive_segments_done(&s);
}

/* What a client keeps as growing is in the end what the last completed one says. */
static void test_settle(void **state)
{
	const struct whisperlive_options o = { .uid = "u", .segments = 2, .word_timestamps = true };
	struct whisperlive_segments s = { 0 };
	struct session_event p = partial(1, "hallo"), f = final(0, 1000, "hello"),
			     noise = partial(2, "uh");

	(void)state;
	assert_json(whisperlive_settle(&s, &o), NULL);
	json_decref(whisperlive_segments_of(&s, &o, &p, 900));
	whisperlive_complete(&s, &o, &f);
	assert_json(whisperlive_settle(&s, &o),
	    "{\"uid\":\"u\",\"segments\":[{\"start\":\"0.000\",\"end\":\"1.000\",\"text\":\" "
	    "hello\","
	    "\"completed\":false}]}");
	assert_json(whisperlive_settle(&s, &o), NULL);
	json_decref(whisperlive_segments_of(&s, &o, &noise, 1500));
	assert_json(whisperlive_settle(&s, &o),
	    "{\"uid\":\"u\",\"segments\":[{\"start\":\"0.000\",\"end\":\"1.000\",\"text\":\" "
	    "hello\","
	    "\"completed\":false}]}");
	whisperlive_segments_done(&s);
}

static void test_settle_without_any(void **state)
{
	struct whisperlive_segments s = { 0 };
	struct session_event p = partial(1, "uh");

	(void)state;
	json_decref(whisperlive_segments_of(&s, &plain, &p, 900));
	assert_json(whisperlive_settle(&s, &plain),
	    "{\"uid\":\"u\",\"segments\":[{\"start\":\"0.000\",\"end\":\"0.900\",\"text\":\"\","
	    "\"completed\":false}]}");
	assert_json(whisperlive_settle(&s, &plain), NULL);
	whisperlive_segments_done(&s);
}

static void test_settle_same(void **state)
{
	struct whisperlive_segments s = { 0 };
	struct session_event p = partial(1, "hello"), f = final(0, 1000, "hello");

	(void)state;
	json_decref(whisperlive_segments_of(&s, &plain, &p, 900));
	whisperlive_complete(&s, &plain, &f);
	assert_json(whisperlive_settle(&s, &plain), NULL);
	whisperlive_segments_done(&s);
}

static void test_ring(void **state)
{
	struct whisperlive_segments s = { 0 };
	struct session_event first = final(0, 1840, "one"), second = final(1800, 2000, "two"),
			     third = final(3000, 3500, "th\"ree"), p = partial(9, "four");

	(void)state;
	whisperlive_complete(&s, &plain, &first);
	whisperlive_complete(&s, &plain, &second);
	assert_json(whisperlive_segments_of(&s, &plain, NULL, 0),
	    "{\"uid\":\"u\",\"segments\":["
	    "{\"start\":\"0.000\",\"end\":\"1.840\",\"text\":\" one\",\"completed\":true},"
	    "{\"start\":\"1.840\",\"end\":\"2.000\",\"text\":\" two\",\"completed\":true}]}");
	whisperlive_complete(&s, &plain, &third);
	assert_json(whisperlive_segments_of(&s, &plain, &p, 0),
	    "{\"uid\":\"u\",\"segments\":["
	    "{\"start\":\"1.840\",\"end\":\"2.000\",\"text\":\" two\",\"completed\":true},"
	    "{\"start\":\"3.000\",\"end\":\"3.500\",\"text\":\" th\\\"ree\",\"completed\":true},"
	    "{\"start\":\"3.500\",\"end\":\"3.500\",\"text\":\" four\",\"completed\":false}]}");
	whisperlive_segments_done(&s);
}

static void test_words(void **state)
{
	const struct whisperlive_options o = { .uid = "u", .segments = 1, .word_timestamps = true };
	struct whisperlive_segments s = { 0 };
	struct session_event f = final(0, 1000, "hello");

	(void)state;
	whisperlive_complete(&s, &o, &f);
	assert_json(whisperlive_segments_of(&s, &o, NULL, 0),
	    "{\"uid\":\"u\",\"segments\":[{\"start\":\"0.000\",\"end\":\"1.000\",\"text\":\" "
	    "hello\","
	    "\"completed\":true,\"words\":[{\"word\":\" "
	    "hello\",\"start\":\"0.100\",\"end\":\"0.420\","
	    "\"probability\":0.98}]}]}");
	whisperlive_segments_done(&s);
}

static void test_messages(void **state)
{
	(void)state;
	assert_json(whisperlive_ready("u"),
	    "{\"uid\":\"u\",\"message\":\"SERVER_READY\",\"backend\":\"faster_whisper\"}");
	assert_json(
	    whisperlive_wait("u", 204000), "{\"uid\":\"u\",\"status\":\"WAIT\",\"message\":3.4}");
	assert_json(whisperlive_disconnect("u"), "{\"uid\":\"u\",\"message\":\"DISCONNECT\"}");
	assert_json(whisperlive_status("u", "ERROR", "no \xff"),
	    "{\"uid\":\"u\",\"status\":\"ERROR\",\"message\":\"no ?\"}");
}

static void test_language(void **state)
{
	(void)state;
	assert_json(whisperlive_language("u", "pt"),
	    "{\"uid\":\"u\",\"language\":\"pt\",\"language_prob\":1.0}");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(options) + ARRAY_SIZE(refusals) + 11];
	size_t n = 0;

	TEST_ROWS(tests, n, options, test_options);
	TEST_ROWS(tests, n, refusals, test_refusal);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_wishes);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_long_uid);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_empty_is_not_told);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_growing);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_settle);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_settle_without_any);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_settle_same);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_ring);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_words);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_messages);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_language);
	return cmocka_run_group_tests_name("whisperlive_text", tests, NULL, NULL);
}
