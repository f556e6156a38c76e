#define _GNU_SOURCE
#include "cli/engine_choice.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "access/language.h"
#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/config.h"
#include "cli/config_value.h"
#include "models/catalogue.h"
#include "models/known.h"
#include "models/store.h"

enum { LINE_CAP = 512, WORD_CAP = 64, KEYS_MAX = 64, CANDIDATES_MAX = 16 };

/* An engine as the host lists it. */
struct candidate {
	char name[WORD_CAP];
	char keys[KEYS_MAX][WORD_CAP];
	unsigned keys_n;
	bool takes_others; /* any key */
	bool takes_model;  /* its "model" is one of the catalogue */
};

static void read_param(struct candidate *c, const char *line)
{
	char key[WORD_CAP], kind[WORD_CAP];

	if (sscanf(line, " param %63[^:]: %63[a-z]", key, kind) != 2)
		return;
	if (strcmp(kind, "others") == 0)
		c->takes_others = true;
	else if (c->keys_n < KEYS_MAX)
		(void)strcpy(c->keys[c->keys_n++], key);
	c->takes_model |= strcmp(key, "model") == 0 && strcmp(kind, "model") == 0;
}

/* What nobody means who names no engine. */
static bool is_chosen_by_name(const char *name)
{
	return strncmp(name, "fake", 4) == 0 || strcmp(name, "exec") == 0;
}

static unsigned read_candidates(struct candidate *out, FILE *engines)
{
	char line[LINE_CAP], name[WORD_CAP];
	unsigned n = 0;
	bool skips = true;

	rewind(engines);
	while (fgets(line, sizeof line, engines) != NULL) {
		if (sscanf(line, "engine %63s", name) == 1) {
			skips = is_chosen_by_name(name) || n == CANDIDATES_MAX;
			if (!skips)
				(void)strcpy(out[n++].name, name);
		} else if (!skips) {
			read_param(&out[n - 1], line);
		}
	}
	return n;
}

static bool has_key(const struct candidate *c, const char *key, size_t n)
{
	for (unsigned i = 0; i < c->keys_n; i++)
		if (strlen(c->keys[i]) == n && strncmp(c->keys[i], key, n) == 0)
			return true;
	return c->takes_others;
}

static bool takes_params(const struct candidate *c, const struct config_pool *p)
{
	for (unsigned i = 0; i < p->params_n; i++)
		if (!has_key(c, p->params[i], strcspn(p->params[i], "=")))
			return false;
	return true;
}

static bool is_for_one_language(const struct model *m)
{
	return strlen(m->languages) == 2;
}

/* A model for one language hears for pools of that one alone, any other for all. */
static bool fits_language(const struct model *m, const struct config_pool *p)
{
	char code[LANGUAGE_BYTES];

	if (!is_for_one_language(m))
		return true;
	if (p->languages != NULL && p->languages[0] != '\0')
		return language_code(p->languages, code) && strcmp(code, m->languages) == 0 &&
		    strchr(p->languages, ',') == NULL;
	language_of(p->name, code);
	return strcmp(code, m->languages) == 0;
}

static const struct model *model_here(const char *engine, const struct config_pool *p)
{
	char path[STORE_PATH_BYTES];
	const struct model *m;

	for (size_t i = 0; (m = models_at(i)) != NULL; i++)
		if (strcmp(m->engine, engine) == 0 && fits_language(m, p) && store_find(m, path) &&
		    store_is_whole(m, path))
			return m;
	return NULL;
}

/* The model that the pool's settings name, when it is one that is known. */
static const struct model *named_model(const struct config_pool *p)
{
	const char *name = config_value_param(p, "model", strlen("model"));
	struct error unknown;

	return name == NULL || strchr(name, '/') != NULL ? NULL : known_find(name, &unknown);
}

/* A file of weights by its name is Whisper's; a directory is the engine's whose name it begins with ("vosk-model-small-de-0.15"). */
static bool is_path_for(const struct candidate *c, const char *path)
{
	size_t n = strlen(path);

	if (n > 4 && strcmp(path + n - 4, ".bin") == 0)
		return strcmp(c->name, "whisper") == 0;
	return strncmp(path_last(path, &n), c->name, strlen(c->name)) == 0;
}

/* Whether it can hear for the pool; *model_out: with which of the catalogue, NULL where that is said or is not needed. */
static bool can_hear(
    const struct candidate *c, const struct config_pool *p, const struct model **model_out)
{
	const struct model *named = named_model(p);
	const char *model = config_value_param(p, "model", strlen("model"));

	*model_out = NULL;
	if (!takes_params(c, p))
		return false;
	if (named != NULL)
		return c->takes_model && strcmp(named->engine, c->name) == 0;
	if (!c->takes_model)
		return true;
	if (model != NULL)
		return is_path_for(c, model);
	*model_out = model_here(c->name, p);
	return *model_out != NULL;
}

static void say(const struct config_pool *p, const struct candidate *all, unsigned chosen,
    const struct model *m)
{
	if (m != NULL)
		log_info("pool %s: %s hears, with the model %s", p->name, p->engine, m->name);
	else if (chosen > 0 && config_value_param(p, "model", strlen("model")) == NULL &&
	    all[0].takes_model && takes_params(&all[0], p))
		log_info("pool %s: %s hears, since no model for %s is here; that hears far better: "
			 "stenopool models pull tiny.en",
		    p->name, p->engine, all[0].name);
	else
		log_info("pool %s: %s hears", p->name, p->engine);
}

static void set_engine(struct config_pool *p, const char *name)
{
	free(p->engine);
	p->engine = xstrdup(name);
}

static bool has_engine(const struct candidate *all, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return true;
	return false;
}

static int refuse(
    const struct config_pool *p, const struct candidate *all, unsigned n, struct error *err)
{
	const struct model *named = named_model(p);

	if (named != NULL && !has_engine(all, n, named->engine))
		return error_set(err, ERROR_CONFIG,
		    "[pool %s] model: %s is a model of %s, which is no engine of this build",
		    p->name, named->name, named->engine);
	if (n > 0 && all[0].takes_model && takes_params(&all[0], p))
		return error_set(err, ERROR_CONFIG,
		    "[pool %s] engine: no model for %s is here, and there is no other engine; get "
		    "one with: "
		    "stenopool models pull tiny.en",
		    p->name, all[0].name);
	return error_set(err, ERROR_CONFIG,
	    "[pool %s] engine: none of this build takes all the parameters that are set; name one "
	    "to learn why",
	    p->name);
}

static int choose(struct config_pool *p, const struct candidate *all, unsigned n, struct error *err)
{
	const struct model *m;

	for (unsigned i = 0; i < n; i++) {
		if (!can_hear(&all[i], p, &m))
			continue;
		set_engine(p, all[i].name);
		if (m != NULL && config_value_set_param(p, "model", m->name, err) < 0)
			return error_prefix(err, "[pool %s]", p->name);
		say(p, all, i, m);
		return 0;
	}
	return refuse(p, all, n, err);
}

int engine_choice_make(struct config *c, FILE *engines, struct error *err)
{
	struct candidate *all = xcalloc(CANDIDATES_MAX, sizeof *all);
	unsigned n = engines == NULL ? 0 : read_candidates(all, engines);
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < c->pools_n; i++) {
		if (strcmp(c->pools[i].engine, "auto") != 0)
			continue;
		if (engines == NULL)
			set_engine(&c->pools[i], "pocketsphinx");
		else
			rc = choose(&c->pools[i], all, n, err);
	}
	free(all);
	return rc;
}
