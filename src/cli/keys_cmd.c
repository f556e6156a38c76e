/* The file is changed under a lock on itself: a line is added at its end; to change one or take it away a new file, with
 * all the others and the comments, takes its place. A server that reads it meanwhile sees the one or the other. */
#define _GNU_SOURCE
#include "cli/keys_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/keys.h"
#include "base/error.h"
#include "base/util.h"

static const char usage[] =
    "usage: stenopool keys add NAME [OPTION]... [--file FILE]\n"
    "       stenopool keys set NAME OPTION... [--file FILE]\n"
    "       stenopool keys list [--file FILE]\n"
    "       stenopool keys remove NAME [--file FILE]\n"
    "\n"
    "add makes a key for NAME and prints it, once: the file keeps only its SHA-256.\n"
    "set changes what a key may, and leaves the key and its other options as they are.\n"
    "\n"
    "      --priority P     high, normal or low: who goes first among those that wait;\n"
    "                       without it normal\n"
    "      --sessions N     it may have so many open at once; without it, or with none,\n"
    "                       any number\n"
    "      --minutes N      it may send so many minutes of audio an hour; without it, or\n"
    "                       with none, any amount\n"
    "      --pools A,B      it may use these pools; without it, or with all, every one\n"
    "      --file FILE      the server's keys_file; without it stenopool.keys, here\n";

enum { EXIT_USAGE = 2, PATH_CAP = 4096, SUFFIX_CAP = 8, OPT_FILE = 256, OPT_KEY };

static const char *const key_options[] = { "priority", "sessions", "minutes", "pools" };

struct wish {
	const char *path;
	const char *name;                            /* "" for list */
	const char *values[ARRAY_SIZE(key_options)]; /* NULL: not said */
	bool has_values;
};

static const struct option options[] = {
	{ "file", required_argument, NULL, OPT_FILE },
	{ "priority", required_argument, NULL, OPT_KEY },
	{ "sessions", required_argument, NULL, OPT_KEY + 1 },
	{ "minutes", required_argument, NULL, OPT_KEY + 2 },
	{ "pools", required_argument, NULL, OPT_KEY + 3 },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Another may have put a new file in its place while we waited for the lock. */
static bool is_still_at(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_dev == there.st_dev &&
	    mine.st_ino == there.st_ino;
}

/* NULL: *err says why. Closing gives the lock back. */
static FILE *open_locked(const char *path, int flags, struct error *err)
{
	for (;;) {
		int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0600);
		FILE *file = fd < 0 ? NULL : fdopen(fd, "a+");

		if (file == NULL) {
			(void)error_set_errno(err, ERROR_CONFIG, "cannot open %.120s", path);
			fd_close(&fd);
			return NULL;
		}
		if (flock(fd, LOCK_EX) == 0 && is_still_at(fd, path)) {
			rewind(file);
			return file;
		}
		(void)fclose(file);
	}
}

static bool ends_inside_a_line(FILE *file)
{
	return fseek(file, -1, SEEK_END) == 0 && getc(file) != '\n';
}

