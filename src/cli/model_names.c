#include "cli/model_names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/config.h"
#include "cli/config_value.h"
#include "models/catalogue.h"
#include "models/known.h"
#include "models/store.h"
#include "models/vosk_model.h"

enum { LINE_CAP = 512, NAME_CAP = 64, KEY_CAP = NAME_CAP + 8 };

/* A parameter that is a model; "param KEY: model, default NAME. What it is." */
static bool read_param(const char *line, char key[NAME_CAP], char initial[NAME_CAP])
{
	static const char word[] = ", default ";
	const char *rest, *end;
	int n = 0;

	initial[0] = '\0';
	if (sscanf(line, " param %63[^:]: model%n", key, &n) != 1 || n == 0)
		return false;
	rest = line + n;
	if (strncmp(rest, word, strlen(word)) != 0)
		return *rest == '.';
	rest += strlen(word);
	end = strstr(rest, ". "); /* there are dots in names */
	if (end != NULL && end - rest < NAME_CAP)
		(void)snprintf(initial, NAME_CAP, "%.*s", (int)(end - rest), rest);
	return true;
}

static int tell_host(struct config_pool *p, const char *key, const struct model *m,
    const char *path, struct error *err)
{
	char sum_key[KEY_CAP];

	(void)snprintf(sum_key, sizeof sum_key, "%s_sum", key);
	if (config_value_set_param(p, key, path, err) < 0)
		return -1;
	if (config_value_param(p, sum_key, strlen(sum_key)) !=
	    NULL) /* whoever sets one knows why */
		return 0;
	return config_value_set_param(p, sum_key, m->sha256, err);
}

/* A pool that is for no language by its settings is for the one that its model of Vosk is for. */
static void set_language(struct config_pool *p, const char *language)
{
	bool is_set = p->languages != NULL && p->languages[0] != '\0';

	if (is_set || strcmp(p->engine, "vosk") != 0 || strlen(language) > 3)
		return;
	free(p->languages);
	p->languages = xstrdup(language);
}

/* Of a model that is given by its path. */
static void set_language_of_path(struct config_pool *p, const char *path)
{
	char language[VOSK_MODEL_LANGUAGE_BYTES];

	if (vosk_model_language(path, language))
		set_language(p, language);
}

static int resolve_name(struct config_pool *p, const char *key, const char *name, struct error *err)
{
	const struct model *m = known_find(name, err);
	char path[STORE_PATH_BYTES];

	if (m == NULL)
		return -1;
	if (strcmp(m->engine, p->engine) != 0)
		return error_set(err, ERROR_CONFIG,
		    "%s is a model of %s, and the pool's engine is %.40s", m->name, m->engine,
		    p->engine);
	if (store_need(m, path, err) < 0)
		return -1;
	set_language(p, m->languages);
	return tell_host(p, key, m, path, err);
}

static int resolve_param(
    struct config_pool *p, const char *key, const char *initial, struct error *err)
{
	const char *value = config_value_param(p, key, strlen(key));
	const char *name = value != NULL ? value : initial;

	if (strchr(name, '/') != NULL)
		set_language_of_path(p, name);
	if (name[0] == '\0' || strchr(name, '/') != NULL || resolve_name(p, key, name, err) == 0)
		return 0;
	return error_prefix(
	    err, "[pool %s] %s%s", p->name, strcmp(key, "model") == 0 ? "" : "param.", key);
}

static int resolve_pool(struct config_pool *p, FILE *engines, struct error *err)
{
	char line[LINE_CAP], engine[NAME_CAP], key[NAME_CAP], initial[NAME_CAP];
	bool is_ours = false;
	int rc = 0;

	rewind(engines);
	while (rc == 0 && fgets(line, sizeof line, engines) != NULL) {
		if (sscanf(line, "engine %63s", engine) == 1)
			is_ours = strcmp(engine, p->engine) == 0;
		else if (is_ours && read_param(line, key, initial))
			rc = resolve_param(p, key, initial, err);
	}
	return rc;
}

int model_names_resolve(struct config *c, FILE *engines, struct error *err)
{
	for (unsigned i = 0; engines != NULL && i < c->pools_n; i++)
		if (resolve_pool(&c->pools[i], engines, err) < 0)
			return -1;
	return 0;
}
