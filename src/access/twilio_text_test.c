#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/twilio_text.h"
#include "base/error.h"
#include "base/test_rows.h"
#include "base/util.h"

static int parse(const char *text, struct twilio_message *m, struct error *err)
{
	return twilio_parse(text, strlen(text), m, err);
}

static void test_start(void **state)
{
	struct twilio_message m;
	struct error err;

	(void)state;
	assert_int_equal(
	    parse("{\"event\":\"start\",\"sequenceNumber\":\"1\",\"streamSid\":\"MZ1\",\"start\":{"
		  "\"accountSid\":\"AC1\",\"callSid\":\"CA1\",\"streamSid\":\"MZ1\",\"tracks\":["
		  "\"inbound\",\"outbound\"],\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\","
		  "\"sampleRate\":8000,\"channels\":1},\"customParameters\":{\"pool\":\"en\","
		  "\"key\":\"sp_x\",\"inline\":\"true\"}}}",
		&m, &err),
	    0);
	assert_int_equal(m.kind, TWILIO_START);
	assert_string_equal(m.start.call_sid, "CA1");
	assert_string_equal(m.start.stream_sid, "MZ1");
	assert_true(m.start.tracks[TWILIO_INBOUND] && m.start.tracks[TWILIO_OUTBOUND]);
	assert_string_equal(m.start.pool, "en");
	assert_string_equal(m.start.key, "sp_x");
	assert_true(m.start.inline_transcripts);
	twilio_message_done(&m);
}

static void test_bare_start(void **state)
{
	struct twilio_message m;
	struct error err;

	(void)state;
	assert_int_equal(parse("{\"event\":\"start\",\"start\":{}}", &m, &err), 0);
	assert_string_equal(m.start.call_sid, "");
	assert_null(m.start.pool);
	assert_null(m.start.key);
	assert_false(m.start.inline_transcripts || m.start.tracks[0] || m.start.tracks[1]);
	twilio_message_done(&m);
}

static void test_media(void **state)
{
	struct twilio_message m;
	struct error err;

	(void)state;
	assert_int_equal(parse("{\"event\":\"media\",\"media\":{\"track\":\"outbound\","
			       "\"chunk\":\"2\",\"timestamp\":\"5020\",\"payload\":\"/////w==\"}}",
			     &m, &err),
	    0);
	assert_int_equal(m.media.track, TWILIO_OUTBOUND);
	assert_true(m.media.timed);
	assert_int_equal(m.media.timestamp_ms, 5020);
	assert_int_equal(m.media.payload_bytes, 8);
	twilio_message_done(&m);
	assert_int_equal(
	    parse("{\"event\":\"media\",\"media\":{\"timestamp\":\"-1\",\"payload\":\"\"}}", &m,
		&err),
	    0);
	assert_int_equal(m.media.track, TWILIO_INBOUND);
	assert_false(m.media.timed);
	twilio_message_done(&m);
}

