#include "cli/config_place.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/config_value.h"

static int find_section(const char *kind, enum config_section *out, struct error *err)
{
	const char *words[CONFIG_SECTIONS + 1] = { NULL };
	const char *near;

	for (int s = 0; s < CONFIG_SECTIONS; s++) {
		words[s] = config_table_sections[s].word;
		if (strcmp(words[s], kind) == 0) {
			*out = (enum config_section)s;
			return 0;
		}
	}
	near = config_table_nearest(kind, words);
	if (near != NULL)
		return error_set(
		    err, ERROR_CONFIG, "there is no section %.40s; did you mean %s?", kind, near);
	return error_set(err, ERROR_CONFIG,
	    "there is no section %.40s; there are [server], [listen NAME], [pool NAME] and [vad]",
	    kind);
}

static int check_name(enum config_section section, const char *name, struct error *err)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	const struct config_section_info *info = &config_table_sections[section];
	size_t n = strlen(name);

	if (info->example == NULL)
		return n == 0 ? 0
			      : error_set(err, ERROR_CONFIG, "section %s has no name", info->word);
	if (n == 0)
		return error_set(err, ERROR_CONFIG, "section %s needs a name, such as [%s %s]",
		    info->word, info->word, info->example);
	if (n >= CONFIG_NAME_MAX || strspn(name, letters) != n)
		return error_set(err, ERROR_CONFIG,
		    "%.40s cannot be the name of a %s; allowed are up to %d letters, digits, _ and "
		    "-",
		    name, info->word, CONFIG_NAME_MAX - 1);
	return 0;
}

static int open_listen(
    struct config *c, const char *name, struct config_place *out, struct error *err)
{
	unsigned i = 0;

	while (i < c->listens_n && strcmp(c->listens[i].name, name) != 0)
		i++;
	if (i == CONFIG_LISTENS_MAX)
		return error_set(
		    err, ERROR_CONFIG, "there can be at most %d listeners", CONFIG_LISTENS_MAX);
	if (i == c->listens_n) {
		(void)snprintf(c->listens[i].name, sizeof c->listens[i].name, "%s", name);
		config_value_defaults(CONFIG_LISTEN, &c->listens[i]);
		c->listens_n++;
	}
	*out = (struct config_place){ CONFIG_LISTEN, 2 + i, &c->listens[i] };
	return 0;
}

static int open_pool(
    struct config *c, const char *name, struct config_place *out, struct error *err)
{
	unsigned i = 0;

	while (i < c->pools_n && strcmp(c->pools[i].name, name) != 0)
		i++;
	if (i == CONFIG_POOLS_MAX)
		return error_set(
		    err, ERROR_CONFIG, "there can be at most %d pools", CONFIG_POOLS_MAX);
	if (i == c->pools_n) {
		(void)snprintf(c->pools[i].name, sizeof c->pools[i].name, "%s", name);
		config_value_defaults(CONFIG_POOL, &c->pools[i]);
		c->pools_n++;
	}
	*out = (struct config_place){ CONFIG_POOL, 2 + CONFIG_LISTENS_MAX + i, &c->pools[i] };
	return 0;
}

int config_place_open(struct config *c, const char *kind, const char *name,
    struct config_place *out, struct error *err)
{
	enum config_section section = CONFIG_SERVER;

	if (find_section(kind, &section, err) != 0 || check_name(section, name, err) != 0)
		return -1;
	if (section == CONFIG_LISTEN)
		return open_listen(c, name, out, err);
	if (section == CONFIG_POOL)
		return open_pool(c, name, out, err);
	*out = (struct config_place){ section, section == CONFIG_VAD, c };
	return 0;
}
