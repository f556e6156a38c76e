#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/openai_realtime_format.h"
#include "access/openai_realtime_patch.h"
#include "base/error.h"
#include "base/util.h"

#define PCM(rate) "{\"type\":\"audio/pcm\",\"rate\":" rate "}"
#define PCMU      "{\"type\":\"audio/pcmu\"}"

static struct row {
	const char *name, *was, *patch, *want, *flat;
	struct format format;
	const char *code, *param;
} rows[] = {
	{ "all of it", PCMU, PCM("16000"), PCM("16000"), "pcm16", { ENCODING_S16LE, 16000, 1 },
	    NULL, NULL },
	{ "PCM without a rate, after another type", PCMU, "{\"type\":\"audio/pcm\"}", PCM("24000"),
	    "pcm16", { ENCODING_S16LE, 24000, 1 }, NULL, NULL },
	{ "a rate that is not said stays", PCM("16000"), "{\"type\":\"audio/pcm\"}", PCM("16000"),
	    "pcm16", { ENCODING_S16LE, 16000, 1 }, NULL, NULL },
	{ "a type that is not said stays", PCM("16000"), "{\"rate\":48000}", PCM("48000"), "pcm16",
	    { ENCODING_S16LE, 48000, 1 }, NULL, NULL },
	{ "a rate of null is the default", PCM("16000"), "{\"rate\":null}", PCM("24000"), "pcm16",
	    { ENCODING_S16LE, 24000, 1 }, NULL, NULL },
	{ "nothing changes nothing", PCM("44100"), "{}", PCM("44100"), "pcm16",
	    { ENCODING_S16LE, 44100, 1 }, NULL, NULL },
	{ "null is the default", PCMU, "null", PCM("24000"), "pcm16", { ENCODING_S16LE, 24000, 1 },
	    NULL, NULL },
	{ "mu-law with its rate", PCM("16000"), "{\"type\":\"audio/pcmu\",\"rate\":8000}", PCMU,
	    "g711_ulaw", { ENCODING_MULAW, 8000, 1 }, NULL, NULL },
	{ "A-law, flat", PCMU, "\"g711_alaw\"", "{\"type\":\"audio/pcma\"}", "g711_alaw",
	    { ENCODING_ALAW, 8000, 1 }, NULL, NULL },
	{ "PCM, flat, has the beta dialect's one rate", PCM("16000"), "\"pcm16\"", PCM("24000"),
	    "pcm16", { ENCODING_S16LE, 24000, 1 }, NULL, NULL },
	{ "a type that is none", PCMU, "{\"type\":\"audio/mp3\"}", NULL, NULL, { 0 },
	    "invalid_value", "type" },
	{ "a word that is none", PCMU, "\"mp3\"", NULL, NULL, { 0 }, "invalid_value", "" },
	{ "a type that is no word", PCMU, "{\"type\":7}", NULL, NULL, { 0 }, "invalid_type",
	    "type" },
	{ "a rate that is no number", PCMU, PCM("\"x\""), NULL, NULL, { 0 }, "invalid_type",
	    "rate" },
	{ "a rate too high", PCMU, PCM("192001"), NULL, NULL, { 0 }, "invalid_value", "rate" },
	{ "a rate too low", PCMU, PCM("7999"), NULL, NULL, { 0 }, "invalid_value", "rate" },
	{ "G.711 at another rate", PCMU, "{\"rate\":16000}", NULL, NULL, { 0 }, "invalid_value",
	    "rate" },
	{ "an unknown field", PCMU, "{\"depth\":16}", NULL, NULL, { 0 }, "unknown_parameter",
	    "depth" },
	{ "a number", PCMU, "7", NULL, NULL, { 0 }, "invalid_type", "" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct realtime_blame blame = { 0 };
	struct error err = ERROR_INIT;
	const struct realtime_patch p = { .err = &err, .blame = &blame };
	json_t *was = json_loads(r->was, 0, NULL), *v = json_loads(r->patch, JSON_DECODE_ANY, NULL);
	json_t *now = realtime_format_patched(&p, was, v);
	struct format format;
	char *text;

	if (r->code != NULL) {
		assert_null(now);
		assert_string_equal(blame.code, r->code);
		assert_string_equal(blame.param, r->param);
	} else {
		text = json_dumps(now, JSON_COMPACT);
		assert_string_equal(text, r->want);
		assert_string_equal(realtime_format_flat(now), r->flat);
		format = realtime_format_of(now);
		assert_memory_equal(&format, &r->format, sizeof format);
		free(text);
	}
	json_decref(now);
	json_decref(was);
	json_decref(v);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("openai_realtime_format", tests, NULL, NULL);
}
