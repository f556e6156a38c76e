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
	{ "append of lines",
	    "{\"type\":\"input_audio_buffer.append\",\"audio\":\"YW\\r\\nJj\\nZA==\\n\"}",
	    REALTIME_APPEND, "abcd", NULL, NULL, NULL },
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

/* Reads it and decodes its audio, of which the last piece is in `piece` then; bytes in all, or -1. */
static long read_all(struct realtime_command *c, const char *text, size_t n,
    uint8_t piece[REALTIME_PIECE_BYTES], struct realtime_blame *blame)
{
	struct error err;
	size_t at = 0;
	long all = 0, bytes;

	if (realtime_command_read(c, text, n, &err, blame) < 0)
		return -1;
	while (at < c->audio_n) {
		bytes = realtime_command_audio(c, &at, piece, &err, blame);
		if (bytes < 0)
			return -1;
		all += bytes;
	}
	return all;
}

static void test_row(void **state)
{
	const struct row *r = *state;
	uint8_t piece[REALTIME_PIECE_BYTES];
	struct realtime_command c;
	struct realtime_blame blame;
	long all = read_all(&c, r->text, strlen(r->text), piece, &blame);

	assert_int_equal(all < 0, r->code != NULL);
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
		assert_int_equal(all, strlen(r->audio));
		assert_memory_equal(piece, r->audio, strlen(r->audio));
	}
	realtime_command_done(&c);
}

/* `head`, n times "AQID", `tail`. */
static long read_long(const char *head, size_t n, const char *tail,
    uint8_t piece[REALTIME_PIECE_BYTES], struct realtime_blame *blame)
{
	size_t head_n = strlen(head), tail_n = strlen(tail);
	char *text = malloc(head_n + 4 * n + tail_n);
	struct realtime_command c;
	long all;

	memcpy(text, head, head_n);
	for (size_t i = 0; i < n; i++)
		memcpy(text + head_n + 4 * i, "AQID", 4);
	memcpy(text + head_n + 4 * n, tail, tail_n);
	all = read_all(&c, text, head_n + 4 * n + tail_n, piece, blame);
	realtime_command_done(&c);
	free(text);
	return all;
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
	uint8_t piece[REALTIME_PIECE_BYTES];
	struct realtime_blame blame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		long all = read_long(cases[i].head, 50000, cases[i].tail, piece, &blame);

		assert_int_equal(all < 0, cases[i].code != NULL);
		if (all < 0)
			assert_string_equal(blame.code, cases[i].code);
		else
			assert_in_range(all, 150000, 150003);
		if (all >= 0)
			assert_memory_equal(piece + 150000 % REALTIME_PIECE_BYTES - 3, "\1\2\3", 3);
	}
}

static void test_padding_inside(void **state)
{
	char text[2 * REALTIME_PIECE_CHARS];
	uint8_t piece[REALTIME_PIECE_BYTES];
	struct realtime_command c = { .audio = text, .audio_n = sizeof text };
	struct realtime_blame blame = { 0 };
	struct error err;
	size_t at = 0;

	(void)state;
	memset(text, 'A', sizeof text);
	text[REALTIME_PIECE_CHARS - 1] = '=';
	assert_int_equal(realtime_command_audio(&c, &at, piece, &err, &blame), -1);
	assert_string_equal(blame.code, "invalid_value");
	at = REALTIME_PIECE_CHARS;
	assert_int_equal(
	    realtime_command_audio(&c, &at, piece, &err, &blame), REALTIME_PIECE_BYTES);
	assert_int_equal(at, sizeof text);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest){ "long audio is taken as short is, wherever it stands", test_long,
		    NULL, NULL, NULL };
	tests[ARRAY_SIZE(rows) + 1] =
	    (struct CMUnitTest){ "padding stands at the end of all pieces only",
		    test_padding_inside, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("openai_realtime_command", tests, NULL, NULL);
}
