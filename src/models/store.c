#define _GNU_SOURCE
#include "models/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "models/catalogue.h"
#include "models/tree.h"

static const char system_dir[] = "/var/lib/stenopool/models";
static const char shared_dir[] = "/usr/share/stenopool/models";

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static int join(char out[STORE_PATH_BYTES], const char *a, const char *b, struct error *err)
{
	int n = snprintf(out, STORE_PATH_BYTES, "%s%s", a, b);

	if (n < 0 || n >= STORE_PATH_BYTES)
		return error_set(err, ERROR_CONFIG,
		    "the path of the models is too long; allowed are %d bytes",
		    STORE_PATH_BYTES - 1);
	return 0;
}

int store_dir(char out[STORE_PATH_BYTES], struct error *err)
{
	const char *set = environment("STENOPOOL_MODELS");

	if (set != NULL)
		return join(out, set, "", err);
	if (geteuid() == 0)
		return join(out, system_dir, "", err);
	set = environment("XDG_DATA_HOME");
	if (set != NULL)
		return join(out, set, "/stenopool/models", err);
	set = environment("HOME");
	if (set != NULL)
		return join(out, set, "/.local/share/stenopool/models", err);
	return error_set(err, ERROR_CONFIG,
	    "it is not known where models belong: neither STENOPOOL_MODELS nor HOME is set");
}

/* ---- reading ---- */

static bool find_in(const char *dir, const struct model *m, char out[STORE_PATH_BYTES])
{
	struct stat st;
	int n = snprintf(out, STORE_PATH_BYTES, "%s/%s", dir, m->file);

	return n > 0 && n < STORE_PATH_BYTES && stat(out, &st) == 0 &&
	    (m->is_tree ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode));
}

bool store_read_from(unsigned i, char out[STORE_PATH_BYTES])
{
	static const char *const others[] = { system_dir, shared_dir };
	struct error ignored;

	if (i > 0 && (i > ARRAY_SIZE(others) || environment("STENOPOOL_MODELS") != NULL))
		return false;
	if (i > 0)
		(void)snprintf(out, STORE_PATH_BYTES, "%s", others[i - 1]);
	else if (store_dir(out, &ignored) < 0)
		out[0] = '\0';
	return true;
}

bool store_find(const struct model *m, char out[STORE_PATH_BYTES])
{
	char dir[STORE_PATH_BYTES];

	for (unsigned i = 0; store_read_from(i, dir); i++)
		if (dir[0] != '\0' && find_in(dir, m, out))
			return true;
	return false;
}

bool store_is_whole(const struct model *m, const char *path)
{
	struct stat st;

	if (m->is_tree)
		return tree_bytes(path) == m->bytes;
	return stat(path, &st) == 0 && (uint64_t)st.st_size == m->bytes;
}

int store_need(const struct model *m, char out[STORE_PATH_BYTES], struct error *err)
{
	if (store_find(m, out))
		return 0;
	return error_set(err, ERROR_CONFIG, "%s is not here; get it with: stenopool models pull %s",
	    m->name, m->name);
}

/* ---- writing ---- */

/* Only what we make ourselves gets our mode. */
static int make_dir(const char *path)
{
	if (mkdir(path, 0755) == 0)
		return chmod(path, 0755);
	return errno == EEXIST ? 0 : -1;
}

