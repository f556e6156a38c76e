#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/language.h"
#include "base/util.h"

static struct name_row {
	const char *name, *pool, *language;
} names[] = {
	{ "a pool called by its language", "de", "de" },
	{ "with a country", "pt-br", "pt" },
	{ "with a country, written otherwise", "pt_BR", "pt" },
	{ "with something else", "fr_small", "fr" },
	{ "a name that only begins so", "denmark", "en" },
	{ "a name of one letter", "d", "en" },
	{ "capitals", "DE", "en" },
	{ "no letters", "1x", "en" },
	{ "no name", "", "en" },
};

static void test_name(void **state)
{
	const struct name_row *r = *state;
	char language[3];

	language_of(r->pool, language);
	assert_string_equal(language, r->language);
}

static struct asked_row {
	const char *name, *pool, *language;
	bool is, may_be;
} asked[] = {
	{ "a pool hears its language", "de", "de", true, true },
	{ "of whatever region", "pt-BR", "pt", true, true },
	{ "and of another region", "en_US", "en-GB", true, true },
	{ "but no other", "en", "de", false, false },
	{ "a pool that no language names is one for English, and may hear all", "main", "de", false,
	    true },
	{ "a language that is to be found out may be any", "en", "", false, true },
	{ "and so may one that is no code", "en", "German", false, true },
};

static void test_asked(void **state)
{
	const struct asked_row *r = *state;

	assert_int_equal(language_is_of(r->pool, r->language), r->is);
	assert_int_equal(language_may_be_of(r->pool, r->language), r->may_be);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(names) + ARRAY_SIZE(asked)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		tests[n++] = (struct CMUnitTest){ names[i].name, test_name, NULL, NULL, &names[i] };
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		tests[n++] =
		    (struct CMUnitTest){ asked[i].name, test_asked, NULL, NULL, &asked[i] };
	return cmocka_run_group_tests_name("language", tests, NULL, NULL);
}
