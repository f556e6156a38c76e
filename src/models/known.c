#define _GNU_SOURCE
#include "models/known.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "models/store.h"
#include "models/tree.h"
#include "models/vosk_model.h"

#define PAGE "https://alphacephei.com/vosk/models"

enum { NAME_CAP = 64 };

struct imported {
	struct model model; /* borrows from the rest */
	char name[NAME_CAP], sum[SUM_HEX_BYTES], language[VOSK_MODEL_LANGUAGE_BYTES];
};

static struct imported
    *imported[KNOWN_IMPORTED_MAX]; /* each owned, for as long as the process is */
static size_t imported_n;

/* ---- the sum beside ---- */

static bool read_sum(const char *path, char sum[SUM_HEX_BYTES], uint64_t *bytes)
{
	char name[STORE_PATH_BYTES + sizeof STORE_SUM_END];
	bool ok;
	FILE *f;

	(void)snprintf(name, sizeof name, "%s" STORE_SUM_END, path);
	f = fopen(name, "re");
	if (f == NULL)
		return false;
	ok = fscanf(f, "%64[0-9a-f] %" SCNu64, sum, bytes) == 2 && strlen(sum) == SUM_HEX_BYTES - 1;
	(void)fclose(f);
	return ok;
}

int known_write_sum(
    const char *path, const char sum[SUM_HEX_BYTES], uint64_t bytes, struct error *err)
{
	char name[STORE_PATH_BYTES + sizeof STORE_SUM_END];
	FILE *f;
	bool ok;

	(void)snprintf(name, sizeof name, "%s" STORE_SUM_END, path);
	f = fopen(name, "we");
	if (f == NULL)
		return error_set_errno(err, ERROR_SYSTEM, "cannot write %.120s", name);
	ok = fprintf(f, "%s %" PRIu64 "\n", sum, bytes) > 0 && fchmod(fileno(f), 0644) == 0;
	if (fclose(f) != 0 || !ok)
		return error_set_errno(err, ERROR_SYSTEM, "cannot write %.120s", name);
	return 0;
}

/* ---- what was imported ---- */

static struct imported *entry_of(const char *name)
{
	for (size_t i = 0; i < imported_n; i++)
		if (strcmp(imported[i]->name, name) == 0)
			return imported[i];
	if (imported_n == KNOWN_IMPORTED_MAX)
		return NULL;
	imported[imported_n] = xcalloc(1, sizeof **imported);
	(void)snprintf(imported[imported_n]->name, NAME_CAP, "%s", name);
	return imported[imported_n++];
}

static const struct model *find_imported(const char *name)
{
	const struct model as_tree = { .name = name, .file = name, .is_tree = true };
	char path[STORE_PATH_BYTES], sum[SUM_HEX_BYTES];
	struct imported *e;
	uint64_t bytes;

	if (!vosk_model_name_is_fit(name) || !store_find(&as_tree, path) ||
	    !read_sum(path, sum, &bytes) || (e = entry_of(name)) == NULL)
		return NULL;
	memcpy(e->sum, sum, sizeof sum);
	if (!vosk_model_language(name, e->language))
		e->language[0] = '\0';
	e->model = (struct model){ .name = e->name,
		.engine = "vosk",
		.file = e->name,
		.bytes = bytes,
		.sha256 = e->sum,
		.licence = "its own",
		.languages = e->language[0] != '\0' ? e->language : "its own",
		.is_tree = true };
	return &e->model;
}

const struct model *known_find(const char *name, struct error *err)
{
	const struct model *m = models_find(name, err);

	if (m == NULL)
		m = find_imported(name);
	if (m != NULL)
		return m;
	if (vosk_model_name_is_fit(name))
		(void)error_set(err, ERROR_CONFIG,
		    "%.60s is not here; get %.60s.zip from " PAGE
		    ", and then: stenopool models import %.60s.zip",
		    name, name, name);
	return NULL;
}

static size_t catalogue_n(void)
{
	size_t n = 0;

	while (models_at(n) != NULL)
		n++;
	return n;
}

static int by_name(const void *a, const void *b)
{
	const struct imported *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static bool is_of_catalogue(const char *name)
{
	struct error ignored;

	return models_find(name, &ignored) != NULL;
}

static void scan(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (!is_of_catalogue(e->d_name))
			(void)find_imported(e->d_name);
	if (d != NULL)
		(void)closedir(d);
}

static void scan_all(void)
{
	char dir[STORE_PATH_BYTES];

	for (unsigned i = 0; store_read_from(i, dir); i++)
		scan(dir);
	if (imported_n > 1)
		qsort(imported, imported_n, sizeof *imported, by_name);
}

const struct model *known_at(size_t i)
{
	size_t n = catalogue_n();

	if (i < n)
		return models_at(i);
	if (i == n)
		scan_all();
	return i - n < imported_n ? &imported[i - n]->model : NULL;
}

int known_check(const struct model *m, const char *path, struct error *err)
{
	return m->is_tree ? tree_check_sum(path, m->sha256, err)
			  : sum_check_file(path, m->sha256, err);
}
