#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/openai_realtime_command.h"
#include "access/openai_realtime_event.h"
#include "base/error.h"
#include "base/util.h"

static struct row {
	const char *name, *text;
	enum realtime_command_kind kind;
	const char *audio, *event_id, *code, *param;
} rows[] = {
	{ "append",
	    "{\"type\":\"input_audio_buffer.append\",\"audio\":\"YWJjZA==\",\"event_id\":\"e\"}",
	    REALTIME_APPEND, "abcd", "e", NULL, NULL },
	{ "append of nothing", "{\"type\":\"input_audio_buffer.append\",\"audio\":\"\"}",
	    REALTIME_APPEND, "", NULL, NULL, NULL },
	{ "append without audio", "{\"type\":\"input_audio_buffer.append\",\"event_id\":\"e\"}", 0,
	    NULL, "e", "missing_required_parameter", "audio" },
	{ "append of no base64", "{\"type\":\"input_audio_buffer.append\",\"audio\":\"YWJ\"}", 0,
	    NULL, NULL, "invalid_value", "audio" },
	{ "append of base64 with a zero in it",
	    "{\"type\":\"input_audio_buffer.append\",\"audio\":\"YW\\u0000j\"}", 0, NULL, NULL,
	    "invalid_value", "audio" },
	{ "commit", "{\"type\":\"input_audio_buffer.commit\"}", REALTIME_COMMIT, NULL, NULL, NULL,
	    NULL },
	{ "clear", "{\"type\":\"input_audio_buffer.clear\",\"event_id\":7}", REALTIME_CLEAR, NULL,
	    NULL, NULL, NULL },
	{ "update", "{\"type\":\"session.update\",\"session\":{}}", REALTIME_UPDATE, NULL, NULL,
	    NULL, NULL },
	{ "update in beta", "{\"type\":\"transcription_session.update\",\"session\":{}}",
	    REALTIME_UPDATE_BETA, NULL, NULL, NULL, NULL },
	{ "update of nothing", "{\"type\":\"session.update\"}", 0, NULL, NULL,
	    "missing_required_parameter", "session" },
	{ "a conversation's", "{\"type\":\"response.create\"}", REALTIME_NOTHING, NULL, NULL, NULL,
	    NULL },
	{ "another type", "{\"type\":\"x\"}", 0, NULL, NULL, "invalid_value", "type" },
	{ "a type with a zero in it", "{\"type\":\"session.update\\u0000\"}", 0, NULL, NULL,
	    "invalid_value", "type" },
	{ "a type that is a number", "{\"type\":1}", 0, NULL, NULL, "invalid_type", "type" },
	{ "no type", "{}", 0, NULL, NULL, "missing_required_parameter", "type" },
	{ "no object", "7", 0, NULL, NULL, "invalid_json", "" },
	{ "no JSON", "{\"type\"", 0, NULL, NULL, "invalid_json", "" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct realtime_command c;
	struct realtime_blame blame;
	struct error err;
	int rc = realtime_command_read(&c, r->text, strlen(r->text), &err, &blame);

	assert_int_equal(rc, r->code == NULL ? 0 : -1);
	if (r->event_id != NULL)
		assert_string_equal(json_string_value(c.event_id), r->event_id);
	else
		assert_null(c.event_id);
	if (r->code != NULL) {
		assert_string_equal(blame.code, r->code);
		assert_string_equal(blame.param, r->param);
	} else {
		assert_int_equal(c.kind, r->kind);
	}
	if (r->audio != NULL) {
		assert_int_equal(c.audio_n, strlen(r->audio));
		assert_memory_equal(
		    c.audio == NULL ? "" : (const char *)c.audio, r->audio, c.audio_n);
	}
	realtime_command_done(&c);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("openai_realtime_command", tests, NULL, NULL);
}
