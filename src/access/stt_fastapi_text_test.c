#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "access/stt_fastapi_text.h"
#include "access/stt_stable.h"
#include "audio/endpoint.h"
#include "base/error.h"
#include "base/util.h"

static const struct stt_segment open_segment = { 3, 1000.25, 0, 0.3, 0.25 };
static const struct stt_segment ended_segment = { 3, 1000.25, 1002.5, 0.3, 0.25 };

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	assert_non_null(text);
	return text;
}

static void commands_are_told_by_their_type(void **state)
{
	static const char *const all[] = { "start", "stop", "clear", "ping", "metrics" };
	enum stt_fastapi_command c;
	struct error err;
	char text[64];

	(void)state;
	for (int i = 0; i < STT_FASTAPI_COMMANDS; i++) {
		(void)snprintf(text, sizeof text, "{\"type\":\"%s\",\"more\":1}", all[i]);
		assert_int_equal(stt_fastapi_read(text, strlen(text), &c, &err), 0);
		assert_int_equal(c, i);
	}
}

static struct row {
	const char *name, *text, *want;
} refused[] = {
	{ "no JSON", "{", "Invalid command JSON: " },
	{ "a number", "3", "WebSocket commands must be JSON objects." },
	{ "no type", "{}", "Unknown command: None; there is start, stop" },
	{ "a type that is no text", "{\"type\":[]}", "Unknown command: None" },
	{ "another type", "{\"type\":\"go\"}", "Unknown command: go; there is" },
};

static void test_refused(void **state)
{
	const struct row *r = *state;
	enum stt_fastapi_command c;
	struct error err;

	assert_int_equal(stt_fastapi_read(r->text, strlen(r->text), &c, &err), -1);
	assert_int_equal(strncmp(err.text, r->want, strlen(r->want)), 0);
}

static void a_time_is_a_number_and_a_text(void **state)
{
	json_t *o = json_object();

	(void)state;
	stt_fastapi_stamp(o, "at", 1700000000.25);
	assert_string_equal(text_at(o, "atIso"), "2023-11-14T22:13:20.250000Z");
	assert_true(json_is_real(json_object_get(o, "at")));
	json_decref(o);
	stt_fastapi_stamp(NULL, "at", 1.0);
}

static void a_segment_is_there_twice_and_says_its_end_when_it_has_one(void **state)
{
	json_t *o = stt_fastapi_timeline("s", "recording_started", &open_segment, 1001.0), *segment;

	(void)state;
	segment = json_object_get(o, "segment");
	assert_int_equal(json_integer_value(json_object_get(o, "segmentId")), 3);
	assert_null(json_object_get(segment, "recordingEndedAt"));
	assert_true(json_equal(json_object_get(segment, "preRecordingBuffer"),
	    json_object_get(o, "preRecordingBuffer")));
	json_decref(o);
	o = stt_fastapi_final("s", "hi\xff", 3, &ended_segment, 1003.0);
	assert_string_equal(text_at(o, "text"), "hi?");
	assert_string_equal(text_at(o, "endReason"), "recording_stop");
	assert_true(json_real_value(json_object_get(o, "durationSeconds")) > 2.2);
	json_decref(o);
}

static void realtime_has_what_stands_apart_from_what_does_not(void **state)
{
	const struct stt_stable_text stable = {
		.stable = "go", .delta = "go", .unstable = " on", .offset = 2, .aligned = true
	};
	const struct stt_realtime r = { "go on", 4, &stable };
	json_t *o = stt_fastapi_realtime("s", &r, &open_segment, 1001.0);

	(void)state;
	assert_string_equal(text_at(o, "text"), "go on");
	assert_string_equal(text_at(o, "displayText"), "go on");
	assert_string_equal(text_at(o, "stableText"), "go");
	assert_string_equal(text_at(o, "unstableText"), " on");
	assert_string_equal(text_at(o, "commitReason"), "evidence-threshold");
	assert_string_equal(text_at(o, "recordingId"), "s-3");
	assert_int_equal(json_integer_value(json_object_get(o, "stableNormalizedOffset")), 2);
	json_decref(o);
}

static void the_greeting_has_limits_and_settings(void **state)
{
	const struct endpoint_config e = ENDPOINT_CONFIG_DEFAULT;
	const struct stt_limits l = { 12, 2, 10, 60, &e, "en" };
	json_t *hello = stt_fastapi_hello("s", &l), *ready = stt_fastapi_ready("s", &l);

	(void)state;
	assert_string_equal(text_at(hello, "clientId"), "s");
	assert_true(json_equal(json_object_get(hello, "limits"), json_object_get(ready, "limits")));
	assert_string_equal(text_at(json_object_get(ready, "settings"), "model"), "en");
	assert_true(json_is_true(json_object_get(ready, "ok")));
	json_decref(hello);
	json_decref(ready);
}

int main(void)
{
	static const struct CMUnitTest more[] = {
		cmocka_unit_test(commands_are_told_by_their_type),
		cmocka_unit_test(a_time_is_a_number_and_a_text),
		cmocka_unit_test(a_segment_is_there_twice_and_says_its_end_when_it_has_one),
		cmocka_unit_test(realtime_has_what_stands_apart_from_what_does_not),
		cmocka_unit_test(the_greeting_has_limits_and_settings),
	};
	struct CMUnitTest tests[ARRAY_SIZE(refused) + ARRAY_SIZE(more)];

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		tests[i] =
		    (struct CMUnitTest){ refused[i].name, test_refused, NULL, NULL, &refused[i] };
	memcpy(tests + ARRAY_SIZE(refused), more, sizeof more);
	return cmocka_run_group_tests_name("stt_fastapi_text", tests, NULL, NULL);
}
