#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/openai_realtime_session.h"
#include "base/error.h"
#include "base/util.h"

#define DEFAULTS                                                                                   \
	{                                                                                          \
		ENDPOINTING_VAD, 0.5, 300, 100, 600, 200, 0, 30000, NULL                           \
	}
static const struct endpoint_config defaults = DEFAULTS;

#define IN(x)  "{\"audio\":{\"input\":{" x "}}}"
#define VAD    "\"turn_detection\":"
#define FORMAT "\"format\":"

/* Two updates, one after the other; then either what the ear is told, or the code and the field of the second. */
static struct row {
	const char *name, *first, *second;
	struct format format;
	struct endpoint_config endpoint;
	const char *code, *param;
} rows[] = {
	{ "nothing is 24 kHz and the settings", "{}", "{}", { ENCODING_S16LE, 24000, 1 }, DEFAULTS,
	    NULL, NULL },
	{ "a rate of its own", IN(FORMAT "{\"type\":\"audio/pcm\",\"rate\":16000}"), "{}",
	    { ENCODING_S16LE, 16000, 1 }, DEFAULTS, NULL, NULL },
	{ "a rate alone keeps the type", IN(FORMAT "{\"rate\":48000.0}"), "{}",
	    { ENCODING_S16LE, 48000, 1 }, DEFAULTS, NULL, NULL },
	{ "mu-law, flat", "{\"input_audio_format\":\"g711_ulaw\"}", "{}",
	    { ENCODING_MULAW, 8000, 1 }, DEFAULTS, NULL, NULL },
	{ "A-law, and null is back to the default", IN(FORMAT "{\"type\":\"audio/pcma\"}"),
	    IN(FORMAT "null"), { ENCODING_S16LE, 24000, 1 }, DEFAULTS, NULL, NULL },
	{ "no turn detection is manual", IN(VAD "null"), "{\"include\":null}",
	    { ENCODING_S16LE, 24000, 1 },
	    { ENDPOINTING_MANUAL, 0.5, 300, 100, 600, 200, 0, 30000, NULL }, NULL, NULL },
	{ "a threshold is the contrary of sensitivity", IN(VAD "{\"threshold\":0.75}"),
	    IN(VAD "{\"silence_duration_ms\":700}"), { ENCODING_S16LE, 24000, 1 },
	    { ENDPOINTING_VAD, 0.25, 300, 100, 700, 200, 0, 30000, NULL }, NULL, NULL },
	{ "times are brought into range", IN(VAD "{\"prefix_padding_ms\":5000}"),
	    IN(VAD "{\"silence_duration_ms\":1}"), { ENCODING_S16LE, 24000, 1 },
	    { ENDPOINTING_VAD, 0.5, 2000, 100, 100, 200, 0, 30000, NULL }, NULL, NULL },
	{ "semantic: eager", "{\"turn_detection\":{\"type\":\"semantic_vad\"}}",
	    IN(VAD "{\"eagerness\":\"high\"}"), { ENCODING_S16LE, 24000, 1 },
	    { ENDPOINTING_VAD, 0.5, 300, 100, 400, 200, 0, 30000, NULL }, NULL, NULL },
	{ "another type begins from its defaults",
	    IN(VAD "{\"type\":\"semantic_vad\",\"eagerness\":\"low\"}"),
	    IN(VAD "{\"type\":\"server_vad\"}"), { ENCODING_S16LE, 24000, 1 }, DEFAULTS, NULL,
	    NULL },
	{ "after none a type is asked for", IN(VAD "null"), IN(VAD "{\"threshold\":0.5}"), { 0 },
	    { 0 }, "missing_required_parameter", "session.audio.input.turn_detection.type" },
	{ "an unknown field", "{}", IN("\"volume\":1"), { 0 }, { 0 }, "unknown_parameter",
	    "session.audio.input.volume" },
	{ "an unknown field deep inside", "{}", IN(VAD "{\"mood\":1}"), { 0 }, { 0 },
	    "unknown_parameter", "session.audio.input.turn_detection.mood" },
	{ "text that is none", "{}", IN("\"transcription\":{\"model\":7}"), { 0 }, { 0 },
	    "invalid_type", "session.audio.input.transcription.model" },
	{ "keywords that are no texts", "{}", IN("\"transcription\":{\"keywords\":[1]}"), { 0 },
	    { 0 }, "invalid_type", "session.audio.input.transcription.keywords" },
	{ "a session that is none", "{}", "[]", { 0 }, { 0 }, "invalid_type", "session" },
	{ "G.711 at another rate", "{}", IN(FORMAT "{\"type\":\"audio/pcmu\",\"rate\":16000}"),
	    { 0 }, { 0 }, "invalid_value", "session.audio.input.format.rate" },
	{ "a rate between two samples", "{}", IN(FORMAT "{\"type\":\"audio/pcm\",\"rate\":8000.5}"),
	    { 0 }, { 0 }, "invalid_value", "session.audio.input.format.rate" },
	{ "a name without end", "{}",
	    "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "a\":1}",
	    { 0 }, { 0 }, "unknown_parameter", "session.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
};

static int apply(
    struct realtime_session *s, const char *text, struct error *err, struct realtime_blame *blame)
{
	json_t *patch = json_loads(text, 0, NULL);
	int rc;

	assert_non_null(patch);
	rc = realtime_session_update(s, patch, err, blame);
	json_decref(patch);
	return rc;
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct realtime_session s;
	struct realtime_blame blame;
	struct ear_config ear = { .only = 123 }; /* whatever stood there */
	struct error err;
	int rc;

	realtime_session_init(&s, "sess_1", "", &defaults);
	assert_int_equal(apply(&s, r->first, &err, &blame), 0);
	rc = apply(&s, r->second, &err, &blame);
	assert_int_equal(rc, r->code == NULL ? 0 : -1);
	if (r->code != NULL) {
		assert_string_equal(blame.code, r->code);
		assert_string_equal(blame.param, r->param);
		assert_int_equal(err.code, ERROR_INVALID);
	} else {
		realtime_session_ear(&s, &ear);
		assert_memory_equal(&ear.format, &r->format, sizeof ear.format);
		assert_int_equal(ear.only, 0);
		assert_int_equal(ear.endpoint.endpointing, r->endpoint.endpointing);
		assert_true(ear.endpoint.vad_sensitivity == r->endpoint.vad_sensitivity);
		assert_int_equal(ear.endpoint.pre_roll_ms, r->endpoint.pre_roll_ms);
		assert_int_equal(ear.endpoint.post_silence_ms, r->endpoint.post_silence_ms);
		assert_int_equal(ear.endpoint.max_utterance_ms, r->endpoint.max_utterance_ms);
		assert_int_equal(endpoint_config_check(&ear.endpoint, &err), 0);
	}
	realtime_session_done(&s);
}

static void check_json(const struct realtime_session *s, const char *want)
{
	json_t *o = realtime_session_json(s);
	char *text = json_dumps(o, JSON_COMPACT);

	assert_string_equal(text, want);
	free(text);
	json_decref(o);
}

static void test_json(void **state)
{
	struct realtime_session s, copy;
	struct realtime_blame blame;
	struct error err;

	(void)state;
	realtime_session_init(&s, "sess_1", "whisper-1", &defaults);
	realtime_session_copy(&copy, &s);
	assert_int_equal(
	    apply(&copy,
		"{\"turn_detection\":null,\"input_audio_transcription\":{\"language\":\"de\"}}",
		&err, &blame),
	    0);
	check_json(&s,
	    "{\"id\":\"sess_1\",\"object\":\"realtime.transcription_session\",\"type\":"
	    "\"transcription\",\"audio\":{\"input\":{"
	    "\"format\":{\"type\":\"audio/"
	    "pcm\",\"rate\":24000},\"transcription\":{\"model\":\"whisper-1\"},"
	    "\"noise_reduction\":null,\"turn_detection\":{\"type\":\"server_vad\",\"threshold\":0."
	    "5,\"prefix_padding_ms\":300,"
	    "\"silence_duration_ms\":600}}},\"include\":null}");
	copy.flat = true;
	realtime_session_move(&s, &copy);
	check_json(&s,
	    "{\"id\":\"sess_1\",\"object\":\"realtime.transcription_session\",\"modalities\":["
	    "\"text\"],"
	    "\"input_audio_format\":\"pcm16\",\"input_audio_transcription\":{\"model\":\"whisper-"
	    "1\",\"language\":\"de\"},"
	    "\"input_audio_noise_reduction\":null,\"turn_detection\":null,\"include\":null,"
	    "\"client_secret\":null}");
	assert_string_equal(realtime_session_model(&s), "whisper-1");
	realtime_session_done(&s);
	realtime_session_done(&copy);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] =
	    (struct CMUnitTest){ "it is shown whole, in both dialects, and a copy is apart",
		    test_json, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("openai_realtime_session", tests, NULL, NULL);
}
