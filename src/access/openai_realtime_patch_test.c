#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/openai_realtime_patch.h"
#include "base/error.h"
#include "base/util.h"

static int take_inner(const struct realtime_patch *p, const json_t *v)
{
	static const struct realtime_field fields[] = { { "text", realtime_patch_text },
		{ "texts", realtime_patch_texts }, { "passed", NULL } };

	return realtime_patch_walk(p, v, fields, ARRAY_SIZE(fields));
}

static int take_number(const struct realtime_patch *p, const json_t *v)
{
	json_int_t *target = p->target;

	*target = json_integer_value(v);
	return *target < 10
	    ? 0
	    : realtime_patch_refuse(p, "invalid_value", "%d is too many", (int)*target);
}

static const struct realtime_field outer[] = { { "number", take_number }, { "inner", take_inner } };

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct row {
	const char *name, *patch, *code, *param, *sentence;
} rows[] = {
	{ "what is in a table is taken, or passed over",
	    "{\"number\":7,\"inner\":{\"text\":\"x\",\"texts\":[\"y\"],\"passed\":{\"z\":1}}}",
	    NULL, "", NULL },
	{ "null is no text, and no texts", "{\"inner\":{\"text\":null,\"texts\":null}}", NULL, "",
	    NULL },
	{ "what is in none is refused by its path", "{\"inner\":{\"colour\":1}}",
	    "unknown_parameter", "inner.colour", "there is no parameter \"colour\" here" },
	{ "another kind", "{\"inner\":[]}", "invalid_type", "inner",
	    "this must be an object, not an array" },
	{ "a number for a text", "{\"inner\":{\"text\":1}}", "invalid_type", "inner.text",
	    "this must be text, not a number" },
	{ "a text for texts", "{\"inner\":{\"texts\":\"x\"}}", "invalid_type", "inner.texts",
	    "this must be an array of texts, not text" },
	{ "a number among texts", "{\"inner\":{\"texts\":[\"x\",1]}}", "invalid_type",
	    "inner.texts", "this must be an array of texts, and there is a number in it" },
	{ "a value that is refused", "{\"number\":12}", "invalid_value", "number",
	    "12 is too many" },
	{ "no object at all", "[]", "invalid_type", "", "this must be an object, not an array" },
	{ "a name without end is cut, not inside a character", "{\"" LONG LONG "\":1}",
	    "unknown_parameter", LONG, "there is no parameter \"" LONG "\" here" },
	{ "one of long characters", "{\"a" LONG "\xc3\xa9" LONG "\":1}", "unknown_parameter", LONG,
	    "there is no parameter \"" LONG "\" here" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct realtime_blame blame = { 0 };
	struct error err = ERROR_INIT;
	json_int_t target = 0;
	const struct realtime_patch p = { .target = &target, .err = &err, .blame = &blame };
	json_t *patch = json_loads(r->patch, 0, NULL);
	int rc = realtime_patch_walk(&p, patch, outer, ARRAY_SIZE(outer));

	assert_int_equal(rc, r->code == NULL ? 0 : -1);
	assert_string_equal(blame.param, r->param);
	if (r->code != NULL) {
		assert_string_equal(blame.code, r->code);
		assert_string_equal(err.text, r->sentence);
		assert_int_equal(err.code, ERROR_INVALID);
	}
	json_decref(patch);
}

static void a_path_is_cut_at_its_end(void **state)
{
	struct realtime_blame blame = { .code = "x" };
	struct error err = ERROR_INIT;
	const struct realtime_patch p = { .err = &err, .blame = &blame };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(realtime_patch_within(&p, "0123456789", -1), -1);
	assert_int_equal(strncmp(blame.param, "0123456789.0123456789.", 22), 0);
	assert_true(strlen(blame.param) < sizeof blame.param);
	assert_int_equal(realtime_patch_within(&p, "name", 0), 0);
	assert_int_not_equal(strncmp(blame.param, "name", 4), 0);
}

static void merged_is_new_and_null_takes_away(void **state)
{
	json_t *was = json_pack("{s:s,s:s,s:i}", "a", "1", "b", "2", "c", 3);
	json_t *v = json_pack("{s:s,s:n,s:s}", "a", "", "b", "d", "4");
	json_t *want = json_pack("{s:i,s:s}", "c", 3, "d", "4"), *nothing = json_null();
	json_t *all = realtime_patch_merged(was, v), *alone = realtime_patch_merged(nothing, v);

	(void)state;
	assert_true(json_equal(all, want));
	assert_int_equal(json_object_size(was), 3);
	assert_int_equal(json_object_size(alone), 1);
	json_decref(was);
	json_decref(v);
	json_decref(want);
	json_decref(all);
	json_decref(alone);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = { [ARRAY_SIZE(rows)] = cmocka_unit_test(
							      a_path_is_cut_at_its_end),
		[ARRAY_SIZE(rows) + 1] = cmocka_unit_test(merged_is_new_and_null_takes_away) };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("openai_realtime_patch", tests, NULL, NULL);
}
