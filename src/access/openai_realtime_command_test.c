#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
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

/* `head`, n times "AQID", `tail`. */
static int read_long(struct realtime_command *c, const char *head, size_t n, const char *tail,
    struct realtime_blame *blame)
{
	size_t head_n = strlen(head), tail_n = strlen(tail);
	char *text = malloc(head_n + 4 * n + tail_n);
	struct error err;
	int rc;

	memcpy(text, head, head_n);
	for (size_t i = 0; i < n; i++)
		memcpy(text + head_n + 4 * i, "AQID", 4);
	memcpy(text + head_n + 4 * n, tail, tail_n);
	rc = realtime_command_read(c, text, head_n + 4 * n + tail_n, &err, blame);
	free(text);
	return rc;
}

static void test_long(void **state)
{
	static const struct {
		const char *head, *tail, *code;
	} cases[] = {
		{ "{\"type\":\"input_audio_buffer.append\",\"audio\":\"", "\"}", NULL },
		{ "{\"audio\": \"", "\",\"type\":\"input_audio_buffer.append\",\"event_id\":\"e\"}",
		    NULL },
		{ "{\"x\":{},\"type\":\"input_audio_buffer.append\",\"audio\":\"", "\"}", NULL },
		{ "{\"type\":\"input_audio_buffer.append\",\"audio\":\"", "\\u0041QID\"}", NULL },
		{ "{\"type\":\"input_audio_buffer.append\",\"audio\":\"", "=\"}", "invalid_value" },
		{ "{\"type\":\"input_audio_buffer.append\",\"audio\":\"", "\"", "invalid_json" },
		{ "{\"type\":\"input_audio_buffer.append\",\"audio\":\"", "\",\"audio\":\"AQID\"}",
		    "invalid_json" },
		{ "{\"type\":\"input_audio_buffer.append\",\"audio\":\"", "", "invalid_json" },
		{ "{\"type\":\"input_audio_buffer.append\",\"x\":{\"audio\":\"", "\"}}",
		    "missing_required_parameter" },
		{ "[\"audio\",\"", "\"]", "invalid_json" },
	};
	struct realtime_command c;
	struct realtime_blame blame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int rc = read_long(&c, cases[i].head, 50000, cases[i].tail, &blame);

		assert_int_equal(rc, cases[i].code == NULL ? 0 : -1);
		if (rc < 0)
			assert_string_equal(blame.code, cases[i].code);
		else
			assert_in_range(c.audio_n, 150000, 150003);
		if (rc == 0)
			assert_memory_equal(c.audio + 149997, "\1\2\3", 3);
		realtime_command_done(&c);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest){ "long audio is taken as short is, wherever it stands", test_long,
		    NULL, NULL, NULL };
	return cmocka_run_group_tests_name("openai_realtime_command", tests, NULL, NULL);
}
