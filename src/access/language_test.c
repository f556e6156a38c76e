#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/language.h"
#include "base/error.h"
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
	bool is;
} asked[] = {
	{ "a pool hears its language", "de", "de", true },
	{ "of whatever region", "pt-BR", "pt", true },
	{ "and of another region", "en_US", "en-GB", true },
	{ "but no other", "en", "de", false },
	{ "a pool that no language names is one for English", "main", "en", true },
	{ "and for no other", "main", "de", false },
	{ "capitals are the same to who asks", "en", "EN-us", true },
	{ "a language that is to be found out is none", "en", "", false },
	{ "nor is what is no code", "en", "English", false },
};

static void test_asked(void **state)
{
	const struct asked_row *r = *state;

	assert_int_equal(language_is_of(r->pool, r->language), r->is);
}

static struct choice_row {
	const char *name, *languages;
	int chosen; /* of de-small, pt-BR, pt-PT, en, de */
} choices[] = {
	{ "the pool of that very name, before others for the language", "de", 4 },
	{ "and region", "pt_pt", 2 },
	{ "the first for the language where none is of the region", "pt-AO", 1 },
	{ "whichever of several comes first and is there", "fr, nl,en-GB,de", 3 },
	{ "a pool's name that is no language's", "de-small", 0 },
	{ "none", "fr", -1 },
	{ "nothing", "", -1 },
};

static void test_choice(void **state)
{
	static const char *const pools[] = { "de-small", "pt-BR", "pt-PT", "en", "de" };
	const struct choice_row *r = *state;

	assert_int_equal(language_choose(r->languages, pools, ARRAY_SIZE(pools)), r->chosen);
}

static struct word_row {
	const char *name, *pool, *languages, *says;
} words[] = {
	{ "another one is told", "en-small", "de-AT",
	    "language \"de-AT\" is not heard for this client; what it says is heard by pool "
	    "\"en-small\"" },
	{ "a pool that no language names is one for English", "main", "de",
	    "language \"de\" is not heard for this client; what it says is heard by pool "
	    "\"main\"" },
	{ "the same is not", "en", "en-GB", NULL },
	{ "nor one of several", "en", "de,en", NULL },
	{ "nor a word that is no language", "en", "multi", NULL },
	{ "nor where nothing is asked for", "en", "", NULL },
};

static void test_word(void **state)
{
	const struct word_row *r = *state;
	struct error e = ERROR_INIT;

	assert_int_equal(language_word_other(r->pool, r->languages, &e), r->says != NULL);
	if (r->says != NULL)
		assert_string_equal(e.text, r->says);
}

int main(void)
{
	struct CMUnitTest
	    tests[ARRAY_SIZE(names) + ARRAY_SIZE(asked) + ARRAY_SIZE(choices) + ARRAY_SIZE(words)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		tests[n++] = (struct CMUnitTest){ names[i].name, test_name, NULL, NULL, &names[i] };
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		tests[n++] =
		    (struct CMUnitTest){ asked[i].name, test_asked, NULL, NULL, &asked[i] };
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		tests[n++] =
		    (struct CMUnitTest){ choices[i].name, test_choice, NULL, NULL, &choices[i] };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		tests[n++] = (struct CMUnitTest){ words[i].name, test_word, NULL, NULL, &words[i] };
	return cmocka_run_group_tests_name("language", tests, NULL, NULL);
}
