#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/native_start.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/util.h"
#include "net/utf8.h"
#include "pool/pool_fake.h"
#include "session/session.h"

/* As native.c fills it before a message is read. */
static void init(struct native_start *s)
{
	memset(s, 0, sizeof *s);
	s->session.ear.format = (struct format){ ENCODING_S16LE, EAR_RATE_HZ, 1 };
	s->session.ear.endpoint = ENDPOINT_CONFIG_DEFAULT;
	s->session.partials = true;
}

static int parse(const char *text, size_t n, struct native_start *s, enum native_command *command,
    struct error *err)
{
	/* To the byte, so that ASan sees a read behind the end. */
	char *copy = malloc(n == 0 ? 1 : n);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, n);
	init(s);
	rc = native_parse(copy, n, command, s, err);
	free(copy);
	return rc;
}

/* Messages that are refused, and the sentence the client reads. */

#define START    "{\"type\":\"start\","
#define WHOLE    " must be a whole number"
#define NOT_JSON "the message is not JSON: " /* and what the library says of it */
#define RANGE    WHOLE " from 0 to 1000000000, not "

static struct row {
	const char *name, *message, *sentence;
} rows[] = {
	{ "no bytes", "", NOT_JSON },
	{ "a language that is no code", START "\"language\":\"English\"}",
	    "language \"English\" is not a code such as \"de\" or \"pt-BR\", nor \"auto\"" },
	{ "a prompt that is no text", START "\"prompt\":1}", "prompt must be text, not a number" },
	{ "a translation into a language", START "\"translate\":\"en\"}",
	    "translate must be true or false, not text" },
	{ "half an object", "{", NOT_JSON },
	{ "a number", "5", NOT_JSON },
	{ "an array", "[]",
	    "a message must be a JSON object with a \"type\" of start, commit or stop" },
	{ "no type", "{}",
	    "a message must be a JSON object with a \"type\" of start, commit or stop" },
	{ "a type that is not text", "{\"type\":1}",
	    "a message must be a JSON object with a \"type\" of start, commit or stop" },
	{ "a type with a zero byte", "{\"type\":\"start\\u0000\"}",
	    "a message must be a JSON object with a \"type\" of start, commit or stop" },
	{ "an unknown type", "{\"type\":\"begin\"}",
	    "type \"begin\" is not known; start, commit or stop" },
	{ "a type in capitals", "{\"type\":\"START\"}",
	    "type \"START\" is not known; start, commit or stop" },
	{ "something behind the object", "{\"type\":\"stop\"} {}", NOT_JSON },
	{ "the type twice", START "\"type\":\"start\"}", NOT_JSON },
	{ "a field twice", START "\"pool\":\"a\",\"pool\":\"a\"}", NOT_JSON },
	{ "bytes that are not UTF-8", START "\"pool\":\"\xff\"}", NOT_JSON },
	{ "an unknown field", START "\"rate\":16000}",
	    "start has a field \"rate\" that is not known" },
	{ "a field of start in a commit", "{\"type\":\"commit\",\"pool\":\"en\"}",
	    "commit has a field \"pool\" that is not known" },
	{ "a field of start in a stop", "{\"pool\":\"en\",\"type\":\"stop\"}",
	    "stop has a field \"pool\" that is not known" },

	{ "pool: a number", START "\"pool\":1}", "pool must be text, not a number" },
	{ "pool: null", START "\"pool\":null}", "pool must be text, not null" },
	{ "pool: a zero byte", START "\"pool\":\"a\\u0000b\"}",
	    "pool must not have a zero byte in it" },
	{ "pool: 64 bytes",
	    START "\"pool\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
	    "pool: a name has at most 63 bytes" },
	{ "encoding: unknown", START "\"encoding\":\"mp3\"}",
	    "encoding 'mp3' is not supported; pcm_s16le, pcm_s24le, pcm_s32le, pcm_f32le, pcm_u8, "
	    "mulaw or alaw" },
	{ "encoding: an array", START "\"encoding\":[]}", "encoding must be text, not an array" },
	{ "endpointing: unknown", START "\"endpointing\":\"auto\"}",
	    "endpointing \"auto\" is not known; vad or manual" },
	{ "endpointing: true", START "\"endpointing\":true}",
	    "endpointing must be text, not true" },
	{ "adaptation: not base64", START "\"adaptation\":\"a\"}",
	    "adaptation is not base64 of at most 4096 bytes" },
	{ "adaptation: an object", START "\"adaptation\":{}}",
	    "adaptation must be text, not an object" },
	{ "partials: a number", START "\"partials\":1}",
	    "partials must be true or false, not a number" },
	{ "partials: text", START "\"partials\":\"true\"}",
	    "partials must be true or false, not text" },
	{ "return_adaptation: null", START "\"return_adaptation\":null}",
	    "return_adaptation must be true or false, not null" },
	{ "vad_sensitivity: text", START "\"vad_sensitivity\":\"0.5\"}",
	    "vad_sensitivity must be a number, not text" },
	{ "vad_sensitivity: false", START "\"vad_sensitivity\":false}",
	    "vad_sensitivity must be a number, not false" },

	{ "sample_rate: text", START "\"sample_rate\":\"16000\"}",
	    "sample_rate" WHOLE ", not text" },
	{ "sample_rate: true", START "\"sample_rate\":true}", "sample_rate" WHOLE ", not true" },
	{ "sample_rate: an array", START "\"sample_rate\":[16000]}",
	    "sample_rate" WHOLE ", not an array" },
	{ "sample_rate: an object", START "\"sample_rate\":{}}",
	    "sample_rate" WHOLE ", not an object" },
	{ "sample_rate: negative", START "\"sample_rate\":-16000}", "sample_rate" RANGE "-16000" },
	{ "sample_rate: a fraction", START "\"sample_rate\":0.5}", "sample_rate" RANGE "0.5" },
	{ "sample_rate: a small fraction", START "\"sample_rate\":16000.0001}",
	    "sample_rate" RANGE "16000.0001" },
	{ "sample_rate: huge", START "\"sample_rate\":1000000001}",
	    "sample_rate" RANGE "1000000001" },
	{ "sample_rate: more than 32 bits", START "\"sample_rate\":4294983296}",
	    "sample_rate" RANGE "4294983296" },
	{ "sample_rate: huge and real", START "\"sample_rate\":1e308}",
	    "sample_rate" RANGE "1e+308" },
	{ "sample_rate: beyond a double", START "\"sample_rate\":1e999}", NOT_JSON },
	{ "sample_rate: beyond 64 bits", START "\"sample_rate\":99999999999999999999}", NOT_JSON },
	{ "sample_rate: NaN", START "\"sample_rate\":NaN}", NOT_JSON },
	{ "sample_rate: Infinity", START "\"sample_rate\":-Infinity}", NOT_JSON },
	{ "channels: negative", START "\"channels\":-1}", "channels" RANGE "-1" },
	{ "channels: null", START "\"channels\":null}", "channels" WHOLE ", not null" },
	{ "pre_roll_ms: negative", START "\"pre_roll_ms\":-1}", "pre_roll_ms" RANGE "-1" },
	{ "min_speech_ms: a fraction", START "\"min_speech_ms\":1.5}",
	    "min_speech_ms" RANGE "1.5" },
	{ "post_silence_ms: text", START "\"post_silence_ms\":\"\"}",
	    "post_silence_ms" WHOLE ", not text" },
	{ "min_utterance_ms: huge", START "\"min_utterance_ms\":1e10}",
	    "min_utterance_ms" RANGE "10000000000" },
	{ "max_utterance_ms: negative zero and less", START "\"max_utterance_ms\":-0.5}",
	    "max_utterance_ms" RANGE "-0.5" },
	{ "offset_ms: negative", START "\"offset_ms\":-1}",
	    "offset_ms" WHOLE " from 0 to 9000000000000000, not -1" },
	{ "offset_ms: too large", START "\"offset_ms\":9000000000000001}",
	    "offset_ms" WHOLE " from 0 to 9000000000000000, not 9000000000000001" },
};

