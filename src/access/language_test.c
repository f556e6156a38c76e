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
	const char *languages;
	bool told;
} asked[] = {
	{ "a pool hears its language", "de", "de", true, NULL, false },
	{ "of whatever region", "pt-BR", "pt", true, NULL, false },
	{ "and of another region", "en_US", "en-GB", true, NULL, false },
	{ "but no other", "en", "de", false, NULL, false },
	{ "a pool that no language names is one for English", "main", "en", true, NULL, false },
	{ "and for no other", "main", "de", false, NULL, false },
	{ "capitals are the same to who asks", "en", "EN-us", true, NULL, false },
	{ "a language that is to be found out is none", "en", "", false, NULL, false },
	{ "nor is what is no code", "en", "English", false, NULL, false },
	{ "a pool that is set to some hears these", "main", "de", true, "fr, de", false },
	{ "and not what it is called by", "en", "en", false, "fr, de", true },
	{ "of three letters, too", "main", "YUE", true, "zh, yue", false },
	{ "a pool for any hears what it is told", "en", "fi", true, "any", false },
	{ "though nothing that is no code", "en", "English", false, "any", true },
	{ "one whose engine is told hears any, if no language names it", "main", "fi", true, "",
	    true },
	{ "and its own, if one does", "en", "fi", false, "", true },
};

static void test_asked(void **state)
{
	const struct asked_row *r = *state;

	const struct language_pool pool = { r->pool, r->languages, r->told };

	assert_int_equal(language_is_of(&pool, r->language), r->is);
}

static struct choice_row {
	const char *name, *languages;
	int chosen; /* of de-small, pt-BR, pt-PT, en, de, one that may not be, nordic, whisper */
} choices[] = {
	{ "the pool of that very name, before others for the language", "de", 4 },
	{ "and region", "pt_pt", 2 },
	{ "the first for the language where none is of the region", "pt-AO", 1 },
	{ "whichever of several comes first and is there", "xx1, ,en-GB,de", 3 },
	{ "a pool's name that is no language's", "de-small", 0 },
	{ "one that is set to it", "da", 6 },
	{ "one for any, after those for it", "fr", 7 },
	{ "none", "nothing", -1 },
	{ "nothing", "", -1 },
};

static void test_choice(void **state)
{
	static const struct language_pool pools[] = { { "de-small", NULL, false },
		{ "pt-BR", NULL, false }, { "pt-PT", NULL, false }, { "en", NULL, false },
		{ "de", NULL, false }, { NULL, "any", true }, { "nordic", "sv, da, no", true },
		{ "whisper", "", true } };
	const struct choice_row *r = *state;

	assert_int_equal(language_choose(r->languages, pools, ARRAY_SIZE(pools)), r->chosen);
}

static struct word_row {
	const char *name, *pool, *languages, *says;
	const char *set;
	bool told;
} words[] = {
	{ "another one is told", "en-small", "de-AT",
	    "language \"de-AT\" is not heard for this client; what it says is heard by pool "
	    "\"en-small\"",
	    NULL, false },
	{ "a pool that no language names is one for English", "main", "de",
	    "language \"de\" is not heard for this client; what it says is heard by pool "
	    "\"main\"",
	    NULL, false },
	{ "the same is not", "en", "en-GB", NULL, NULL, false },
	{ "nor one of several", "en", "de,en", NULL, NULL, false },
	{ "nor a word that is no language", "en", "multi", NULL, NULL, false },
	{ "nor where nothing is asked for", "en", "", NULL, NULL, false },
	{ "nor where the engine hears what it is told", "en", "de", NULL, "", true },
	{ "nor where the pool is for any", "en", "de", NULL, "any", false },
	{ "but where it is set to others", "main", "de",
	    "language \"de\" is not heard for this client; what it says is heard by pool "
	    "\"main\"",
	    "en", true },
};

static void test_word(void **state)
{
	const struct word_row *r = *state;
	const struct language_pool pool = { r->pool, r->set, r->told };
	struct error e = ERROR_INIT;

	assert_int_equal(language_word_other(&pool, r->languages, &e), r->says != NULL);
	if (r->says != NULL)
		assert_string_equal(e.text, r->says);
}

static struct code_row {
	const char *name, *languages, *code;
} codes[] = {
	{ "two letters", "de", "de" },
	{ "without their region", "PT_br", "pt" },
	{ "three letters", "yue", "yue" },
	{ "the first of several", "!, fr-CA, de", "fr" },
	{ "what is to be found out", "auto", "auto" },
	{ "which Deepgram calls multi", "multi", "auto" },
	{ "no code", "English", "" },
	{ "nothing", "", "" },
};

static void test_code(void **state)
{
	const struct code_row *r = *state;
	char code[LANGUAGE_BYTES];

	assert_int_equal(language_code(r->languages, code), r->code[0] != '\0');
	assert_string_equal(code, r->code);
}

static struct told_row {
	const char *name, *heard, *pool, *languages, *told;
} told[] = {
	{ "what was heard is told", "de", "en", NULL, "de" },
	{ "else what the pool is called by", "", "pt-BR", "", "pt" },
	{ "or set to", NULL, "main", "any, nl", "nl" },
	{ "any is none", "", "main", "any", "en" },
};

static void test_told(void **state)
{
	const struct told_row *r = *state;
	const struct language_pool pool = { r->pool, r->languages, false };
	char code[LANGUAGE_BYTES];

	language_told(r->heard, &pool, code);
	assert_string_equal(code, r->told);
}

static void test_english(void **state)
{
	(void)state;
	assert_string_equal(language_english("de"), "german");
	assert_string_equal(language_english("yue"), "cantonese");
	assert_null(language_english("xx"));
}

int main(void)
{
	struct CMUnitTest tests[1 + ARRAY_SIZE(names) + ARRAY_SIZE(asked) + ARRAY_SIZE(choices) +
	    ARRAY_SIZE(words) + ARRAY_SIZE(codes) + ARRAY_SIZE(told)] = {
		cmocka_unit_test(test_english)
	};
	size_t n = 1;

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
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		tests[n++] = (struct CMUnitTest){ codes[i].name, test_code, NULL, NULL, &codes[i] };
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		tests[n++] = (struct CMUnitTest){ told[i].name, test_told, NULL, NULL, &told[i] };
	return cmocka_run_group_tests_name("language", tests, NULL, NULL);
}
