#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"

/* {"all":[<values of `value`>]} with n of them behind a first one, to be freed. */
static char *many(const char *value, size_t n)
{
	size_t each = strlen(value) + 1;
	char *text = xcalloc(n * each + 16, 1), *at = text;

	at += sprintf(at, "{\"all\":[1");
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, ",%s", value);
	(void)strcpy(at, "]}");
	return text;
}

static json_t *read_text(char *text, struct error *err)
{
	json_t *o = json_text_read_object(text, strlen(text), err);

	free(text);
	return o;
}

static void as_many_values_as_a_client_needs_are_read(void **state)
{
	struct error err = ERROR_INIT;
	json_t *o = read_text(many("\"a\"", JSON_TEXT_VALUES_MAX - 2), &err);

	(void)state;
	assert_non_null(o);
	assert_int_equal(json_array_size(json_object_get(o, "all")), JSON_TEXT_VALUES_MAX - 1);
	json_decref(o);
}

static void a_message_of_nothing_but_values_is_not_read(void **state)
{
	static const char *const values[] = { "1", "\"a\"", "{}", "[]" };
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		assert_null(read_text(many(values[i], JSON_TEXT_VALUES_MAX), &err));
		assert_int_equal(err.code, ERROR_LIMIT);
		assert_string_equal(err.text, "the message is JSON of more than 10000 values");
	}
}

static void a_long_text_is_one_value(void **state)
{
	enum { LONG = 1000000 };
	char *value = xcalloc(LONG + 3, 1);
	struct error err = ERROR_INIT;
	json_t *o;

	(void)state;
	memset(value, 'x', LONG + 2);
	value[0] = value[LONG + 1] = '"';
	o = read_text(many(value, 1), &err);
	free(value);
	assert_non_null(o);
	json_decref(o);
}

static void numbers_and_flags_come_in_many_forms(void **state)
{
	static const struct {
		const char *json;
		bool is_number, is_flag, flag, is_whole;
		double number;
	} rows[] = {
		{ "16000", true, true, true, true, 16000 },
		{ "16000.0", true, true, true, true, 16000 },
		{ "\"16000\"", true, true, true, true, 16000 },
		{ "\"0.5\"", true, true, true, false, 0.5 },
		{ "true", true, true, true, false, 1 },
		{ "\"False\"", false, true, false, false, 0 },
		{ "\"0\"", true, true, false, false, 0 },
		{ "\"1e999\"", true, true, true, false, HUGE_VAL },
		{ "\"16 kHz\"", false, false, false, false, 0 },
		{ "\"\"", false, false, false, false, 0 },
		{ "null", false, false, false, false, 0 },
		{ "[1]", false, false, false, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *v = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
		unsigned whole = 7;
		double number;
		bool flag;

		assert_int_equal(json_text_number(v, &number), rows[i].is_number);
		assert_true(!rows[i].is_number || number == rows[i].number);
		assert_int_equal(json_text_flag(v, &flag), rows[i].is_flag);
		assert_true(!rows[i].is_flag || flag == rows[i].flag);
		assert_int_equal(json_text_whole(v, 8000, 48000, &whole), rows[i].is_whole);
		assert_int_equal(whole, rows[i].is_whole ? 16000 : 7);
		json_decref(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_values_as_a_client_needs_are_read),
		cmocka_unit_test(a_message_of_nothing_but_values_is_not_read),
		cmocka_unit_test(a_long_text_is_one_value),
		cmocka_unit_test(numbers_and_flags_come_in_many_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
