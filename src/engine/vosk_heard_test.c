#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/vosk_heard.h"

enum { SECOND = ENGINE_SAMPLE_RATE_HZ };

static struct vosk_heard *heard;

static void add(const char *json, uint64_t samples)
{
	struct error err = ERROR_INIT;

	assert_int_equal(vosk_heard_add(heard, json, samples, &err), 0);
}

static struct engine_result told(void)
{
	struct engine_result r;

	vosk_heard_tell(heard, &r);
	return r;
}

static int set_up(void **state)
{
	(void)state;
	heard = xcalloc(1, sizeof *heard);
	vosk_heard_prepare();
	vosk_heard_begin(heard, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(heard);
	return 0;
}

static void test_stretches_are_joined(void **state)
{
	struct engine_result r;

	(void)state;
	add("{\"result\":[{\"conf\":1.0,\"start\":0.1,\"end\":0.5,\"word\":\"오늘\"},"
	    "{\"conf\":0.5,\"start\":0.5,\"end\":0.9,\"word\":\"날씨\"}],\"text\":\"오늘 날씨\"}",
	    2 * SECOND);
	add("{\"text\": \"\"}", 3 * SECOND);
	add("{\"result\":[{\"conf\":0.6,\"start\":3.25,\"end\":4,\"word\":\"좋다\"}],\"text\":"
	    "\"좋다\"}",
	    4 * SECOND);
	r = told();
	assert_string_equal(r.text, "오늘 날씨 좋다");
	assert_int_equal(r.words_n, 3);
	assert_string_equal(r.words[2].text, "좋다");
	assert_int_equal(r.words[2].start_ms, 3250);
	assert_int_equal(r.words[2].end_ms, 4000);
	assert_float_equal(r.words[1].confidence, 0.5, 1e-6);
	assert_float_equal(r.confidence, 0.7, 1e-6);
}

static void test_nothing_heard_is_an_empty_text(void **state)
{
	(void)state;
	add("{\"text\": \"\"}", SECOND);
	assert_string_equal(told().text, "");
	assert_int_equal(told().words_n, 0);
	assert_float_equal(told().confidence, 0, 0);
}

static void test_a_text_without_words_is_taken(void **state)
{
	(void)state;
	add("{\"text\": \"  turn   on \"}", SECOND);
	add("{\"text\": \"the light\"}", SECOND);
	assert_string_equal(told().text, "turn on the light");
	assert_int_equal(told().words_n, 0);
}

static void test_what_is_no_word_is_left_out_unless_it_was_wished_for(void **state)
{
	static const char json[] =
	    "{\"result\":[{\"conf\":1,\"start\":0,\"end\":1,\"word\":\"[unk]\"},"
	    "{\"conf\":1,\"start\":1,\"end\":2,\"word\":\"yes\"},"
	    "{\"conf\":1,\"start\":2,\"end\":3,\"word\":\"<UNK>\"}],\"text\":\"\"}";

	(void)state;
	add(json, 3 * SECOND);
	assert_string_equal(told().text, "yes");
	vosk_heard_begin(heard, true);
	add(json, 3 * SECOND);
	assert_string_equal(told().text, "[unk] yes <UNK>");
}

static void test_times_stay_within_the_audio_and_in_order(void **state)
{
	struct engine_result r;

	(void)state;
	add("{\"result\":[{\"conf\":7,\"start\":-1,\"end\":1e300,\"word\":\"a\"},"
	    "{\"conf\":-3,\"start\":1.5,\"end\":0.2,\"word\":\"b\"},"
	    "{\"word\":\"c\"},{\"conf\":\"x\",\"start\":[],\"end\":{},\"word\":\"d\"}]}",
	    2 * SECOND);
	r = told();
	assert_string_equal(r.text, "a b c d");
	assert_int_equal(r.words[0].start_ms, 0);
	assert_int_equal(r.words[0].end_ms, 2000);
	assert_float_equal(r.words[0].confidence, 1, 0);
	assert_int_equal(r.words[1].start_ms, 1500);
	assert_int_equal(r.words[1].end_ms, 1500);
	assert_float_equal(r.words[1].confidence, 0, 0);
	assert_int_equal(r.words[3].end_ms, 0);
}

static void test_what_is_no_result_is_refused_and_adds_nothing(void **state)
{
	static const char *const bad[] = { NULL, "", "nonsense", "[]", "\"text\"",
		"{\"text\":\"a\"", "{\"text\":\"\xff\"}",
		"{\"result\":[{\"word\":\"a\",\"conf\":nan}]}" };
	struct error err;

	(void)state;
	add("{\"text\":\"before\"}", SECOND);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err = (struct error)ERROR_INIT;
		assert_int_equal(vosk_heard_add(heard, bad[i], SECOND, &err), -1);
		assert_int_equal(err.code, ERROR_ENGINE);
		assert_non_null(strstr(err.text, "Vosk"));
		assert_string_equal(told().text, "before");
	}
}

