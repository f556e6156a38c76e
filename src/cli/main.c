#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/descriptors.h"
#include "cli/keys_cmd.h"
#include "cli/models_cmd.h"
#include "cli/serve.h"
#include "cli/transcribe.h"

enum { EXIT_USAGE = 2 };

static const struct command {
	const char *name;
	int (*main)(int argc, char **argv); /* argv[0] is the name */
	const char *help;
} commands[] = {
	{ "serve", serve_main, "run the server" },
	{ "keys", keys_cmd_main, "make, list and remove the API keys of clients" },
	{ "models", models_cmd_main, "get the models that recognise speech, and look after them" },
	{ "transcribe", transcribe_main,
	    "send audio files or stdin to a server and print the texts" },
};

static void print_usage(FILE *to)
{
	(void)fputs("usage: stenopool COMMAND [OPTION...]\n"
		    "Real-time speech to text for many speakers at once.\n\n",
	    to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].help);
	(void)fprintf(
	    to, "  %-12s print the version\n\nstenopool COMMAND --help tells more.\n", "version");
}

/* What was asked for and could not be written is no success. */
static int end(int code)
{
	if (code != EXIT_SUCCESS || (fflush(stdout) == 0 && !ferror(stdout)))
		return code;
	(void)fprintf(stderr, "stenopool: cannot write to standard output: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	descriptors_fill();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(word, commands[i].name) == 0)
			return end(commands[i].main(argc - 1, argv + 1));
	if (strcmp(word, "version") == 0 || strcmp(word, "--version") == 0) {
		(void)puts("stenopool " STENOPOOL_VERSION);
		return end(EXIT_SUCCESS);
	}
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		print_usage(stdout);
		return end(EXIT_SUCCESS);
	}
	if (*word == '\0')
		print_usage(stderr);
	else
		(void)fprintf(
		    stderr, "stenopool: there is no command %s; see stenopool --help\n", word);
	return EXIT_USAGE;
}