static int append_line(FILE *file, const char *path, const char *line, struct error *err)
{
	bool inside = ends_inside_a_line(file);

	(void)fseek(file, 0, SEEK_END);
	if (fprintf(file, "%s%s\n", inside ? "\n" : "", line) < 0 || fflush(file) != 0 ||
	    fsync(fileno(file)) != 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot write to %.120s", path);
	return 0;
}

static int check_is_new(FILE *file, const struct wish *w, struct error *err)
{
	struct keys *keys = NULL;
	bool found;

	if (keys_read(&keys, file, w->path, err) != 0)
		return -1;
	found = keys_find(keys, w->name) != NULL;
	keys_free(&keys);
	if (found)
		return error_set(err, ERROR_CONFIG,
		    "there is a key named %s in %.100s; remove it first, or take another name",
		    w->name, w->path);
	return 0;
}

static int set_options(const struct wish *w, struct key *key, struct error *err)
{
	char option[2 * KEYS_OPTIONS_BYTES]; /* what does not fit is too long for any */

	for (size_t i = 0; i < ARRAY_SIZE(key_options); i++) {
		if (w->values[i] == NULL)
			continue;
		(void)snprintf(option, sizeof option, "%s=%s", key_options[i], w->values[i]);
		if (keys_set_option(key, option, err) != 0)
			return -1;
	}
	return 0;
}

static int make_key(const struct wish *w, struct key *key, char *secret, struct error *err)
{
	*key = (struct key){ .priority = PRIORITY_NORMAL };
	if (keys_set_name(key, w->name, err) != 0 || set_options(w, key, err) != 0)
		return -1;
	return keys_make(key, secret, err);
}

static int show(const struct wish *w, const char *secret, struct error *err)
{
	if (puts(secret) < 0 || fflush(stdout) != 0)
		return error_set_errno(err, ERROR_SYSTEM,
		    "the key of %.70s could not be shown, and nothing else has it; remove it and "
		    "add it again",
		    w->name);
	(void)fprintf(stderr,
	    "This is the key of %s. It is shown only now: %s keeps its SHA-256, not the key.\n"
	    "It is let in once the server has read %s again (SIGHUP).\n",
	    w->name, w->path, w->path);
	return 0;
}

static int add(const struct wish *w, struct error *err)
{
	char secret[KEYS_SECRET_BYTES], line[KEYS_LINE_BYTES];
	struct key key;
	FILE *file;
	int rc;

	if (make_key(w, &key, secret, err) != 0)
		return -1;
	file = open_locked(w->path, O_CREAT, err);
	if (file == NULL)
		return -1;
	keys_format(&key, line);
	rc = check_is_new(file, w, err);
	if (rc == 0)
		rc = append_line(file, w->path, line, err);
	(void)fclose(file);
	if (rc != 0)
		return -1;
	return show(w, secret, err);
}

static int list(const struct wish *w, struct error *err)
{
	struct keys *keys = NULL;

	if (keys_load(&keys, w->path, err) != 0)
		return -1;
	for (unsigned i = 0; i < keys_count(keys); i++) {
		char may[KEYS_OPTIONS_BYTES];

		keys_format_options(keys_at(keys, i), ' ', may);
		(void)printf("%s %s\n", keys_at(keys, i)->name, may);
	}
	keys_free(&keys);
	return 0;
}

/* Whether the line is that of the key. */
static bool is_line_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	line += strspn(line, " \t");
	return strncmp(line, name, n) == 0 && line[n] == ':';
}

/* All lines but the key's, in the place of which comes `instead`, if that is not NULL; how many were left out. */
static int copy_others(FILE *from, FILE *to, const char *name, const char *instead)
{
	char *line = NULL;
	size_t cap = 0;
	int left_out = 0;

	while (getline(&line, &cap, from) >= 0) {
		if (!is_line_of(line, name))
			(void)fputs(line, to);
		else if (++left_out == 1 && instead != NULL)
			(void)fprintf(to, "%s\n", instead);
	}
	free(line);
	return left_out;
}

