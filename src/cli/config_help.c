/* All that is said of a setting comes from its row in the table. */
#include <stdio.h>
#include <string.h>

#include "cli/config.h"
#include "cli/config_table.h"
#include "cli/config_value.h"

static void print_range(FILE *to, const struct config_row *row)
{
	char allowed[192], initial[CONFIG_INITIAL_BYTES];

	config_value_allowed(row, allowed, sizeof allowed);
	config_value_initial(row, initial, sizeof initial);
	if (row->per_core > 0)
		(void)fprintf(to, "# Allowed: %s. Default: %u for each core, here %s.\n", allowed,
		    row->per_core, initial);
	else if (row->initial != NULL && row->type != CONFIG_TEXT)
		(void)fprintf(to, "# Allowed: %s. Default: %s.\n", allowed, initial);
	else if (row->initial != NULL)
		(void)fprintf(to, "# Default: %s.\n", initial);
}

/* For a server that runs and reads its settings again. */
static void print_effect(FILE *to, const struct config_row *row)
{
	if (row->effect == CONFIG_MODEL)
		(void)fputs("# On SIGHUP: the model is loaded anew.\n", to);
	else if (row->effect == CONFIG_RESTART)
		(void)fputs("# A change needs a restart, or SIGUSR2.\n", to);
	else if (row->effect == CONFIG_SOCKETS)
		(void)fputs("# A change needs a restart.\n", to);
}

static void print_row(FILE *to, const struct config_row *row)
{
	char initial[CONFIG_INITIAL_BYTES];

	config_value_initial(row, initial, sizeof initial);
	(void)fprintf(to, "\n# %s.\n", row->help);
	print_range(to, row);
	print_effect(to, row);
	(void)fprintf(to, ";%s = %s\n", row->key, *initial != '\0' ? initial : row->unit);
}

static void print_section(FILE *to, enum config_section section)
{
	const struct config_section_info *info = &config_table_sections[section];

	(void)fprintf(to, "\n\n# %s.\n", info->help);
	if (info->example != NULL)
		(void)fprintf(to, "[%s %s]\n", info->word, info->example);
	else
		(void)fprintf(to, "[%s]\n", info->word);
	for (unsigned i = 0; i < config_table_n; i++)
		if (config_table[i].section == section)
			print_row(to, &config_table[i]);
}

/* Only what an engine is called and what it takes is for who writes settings; what else it is, is not. */
static void print_engines(FILE *to, FILE *engines)
{
	char line[512], name[64];

	(void)fputs(engines == NULL
		? "\n# What the engines take is not known here: stenopool-host cannot be run.\n"
		: "\n# What the engines take, each as param.KEY = VALUE:\n",
	    to);
	while (engines != NULL && fgets(line, sizeof line, engines) != NULL) {
		if (sscanf(line, "engine %63s", name) == 1)
			(void)fprintf(to, "# engine = %s\n", name);
		else if (strncmp(line, "  param ", 8) == 0)
			(void)fprintf(to, "#   param.%s", line + 8);
	}
}

void config_print_help(FILE *to, FILE *engines)
{
	(void)fputs("# Stenopool: all settings, with their defaults. Take the ';' away in front of "
		    "a line to change it.\n"
		    "# A comment stands on a line of its own behind # or ;, or behind a value and "
		    "\" ;\". The same settings\n"
		    "# can be given on the command line: --set server.max_sessions=10 --set "
		    "pool.en.max=8.\n"
		    "# A running server reads its settings again on SIGHUP; where it says no more, "
		    "a change counts at once.\n",
	    to);
	for (int s = 0; s < CONFIG_SECTIONS; s++) {
		print_section(to, (enum config_section)s);
		if (s == CONFIG_POOL)
			print_engines(to, engines);
	}
}
