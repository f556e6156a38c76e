#define _GNU_SOURCE
#include "pull/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zip.h>

#include "base/error.h"
#include "base/util.h"
#include "models/store.h"
#include "models/tree.h"
#include "pull/wheel.h"

enum { PATH_CAP = STORE_PATH_BYTES + TREE_NAME_BYTES, BLOCK_BYTES = 1 << 17 };

struct unpacking {
	const struct unpack_config *cfg;
	uint64_t done;
	FILE *to; /* owned */
	char path[PATH_CAP];
};

static int write_some(void *arg, const void *bytes, size_t n, struct error *err)
{
	struct unpacking *u = arg;

	if (n > u->cfg->bytes_max - u->done)
		return error_set(err, ERROR_CONFIG,
		    "what came is another model: it has more than %llu bytes",
		    (unsigned long long)u->cfg->bytes_max);
	if (fwrite(bytes, 1, n, u->to) != n)
		return error_set_errno(err, ERROR_SYSTEM, "cannot write %.120s", u->path);
	u->done += n;
	if (u->cfg->progress != NULL)
		u->cfg->progress(u->cfg->arg, u->done, u->cfg->bytes_max);
	return 0;
}

/* A file that is there already is an entry that comes twice. */
static int open_file(struct unpacking *u, const char *name, struct error *err)
{
	if (!tree_name_is_fit(name))
		return error_set(
		    err, ERROR_CONFIG, "no model has a file with the name \"%.100s\"", name);
	if (tree_make_way(u->cfg->dir, name, err) < 0)
		return -1;
	(void)snprintf(u->path, sizeof u->path, "%s/%s", u->cfg->dir, name);
	u->to = fopen(u->path, "wxe");
	return u->to != NULL ? 0
			     : error_set_errno(err, ERROR_SYSTEM, "cannot make %.120s", u->path);
}

static int close_file(struct unpacking *u, int rc, struct error *err)
{
	FILE *to = u->to;

	u->to = NULL;
	if (fclose(to) != 0 && rc == 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot write %.120s", u->path);
	return rc;
}

/* ---- zip files ---- */

static int list(const char *zip, struct zip **out, zip_int64_t *n, struct error *err)
{
	zip_error_t why;
	int code = 0;

	*out = zip_open(zip, ZIP_RDONLY, &code);
	if (*out == NULL) {
		zip_error_init_with_code(&why, code);
		(void)error_set(
		    err, ERROR_CONFIG, "cannot open %.120s: %s", zip, zip_error_strerror(&why));
		zip_error_fini(&why);
		return -1;
	}
	*n = zip_get_num_entries(*out, 0);
	if (*n <= TREE_FILES_MAX)
		return 0;
	zip_discard(*out);
	return error_set(err, ERROR_CONFIG, "%.120s has more than %d entries, which no model has",
	    zip, TREE_FILES_MAX);
}

static bool is_directory(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && name[n - 1] == '/';
}

static int unpack_entry(
    struct unpacking *u, const char *zip, const char *entry, const char *name, struct error *err)
{
	if (open_file(u, name, err) < 0)
		return -1;
	/* What all have together is counted by write_some. */
	return close_file(u, wheel_read(zip, entry, u->cfg->bytes_max, write_some, u, err), err);
}

int unpack_zip(
    const char *zip, const char *prefix, const struct unpack_config *cfg, struct error *err)
{
	struct unpacking *u = xcalloc(1, sizeof *u);
	unsigned files = 0;
	struct zip *listed;
	zip_int64_t n;
	int rc = list(zip, &listed, &n, err);

	u->cfg = cfg;
	for (zip_int64_t i = 0; rc == 0 && i < n; i++) {
		const char *entry = zip_get_name(listed, (zip_uint64_t)i, ZIP_FL_ENC_GUESS);

		if (entry == NULL || strncmp(entry, prefix, strlen(prefix)) != 0 ||
		    is_directory(entry))
			continue;
		files++;
		rc = unpack_entry(u, zip, entry, entry + strlen(prefix), err);
		if (rc < 0)
			zip_discard(listed);
	}
	if (rc == 0)
		zip_discard(listed);
	free(u);
	if (rc == 0 && files == 0)
		return error_set(err, ERROR_CONFIG, "%.120s has no files%s%.60s", zip,
		    prefix[0] != '\0' ? " below " : "", prefix);
	return rc;
}

/* Of the first entry, if all others have it. */
static void find_top(struct zip *listed, zip_int64_t n, char out[UNPACK_NAME_BYTES])
{
	size_t length = 0;

	for (zip_int64_t i = 0; i < n; i++) {
		const char *entry = zip_get_name(listed, (zip_uint64_t)i, ZIP_FL_ENC_GUESS);
		size_t own = entry != NULL ? strcspn(entry, "/") + 1 : 0;

		if (i == 0 && own > 1 && own < UNPACK_NAME_BYTES && entry[own - 1] == '/')
			(void)snprintf(out, UNPACK_NAME_BYTES, "%.*s", (int)(length = own), entry);
		if (length == 0 || entry == NULL || strncmp(entry, out, length) != 0) {
			out[0] = '\0';
			return;
		}
	}
}

int unpack_top(const char *zip, char out[UNPACK_NAME_BYTES], struct error *err)
{
	struct zip *listed;
	zip_int64_t n;

	out[0] = '\0';
	if (list(zip, &listed, &n, err) < 0)
		return -1;
	find_top(listed, n, out);
	zip_discard(listed);
	return 0;
}

/* ---- directories ---- */

static int copy_all(struct unpacking *u, int fd, const char *path, struct error *err)
{
	char *block = xcalloc(1, BLOCK_BYTES);
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(fd, block, BLOCK_BYTES)) != 0)
		rc = n < 0 ? error_set_errno(err, ERROR_CONFIG, "cannot read %.120s", path)
			   : write_some(u, block, (size_t)n, err);
	free(block);
	return rc;
}

static int copy_file(struct unpacking *u, const char *from, const char *name, struct error *err)
{
	char path[PATH_CAP];
	int fd, rc;

	(void)snprintf(path, sizeof path, "%s/%s", from, name);
	if (open_file(u, name, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	rc = fd < 0 ? error_set_errno(err, ERROR_CONFIG, "cannot read %.120s", path)
		    : copy_all(u, fd, path, err);
	fd_close(&fd);
	return close_file(u, rc, err);
}

int unpack_copy(const char *from, const struct unpack_config *cfg, struct error *err)
{
	struct unpacking *u = xcalloc(1, sizeof *u);
	struct tree t;
	int rc = tree_read(&t, from, err);

	u->cfg = cfg;
	for (size_t i = 0; rc == 0 && i < t.n; i++) {
		rc = copy_file(u, from, t.files[i].name, err);
		if (rc < 0)
			tree_done(&t);
	}
	if (rc == 0)
		tree_done(&t);
	free(u);
	return rc;
}
