#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/openai_realtime_detection.h"
#include "access/openai_realtime_patch.h"
#include "base/error.h"
#include "base/util.h"

#define SERVER(threshold, prefix, silence)                                                         \
	"{\"type\":\"server_vad\",\"threshold\":" threshold ",\"prefix_padding_ms\":" prefix       \
	",\"silence_duration_ms\":" silence "}"
#define SEMANTIC(eagerness) "{\"type\":\"semantic_vad\",\"eagerness\":\"" eagerness "\"}"

static const struct endpoint_config settings = { ENDPOINTING_VAD, 0.5, 300, 100, 600, 200, 0, 30000,
	NULL };

static struct row {
	const char *name, *was, *patch, *want;
	double sensitivity;
	unsigned pre_roll_ms, post_silence_ms;
	const char *code, *param;
} rows[] = {
	{ "what is said is changed and the rest stays", SERVER("0.5", "200", "700"),
	    "{\"threshold\":0.75}", SERVER("0.75", "200", "700"), 0.25, 200, 700, NULL, NULL },
	{ "null in it is back to the settings", SERVER("0.25", "200", "700"),
	    "{\"threshold\":null,\"silence_duration_ms\":null}",
	    "{\"type\":\"server_vad\",\"prefix_padding_ms\":200,\"threshold\":0.5,\"silence_"
	    "duration_ms\":600}",
	    0.5, 200, 600, NULL, NULL },
	{ "times are brought into range", "null", SERVER("0.5", "2000.5", "10001"),
	    SERVER("0.5", "2000", "10000"), 0.5, 2000, 10000, NULL, NULL },
	{ "silence has a shortest", "null", SERVER("0.5", "0", "0"), SERVER("0.5", "0", "100"), 0.5,
	    0, 100, NULL, NULL },
	{ "eager", SERVER("0.25", "200", "700"), SEMANTIC("high"), SEMANTIC("high"), 0.5, 300, 400,
	    NULL, NULL },
	{ "patient", SEMANTIC("high"), "{\"eagerness\":\"low\"}", SEMANTIC("low"), 0.5, 300, 1500,
	    NULL, NULL },
	{ "eagerness of null is auto", SEMANTIC("high"), "{\"eagerness\":null}", SEMANTIC("auto"),
	    0.5, 300, 800, NULL, NULL },
	{ "medium", "null", SEMANTIC("medium"), SEMANTIC("medium"), 0.5, 300, 800, NULL, NULL },
	{ "another type begins as the settings have it", SEMANTIC("low"),
	    "{\"type\":\"server_vad\"}", SERVER("0.5", "300", "600"), 0.5, 300, 600, NULL, NULL },
	{ "no type after none", "null", "{\"threshold\":1}", NULL, 0, 0, 0,
	    "missing_required_parameter", "type" },
	{ "an unknown type", "null", "{\"type\":\"push\"}", NULL, 0, 0, 0, "invalid_value",
	    "type" },
	{ "a type of null", "null", "{\"type\":null}", NULL, 0, 0, 0, "invalid_type", "type" },
	{ "a threshold too high", SEMANTIC("low"), "{\"threshold\":1.01}", NULL, 0, 0, 0,
	    "invalid_value", "threshold" },
	{ "a threshold that is text", SEMANTIC("low"), "{\"threshold\":\"1\"}", NULL, 0, 0, 0,
	    "invalid_type", "threshold" },
	{ "a time below zero", SEMANTIC("low"), "{\"idle_timeout_ms\":-1}", NULL, 0, 0, 0,
	    "invalid_value", "idle_timeout_ms" },
	{ "a time that is text", SEMANTIC("low"), "{\"prefix_padding_ms\":\"1\"}", NULL, 0, 0, 0,
	    "invalid_type", "prefix_padding_ms" },
	{ "an eagerness that is none", SEMANTIC("low"), "{\"eagerness\":\"keen\"}", NULL, 0, 0, 0,
	    "invalid_value", "eagerness" },
	{ "an unknown field", SEMANTIC("low"), "{\"mood\":1}", NULL, 0, 0, 0, "unknown_parameter",
	    "mood" },
};

static json_t *read(const char *text)
{
	return json_loads(text, JSON_DECODE_ANY, NULL);
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct realtime_blame blame = { 0 };
	struct error err = ERROR_INIT;
	const struct realtime_patch p = { .err = &err, .blame = &blame };
	json_t *was = read(r->was), *v = read(r->patch);
	json_t *now = realtime_detection_patched(&p, was, v, &settings);
	struct endpoint_config read_as = settings;
	char *text;

	if (r->code != NULL) {
		assert_null(now);
		assert_string_equal(blame.code, r->code);
		assert_string_equal(blame.param, r->param);
	} else {
		text = json_dumps(now, JSON_COMPACT);
		assert_string_equal(text, r->want);
		free(text);
		realtime_detection_read(now, &read_as);
		assert_int_equal(read_as.endpointing, ENDPOINTING_VAD);
		assert_true(read_as.vad_sensitivity == r->sensitivity);
		assert_int_equal(read_as.pre_roll_ms, r->pre_roll_ms);
		assert_int_equal(read_as.post_silence_ms, r->post_silence_ms);
		assert_int_equal(endpoint_config_check(&read_as, &err), 0);
	}
	json_decref(now);
	json_decref(was);
	json_decref(v);
}

static void without_it_turns_end_by_a_commit(void **state)
{
	struct endpoint_config manual = settings, out = settings;
	json_t *was = read(SEMANTIC("low")), *nothing = json_null(), *now;

	(void)state;
	now = realtime_detection_patched(NULL, was, nothing, &settings);
	realtime_detection_read(now, &out);
	assert_int_equal(out.endpointing, ENDPOINTING_MANUAL);
	manual.endpointing = ENDPOINTING_MANUAL;
	assert_true(json_is_null(realtime_detection_default(&manual)));
	json_decref(was);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1] = { [ARRAY_SIZE(rows)] = cmocka_unit_test(
							      without_it_turns_end_by_a_commit) };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("openai_realtime_detection", tests, NULL, NULL);
}
