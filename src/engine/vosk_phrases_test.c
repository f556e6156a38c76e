#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/engine.h"
#include "engine/vosk_phrases.h"

static bool knows(void *arg, const char *word)
{
	static const char *const words[] = { "turn", "on", "the", "light", "Berlin", "오늘",
		"say\"so" };

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static const struct row {
	const char *name, *lines, *json, *unknown;
	unsigned unknown_n;
} rows[] = {
	{ "none", "", "[]", "", 0 },
	{ "one a line", "turn on\nthe light", "[\"turn on\",\"the light\"]", "", 0 },
	{ "blank ones count for nothing", "\n  \nturn\n\n", "[\"turn\"]", "", 0 },
	{ "spaces are one space", "  turn \t on\r\n", "[\"turn on\"]", "", 0 },
	{ "not only ASCII", "오늘", "[\"오늘\"]", "", 0 },
	{ "as the model writes it", "Turn ON\nBerlin", "[\"turn on\",\"Berlin\"]", "", 0 },
	{ "an unknown word takes its phrase with it", "turn off\nthe light", "[\"the light\"]",
	    "off", 1 },
	{ "the first of the unknown is told", "x\ny\nz", "[]", "x", 3 },
	{ "what means something in JSON", "say\"so", "[\"say\\\"so\"]", "", 0 },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct vosk_phrases p;

	vosk_phrases_make(&p, r->lines, knows, NULL);
	assert_string_equal(p.json, r->json);
	assert_string_equal(p.unknown, r->unknown);
	assert_int_equal(p.unknown_n, r->unknown_n);
	vosk_phrases_done(&p);
	assert_null(p.json);
}

static bool knows_all(void *arg, const char *word)
{
	*(size_t *)arg += strlen(word);
	return true;
}

static void test_as_many_as_there_may_be(void **state)
{
	char *lines = xcalloc(1, 2 * ENGINE_PHRASES_MAX_BYTES);
	struct vosk_phrases p;
	size_t seen = 0;

	(void)state;
	memset(lines, 'a', 2 * ENGINE_PHRASES_MAX_BYTES - 1);
	vosk_phrases_make(&p, lines, knows_all, &seen);
	assert_int_equal(seen, ENGINE_PHRASES_MAX_BYTES);
	assert_int_equal(strlen(p.json), ENGINE_PHRASES_MAX_BYTES + 4);
	vosk_phrases_done(&p);
	for (size_t i = 1; i < ENGINE_PHRASES_MAX_BYTES; i += 2)
		lines[i] = i % 3 == 0 ? '\n' : ' ';
	vosk_phrases_make(&p, lines, knows_all, &seen);
	assert_int_equal(p.unknown_n, 0);
	vosk_phrases_done(&p);
	free(lines);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest)cmocka_unit_test(test_as_many_as_there_may_be);
	return cmocka_run_group_tests_name("vosk_phrases", tests, NULL, NULL);
}
