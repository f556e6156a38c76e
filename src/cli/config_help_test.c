/* What the manual says of settings and of engines. That it is a file of settings itself, config_test.c looks at. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config.h"
#include "cli/config_table.h"
#include "cli/engine_list.h"

static char *help_text(FILE *engines)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	config_print_help(to, engines);
	(void)fclose(to);
	return text;
}

static void test_the_help_mentions_every_key_and_sentence(void **state)
{
	char *text = help_text(NULL);
	char line[64];

	(void)state;
	for (unsigned i = 0; i < config_table_n; i++) {
		(void)snprintf(line, sizeof line, "\n;%s = ", config_table[i].key);
		if (strstr(text, line) == NULL || strstr(text, config_table[i].help) == NULL)
			fail_msg("%s is not in the help", config_table[i].key);
	}
	free(text);
}

static void assert_help_says(FILE *engines, const char *says, const char *says_not)
{
	char *text = help_text(engines);

	if (strstr(text, says) == NULL)
		fail_msg("the help does not say \"%s\"", says);
	assert_null(strstr(text, says_not));
	free(text);
}

static void test_parameters_are_said_and_traits_are_not(void **state)
{
	static char said[] =
	    "engine able\n  decodes: whole\n  param speed: number, 1 to 3, default 2. "
	    "How fast.\n  param *: others. And more.\n";
	FILE *engines = fmemopen(said, sizeof said - 1, "r");

	(void)state;
	assert_help_says(engines,
	    "\n# engine = able\n#   param.speed: number, 1 to 3, default 2. How fast.\n"
	    "#   param.*: others. And more.\n",
	    "decodes: whole");
	(void)fclose(engines);
}

static void test_one_line_says_that_nobody_knows(void **state)
{
	(void)state;
	assert_null(engine_list_open("/no/such/stenopool-host"));
	assert_null(engine_list_open("/bin/false"));
	assert_help_says(NULL,
	    "\n# What the engines take is not known here: stenopool-host cannot be run.\n",
	    "# engine =");
}

static void test_the_real_host_knows_its_engines(void **state)
{
	const char *host = getenv("STENOPOOL_HOST");
	FILE *engines = host == NULL ? NULL : engine_list_open(host);

	(void)state;
	if (host == NULL)
		skip();
	assert_non_null(engines);
	assert_help_says(engines,
	    "\n#   param.load_ms: number, 0 to 600000, default 0. Loading takes so long, in ms.\n",
	    "not known here");
	(void)fclose(engines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_help_mentions_every_key_and_sentence),
		cmocka_unit_test(test_parameters_are_said_and_traits_are_not),
		cmocka_unit_test(test_one_line_says_that_nobody_knows),
		cmocka_unit_test(test_the_real_host_knows_its_engines),
	};

	return cmocka_run_group_tests_name("config_help", tests, NULL, NULL);
}