static struct row {
	const char *name, *text, *why; /* NULL: taken as something to ignore */
} rows[] = {
	{ "connected", "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}",
	    NULL },
	{ "dtmf", "{\"event\":\"dtmf\",\"dtmf\":{\"track\":\"inbound_track\",\"digit\":\"1\"}}",
	    NULL },
	{ "mark", "{\"event\":\"mark\",\"mark\":{\"name\":\"m1\"}}", NULL },
	{ "an event nobody knows", "{\"event\":\"tomorrow\"}", NULL },
	{ "no JSON", "hello", "the message is not JSON" },
	{ "no object", "[1]", "a message must be a JSON object, not an array" },
	{ "no event", "{}", "a message has no text \"event\"" },
	{ "an event that is a number", "{\"event\":1}", "a message has no text \"event\"" },
	{ "a start without its object", "{\"event\":\"start\"}",
	    "the event start has no object \"start\"" },
	{ "another track", "{\"event\":\"start\",\"start\":{\"tracks\":[\"both\"]}}",
	    "a track is \"inbound\" or \"outbound\", not \"both\"" },
	{ "a track that is a number", "{\"event\":\"start\",\"start\":{\"tracks\":[7]}}",
	    "a track is \"inbound\" or \"outbound\", not \"\"" },
	{ "another format",
	    "{\"event\":\"start\",\"start\":{\"mediaFormat\":{\"encoding\":\"audio/x-alaw\"}}}",
	    "\"mediaFormat\" must be audio/x-mulaw at 8000 Hz with one channel" },
	{ "another rate",
	    "{\"event\":\"start\",\"start\":{\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\","
	    "\"sampleRate\":\"16000\"}}}",
	    "\"mediaFormat\" must be audio/x-mulaw at 8000 Hz with one channel" },
	{ "an identifier that is too long",
	    "{\"event\":\"start\",\"start\":{\"callSid\":"
	    "\"01234567890123456789012345678901234567890123456789012345678901234\"}}",
	    "\"callSid\" has more than 64 bytes" },
	{ "media without payload", "{\"event\":\"media\",\"media\":{}}",
	    "the event media has no text \"media.payload\"" },
	{ "media of another track",
	    "{\"event\":\"media\",\"media\":{\"track\":\"x\",\"payload\":\"\"}}",
	    "a track is \"inbound\" or \"outbound\", not \"x\"" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct twilio_message m;
	struct error err = ERROR_INIT;
	int rc = parse(r->text, &m, &err);

	assert_int_equal(rc, r->why == NULL ? 0 : -1);
	if (r->why == NULL)
		assert_int_equal(m.kind, TWILIO_OTHER);
	else
		assert_memory_equal(err.text, r->why, strlen(r->why));
	twilio_message_done(&m);
}

static void test_gap_is_filled(void **state)
{
	struct twilio_clock c = { 0 };

	(void)state;
	assert_int_equal(twilio_clock_gap(&c, 20), 0); /* jitter */
	c.fed_ms = 1000;
	assert_int_equal(twilio_clock_gap(&c, 500), 0); /* late */
	assert_int_equal(twilio_clock_gap(&c, 3000), 2000);
	assert_int_equal(c.fed_ms, 3000);
	assert_int_equal(twilio_clock_time(&c, 3000), 3000);
}

static void test_long_gap_is_counted(void **state)
{
	struct twilio_clock c = { .fed_ms = 1000 };

	(void)state;
	assert_int_equal(twilio_clock_gap(&c, 61000), TWILIO_SILENCE_MAX_MS);
	assert_int_equal(c.fed_ms, 11000);
	assert_int_equal(twilio_clock_time(&c, 8999), 8999);
	assert_int_equal(twilio_clock_time(&c, 10700), 60700); /* a pre-roll */
	assert_int_equal(twilio_clock_time(&c, 11000), 61000);
	assert_int_equal(twilio_clock_gap(&c, 61020), 0);
}

static void test_many_long_gaps(void **state)
{
	struct twilio_clock c = { 0 };

	(void)state;
	for (uint64_t t = 100000; t <= 4000000; t += 100000) {
		assert_int_equal(twilio_clock_gap(&c, t), TWILIO_SILENCE_MAX_MS);
		assert_int_equal(twilio_clock_time(&c, c.fed_ms), t);
	}
	assert_int_equal(twilio_clock_gap(&c, UINT64_MAX / 2), TWILIO_SILENCE_MAX_MS);
}

static const struct twilio_who who = { "CA1", "MZ1" };

static struct query_row {
	const char *name, *query;
	bool wants;
} queries[] = {
	{ "all", "", true },
	{ "this call", "callSid=CA1", true },
	{ "this stream", "streamSid=MZ1&x=y", true },
	{ "both", "callSid=CA1&streamSid=MZ1", true },
	{ "another call", "callSid=CA2", false },
	{ "a beginning of it", "callSid=CA", false },
	{ "more than it", "callSid=CA11", false },
	{ "another stream of the call", "callSid=CA1&streamSid=MZ2", false },
	{ "this call, percent-encoded", "callSid=%43A1", true },
	{ "what is not properly encoded", "callSid=CA1%4", false },
	{ "a key beside it", "token=x&callSid=CA2", false },
};

static void test_query(void **state)
{
	const struct query_row *r = *state;

	assert_int_equal(twilio_query_wants(r->query, &who), r->wants);
}

static void test_transcript(void **state)
{
	const struct session_word word = { "hi", 2, 1000, 1250, 0.5f };
	const struct session_event e = { .kind = SESSION_EVENT_FINAL,
		.utterance = 3,
		.final = { .text = "hi",
		    .text_bytes = 2,
		    .start_ms = 900,
		    .end_ms = 1300,
		    .confidence = 0.75f,
		    .words = &word,
		    .words_n = 1 } };
	const struct twilio_clock c = { .skipped_ms = 10000 };
	json_t *event = twilio_event(&who, TWILIO_OUTBOUND, &c, &e);
	char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(9));

	(void)state;
	assert_string_equal(text,
	    "{\"event\":\"transcript\",\"callSid\":\"CA1\",\"streamSid\":\"MZ1\","
	    "\"track\":\"outbound\",\"utterance\":3,\"text\":\"hi\",\"start\":10.9,\"end\":11.3,"
	    "\"confidence\":0.75,\"words\":[{\"text\":\"hi\",\"start\":11.0,\"end\":11.25,"
	    "\"confidence\":0.5}]}");
	free(text);
	json_decref(event);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(queries) + 7];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, test_row);
	TEST_ROWS(tests, n, queries, test_query);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_start);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_bare_start);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_media);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_gap_is_filled);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_long_gap_is_counted);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_many_long_gaps);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_transcript);
	return cmocka_run_group_tests_name("twilio_text", tests, NULL, NULL);
}
