#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/name_list.h"
#include "base/util.h"

static struct row {
	const char *name, *list, *asked;
	bool has, matches;
} rows[] = {
	{ "one of several", "en, de\tfr", "de", true, true },
	{ "the only one", "en", "en", true, true },
	{ "with nothing between separators", ",, en ,,", "en", true, true },
	{ "the beginning of a name is not the name", "english", "en", false, false },
	{ "nor is what begins with it", "en", "english", false, false },
	{ "an empty list has nothing", " , ", "", false, false },
	{ "no list neither", NULL, "en", false, false },
	{ "a star is any name where patterns are", "en, *", "whatever", false, true },
	{ "and the empty one", "*", "", false, true },
	{ "at the end of a name it is what follows", "gpt-*", "gpt-4o", false, true },
	{ "or nothing", "gpt-*", "gpt-", false, true },
	{ "but nothing else", "gpt-*", "whisper-1", false, false },
};

static void test_row(void **state)
{
	const struct row *r = *state;

	assert_int_equal(name_list_has(r->list, r->asked), r->has);
	assert_int_equal(name_list_matches(r->list, r->asked), r->matches);
}

static void test_walk(void **state)
{
	const char *list = " one,two three, ", *name;
	char all[64] = "";
	size_t n, at = 0;

	(void)state;
	while ((name = name_list_next(&list, &n)) != NULL)
		at += (size_t)snprintf(all + at, sizeof all - at, "[%.*s]", (int)n, name);
	assert_string_equal(all, "[one][two][three]");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest)cmocka_unit_test(test_walk);
	return cmocka_run_group_tests_name("name_list", tests, NULL, NULL);
}
