#define _GNU_SOURCE
#include "host/tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/clip.h"

enum { TEXT_MAX_BYTES = 64 * 1024, PATH_CAP = 4096, LINE_CAP = 256 };

struct recording {
	int16_t *samples; /* owned */
	char *text;       /* owned; NULL: there is none */
};

/* What stands in "clip.txt" beside "clip.wav"; NULL: it is not there. */
static char *read_text(const char *clip)
{
	const char *dot = strrchr(clip, '.');
	char path[PATH_CAP], *text;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof path, "%.*s.txt",
	    dot == NULL ? (int)strlen(clip) : (int)(dot - clip), clip);
	f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	text = xcalloc(1, TEXT_MAX_BYTES);
	n = fread(text, 1, TEXT_MAX_BYTES - 1, f);
	(void)fclose(f);
	if (n > 0)
		return text;
	free(text);
	return NULL;
}

static int read_all(
    char **paths, size_t n, struct recording *own, struct engine_clip *clips, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (clip_read(paths[i], &own[i].samples, &clips[i].n, err) < 0)
			return -1;
		own[i].text = read_text(paths[i]);
		clips[i].samples = own[i].samples;
		clips[i].text = own[i].text;
	}
	return 0;
}

/* The last line is what was found out. */
static int keep(const char *model, FILE *said, struct error *err)
{
	char line[LINE_CAP], last[LINE_CAP] = "", path[PATH_CAP];
	FILE *f;

	rewind(said);
	while (fgets(line, sizeof line, said) != NULL)
		(void)strcpy(last, line);
	(void)snprintf(path, sizeof path, "%s.tune", model);
	f = fopen(path, "we");
	if (f == NULL)
		return error_set_errno(err, ERROR_SYSTEM, "%s", path);
	/* As the model itself: hosts that load it may be another user's. */
	(void)fchmod(fileno(f), 0644);
	if (fputs(last, f) < 0 || fclose(f) != 0)
		return error_set_errno(err, ERROR_SYSTEM, "%s", path);
	(void)printf("%s: %s", path, last);
	return 0;
}

/* Lines go to the terminal as they come, and are read again for the last one. */
struct both {
	FILE *kept;
};

static ssize_t write_both(void *cookie, const char *bytes, size_t n)
{
	struct both *b = cookie;

	(void)fwrite(bytes, 1, n, stdout);
	(void)fflush(stdout);
	return (ssize_t)fwrite(bytes, 1, n, b->kept);
}

static int measure(const struct engine_ops *ops, const char *model, const struct engine_clip *clips,
    size_t n, struct error *err)
{
	struct both both = { tmpfile() };
	FILE *to = both.kept == NULL
	    ? NULL
	    : fopencookie(&both, "w", (cookie_io_functions_t){ .write = write_both });
	int rc = -1;

	if (to == NULL)
		(void)error_set_errno(err, ERROR_SYSTEM, "a file for what is said");
	else
		rc = ops->tune(model, clips, n, to, err);
	if (to != NULL)
		(void)fclose(to);
	if (rc == 0)
		rc = keep(model, both.kept, err);
	if (both.kept != NULL)
		(void)fclose(both.kept);
	return rc;
}

/* Before minutes are spent on it. */
static int check_place(const char *model, struct error *err)
{
	char directory[PATH_CAP];
	const char *slash = strrchr(model, '/');

	(void)snprintf(directory, sizeof directory, "%.*s",
	    slash == NULL ? 1 : (int)MAX(slash - model, 1), slash == NULL ? "." : model);
	if (access(directory, W_OK) < 0)
		return error_set_errno(
		    err, ERROR_SYSTEM, "what is found out cannot be kept in %s", directory);
	return 0;
}

int tune_run(char **words, struct error *err)
{
	const struct engine_ops *ops;
	struct recording *own;
	struct engine_clip *clips;
	size_t n = 0;
	int rc;

	if (words[0] == NULL || words[1] == NULL || words[2] == NULL)
		return error_set(err, ERROR_INVALID,
		    "--tune needs an engine, a model and recordings: --tune ENGINE MODEL "
		    "RECORDING...");
	ops = engine_find(words[0], err);
	if (ops == NULL)
		return -1;
	if (ops->tune == NULL)
		return error_set(
		    err, ERROR_INVALID, "the engine %s has nothing to be tuned", words[0]);
	if (check_place(words[1], err) < 0)
		return -1;
	while (words[2 + n] != NULL)
		n++;
	own = xcalloc(n, sizeof *own);
	clips = xcalloc(n, sizeof *clips);
	rc = read_all(words + 2, n, own, clips, err);
	if (rc == 0)
		rc = measure(ops, words[1], clips, n, err);
	for (size_t i = 0; i < n; i++) {
		free(own[i].samples);
		free(own[i].text);
	}
	free(own);
	free(clips);
	return rc;
}
