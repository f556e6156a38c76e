#define _GNU_SOURCE
#include "pull/import_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "models/catalogue.h"
#include "models/known.h"
#include "models/tree.h"
#include "models/vosk_model.h"
#include "pull/unpack.h"

/* The largest that the project has are of some 8 GB. */
#define BYTES_MAX (16ull << 30)

enum { NAME_CAP = UNPACK_NAME_BYTES, BYTES_OF_MAGIC = 4 };

struct importing {
	const char *path;
	bool is_zip;
	char top[UNPACK_NAME_BYTES]; /* of the zip file */
	char name[NAME_CAP];
	char sum[SUM_HEX_BYTES];
	struct store_place
	    place; /* where it is unpacked to, and kept unless the catalogue knows it better */
};

static bool is_zip(const char *path)
{
	static const char magic[BYTES_OF_MAGIC] = { 'P', 'K', 3, 4 };
	char head[BYTES_OF_MAGIC] = { 0 };
	FILE *f = fopen(path, "re");
	bool is;

	if (f == NULL)
		return false;
	is = fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, magic, sizeof head) == 0;
	(void)fclose(f);
	return is;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool import_tree_is_meant(const char *path)
{
	return is_directory(path) ? vosk_model_is_like(path) : is_zip(path);
}

/* ---- its name ---- */

static void copy_last(char out[NAME_CAP], const char *path)
{
	size_t n;
	const char *last = path_last(path, &n);

	(void)snprintf(out, NAME_CAP, "%.*s", (int)n, last);
}

static void name_by_itself(struct importing *im)
{
	size_t n;

	copy_last(im->name, im->top[0] != '\0' ? im->top : im->path);
	n = strlen(im->name);
	if (im->is_zip && im->top[0] == '\0' && n > 4 && strcmp(im->name + n - 4, ".zip") == 0)
		im->name[n - 4] = '\0';
}

static int find_name(struct importing *im, const char *name, struct error *err)
{
	if (im->is_zip && unpack_top(im->path, im->top, err) < 0)
		return -1;
	if (name != NULL)
		(void)snprintf(im->name, sizeof im->name, "%s", name);
	else
		name_by_itself(im);
	if (vosk_model_name_is_fit(im->name))
		return 0;
	return error_set(err, ERROR_CONFIG,
	    "\"%.60s\" is no name of a model of Vosk; say one behind it that begins with "
	    "vosk-model- and has letters, digits, dots and hyphens",
	    im->name);
}

/* ---- its files ---- */

static int unpack(const struct importing *im, struct error *err)
{
	const struct unpack_config into = { .dir = im->place.part, .bytes_max = BYTES_MAX };

	tree_remove(im->place.part);
	if (mkdir(im->place.part, 0755) < 0)
		return error_set_errno(
		    err, ERROR_SYSTEM, "cannot make the directory %.120s", im->place.part);
	return im->is_zip ? unpack_zip(im->path, im->top, &into, err)
			  : unpack_copy(im->path, &into, err);
}

static int look(struct importing *im, struct error *err)
{
	struct vosk_model_info info;

	if (vosk_model_check(im->place.part, &info, err) < 0)
		return error_prefix(err, "%.60s", im->path);
	return tree_sum(im->place.part, im->sum, err);
}

/* ---- its place ---- */

static void wait_quietly(void *arg)
{
	(void)arg;
}

/* The catalogue knows it under a name of its own. */
static int keep_as(
    struct importing *im, const struct model *m, char path_out[STORE_PATH_BYTES], struct error *err)
{
	struct store_place other;
	int rc;

	if (strcmp(m->name, im->name) == 0) {
		(void)snprintf(path_out, STORE_PATH_BYTES, "%s", im->place.path);
		return store_keep(&im->place, err);
	}
	if (store_open(&other, m, wait_quietly, NULL, err) < 0)
		return -1;
	tree_remove(other.part);
	rc = rename(im->place.part, other.part) < 0
	    ? error_set_errno(err, ERROR_SYSTEM, "cannot make %.120s", other.part)
	    : store_keep(&other, err);
	(void)snprintf(path_out, STORE_PATH_BYTES, "%s", other.path);
	store_close(&other);
	return rc;
}

static int keep_unknown(struct importing *im, const struct model **model_out,
    char path_out[STORE_PATH_BYTES], struct error *err)
{
	struct error unknown;
	uint64_t bytes = tree_bytes(im->place.part);

	if (models_find(im->name, &unknown) != NULL)
		return error_set(err, ERROR_CONFIG,
		    "%.90s is not %s: the SHA-256 of its files is %.16s...; say another name "
		    "behind it",
		    im->path, im->name, im->sum);
	if (known_write_sum(im->place.path, im->sum, bytes, err) < 0 ||
	    store_keep(&im->place, err) < 0)
		return -1;
	(void)snprintf(path_out, STORE_PATH_BYTES, "%s", im->place.path);
	*model_out = known_find(im->name, err);
	return *model_out != NULL ? 0 : -1;
}

static int keep(struct importing *im, const struct model **model_out,
    char path_out[STORE_PATH_BYTES], struct error *err)
{
	*model_out = models_find_sum(im->sum);
	if (*model_out != NULL)
		return keep_as(im, *model_out, path_out, err);
	return keep_unknown(im, model_out, path_out, err);
}

int import_tree(const char *path, const char *name, const struct model **model_out,
    char path_out[STORE_PATH_BYTES], struct error *err)
{
	struct importing *im = xcalloc(1, sizeof *im);
	struct model as_tree = { .is_tree = true };
	int rc;

	im->path = path;
	im->is_zip = !is_directory(path);
	as_tree.name = as_tree.file = im->name;
	rc = find_name(im, name, err);
	if (rc == 0)
		rc = store_open(&im->place, &as_tree, wait_quietly, NULL, err);
	if (rc == 0) {
		if (unpack(im, err) < 0 || look(im, err) < 0 ||
		    keep(im, model_out, path_out, err) < 0)
			rc = -1;
		store_drop(&im->place);
		store_close(&im->place);
	}
	free(im);
	return rc;
}
