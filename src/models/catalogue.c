#include "models/catalogue.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/edit_distance.h"
#include "base/error.h"
#include "models/catalogue_table.h"

enum { WORD_MAX = 32, FAR = 4 };

const struct model *models_at(size_t i)
{
	return i < catalogue_table_n ? &catalogue_table[i] : NULL;
}

static const struct model *nearest(const char *name)
{
	const struct model *best = NULL;
	unsigned best_distance = FAR;

	for (size_t i = 0; i < catalogue_table_n; i++) {
		unsigned d = edit_distance(name, catalogue_table[i].name);

		if (d < best_distance) {
			best = &catalogue_table[i];
			best_distance = d;
		}
	}
	return best;
}

const struct model *models_find(const char *name, struct error *err)
{
	const struct model *like;

	for (size_t i = 0; i < catalogue_table_n; i++)
		if (strcmp(catalogue_table[i].name, name) == 0)
			return &catalogue_table[i];
	like = strlen(name) <= WORD_MAX ? nearest(name) : NULL;
	(void)error_set(err, ERROR_CONFIG, "there is no model \"%.40s\"; %s%s%s", name,
	    like != NULL ? "did you mean " : "stenopool models list shows those there are",
	    like != NULL ? like->name : "", like != NULL ? "?" : "");
	return NULL;
}

const struct model *models_find_sum(const char *sha256)
{
	for (size_t i = 0; i < catalogue_table_n; i++)
		if (strcasecmp(catalogue_table[i].sha256, sha256) == 0)
			return &catalogue_table[i];
	return NULL;
}
