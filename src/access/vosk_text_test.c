#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/vosk_text.h"
#include "base/error.h"
#include "base/util.h"

#define NO_WISH                                                                                    \
	{                                                                                          \
		.translate = false                                                                 \
	}
#define BEFORE                                                                                     \
	{                                                                                          \
		8000, true, 0, "en", NO_WISH                                                       \
	}

static const struct vosk_config before = BEFORE;

/* To the byte, so that ASan sees a read behind the end. */
static int read_text(
    const char *text, enum vosk_command *command, struct vosk_config *config, struct error *err)
{
	size_t n = strlen(text);
	char *copy = malloc(n == 0 ? 1 : n);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, n);
	rc = vosk_read(copy, n, command, config, err);
	free(copy);
	return rc;
}

static const struct row {
	const char *name, *text;
	enum vosk_command command;
	struct vosk_config want; /* of a config */
} rows[] = {
	{ "eof as the samples write it", "{\"eof\" : 1}", VOSK_EOF, BEFORE },
	{ "eof as true", "{\"eof\":true}", VOSK_EOF, BEFORE },
	{ "reset", "{\"reset\":1}", VOSK_RESET, BEFORE },
	{ "a config that names nothing changes nothing", "{\"config\":{}}", VOSK_CONFIG, BEFORE },
	{ "a rate", "{\"config\":{\"sample_rate\":16000}}", VOSK_CONFIG,
	    { 16000, true, 0, "en", NO_WISH } },
	{ "a rate as a real number", "{\"config\":{\"sample_rate\":48000.0}}", VOSK_CONFIG,
	    { 48000, true, 0, "en", NO_WISH } },
	{ "a rate as text", "{\"config\":{\"sample_rate\":\"16000\"}}", VOSK_CONFIG,
	    { 16000, true, 0, "en", NO_WISH } },
	{ "a real rate as text", "{\"config\":{\"sample_rate\":\"16000.0\"}}", VOSK_CONFIG,
	    { 16000, true, 0, "en", NO_WISH } },
	{ "words and alternatives as text",
	    "{\"config\":{\"words\":\"False\",\"max_alternatives\":\"2\"}}", VOSK_CONFIG,
	    { 8000, false, 2, "en", NO_WISH } },
	{ "words as a number in text", "{\"config\":{\"words\":\"0\"}}", VOSK_CONFIG,
	    { 8000, false, 0, "en", NO_WISH } },
	{ "words as a number", "{\"config\":{\"words\":0}}", VOSK_CONFIG,
	    { 8000, false, 0, "en", NO_WISH } },
	{ "words as a truth", "{\"config\":{\"words\":true,\"max_alternatives\":3}}", VOSK_CONFIG,
	    { 8000, true, 3, "en", NO_WISH } },
	{ "a model's path ends with the pool's name", "{\"config\":{\"model\":\"/models/de\"}}",
	    VOSK_CONFIG, { 8000, true, 0, "de", NO_WISH } },
	{ "a model without a path", "{\"config\":{\"model\":\"de\"}}", VOSK_CONFIG,
	    { 8000, true, 0, "de", NO_WISH } },
	{ "a model that is no text is none", "{\"config\":{\"model\":1}}", VOSK_CONFIG, BEFORE },
	{ "what is not known is passed over",
	    "{\"config\":{\"phrase_list\":[\"a\"],\"x\":null},\"y\":1}", VOSK_CONFIG, BEFORE },
};

static void a_message_is_read(void **state)
{
	const struct row *r = *state;
	struct vosk_config config = before;
	enum vosk_command command;
	struct error err;

	assert_int_equal(read_text(r->text, &command, &config, &err), 0);
	assert_int_equal(command, r->command);
	assert_int_equal(config.sample_rate, r->want.sample_rate);
	assert_int_equal(config.words, r->want.words);
	assert_int_equal(config.max_alternatives, r->want.max_alternatives);
	assert_string_equal(config.pool, r->want.pool);
	vosk_config_done(&config);
}

