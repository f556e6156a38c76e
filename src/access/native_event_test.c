#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/native_event.h"
#include "base/error.h"
#include "base/util.h"
#include "ipc/message.h"

static const struct native_context context = { .session = 17, .instance = 42, .pool = "en" };

static const struct session_word words[] = {
	{ "he said", 7, 0, 350, 1.0f },
	{ "\"hi\"", 4, 350, 1200, 0.98765f },
};

static const struct error busy = { ERROR_BUSY, "pool en: the queue is full (queue_max 100)" };
static const struct error overloaded = { ERROR_OVERLOADED,
	"20000 ms of audio wait, more than session_buffer_ms 20000" };
static const struct error restarting = { ERROR_RESTARTING, "the server is going away" };
static const struct error failure = { ERROR_ENGINE, "instance en/3 died" };

static struct row {
	const char *name;
	struct session_event event;
	const char *json;
} rows[] = {
	{ "queued", { .kind = SESSION_EVENT_QUEUED, .queued = { 3, 12000 } },
	    "{\"type\":\"queued\",\"position\":3,\"estimated_wait_ms\":12000}" },
	{ "ready", { .kind = SESSION_EVENT_READY },
	    "{\"type\":\"ready\",\"session\":17,\"pool\":\"en\",\"instance\":42}" },
	{ "speech_start",
	    { .kind = SESSION_EVENT_SPEECH_START, .utterance = 2, .at_ms = 9000000000000123 },
	    "{\"type\":\"speech_start\",\"utterance\":2,\"at_ms\":9000000000000123}" },
	{ "speech_end", { .kind = SESSION_EVENT_SPEECH_END, .utterance = 2, .at_ms = 0 },
	    "{\"type\":\"speech_end\",\"utterance\":2,\"at_ms\":0}" },
	{ "partial",
	    { .kind = SESSION_EVENT_PARTIAL,
		.utterance = 2,
		.partial = { .text = "he said \"x", .text_bytes = 10, .stable_bytes = 7 } },
	    "{\"type\":\"partial\",\"utterance\":2,\"text\":\"he said \\\"x\",\"stable\":7}" },
	{ "partial: in a language that the engine tells",
	    { .kind = SESSION_EVENT_PARTIAL,
		.utterance = 2,
		.partial = { .text = "ja", .text_bytes = 2, .language = "de" } },
	    "{\"type\":\"partial\",\"utterance\":2,\"text\":\"ja\",\"stable\":0,\"language\":"
	    "\"de\"}" },
	{ "final: likewise",
	    { .kind = SESSION_EVENT_FINAL,
		.utterance = 2,
		.final = { .text = "ja",
		    .text_bytes = 2,
		    .language = "de",
		    .cause = EAR_CAUSE_STOP } },
	    "{\"type\":\"final\",\"utterance\":2,\"text\":\"ja\",\"start_ms\":0,\"end_ms\":0,"
	    "\"confidence\":0.0,\"cause\":\"stop\",\"instance\":42,\"words\":[],\"language\":"
	    "\"de\"}" },
	{ "partial: no more than its bytes",
	    { .kind = SESSION_EVENT_PARTIAL,
		.utterance = 1,
		.partial = { .text = "hello", .text_bytes = 2 } },
	    "{\"type\":\"partial\",\"utterance\":1,\"text\":\"he\",\"stable\":0}" },
	{ "final",
	    { .kind = SESSION_EVENT_FINAL,
		.utterance = 2,
		.final = { .text = "he said \"hi\"",
		    .text_bytes = 12,
		    .start_ms = 5,
		    .end_ms = 1205,
		    .confidence = 0.5f,
		    .words = words,
		    .words_n = 2,
		    .cause = EAR_CAUSE_SILENCE } },
	    "{\"type\":\"final\",\"utterance\":2,\"text\":\"he said "
	    "\\\"hi\\\"\",\"start_ms\":5,\"end_ms\":1205,"
	    "\"confidence\":0.5,\"cause\":\"silence\",\"instance\":42,\"words\":["
	    "{\"text\":\"he said\",\"start_ms\":0,\"end_ms\":350,\"confidence\":1.0},"
	    "{\"text\":\"\\\"hi\\\"\",\"start_ms\":350,\"end_ms\":1200,\"confidence\":0.9877}]}" },
	{ "final: only the beginning",
	    { .kind = SESSION_EVENT_FINAL,
		.utterance = 1,
		.final = { .text = "so far",
		    .text_bytes = 6,
		    .end_ms = 900,
		    .cause = EAR_CAUSE_COMMIT,
		    .incomplete = &failure } },
	    "{\"type\":\"final\",\"utterance\":1,\"text\":\"so far\",\"start_ms\":0,\"end_ms\":900,"
	    "\"confidence\":0.0,\"cause\":\"commit\",\"instance\":42,\"words\":[],"
	    "\"incomplete\":true,\"code\":\"engine\",\"message\":\"instance en/3 died\"}" },
	{ "final: from the instances that bring the partials",
	    { .kind = SESSION_EVENT_FINAL,
		.utterance = 1,
		.final = { .text = "quick",
		    .text_bytes = 5,
		    .end_ms = 900,
		    .cause = EAR_CAUSE_COMMIT,
		    .by_partials = true } },
	    "{\"type\":\"final\",\"utterance\":1,\"text\":\"quick\",\"start_ms\":0,\"end_ms\":900,"
	    "\"confidence\":0.0,\"cause\":\"commit\",\"instance\":42,\"words\":[],"
	    "\"pass\":\"partials\"}" },
	{ "final: nothing was said",
	    { .kind = SESSION_EVENT_FINAL,
		.utterance = 1,
		.final = { .text = "", .cause = EAR_CAUSE_STOP } },
	    "{\"type\":\"final\",\"utterance\":1,\"text\":\"\",\"start_ms\":0,\"end_ms\":0,"
	    "\"confidence\":0.0,"
	    "\"cause\":\"stop\",\"instance\":42,\"words\":[]}" },
	{ "final: text that is not there at all",
	    { .kind = SESSION_EVENT_FINAL,
		.utterance = 1,
		.final = { .text = NULL, .cause = EAR_CAUSE_COMMIT } },
	    "{\"type\":\"final\",\"utterance\":1,\"text\":\"\",\"start_ms\":0,\"end_ms\":0,"
	    "\"confidence\":0.0,"
	    "\"cause\":\"commit\",\"instance\":42,\"words\":[]}" },
	{ "error of an utterance",
	    { .kind = SESSION_EVENT_ERROR, .utterance = 2, .error = { &failure, 0, false } },
	    "{\"type\":\"error\",\"code\":\"engine\",\"message\":\"instance en/3 "
	    "died\",\"utterance\":2}" },
	{ "error of the session", { .kind = SESSION_EVENT_ERROR, .error = { &busy, 2500, true } },
	    "{\"type\":\"error\",\"code\":\"busy\",\"message\":\"pool en: the queue is full "
	    "(queue_max 100)\",\"retry_after_ms\":2500}" },
	{ "recovered", { .kind = SESSION_EVENT_RECOVERED, .utterance = 2 },
	    "{\"type\":\"recovered\",\"utterance\":2}" },
	{ "error: a live client is too far ahead",
	    { .kind = SESSION_EVENT_ERROR, .error = { &overloaded, 1000, true } },
	    "{\"type\":\"error\",\"code\":\"overloaded\",\"message\":\"20000 ms of audio wait, "
	    "more "
	    "than session_buffer_ms 20000\",\"retry_after_ms\":1000}" },
	{ "error: the server goes away",
	    { .kind = SESSION_EVENT_ERROR, .error = { &restarting, 500, true } },
	    "{\"type\":\"error\",\"code\":\"restarting\",\"message\":\"the server is going "
	    "away\",\"retry_after_ms\":500}" },
	{ "done", { .kind = SESSION_EVENT_ENDED, .ended = { 123456789012, 3 } },
	    "{\"type\":\"done\",\"audio_ms\":123456789012,\"utterances\":3}" },
};

