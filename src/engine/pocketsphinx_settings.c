/* Our own words stand in the table of parameters, with their defaults; everything else is the library's to know, and is
 * checked by the kind that it says. */
#define _GNU_SOURCE
#include "engine/pocketsphinx_settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/pocketsphinx_compat.h"

#define MODEL_DIR "/usr/share/pocketsphinx/model/en-us/"

/* The library removes silence by default, and then its word times are short by what was removed. The ear has cut the
 * silence already. */
const struct engine_param_info pocketsphinx_settings_params[POCKETSPHINX_PARAMS] = {
	{ "model", ENGINE_PARAM_PATH, 0, 0, MODEL_DIR "en-us", "The acoustic model, a directory" },
	{ "language_model", ENGINE_PARAM_PATH, 0, 0, MODEL_DIR "en-us.lm.bin",
	    "Which words follow each other; none by default where a grammar or keywords are "
	    "given" },
	{ "dictionary", ENGINE_PARAM_PATH, 0, 0, MODEL_DIR "cmudict-en-us.dict",
	    "How words are pronounced" },
	{ "remove_silence", ENGINE_PARAM_YES_NO, 0, 0, "no",
	    "Whether the library cuts silence itself; then times of words are too early" },
	{ "*", ENGINE_PARAM_OTHERS, 0, 0, "",
	    "Every other setting of PocketSphinx by its own name" },
};

/* What the library calls the first of them, which are the three settings every user needs. */
static const char *const path_settings[] = { "hmm", "lm", "dict" };

/* Any of these says what can be heard; then there is no language model by default. */
static const char *const instead_of_lm[] = { "lmctl", "fsg", "jsgf", "keyphrase", "kws",
	"allphone" };

static const char *find(const struct engine_param *params, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(params[i].key, key) == 0)
			return params[i].value;
	return NULL;
}

static int add(
    struct pocketsphinx_settings *s, const char *name, const char *value, struct error *err)
{
	if (s->n == POCKETSPHINX_SETTINGS_MAX)
		return error_set(
		    err, ERROR_LIMIT, "at most %d parameters", POCKETSPHINX_SETTINGS_MAX);
	s->list[s->n++] = (struct engine_param){ name, value };
	return 0;
}

static int check_number(const char *key, const char *value, bool whole, struct error *err)
{
	char *end;

	if (whole)
		(void)strtol(value, &end, 10);
	else
		(void)strtod(value, &end);
	if (end == value || *end != '\0' || isspace((unsigned char)value[0]))
		return error_set(err, ERROR_CONFIG, "%s: '%s' is no %snumber", key, value,
		    whole ? "whole " : "");
	return 0;
}

static int check_value(const char *key, const char *value, struct error *err)
{
	switch (pocketsphinx_compat_kind(key)) {
	case POCKETSPHINX_INTEGER:
		return check_number(key, value, true, err);
	case POCKETSPHINX_FLOATING:
		return check_number(key, value, false, err);
	case POCKETSPHINX_BOOLEAN:
		if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)
			return 0;
		return error_set(err, ERROR_CONFIG, "%s: '%s' is neither yes nor no", key, value);
	case POCKETSPHINX_STRING:
		return 0;
	case POCKETSPHINX_UNKNOWN:
	default:
		return error_set(err, ERROR_CONFIG, "PocketSphinx has no parameter '%s'", key);
	}
}

static int add_path(struct pocketsphinx_settings *s, const char *key, const char *setting,
    const char *path, struct error *err)
{
	if (access(path, R_OK) < 0 && errno == EACCES)
		return error_set(err, ERROR_ENGINE,
		    "%s: %s may not be read by user %u, as whom this process runs (setting user)",
		    key, path, (unsigned)geteuid());
	if (access(path, R_OK) < 0)
		return error_set(err, ERROR_ENGINE, "%s: %s is not there", key, path);
	return add(s, setting, path, err);
}

static int add_decoder_param(
    struct pocketsphinx_settings *s, const struct engine_param *p, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(path_settings); i++)
		if (strcmp(p->key, path_settings[i]) == 0)
			return error_set(err, ERROR_CONFIG, "%s: here it is called %s", p->key,
			    pocketsphinx_settings_params[i].key);
	if (strcmp(p->key, "samprate") == 0)
		return error_set(
		    err, ERROR_CONFIG, "samprate: it is always %d", ENGINE_SAMPLE_RATE_HZ);
	if (check_value(p->key, p->value, err) < 0)
		return -1;
	return add(s, p->key, p->value, err);
}

static int add_paths(
    struct pocketsphinx_settings *s, const struct engine_param *params, size_t n, struct error *err)
{
	bool has_grammar = false;

	for (size_t i = 0; i < ARRAY_SIZE(instead_of_lm); i++)
		has_grammar = has_grammar || find(params, n, instead_of_lm[i]) != NULL;
	for (size_t i = 0; i < ARRAY_SIZE(path_settings); i++) {
		const struct engine_param_info *info = &pocketsphinx_settings_params[i];
		const char *path = find(params, n, info->key);

		if (path == NULL && has_grammar && strcmp(path_settings[i], "lm") == 0)
			continue;
		path = path == NULL ? info->initial : path;
		if (add_path(s, info->key, path_settings[i], path, err) < 0)
			return -1;
	}
	return 0;
}

/* Not every version of the library has the setting. */
static int add_defaults(struct pocketsphinx_settings *s, struct error *err)
{
	for (size_t i = ARRAY_SIZE(path_settings); i < POCKETSPHINX_PARAMS; i++) {
		const struct engine_param_info *info = &pocketsphinx_settings_params[i];

		if (info->kind != ENGINE_PARAM_OTHERS && find(s->list, s->n, info->key) == NULL &&
		    pocketsphinx_compat_kind(info->key) != POCKETSPHINX_UNKNOWN &&
		    add(s, info->key, info->initial, err) < 0)
			return -1;
	}
	return 0;
}

int pocketsphinx_settings_make(
    struct pocketsphinx_settings *s, const struct engine_param *params, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		bool is_path = false;

		if (find(params, i, params[i].key) != NULL)
			return error_set(err, ERROR_CONFIG, "%s is given twice", params[i].key);
		for (size_t k = 0; k < ARRAY_SIZE(path_settings); k++)
			is_path = is_path ||
			    strcmp(params[i].key, pocketsphinx_settings_params[k].key) == 0;
		if (!is_path && add_decoder_param(s, &params[i], err) < 0)
			return -1;
	}
	return add_defaults(s, err) < 0 ? -1 : add_paths(s, params, n, err);
}

const char *pocketsphinx_settings_find(const struct pocketsphinx_settings *s, const char *name)
{
	return find(s->list, s->n, name);
}