#define RATE  "config: sample_rate must be a whole number from 8000 to 192000 Hz"
#define COUNT "config: max_alternatives must be a number from 0 to 100"
#define SHAPE "a text message must be {\"config\":{...}}, {\"eof\":1} or {\"reset\":1}"

static const struct bad {
	const char *name, *text, *sentence; /* how it begins */
} bad[] = {
	{ "no text", "", "the message is not JSON: " },
	{ "half a message", "{\"eof\" : 1", "the message is not JSON: " },
	{ "bytes that are not UTF-8", "{\"eof\":\"\xff\"}", "the message is not JSON: " },
	{ "an array", "[]", "a message must be a JSON object, not an array" },
	{ "an object of something else", "{}", SHAPE },
	{ "a config that is text", "{\"config\":\"x\"}", "config must be a JSON object, not text" },
	{ "a rate that is text and no number", "{\"config\":{\"sample_rate\":\"8 kHz\"}}", RATE },
	{ "too high a rate as text", "{\"config\":{\"sample_rate\":\"inf\"}}", RATE },
	{ "a rate that is a truth", "{\"config\":{\"sample_rate\":true}}", RATE },
	{ "half a hertz", "{\"config\":{\"sample_rate\":8000.5}}", RATE },
	{ "too low a rate", "{\"config\":{\"sample_rate\":7999}}", RATE },
	{ "too high a rate", "{\"config\":{\"sample_rate\":1e300}}", RATE },
	{ "words as text that is neither", "{\"config\":{\"words\":\"many\"}}",
	    "config: words must be true or false" },
	{ "a negative number of alternatives", "{\"config\":{\"max_alternatives\":-1}}", COUNT },
	{ "too many alternatives", "{\"config\":{\"max_alternatives\":101}}", COUNT },
	{ "null alternatives", "{\"config\":{\"max_alternatives\":null}}", COUNT },
	{ "a bad field behind a good one",
	    "{\"config\":{\"sample_rate\":16000,\"model\":\"de\",\"words\":[]}}",
	    "config: words must be true or false" },
};

static void a_message_that_cannot_be_changes_nothing(void **state)
{
	const struct bad *b = *state;
	struct vosk_config config = before;
	enum vosk_command command;
	struct error err;

	assert_int_equal(read_text(b->text, &command, &config, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID);
	assert_memory_equal(err.text, b->sentence, strlen(b->sentence));
	assert_int_equal(config.sample_rate, before.sample_rate);
	assert_string_equal(config.pool, before.pool);
}

static void a_long_name_of_a_model_is_none(void **state)
{
	char text[128];
	struct vosk_config config = before;
	enum vosk_command command;
	struct error err;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "{\"config\":{\"model\":\"", 20);
	memcpy(text + 20 + 64, "\"}}", 4);
	assert_int_equal(read_text(text, &command, &config, &err), 0);
	assert_string_equal(config.pool, "en");
	memcpy(text + 20 + 63, "\"}}", 4);
	assert_int_equal(read_text(text, &command, &config, &err), 0);
	assert_int_equal(strlen(config.pool), 63);
}

static void is(json_t *o, const char *want)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));

	assert_string_equal(text, want);
	free(text);
	json_decref(o);
}

static void add(struct vosk_result *r, const char *text, const struct session_word *words, size_t n)
{
	struct session_event e = { .kind = SESSION_EVENT_FINAL };

	e.final.text = text;
	e.final.text_bytes = strlen(text);
	e.final.words = words;
	e.final.words_n = n;
	assert_int_equal(vosk_result_add(r, &e), 0);
}

static const struct session_word turn[] = { { "turn", 4, 870, 1110, 0.98f } };
static const struct session_word on[] = { { "on", 2, 1110, 1530, 1 } };

static void a_result_has_its_words_where_they_are_wanted(void **state)
{
	struct vosk_config config = before;
	struct vosk_result r = { 0 };

	(void)state;
	add(&r, "turn", turn, 1);
	add(&r, "on", on, 1);
	is(vosk_result_json(&r, &config),
	    "{\"result\":[{\"conf\":0.98,\"end\":1.11,\"start\":0.87,\"word\":\"turn\"},"
	    "{\"conf\":1.0,\"end\":1.53,\"start\":1.11,\"word\":\"on\"}],\"text\":\"turn on\"}");
	config.words = false;
	is(vosk_result_json(&r, &config), "{\"text\":\"turn on\"}");
	vosk_result_done(&r);
}