/* The new file, with the old one's mode and owner; the owner only if we may. */
static FILE *open_beside(
    const char *path, char temporary[PATH_CAP + SUFFIX_CAP], FILE *old, struct error *err)
{
	struct stat st;
	FILE *file;
	int fd;

	(void)snprintf(temporary, PATH_CAP + SUFFIX_CAP, "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file == NULL) {
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot make a file beside %.120s", path);
		fd_close(&fd);
		return NULL;
	}
	if (fstat(fileno(old), &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0)
		(void)fchmod(fd, st.st_mode & 07777);
	return file;
}

static int refuse_unknown(const struct wish *w, struct error *err)
{
	return error_set(
	    err, ERROR_CONFIG, "there is no key named %.70s in %.100s", w->name, w->path);
}

/* A link to the file stays one: the server may read it by another name. */
static int replace(FILE *old, const struct wish *w, const char *instead, struct error *err)
{
	char path[PATH_CAP], temporary[PATH_CAP + SUFFIX_CAP];
	FILE *file;
	int left_out;
	bool good;

	if (realpath(w->path, path) == NULL)
		return error_set_errno(err, ERROR_SYSTEM, "cannot find %.120s", w->path);
	file = open_beside(path, temporary, old, err);
	if (file == NULL)
		return -1;
	left_out = copy_others(old, file, w->name, instead);
	good = fflush(file) == 0 && fsync(fileno(file)) == 0;
	good = fclose(file) == 0 && good;
	if (left_out == 0)
		(void)refuse_unknown(w, err);
	else if (good && rename(temporary, path) == 0)
		return 0;
	else
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot write %.120s", w->path);
	(void)unlink(temporary);
	return -1;
}

static int remove_key(const struct wish *w, struct error *err)
{
	FILE *old = open_locked(w->path, 0, err);
	int rc;

	if (old == NULL)
		return -1;
	rc = replace(old, w, NULL, err);
	(void)fclose(old);
	if (rc == 0)
		(void)fprintf(stderr,
		    "The key of %s is not let in any more once the server has read %s again "
		    "(SIGHUP).\n",
		    w->name, w->path);
	return rc;
}

/* The key's line as it is to be. */
static int word_change(FILE *old, const struct wish *w, char *line, struct error *err)
{
	struct keys *keys = NULL;
	const struct key *found;
	struct key key;

	if (keys_read(&keys, old, w->path, err) != 0)
		return -1;
	found = keys_find(keys, w->name);
	if (found != NULL)
		key = *found;
	keys_free(&keys);
	if (found == NULL)
		return refuse_unknown(w, err);
	if (set_options(w, &key, err) != 0)
		return -1;
	keys_format(&key, line);
	rewind(old);
	return 0;
}

static int set_key(const struct wish *w, struct error *err)
{
	char line[KEYS_LINE_BYTES];
	FILE *old = open_locked(w->path, 0, err);
	int rc;

	if (old == NULL)
		return -1;
	rc = word_change(old, w, line, err);
	if (rc == 0)
		rc = replace(old, w, line, err);
	(void)fclose(old);
	if (rc == 0)
		(void)fprintf(stderr,
		    "This counts for %s once the server has read %s again (SIGHUP).\n", w->name,
		    w->path);
	return rc;
}

static const struct verb {
	const char *word;
	bool named;
	enum { VALUES_NONE, VALUES_MAY, VALUES_MUST } values;
	int (*run)(const struct wish *w, struct error *err);
} verbs[] = {
	{ "add", true, VALUES_MAY, add },
	{ "set", true, VALUES_MUST, set_key },
	{ "list", false, VALUES_NONE, list },
	{ "remove", true, VALUES_NONE, remove_key },
};

/* ERROR_INVALID: it is the command that is wrong, and not what it meets. */
static int refuse_option(int c, const char *option, struct error *err)
{
	if (c == ':')
		return error_set(err, ERROR_INVALID, "keys: %.60s needs a value", option);
	return error_set(err, ERROR_INVALID,
	    "keys: there is no option %.60s; allowed are --priority, --sessions, --minutes, "
	    "--pools and --file",
	    option);
}

static int take_path(struct wish *w, const char *path, struct error *err)
{
	if (*path == '\0' || strlen(path) >= PATH_CAP)
		return error_set(
		    err, ERROR_INVALID, "keys: --file needs a path of 1 to %d bytes", PATH_CAP - 1);
	w->path = path;
	return 0;
}

/* *help_out: the help was asked for. */
static int read_options(int argc, char **argv, struct wish *w, bool *help_out, struct error *err)
{
	int c, rc = 0;

	*w = (struct wish){ .path = "stenopool.keys", .name = "" };
	optind = 1;
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h')
			*help_out = true;
		else if (c == '?' || c == ':')
			rc = refuse_option(c, argv[optind - 1], err);
		else if (c == OPT_FILE)
			rc = take_path(w, optarg, err);
		else
			w->values[c - OPT_KEY] = optarg;
		w->has_values = w->has_values || c >= OPT_KEY;
	}
	return rc;
}

static const struct verb *find_verb(const char *word, struct error *err)
{
	for (size_t i = 0; word != NULL && i < ARRAY_SIZE(verbs); i++)
		if (strcmp(word, verbs[i].word) == 0)
			return &verbs[i];
	if (word == NULL)
		(void)error_set(
		    err, ERROR_INVALID, "keys needs a word behind it: add, set, list or remove");
	else
		(void)error_set(err, ERROR_INVALID,
		    "keys cannot \"%.40s\"; allowed is add, set, list or remove", word);
	return NULL;
}

static int check_words(
    const struct verb *v, int words, char **word, const struct wish *w, struct error *err)
{
	if (words < v->named)
		return error_set(err, ERROR_INVALID, "keys %s needs the NAME of a key", v->word);
	if (words > v->named)
		return error_set(err, ERROR_INVALID, "keys %s takes %s, and \"%.40s\" is too much",
		    v->word, v->named ? "one NAME" : "no NAME", word[v->named]);
	if (v->values == VALUES_MUST && !w->has_values)
		return error_set(err, ERROR_INVALID,
		    "keys %s needs something to set: --priority, --sessions, --minutes or --pools",
		    v->word);
	if (v->values == VALUES_NONE && w->has_values)
		return error_set(err, ERROR_INVALID,
		    "keys %s takes no option but --file; keys set changes what a key may", v->word);
	return 0;
}

static int run(int words, char **word, struct wish *w, struct error *err)
{
	const struct verb *v = find_verb(word[0], err);

	if (v == NULL || check_words(v, words - 1, word + 1, w, err) != 0)
		return -1;
	if (v->named)
		w->name = word[1];
	return v->run(w, err);
}

int keys_cmd_main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct wish w;
	bool help = false;
	int rc = read_options(argc, argv, &w, &help, &err);

	if (help) {
		(void)fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (rc == 0 && run(argc - optind, argv + optind, &w, &err) == 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "stenopool: %s\n", err.text);
	if (err.code != ERROR_INVALID)
		return EXIT_FAILURE;
	(void)fputs("stenopool keys --help shows how it is used.\n", stderr);
	return EXIT_USAGE;
}