static void test_json(void **state)
{
	const struct row *r = *state;
	char *text = native_event_text(&r->event, &context);

	assert_non_null(text);
	assert_string_equal(text, r->json);
	free(text);
}

/* Text from an instance, and the JSON string that a client gets. */
static struct text_row {
	const char *name, *bytes, *json;
	size_t n; /* 0: up to the zero */
} texts[] = {
	{ "text: UTF-8 as it is", "d\xc3\xa9j\xc3\xa0 \xf0\x9f\x8e\x99",
	    "d\xc3\xa9j\xc3\xa0 \xf0\x9f\x8e\x99", 0 },
	{ "text: Latin-1 is made valid", "d\xe9j\xe0 vu", "d?j? vu", 0 },
	{ "text: a cut character", "vu \xc3", "vu ?", 0 },
	{ "text: an overlong form", "\xc0\xaf", "??", 0 },
	{ "text: a surrogate", "\xed\xa0\x80", "???", 0 },
	{ "text: beyond Unicode", "\xf5\x80\x80\x80", "????", 0 },
	{ "text: one bad byte spoils its neighbours only in form", "\xc3\xa9\xff", "???", 0 },
	{ "text: control characters", "a\tb\nc\x01", "a\\tb\\nc\\u0001", 0 },
	{ "text: a zero byte", "a\0b", "a\\u0000b", 3 },
	{ "text: a slash and a backslash", "a/b\\c", "a/b\\\\c", 0 },
};

static void test_text(void **state)
{
	const struct text_row *r = *state;
	size_t n = r->n > 0 ? r->n : strlen(r->bytes);
	const struct session_event e = { .kind = SESSION_EVENT_PARTIAL,
		.utterance = 1,
		.partial = { .text = r->bytes, .text_bytes = n, .stable_bytes = n } };
	char *text = native_event_text(&e, &context), *got, *end;

	assert_non_null(text);
	got = strstr(text, "\"text\":\"");
	assert_non_null(got);
	got += 8;
	end = strstr(got, "\",\"stable\":");
	assert_non_null(end);
	assert_int_equal(atoi(end + 11), n);
	*end = '\0';
	assert_string_equal(got, r->json);
	free(text);
}

