/* Which pools may be named for the finals of another; and what is wrong is said with file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/config.h"

struct row {
	const char *name, *text;
	const char *set;  /* NULL: nothing besides */
	const char *want; /* "": it is good */
};

#define OTHERS "[pool de]\n[pool fr]\n"

static const struct row rows[] = {
	{ "none", "[pool en]\nfinals =\n", NULL, "" },
	{ "another pool", "[pool en]\nfinals = de\n" OTHERS, NULL, "" },
	{ "one that comes before", OTHERS "[pool en]\nfinals = de\n", NULL, "" },
	{ "a list", "[pool en]\nfinals = de, fr\n" OTHERS, NULL, "" },
	{ "the same one for two", "[pool en]\nfinals = fr\n[pool de]\nfinals = fr\n[pool fr]\n",
	    NULL, "" },
	{ "none that is there", "[pool en]\nmax = 2\nfinals = spanish\n" OTHERS, NULL,
	    "test.conf:3: [pool en] finals: there is no [pool spanish]" },
	{ "a name that is nearly one", "[pool en]\nfinals = en-acurate\n[pool en-accurate]\n", NULL,
	    "test.conf:2: [pool en] finals: there is no [pool en-acurate]; did you mean "
	    "en-accurate?" },
	{ "a second one that is not there", OTHERS "[pool en]\nfinals = de, spanish\n", NULL,
	    "test.conf:4: [pool en] finals: there is no [pool spanish]" },
	{ "itself", OTHERS "[pool en]\n\nfinals = en\n", NULL,
	    "test.conf:5: [pool en] finals: a pool brings its own finals where this is empty" },
	{ "one that has others itself",
	    "[pool en]\nfinals = de\n[pool de]\nfinals = fr\n[pool fr]\n", NULL,
	    "test.conf:2: [pool en] finals: pool de cannot bring them, as it names other pools for "
	    "its own finals" },
	{ "each other", "[pool en]\nfinals = de\n[pool de]\nfinals = en\n", NULL,
	    "test.conf:2: [pool en] finals: pool de cannot bring them, as it names other pools for "
	    "its own finals" },
	{ "one twice", OTHERS "[pool en]\nfinals = de fr de\n", NULL,
	    "test.conf:4: [pool en] finals: pool de is named twice" },
	{ "too many",
	    "[pool a]\n[pool b]\n[pool c]\n[pool d]\n[pool e]\n[pool f]\n[pool g]\n[pool h]\n"
	    "[pool i]\n[pool en]\nfinals = a b c d e f g h i\n",
	    NULL, "test.conf:11: [pool en] finals: at most 8 pools can be named" },
	{ "what is wrong in the file is set right", "[pool en]\nfinals = spanish\n" OTHERS,
	    "pool.en.finals=de", "" },
	{ "what is right in the file is set wrong", "[pool en]\nfinals = de\n" OTHERS,
	    "pool.en.finals=spanish", "[pool en] finals: there is no [pool spanish]" },
};

static struct config *read_text(const char *text)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;
	FILE *from = tmpfile();

	assert_non_null(from);
	(void)fputs(text, from);
	rewind(from);
	if (config_read(&c, from, "test.conf", &err) != 0)
		fail_msg("%s", err.text);
	(void)fclose(from);
	return c;
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;
	struct config *c = read_text(r->text);

	if (r->set != NULL)
		assert_int_equal(config_set(c, r->set, &err), 0);
	assert_int_equal(config_finish(c, &err), r->want[0] == '\0' ? 0 : -1);
	assert_string_equal(err.text, r->want);
	config_free(&c);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("config_finals", tests, NULL, NULL);
}