static void test_refused(void **state)
{
	const struct row *r = *state;
	static struct native_start s;
	enum native_command command;
	struct error err;

	assert_int_equal(parse(r->message, strlen(r->message), &s, &command, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID);
	if (strcmp(r->sentence, NOT_JSON) == 0)
		assert_memory_equal(err.text, NOT_JSON, sizeof NOT_JSON - 1);
	else
		assert_string_equal(err.text, r->sentence);
}

/* Values that have the right form and cannot be; the layers below know their ranges. */

static struct row ranges[] = {
	{ "session: a rate too low", "\"sample_rate\":7999",
	    "sample_rate 7999 is not supported; 8000 to 192000" },
	{ "session: a rate of 0", "\"sample_rate\":0",
	    "sample_rate 0 is not supported; 8000 to 192000" },
	{ "session: the largest rate", "\"sample_rate\":1000000000,\"channels\":1000000000",
	    "sample_rate 1000000000 is not supported; 8000 to 192000" },
	{ "session: nine channels", "\"channels\":9", "channels 9 is not supported; 1 to 8" },
	{ "session: no channel", "\"channels\":-0.0", "channels 0 is not supported; 1 to 8" },
	{ "session: sensitivity over 1", "\"vad_sensitivity\":1.01",
	    "vad_sensitivity 1.01 is out of range; 0 to 1" },
	{ "session: sensitivity under 0", "\"vad_sensitivity\":-1e300",
	    "vad_sensitivity -1e+300 is out of range; 0 to 1" },
	{ "session: pre-roll", "\"pre_roll_ms\":2001",
	    "pre_roll_ms 2001 is out of range; 0 to 2000" },
	{ "session: min_speech", "\"min_speech_ms\":2001",
	    "min_speech_ms 2001 is out of range; 0 to 2000" },
	{ "session: post_silence too short", "\"post_silence_ms\":99",
	    "post_silence_ms 99 is out of range; 100 to 10000" },
	{ "session: post_silence too long", "\"post_silence_ms\":1e9",
	    "post_silence_ms 1000000000 is out of range; 100 to 10000" },
	{ "session: min_utterance", "\"min_utterance_ms\":10001",
	    "min_utterance_ms 10001 is out of range; 0 to 10000" },
	{ "session: max_utterance too short", "\"max_utterance_ms\":999",
	    "max_utterance_ms 999 is out of range; 1000 to 120000" },
	{ "session: max_utterance too long", "\"max_utterance_ms\":120001",
	    "max_utterance_ms 120001 is out of range; 1000 to 120000" },
	{ "session: all at their limits",
	    "\"sample_rate\":48000.0,\"channels\":2,\"vad_sensitivity\":1,\"pre_roll_ms\":2e3,"
	    "\"post_silence_ms\":10000,\"max_utterance_ms\":120000,\"offset_ms\":9e15,\"encoding\":"
	    "\"alaw\"",
	    NULL },
};

static void test_range(void **state)
{
	const struct row *r = *state;
	const struct session_limits limits = {
		.buffer_ms = 60000, .partial_interval_ms = 300, .losses_max = 8
	};
	struct pool_config cfg = pool_fake_config();
	static struct native_start start;
	struct pool_fake pool;
	enum native_command command;
	struct session *s;
	char message[400];
	struct error err;

	pool_fake_init(&pool, &cfg);
	(void)snprintf(message, sizeof message, START "%s}", r->message);
	assert_int_equal(parse(message, strlen(message), &start, &command, &err), 0);
	s = session_new(pool.pool, NULL, &limits, &start.session, &err, NULL);
	if (r->sentence != NULL) {
		assert_null(s);
		assert_int_equal(err.code, ERROR_INVALID);
		assert_string_equal(err.text, r->sentence);
	} else {
		assert_non_null(s);
	}
	session_free(&s);
	pool_fake_done(&pool);
}

/* Messages that are taken. */

static void take(const char *message, struct native_start *s, enum native_command want)
{
	enum native_command command;
	struct error err;

	assert_int_equal(parse(message, strlen(message), s, &command, &err), 0);
	assert_int_equal(command, want);
}

static void test_commands(void **state)
{
	static struct native_start s;

	(void)state;
	take("{\"type\":\"commit\"}", &s, NATIVE_COMMIT);
	take(" { \"type\" : \"stop\" } \n", &s, NATIVE_STOP);
	take("{\"type\":\"st\\u0061rt\"}", &s, NATIVE_START);
}

static void test_defaults(void **state)
{
	static struct native_start s, want;

	(void)state;
	take("{\"type\":\"start\"}", &s, NATIVE_START);
	init(&want);
	assert_memory_equal(&s, &want, sizeof s);
	assert_string_equal(s.pool, "");
	assert_int_equal(s.session.ear.format.rate_hz, 16000);
	assert_int_equal(s.session.adaptation_bytes, 0);
	assert_true(s.session.partials);
	assert_false(s.return_adaptation);
}

static void test_all_fields(void **state)
{
	static struct native_start s;
	const struct endpoint_config *e = &s.session.ear.endpoint;

	(void)state;
	take("{\"pool\":\"large\",\"encoding\":\"pcm_f32le\",\"sample_rate\":44100,\"channels\":2,"
	     "\"partials\":false,\"endpointing\":\"manual\",\"vad_sensitivity\":0.25,\"pre_roll_"
	     "ms\":1,"
	     "\"min_speech_ms\":2,\"post_silence_ms\":3,\"min_utterance_ms\":4,\"max_utterance_"
	     "ms\":5,"
	     "\"offset_ms\":123456789012345,\"adaptation\":\"aGVhcmQ=\",\"return_adaptation\":true,"
	     "\"type\":\"start\"}",
	    &s, NATIVE_START);
	assert_string_equal(s.pool, "large");
	assert_int_equal(s.session.ear.format.encoding, ENCODING_F32LE);
	assert_int_equal(s.session.ear.format.rate_hz, 44100);
	assert_int_equal(s.session.ear.format.channels, 2);
	assert_false(s.session.partials);
	assert_int_equal(e->endpointing, ENDPOINTING_MANUAL);
	assert_true(e->vad_sensitivity == 0.25);
	assert_int_equal(e->pre_roll_ms, 1);
	assert_int_equal(e->min_speech_ms, 2);
	assert_int_equal(e->post_silence_ms, 3);
	assert_int_equal(e->min_utterance_ms, 4);
	assert_int_equal(e->max_utterance_ms, 5);
	assert_int_equal(s.session.offset_ms, 123456789012345);
	assert_int_equal(s.session.adaptation_bytes, 5);
	assert_ptr_equal(s.session.adaptation, s.adaptation);
	assert_memory_equal(s.adaptation, "heard", 5);
	assert_true(s.return_adaptation);
}

static void take_adaptation(size_t bytes, int want)
{
	static struct native_start s;
	static char message[3 * IPC_BLOB_MAX];
	uint8_t *blob = xcalloc(1, bytes);
	enum native_command command;
	struct error err;
	size_t n = (size_t)snprintf(message, sizeof message, START "\"adaptation\":\"");

	memset(blob, 0xa5, bytes);
	base64_encode(blob, bytes, message + n);
	strcat(message, "\"}");
	assert_int_equal(parse(message, strlen(message), &s, &command, &err), want);
	if (want == 0) {
		assert_int_equal(s.session.adaptation_bytes, bytes);
		assert_memory_equal(s.adaptation, blob, bytes);
	} else {
		assert_string_equal(err.text, "adaptation is not base64 of at most 4096 bytes");
	}
	free(blob);
}

static void test_adaptation_sizes(void **state)
{
	(void)state;
	take_adaptation(1, 0);
	take_adaptation(IPC_BLOB_MAX, 0);
	take_adaptation(IPC_BLOB_MAX + 1, -1);
	take_adaptation(IPC_BLOB_MAX + 700, -1);
}

/* Whatever a client names, the sentence is whole UTF-8 and short enough. */

static void check_sentence(const char *message, size_t n)
{
	static struct native_start s;
	enum native_command command;
	struct utf8 u = { 0 };
	struct error err;

	assert_int_equal(parse(message, n, &s, &command, &err), -1);
	assert_in_range(strlen(err.text), 1, sizeof err.text - 2);
	assert_true(utf8_take(&u, (const uint8_t *)err.text, strlen(err.text)));
	assert_true(utf8_is_whole(&u));
}

static void test_long_names(void **state)
{
	static const char *const forms[][2] = { { "{\"type\":\"start\",\"", "\":1}" },
		{ "{\"type\":\"stop\",\"", "\":1}" }, { "{\"type\":\"", "\"}" },
		{ "{\"type\":\"start\",\"endpointing\":\"", "\"}" } };
	static const char *const letters[] = { "a", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x8e\x99" };
	char message[1400];

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
		for (size_t l = 0; l < ARRAY_SIZE(letters); l++) {
			for (int shift = 0; shift < 4; shift++) {
				(void)snprintf(
				    message, sizeof message, "%s%.*s", forms[f][0], shift, "xxx");
				for (int i = 0; i < 250; i++)
					strcat(message, letters[l]);
				strcat(message, forms[f][1]);
				check_sentence(message, strlen(message));
			}
		}
	}
}

static void test_deep(void **state)
{
	enum { DEEP = 100000 };
	char *message = xcalloc(1, 2 * DEEP + 64);
	size_t n = (size_t)snprintf(message, 64, START "\"x\":");

	(void)state;
	memset(message + n, '[', DEEP);
	check_sentence(message, n + DEEP);
	memset(message + n + DEEP, ']', DEEP);
	message[n + 2 * DEEP] = '}';
	check_sentence(message, n + 2 * DEEP + 1);
	free(message);
}

static void test_zero_bytes(void **state)
{
	static const char in_text[] = START "\"pool\":\"a\0b\"}",
			  between[] = "{\"type\":\"stop\"}\0", alone[] = "\0";

	(void)state;
	check_sentence(in_text, sizeof in_text - 1);
	check_sentence(between, sizeof between - 1);
	check_sentence(alone, sizeof alone - 1);
}

/* Every message cut at every byte: an answer, and no read behind the end. */
static void test_cut(void **state)
{
	static const char message[] = START "\"pool\":\"\xc3\xa9\",\"vad_sensitivity\":-1.5e-3,"
					    "\"partials\":true,\"adaptation\":\"aGVhcmQ=\"}";
	static struct native_start s;
	enum native_command command;
	struct error err;

	(void)state;
	for (size_t n = 0; n < sizeof message - 1; n++)
		assert_int_equal(parse(message, n, &s, &command, &err), -1);
	assert_int_equal(parse(message, sizeof message - 1, &s, &command, &err), 0);
}

static void test_wishes(void **state)
{
	static const char message[] = START "\"language\":\"DE-at\",\"prompt\":\"Dr. Ott\","
					    "\"hot_words\":\"MRT,CT\",\"translate\":true}";
	enum native_command command;
	struct native_start s;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(parse(message, sizeof message - 1, &s, &command, &err), 0);
	assert_string_equal(s.wanted.language, "de");
	assert_string_equal(s.wanted.prompt, "Dr. Ott");
	assert_string_equal(s.wanted.hot_words, "MRT, CT");
	assert_true(s.wanted.translate);
	wanted_done(&s.wanted);
}

int main(void)
{
	const struct CMUnitTest plain[] = {
		{ "what is wished of the hearing", test_wishes, NULL, NULL, NULL },
		{ "commands without fields", test_commands, NULL, NULL, NULL },
		{ "a bare start leaves the defaults", test_defaults, NULL, NULL, NULL },
		{ "a start with every field", test_all_fields, NULL, NULL, NULL },
		{ "an adaptation has at most 4096 bytes", test_adaptation_sizes, NULL, NULL, NULL },
		{ "long names are cut between characters", test_long_names, NULL, NULL, NULL },
		{ "deep nesting is refused", test_deep, NULL, NULL, NULL },
		{ "zero bytes are refused", test_zero_bytes, NULL, NULL, NULL },
		{ "a message cut anywhere is refused", test_cut, NULL, NULL, NULL },
	};
	struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(rows) + ARRAY_SIZE(ranges)];
	size_t n = ARRAY_SIZE(plain);

	memcpy(tests, plain, sizeof plain);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[n++] =
		    (struct CMUnitTest){ rows[i].name, test_refused, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		tests[n++] =
		    (struct CMUnitTest){ ranges[i].name, test_range, NULL, NULL, &ranges[i] };
	return cmocka_run_group_tests_name("native_start", tests, NULL, NULL);
}