static void test_confidence(void **state)
{
	static const struct {
		float value;
		const char *json;
	} digits[] = { { 0.0f, "\"confidence\":0.0," }, { 1.0f, "\"confidence\":1.0," },
		{ 0.0001f, "\"confidence\":0.0001," }, { 0.3333f, "\"confidence\":0.3333," },
		{ 0.1f, "\"confidence\":0.1," }, { 0.9999f, "\"confidence\":0.9999," },
		{ 0.99996f, "\"confidence\":1.0," }, { 0.00004f, "\"confidence\":0.0," } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(digits); i++) {
		const struct session_event e = { .kind = SESSION_EVENT_FINAL,
			.final = { .text = "", .confidence = digits[i].value } };
		char *text = native_event_text(&e, &context);

		assert_non_null(strstr(text, digits[i].json));
		free(text);
	}
}

/* All of the ten thousand that an instance can tell keep to four digits. */
static void test_every_confidence(void **state)
{
	(void)state;
	for (int i = 0; i <= IPC_CONFIDENCE_ONE; i++) {
		const struct session_event e = { .kind = SESSION_EVENT_FINAL,
			.final = { .text = "", .confidence = (float)i / IPC_CONFIDENCE_ONE } };
		char *text = native_event_text(&e, &context);
		const char *got = strstr(text, "\"confidence\":") + 13;

		assert_in_range(strcspn(got, ","), 3, 6);
		assert_int_equal((int)(strtod(got, NULL) * 10000 + 0.5), i);
		free(text);
	}
}

static void test_adaptation(void **state)
{
	const struct session_event e = { .kind = SESSION_EVENT_FINAL,
		.utterance = 1,
		.final = { .text = "a",
		    .text_bytes = 1,
		    .adaptation = (const uint8_t *)"heard",
		    .adaptation_bytes = 5 } };
	const struct session_event without = { .kind = SESSION_EVENT_FINAL,
		.final = { .text = "" } };
	struct native_context asked = context;
	char *text = native_event_text(&e, &context);

	(void)state;
	assert_null(strstr(text, "adaptation"));
	free(text);
	asked.return_adaptation = true;
	text = native_event_text(&e, &asked);
	assert_non_null(strstr(text, ",\"adaptation\":\"aGVhcmQ=\"}"));
	free(text);
	text = native_event_text(&without, &asked);
	assert_null(strstr(text, "adaptation"));
	free(text);
}

static void test_causes(void **state)
{
	static const char *const names[] = { "none", "silence", "max_length", "commit", "stop" };

	(void)state;
	for (int c = EAR_CAUSE_NONE; c <= EAR_CAUSE_STOP; c++) {
		const struct session_event e = { .kind = SESSION_EVENT_FINAL,
			.final = { .text = "", .cause = (enum ear_cause)c } };
		char *text = native_event_text(&e, &context);

		assert_non_null(strstr(text, names[c]));
		free(text);
	}
}

static void test_error_before_a_session(void **state)
{
	const struct error bad = { ERROR_INVALID, "start has a field \"\xc3\" that is not known" };
	char *text = native_error_text(&busy, 1000);

	(void)state;
	assert_string_equal(text,
	    "{\"type\":\"error\",\"code\":\"busy\","
	    "\"message\":\"pool en: the queue is full (queue_max 100)\",\"retry_after_ms\":1000}");
	free(text);
	text = native_error_text(&bad, 0);
	assert_string_equal(text,
	    "{\"type\":\"error\",\"code\":\"invalid\","
	    "\"message\":\"start has a field \\\"?\\\" that is not known\"}");
	free(text);
}

static void test_ready_says_who_hears(void **state)
{
	const struct native_context ctx = {
		.session = 17, .instance = 42, .pool = "de", .engine = "whisper", .model = "base"
	};
	const struct session_event e = { .kind = SESSION_EVENT_READY };
	char *text = native_event_text(&e, &ctx);

	(void)state;
	assert_string_equal(text,
	    "{\"type\":\"ready\",\"session\":17,\"pool\":\"de\",\"instance\":42,"
	    "\"engine\":\"whisper\",\"model\":\"base\"}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest plain[] = {
		{ "confidence has four digits", test_confidence, NULL, NULL, NULL },
		{ "every confidence comes through", test_every_confidence, NULL, NULL, NULL },
		{ "adaptation is told to who asked for it", test_adaptation, NULL, NULL, NULL },
		{ "ready says who hears", test_ready_says_who_hears, NULL, NULL, NULL },
		{ "each cause has its name", test_causes, NULL, NULL, NULL },
		{ "an error before there is a session", test_error_before_a_session, NULL, NULL,
		    NULL },
	};
	struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(rows) + ARRAY_SIZE(texts)];
	size_t n = ARRAY_SIZE(plain);

	memcpy(tests, plain, sizeof plain);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].name, test_json, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		tests[n++] = (struct CMUnitTest){ texts[i].name, test_text, NULL, NULL, &texts[i] };
	return cmocka_run_group_tests_name("native_event", tests, NULL, NULL);
}
