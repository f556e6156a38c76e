#define _GNU_SOURCE
#include "models/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"

enum { DESCRIPTORS = 16, PATH_CAP = TREE_PATH_BYTES + TREE_NAME_BYTES };

static int by_name(const void *a, const void *b)
{
	const struct tree_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

bool tree_name_is_fit(const char *name)
{
	unsigned depth = 1;

	if (strlen(name) >= TREE_NAME_BYTES)
		return false;
	for (const char *at = name;; at++) {
		size_t n = strcspn(at, "/");

		if (n == 0 || depth > TREE_DEPTH_MAX || (n == 1 && at[0] == '.') ||
		    (n == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)at[i] < ' ' || at[i] == '\\')
				return false;
		if (at[n] == '\0')
			return true;
		at += n;
		depth++;
	}
}

static int add(struct tree *t, const FTSENT *e, const char *name, struct error *err)
{
	if (!tree_name_is_fit(name))
		return error_set(
		    err, ERROR_CONFIG, "no model has a file with the name %.120s", name);
	if (t->n == TREE_FILES_MAX)
		return error_set(
		    err, ERROR_CONFIG, "no model has more than %d files", TREE_FILES_MAX);
	(void)snprintf(t->files[t->n].name, TREE_NAME_BYTES, "%s", name);
	t->files[t->n++].bytes = (uint64_t)e->fts_statp->st_size;
	t->bytes += (uint64_t)e->fts_statp->st_size;
	return 0;
}

static int take(struct tree *t, const FTSENT *e, const char *dir, struct error *err)
{
	switch (e->fts_info) {
	case FTS_D:
	case FTS_DP:
		return 0;
	case FTS_F:
		if (e->fts_level > 0)
			return add(t, e, e->fts_path + strlen(dir) + 1, err);
		return error_set(err, ERROR_CONFIG, "%.160s is no directory", dir);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		errno = e->fts_errno;
		return error_set_errno(err, ERROR_CONFIG, "cannot read %.160s", e->fts_path);
	default:
		return error_set(err, ERROR_CONFIG,
		    "%.160s is no plain file, and a model has no others", e->fts_path);
	}
}

/* Without the slashes that it may end with. */
static void copy_dir(char out[TREE_PATH_BYTES], const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	(void)snprintf(out, TREE_PATH_BYTES, "%.*s", (int)n, dir);
}

int tree_read(struct tree *out, const char *dir, struct error *err)
{
	char top[TREE_PATH_BYTES], *paths[] = { top, NULL };
	FTSENT *e;
	FTS *walk;
	int rc = 0;

	copy_dir(top, dir);
	*out = (struct tree){ .files = xcalloc(TREE_FILES_MAX, sizeof *out->files) };
	/* Who names a tree may do so by a link; in it there is none. */
	walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	if (walk == NULL)
		rc = error_set_errno(err, ERROR_CONFIG, "cannot read %.160s", dir);
	while (rc == 0 && (e = fts_read(walk)) != NULL)
		rc = take(out, e, top, err);
	if (walk != NULL)
		(void)fts_close(walk);
	if (rc < 0)
		tree_done(out);
	else
		qsort(out->files, out->n, sizeof *out->files, by_name);
	return rc;
}

void tree_done(struct tree *t)
{
	free(t->files);
	*t = (struct tree){ NULL, 0, 0 };
}

uint64_t tree_bytes(const char *dir)
{
	struct error ignored;
	struct tree t;
	uint64_t bytes;

	if (tree_read(&t, dir, &ignored) < 0)
		return 0;
	bytes = t.bytes;
	tree_done(&t);
	return bytes;
}

/* ---- the sum ---- */

static int add_line(struct sum *s, const char *dir, const char *name, struct error *err)
{
	char path[PATH_CAP], hex[SUM_HEX_BYTES], line[SUM_HEX_BYTES + TREE_NAME_BYTES + 8];
	int n;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	if (sum_of_file(path, hex, err) < 0)
		return -1;
	n = snprintf(line, sizeof line, "%s  %s\n", hex, name);
	sum_add(s, line, (size_t)n);
	return 0;
}

int tree_sum(const char *dir, char hex[SUM_HEX_BYTES], struct error *err)
{
	struct tree t;
	struct sum *s;
	int rc = 0;

	if (tree_read(&t, dir, err) < 0)
		return -1;
	s = sum_new();
	for (size_t i = 0; rc == 0 && i < t.n; i++)
		rc = add_line(s, dir, t.files[i].name, err);
	if (rc == 0)
		sum_finish(&s, hex);
	sum_free(&s);
	tree_done(&t);
	return rc;
}

int tree_check_sum(const char *dir, const char *hex, struct error *err)
{
	char is[SUM_HEX_BYTES];

	if (tree_sum(dir, is, err) < 0)
		return -1;
	if (strcasecmp(is, hex) != 0)
		return error_set(err, ERROR_CONFIG,
		    "%.90s is not what it should be: the SHA-256 of its files is %.16s..., not "
		    "%.16s...",
		    dir, is, hex);
	return 0;
}

/* ---- writing ---- */

int tree_make_way(const char *dir, const char *name, struct error *err)
{
	char path[PATH_CAP];
	size_t top = strlen(dir);

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	for (char *at = path + top; at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return error_set_errno(
			    err, ERROR_SYSTEM, "cannot make the directory %.120s", path);
		*at = '/';
	}
	return 0;
}

static int settle_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = fd >= 0 && fchmod(fd, S_ISDIR(st->st_mode) ? 0755 : 0644) == 0 && fsync(fd) == 0;

	(void)kind, (void)ftw;
	fd_close(&fd);
	return ok ? 0 : -1;
}

int tree_settle(const char *dir, struct error *err)
{
	if (nftw(dir, settle_one, DESCRIPTORS, FTW_PHYS) != 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot keep %.120s", dir);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

void tree_remove(const char *dir)
{
	(void)nftw(dir, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}
