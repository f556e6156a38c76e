#include "cli/models_list.h"

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "models/catalogue.h"
#include "models/known.h"
#include "models/store.h"

static void print_row(const struct model *m)
{
	char path[STORE_PATH_BYTES];
	bool here = store_find(m, path);

	(void)printf("%-20s %-8s %-13s %7.1f MB  %-10s %s%s\n", m->name, m->engine, m->languages,
	    (double)m->bytes / 1e6, m->licence, here ? path : "-",
	    here && !store_is_whole(m, path) ? " (not whole)" : "");
}

void models_list_print(void)
{
	const struct model *m;

	(void)printf("%-20s %-8s %-13s %10s  %-10s %s\n", "NAME", "ENGINE", "LANGUAGES", "SIZE",
	    "LICENCE", "HERE");
	for (size_t i = 0; (m = known_at(i)) != NULL; i++)
		print_row(m);
}

static json_t *row(const struct model *m)
{
	char path[STORE_PATH_BYTES];
	bool here = store_find(m, path);

	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s?, s:b}", "name", m->name,
	    "engine", m->engine, "languages", m->languages, "bytes", (json_int_t)m->bytes,
	    "licence", m->licence, "file", m->file, "sha256", m->sha256, "path", here ? path : NULL,
	    "whole", here && store_is_whole(m, path));
}

void models_list_print_json(void)
{
	json_t *all = json_array();
	const struct model *m;

	for (size_t i = 0; (m = known_at(i)) != NULL; i++)
		(void)json_array_append_new(all, row(m));
	(void)json_dumpf(all, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(all);
}
