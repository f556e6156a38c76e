#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/stt_control_text.h"
#include "audio/endpoint.h"
#include "base/error.h"
#include "base/util.h"

static int read_text(const char *text, struct stt_request *r, struct error *err)
{
	return stt_request_read(text, strlen(text), r, err);
}

static void check(json_t *reply, const char *want)
{
	char *text = json_dumps(reply, JSON_COMPACT);

	assert_string_equal(text, want);
	json_decref(reply);
	free(text);
}

static struct row {
	const char *name, *text, *reply;
} refused[] = {
	{ "no JSON", "{", "{\"status\":\"error\",\"message\":\"Invalid JSON command\"}" },
	{ "no object", "3", "{\"status\":\"error\",\"message\":\"Invalid JSON command\"}" },
	{ "no command", "{}", "{\"status\":\"error\",\"message\":\"Unknown command None\"}" },
	{ "another command", "{\"command\":\"go\",\"request_id\":7}",
	    "{\"status\":\"error\",\"message\":\"Unknown command go\",\"request_id\":7}" },
	{ "a parameter that may not be set",
	    "{\"command\":\"set_parameter\",\"parameter\":\"listen_start\",\"request_id\":0}",
	    "{\"status\":\"error\",\"message\":\"Parameter listen_start is not allowed "
	    "(set_parameter)\",\"request_id\":0}" },
	{ "a parameter that may not be read",
	    "{\"command\":\"get_parameter\",\"parameter\":\"model\",\"request_id\":null}",
	    "{\"status\":\"error\",\"message\":\"Parameter model is not allowed "
	    "(get_parameter)\"}" },
	{ "another method", "{\"command\":\"call_method\",\"method\":\"fly\"}",
	    "{\"status\":\"error\",\"message\":\"Method fly is not allowed\"}" },
};

static void test_refused(void **state)
{
	const struct row *row = *state;
	struct stt_request r;
	struct error err;

	assert_int_equal(read_text(row->text, &r, &err), -1);
	check(stt_reply_error(&r, err.text), row->reply);
	stt_request_done(&r);
}

static int set(struct stt_settings *s, const char *parameter, const char *value, struct error *err)
{
	char text[128];
	struct stt_request r;
	int rc;

	(void)snprintf(text, sizeof text,
	    "{\"command\":\"set_parameter\",\"parameter\":\"%s\",\"value\":%s}", parameter, value);
	assert_int_equal(read_text(text, &r, err), 0);
	rc = stt_settings_set(s, &r, err);
	stt_request_done(&r);
	return rc;
}

static void what_is_set_is_read_and_acts(void **state)
{
	struct endpoint_config e = ENDPOINT_CONFIG_DEFAULT;
	const struct endpoint_config before = e;
	struct stt_settings s = { 0 }, later = { 0 };
	const struct stt_facts facts = { 0 };
	struct stt_request r;
	struct error err;

	(void)state;
	assert_int_equal(set(&s, "post_speech_silence_duration", "1.25", &err), 0);
	assert_int_equal(set(&s, "language", "\"de\"", &err), 0);
	assert_int_equal(set(&later, "silero_sensitivity", "0", &err), 0);
	stt_settings_merge(&later, &s);
	stt_settings_apply(&later, &e);
	assert_int_equal(e.post_silence_ms, 1250);
	assert_true(e.vad_sensitivity < 0.001);
	assert_string_equal(later.language, "de");
	assert_int_equal(read_text("{\"command\":\"get_parameter\",\"parameter\":"
				   "\"post_speech_silence_duration\",\"request_id\":0}",
			     &r, &err),
	    0);
	check(stt_reply_value(&r, stt_request_value(&r, &later, &before, &facts)),
	    "{\"status\":\"success\",\"parameter\":\"post_speech_silence_duration\",\"value\":1.25,"
	    "\"request_id\":0}");
	stt_request_done(&r);
}

static void what_cannot_be_set_changes_nothing(void **state)
{
	static const char *const rows[][3] = {
		{ "post_speech_silence_duration", "11", "must be a number from 0.1 to 10" },
		{ "post_speech_silence_duration", "null", "must be a number" },
		{ "silero_sensitivity", "[1]", "must be a number from 0 to 1" },
		{ "language", "5", "must be text" },
		{ "language", "\"0123456789012345678901234567890123456789\"", "at most 31" },
		{ "use_wake_words", "true", "no wake words" },
	};
	const struct stt_settings nothing = { 0 };
	struct stt_settings s = { 0 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(set(&s, rows[i][0], rows[i][1], &err), -1);
		assert_non_null(strstr(err.text, rows[i][2]));
		assert_memory_equal(&s, &nothing, sizeof s);
	}
}

static void done(const char *text, const char *want)
{
	struct stt_request r;
	struct error err;

	assert_int_equal(read_text(text, &r, &err), 0);
	check(stt_reply_done(&r), want);
	stt_request_done(&r);
}

static void what_is_done_is_said_as_the_reference_says_it(void **state)
{
	(void)state;
	done("{\"command\":\"set_parameter\",\"parameter\":\"language\",\"value\":\"en\"}",
	    "{\"status\":\"success\",\"message\":\"Parameter language set to en\"}");
	done("{\"command\":\"set_parameter\",\"parameter\":\"silero_sensitivity\",\"value\":0.4}",
	    "{\"status\":\"success\",\"message\":\"Parameter silero_sensitivity set to 0.4\"}");
	done("{\"command\":\"call_method\",\"method\":\"text\",\"args\":[],\"kwargs\":{}}",
	    "{\"status\":\"success\",\"message\":\"Method text called\"}");
}

static bool turns_on(const char *rest)
{
	char text[128];
	struct stt_request r;
	struct error err;
	bool on;

	(void)snprintf(text, sizeof text,
	    "{\"command\":\"call_method\",\"method\":\"set_microphone\"%s}", rest);
	assert_int_equal(read_text(text, &r, &err), 0);
	on = stt_request_turns_on(&r);
	stt_request_done(&r);
	return on;
}

static void a_microphone_is_on_unless_it_is_told_not_to_be(void **state)
{
	(void)state;
	assert_true(turns_on(""));
	assert_true(turns_on(",\"args\":[true]"));
	assert_false(turns_on(",\"args\":[false]"));
	assert_false(turns_on(",\"kwargs\":{\"microphone_on\":false}"));
	assert_true(turns_on(",\"args\":3,\"kwargs\":[]"));
}

int main(void)
{
	static const struct CMUnitTest more[] = {
		cmocka_unit_test(what_is_set_is_read_and_acts),
		cmocka_unit_test(what_cannot_be_set_changes_nothing),
		cmocka_unit_test(what_is_done_is_said_as_the_reference_says_it),
		cmocka_unit_test(a_microphone_is_on_unless_it_is_told_not_to_be),
	};
	struct CMUnitTest tests[ARRAY_SIZE(refused) + ARRAY_SIZE(more)];

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		tests[i] =
		    (struct CMUnitTest){ refused[i].name, test_refused, NULL, NULL, &refused[i] };
	memcpy(tests + ARRAY_SIZE(refused), more, sizeof more);
	return cmocka_run_group_tests_name("stt_control_text", tests, NULL, NULL);
}
