/* One place words what a parameter's value may be, so that what an engine refuses is what it says it takes. */
#include "engine/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/engine.h"

const struct engine_param_info *params_find(
    const struct engine_param_info *table, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].kind != ENGINE_PARAM_OTHERS && strcmp(table[i].key, key) == 0)
			return &table[i];
	return NULL;
}

int params_number(
    const struct engine_param_info *info, const char *value, double *out, struct error *err)
{
	char *end;
	double number = strtod(value, &end);
	bool whole = info->kind == ENGINE_PARAM_WHOLE;

	if (end == value || *end != '\0' || !(number >= info->min && number <= info->max) ||
	    (whole && strspn(value, "0123456789") != strlen(value)))
		return error_set(err, ERROR_CONFIG, "%s: '%s' is no number from %.15g to %.15g",
		    info->key, value, info->min, info->max);
	*out = number;
	return 0;
}

int params_flag(
    const struct engine_param_info *info, const char *value, bool *out, struct error *err)
{
	bool yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return error_set(err, ERROR_CONFIG, "%s: '%s' is not yes or no", info->key, value);
	*out = yes;
	return 0;
}