static void with_alternatives_there_is_one_and_no_confidence_of_words(void **state)
{
	struct vosk_config config = before;
	struct vosk_result r = { 0 };

	(void)state;
	config.max_alternatives = 2;
	is(vosk_result_json(&r, &config),
	    "{\"alternatives\":[{\"confidence\":1.0,\"text\":\"\"}]}");
	add(&r, "on", on, 1);
	is(vosk_result_json(&r, &config),
	    "{\"alternatives\":[{\"confidence\":1.0,\"result\":[{\"end\":1.53,\"start\":1.11,"
	    "\"word\":\"on\"}],\"text\":\"on\"}]}");
	config.max_alternatives = 0;
	is(vosk_result_json(&r, &config),
	    "{\"result\":[{\"conf\":1.0,\"end\":1.53,\"start\":1.11,\"word\":\"on\"}],"
	    "\"text\":\"on\"}");
	vosk_result_done(&r);
}

/* Telephony clients look for "" and for "partial" in the text itself. */
static void what_is_empty_says_so_with_an_empty_text(void **state)
{
	struct vosk_result r = { 0 };

	(void)state;
	is(vosk_result_json(&r, &before), "{\"text\":\"\"}");
	is(vosk_partial_json(""), "{\"partial\":\"\"}");
	is(vosk_partial_json("turn the"), "{\"partial\":\"turn the\"}");
}

enum { ROWS = ARRAY_SIZE(rows), BAD = ARRAY_SIZE(bad), OTHERS = 5 };

static void phrases_are_a_grammar(void **state)
{
	struct vosk_config c = { .sample_rate = 8000 };
	enum vosk_command command;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
	    read_text("{\"config\":{\"phrase_list\":[\"left\",\" turn\\nright \",\"[unk]\",7]}}",
		&command, &c, &err),
	    0);
	assert_string_equal(c.wanted.phrases, "left\nturn right\n[unk]");
	assert_int_equal(read_text("{\"config\":{\"sample_rate\":16000}}", &command, &c, &err), 0);
	assert_string_equal(c.wanted.phrases, "left\nturn right\n[unk]");
	assert_int_equal(read_text("{\"config\":{\"phrase_list\":[\"a\"],\"sample_rate\":1}}",
			     &command, &c, &err),
	    -1);
	assert_string_equal(c.wanted.phrases, "left\nturn right\n[unk]");
	assert_int_equal(
	    read_text("{\"config\":{\"phrase_list\":[\"stop\"]}}", &command, &c, &err), 0);
	assert_string_equal(c.wanted.phrases, "stop");
	assert_int_equal(read_text("{\"config\":{\"phrase_list\":[]}}", &command, &c, &err), 0);
	assert_null(c.wanted.phrases);
	vosk_config_done(&c);
}

int main(void)
{
	struct CMUnitTest tests[OTHERS + ROWS + BAD] = {
		cmocka_unit_test(phrases_are_a_grammar),
		cmocka_unit_test(a_long_name_of_a_model_is_none),
		cmocka_unit_test(a_result_has_its_words_where_they_are_wanted),
		cmocka_unit_test(with_alternatives_there_is_one_and_no_confidence_of_words),
		cmocka_unit_test(what_is_empty_says_so_with_an_empty_text),
	};

	for (size_t i = 0; i < ROWS; i++)
		tests[OTHERS + i] = (struct CMUnitTest){ rows[i].name, a_message_is_read, NULL,
			NULL, (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < BAD; i++)
		tests[OTHERS + ROWS + i] =
		    (struct CMUnitTest){ bad[i].name, a_message_that_cannot_be_changes_nothing,
			    NULL, NULL, (void *)(uintptr_t)&bad[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
