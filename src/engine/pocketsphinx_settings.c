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

/* Our words for the three settings every user needs, and what they are when not given. */
static const struct {
	const char *key, *setting, *value;
} paths[] = {
	{ "model", "hmm", MODEL_DIR "en-us" },
	{ "language_model", "lm", MODEL_DIR "en-us.lm.bin" },
	{ "dictionary", "dict", MODEL_DIR "cmudict-en-us.dict" },
};

/* Any of these says what can be heard; then there is no language model by default. */
static const char *const instead_of_lm[] = { "lmctl", "fsg", "jsgf", "keyphrase", "kws",
	"allphone" };

/* The library removes silence by default, and then its word times are short by what was removed. The ear
 * has cut the silence already. */
static const struct engine_param defaults[] = {
	{ "remove_silence", "no" },
};

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
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(p->key, paths[i].setting) == 0)
			return error_set(
			    err, ERROR_CONFIG, "%s: here it is called %s", p->key, paths[i].key);
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
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *path = find(params, n, paths[i].key);

		if (path == NULL && has_grammar && strcmp(paths[i].setting, "lm") == 0)
			continue;
		path = path == NULL ? paths[i].value : path;
		if (add_path(s, paths[i].key, paths[i].setting, path, err) < 0)
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
		for (size_t k = 0; k < ARRAY_SIZE(paths); k++)
			is_path = is_path || strcmp(params[i].key, paths[k].key) == 0;
		if (!is_path && add_decoder_param(s, &params[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (find(s->list, s->n, defaults[i].key) == NULL &&
		    pocketsphinx_compat_kind(defaults[i].key) != POCKETSPHINX_UNKNOWN &&
		    add(s, defaults[i].key, defaults[i].value, err) < 0)
			return -1;
	return add_paths(s, params, n, err);
}

const char *pocketsphinx_settings_find(const struct pocketsphinx_settings *s, const char *name)
{
	return find(s->list, s->n, name);
}