static int make_dirs(const char *dir, struct error *err)
{
	char path[STORE_PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s", dir);
	for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		if (make_dir(path) < 0)
			return error_set_errno(
			    err, ERROR_SYSTEM, "cannot make the directory %.120s", path);
		*at = '/';
	}
	if (make_dir(path) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make the directory %.120s", path);
	return 0;
}

static int name_place(
    struct store_place *p, const struct model *m, const char *dir, struct error *err)
{
	char file[128];

	(void)snprintf(file, sizeof file, "/%s", m->file);
	if (join(p->path, dir, file, err) < 0 || join(p->part, p->path, ".part", err) < 0)
		return -1;
	return join(p->lock, p->path, ".lock", err);
}

/* Who has the lock takes its file away at the end; then we wait at one that nobody finds any more. */
static bool is_still_at(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_dev == there.st_dev &&
	    mine.st_ino == there.st_ino;
}

static int lock(struct store_place *p, store_wait_f *on_wait, void *arg)
{
	for (;;) {
		p->lock_fd = open(p->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (p->lock_fd < 0)
			return -1;
		if (flock(p->lock_fd, LOCK_EX | LOCK_NB) != 0) {
			on_wait(arg);
			while (flock(p->lock_fd, LOCK_EX) != 0)
				if (errno != EINTR)
					return -1;
		}
		if (is_still_at(p->lock_fd, p->lock))
			return 0;
		fd_close(&p->lock_fd);
	}
}

int store_open(struct store_place *p, const struct model *m, store_wait_f *on_wait, void *arg,
    struct error *err)
{
	char dir[STORE_PATH_BYTES];

	p->lock_fd = -1;
	p->is_tree = m->is_tree;
	if (store_dir(dir, err) < 0 || make_dirs(dir, err) < 0 || name_place(p, m, dir, err) < 0)
		return -1;
	if (lock(p, on_wait, arg) < 0) {
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot lock %.120s", p->lock);
		fd_close(&p->lock_fd);
		return -1;
	}
	return 0;
}

/* A name that is in a directory only in memory is gone after a power cut. */
static void sync_dir_of(const char *path)
{
	char dir[STORE_PATH_BYTES];
	int fd;

	(void)snprintf(dir, sizeof dir, "%s", path);
	*strrchr(dir, '/') = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)fsync(fd);
	fd_close(&fd);
}

/* In the place of what has its name: no moment is without one. Where the disk cannot exchange names, a moment is. */
static bool take_place(const struct store_place *p)
{
	if (rename(p->part, p->path) == 0)
		return true;
	if (renameat2(AT_FDCWD, p->part, AT_FDCWD, p->path, RENAME_EXCHANGE) == 0) {
		tree_remove(p->part);
		return true;
	}
	tree_remove(p->path);
	return rename(p->part, p->path) == 0;
}

static int keep_tree(struct store_place *p, struct error *err)
{
	if (tree_settle(p->part, err) < 0)
		return -1;
	if (!take_place(p))
		return error_set_errno(err, ERROR_SYSTEM, "cannot keep %.120s", p->path);
	sync_dir_of(p->path);
	return 0;
}

static int keep_file(struct store_place *p, struct error *err)
{
	int fd = open(p->part, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool kept =
	    fd >= 0 && fchmod(fd, 0644) == 0 && fsync(fd) == 0 && rename(p->part, p->path) == 0;

	fd_close(&fd);
	if (!kept)
		return error_set_errno(err, ERROR_SYSTEM, "cannot keep %.120s", p->path);
	sync_dir_of(p->path);
	return 0;
}

int store_keep(struct store_place *p, struct error *err)
{
	return p->is_tree ? keep_tree(p, err) : keep_file(p, err);
}

void store_drop(struct store_place *p)
{
	if (p->is_tree)
		tree_remove(p->part);
	else
		(void)unlink(p->part);
}

void store_close(struct store_place *p)
{
	if (p->lock_fd >= 0)
		(void)unlink(p->lock);
	fd_close(&p->lock_fd);
}

static void nobody_waits(void *arg)
{
	(void)arg;
}

/* A directory goes under its other name first, so that nobody finds half of it. */
static int remove_whole(const struct store_place *p)
{
	char sum[STORE_PATH_BYTES + sizeof STORE_SUM_END];

	if (!p->is_tree)
		return unlink(p->path);
	tree_remove(p->part);
	if (rename(p->path, p->part) < 0)
		return -1;
	(void)snprintf(sum, sizeof sum, "%s" STORE_SUM_END, p->path);
	(void)unlink(sum);
	return 0;
}

int store_remove(const struct model *m, struct error *err)
{
	char there[STORE_PATH_BYTES];
	struct store_place p;
	int rc;

	if (!store_find(m, there))
		return error_set(err, ERROR_CONFIG, "%s is not here", m->name);
	if (store_open(&p, m, nobody_waits, NULL, err) < 0)
		return -1;
	rc = remove_whole(&p);
	if (rc < 0 && errno == ENOENT)
		(void)error_set(err, ERROR_CONFIG,
		    "%s is at %.120s, which is not where you keep yours; nothing was removed",
		    m->name, there);
	else if (rc < 0)
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot remove %.120s", p.path);
	store_drop(&p);
	store_close(&p);
	return rc;
}