static void test_what_is_no_word_in_the_list_is_passed_over(void **state)
{
	(void)state;
	add("{\"result\":[null,7,{},{\"word\":7},{\"word\":\"\"},{\"word\":\"two "
	    "words\"},{\"word\":\"a\"}]}",
	    SECOND);
	add("{\"result\":\"none\",\"text\":\"b\"}", SECOND);
	add("{\"text\":7}", SECOND);
	assert_string_equal(told().text, "a");
	assert_int_equal(told().words_n, 1);
}

static void test_more_than_there_is_room_for_is_left_out(void **state)
{
	char *json = xcalloc(1, 1 << 21), *at = json;

	(void)state;
	at += sprintf(at, "{\"result\":[");
	for (unsigned i = 0; i < 3000; i++)
		at += sprintf(at, "%s{\"word\":\"word%05u\"}", i == 0 ? "" : ",", i);
	(void)sprintf(at, "]}");
	add(json, SECOND);
	assert_int_equal(told().words_n, ENGINE_WORDS_MAX);
	assert_int_equal(strlen(told().text), ENGINE_WORDS_MAX * 10 - 1);
	vosk_heard_begin(heard, false);
	at = json + sprintf(json, "{\"text\":\"");
	for (unsigned i = 0; i < 100000; i++)
		at += sprintf(at, "word ");
	(void)sprintf(at, "\"}");
	add(json, SECOND);
	assert_in_range(strlen(told().text), VOSK_HEARD_TEXT_BYTES - 8, VOSK_HEARD_TEXT_BYTES - 1);
	free(json);
}

static void test_a_partial_goes_behind_what_ended_and_leaves_no_trace(void **state)
{
	struct error err = ERROR_INIT;
	struct engine_result r;

	(void)state;
	add("{\"text\":\"오늘\"}", SECOND);
	assert_int_equal(
	    vosk_heard_tell_partial(heard, "{\"partial\":\"날씨 [unk]\"}", &r, &err), 0);
	assert_string_equal(r.text, "오늘 날씨");
	assert_int_equal(r.words_n, 0);
	assert_int_equal(vosk_heard_tell_partial(heard, "{}", &r, &err), 0);
	assert_string_equal(r.text, "오늘");
	assert_int_equal(vosk_heard_tell_partial(heard, "{\"partial\"", &r, &err), -1);
	assert_string_equal(told().text, "오늘");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(test_stretches_are_joined),
		TEST(test_nothing_heard_is_an_empty_text),
		TEST(test_a_text_without_words_is_taken),
		TEST(test_what_is_no_word_is_left_out_unless_it_was_wished_for),
		TEST(test_times_stay_within_the_audio_and_in_order),
		TEST(test_what_is_no_result_is_refused_and_adds_nothing),
		TEST(test_what_is_no_word_in_the_list_is_passed_over),
		TEST(test_more_than_there_is_room_for_is_left_out),
		TEST(test_a_partial_goes_behind_what_ended_and_leaves_no_trace),
	};

	return cmocka_run_group_tests_name("vosk_heard", tests, NULL, NULL);
}
