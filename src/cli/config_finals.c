#include "cli/config_finals.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/name_list.h"
#include "cli/config.h"
#include "cli/config_table.h"

static bool is_called(const struct config_pool *p, const char *name, size_t n)
{
	return strlen(p->name) == n && memcmp(p->name, name, n) == 0;
}

const struct config_pool *config_finals_pool(const struct config *c, const char *name, size_t n)
{
	for (unsigned i = 0; i < c->pools_n; i++)
		if (is_called(&c->pools[i], name, n))
			return &c->pools[i];
	return NULL;
}

void config_finals_note(const struct config_row *row, void *object, unsigned line)
{
	struct config_pool *p = object;

	if (row->section == CONFIG_POOL && strcmp(row->key, "finals") == 0)
		p->finals_line = line;
}

static int word_unknown(const struct config *c, const struct config_pool *p, const char *name,
    size_t n, struct error *err)
{
	const char *names[CONFIG_POOLS_MAX + 1] = { NULL }, *near;
	char asked[CONFIG_NAME_MAX + 8];
	unsigned names_n = 0;

	for (unsigned i = 0; i < c->pools_n; i++)
		if (&c->pools[i] != p)
			names[names_n++] = c->pools[i].name;
	(void)snprintf(asked, sizeof asked, "%.*s", (int)n, name);
	near = config_table_nearest(asked, names);
	return error_set(err, ERROR_CONFIG, "there is no [pool %s]%s%s%s", asked,
	    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
	    near == NULL ? "" : "?");
}

static int check_one(const struct config *c, const struct config_pool *p, const char *name,
    size_t n, struct error *err)
{
	const struct config_pool *other = config_finals_pool(c, name, n);

	if (other == NULL)
		return word_unknown(c, p, name, n, err);
	if (other == p)
		return error_set(
		    err, ERROR_CONFIG, "a pool brings its own finals where this is empty");
	if (other->finals != NULL && other->finals[0] != '\0')
		return error_set(err, ERROR_CONFIG,
		    "pool %s cannot bring them, as it names other pools for its own finals",
		    other->name);
	return 0;
}

static int check_all(const struct config *c, const struct config_pool *p, struct error *err)
{
	const char *list = p->finals, *before, *name, *same;
	size_t n, same_n;
	unsigned count = 0;

	while ((name = name_list_next(&list, &n)) != NULL) {
		if (check_one(c, p, name, n, err) != 0)
			return -1;
		if (++count > POOL_FINALS_MAX)
			return error_set(
			    err, ERROR_CONFIG, "at most %d pools can be named", POOL_FINALS_MAX);
		before = p->finals;
		while ((same = name_list_next(&before, &same_n)) != name)
			if (same_n == n && memcmp(same, name, n) == 0)
				return error_set(
				    err, ERROR_CONFIG, "pool %.*s is named twice", (int)n, name);
	}
	return 0;
}

int config_finals_check(const struct config *c, const struct config_pool *p, struct error *err)
{
	if (p->finals == NULL || check_all(c, p, err) == 0)
		return 0;
	(void)error_prefix(err, "[pool %s] finals", p->name);
	if (p->finals_line > 0)
		(void)error_prefix(err, "%.120s:%u", c->file, p->finals_line);
	return -1;
}
