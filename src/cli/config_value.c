/* What stands for a value in a file becomes a field, and back, by the row's type; a sentence says what is allowed. */
#define _GNU_SOURCE
#include "cli/config_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/config.h"

_Static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
	sizeof(enum refresh) == sizeof(unsigned) && sizeof(enum endpointing) == sizeof(unsigned),
    "choices are stored as unsigned");

static void *field(const struct config_row *row, void *object)
{
	return (char *)object + row->offset;
}

void config_value_allowed(const struct config_row *row, char *out, size_t out_bytes)
{
	size_t used = 0;

	switch (row->type) {
	case CONFIG_UINT:
	case CONFIG_SIZE:
	case CONFIG_REAL:
		(void)snprintf(out, out_bytes, "%.0f to %.0f%s%s", row->min, row->max,
		    row->unit != NULL ? " " : "", row->unit != NULL ? row->unit : "");
		return;
	case CONFIG_CHOICE:
		for (const char *const *c = row->choices; *c != NULL && used < out_bytes; c++)
			used += (size_t)snprintf(out + used, out_bytes - used, "%s%s",
			    c == row->choices  ? ""
				: c[1] == NULL ? " or "
					       : ", ",
			    *c);
		return;
	case CONFIG_ADDRESS:
		(void)snprintf(
		    out, out_bytes, "HOST:PORT, [IPV6]:PORT, or :PORT for all addresses");
		return;
	case CONFIG_TEXT:
	case CONFIG_PARAM:
	case CONFIG_PARAMS:
		(void)snprintf(out, out_bytes, "%s", row->unit);
		return;
	}
}

unsigned config_value_cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)n;
}

void config_value_initial(const struct config_row *row, char *out, size_t out_bytes)
{
	if (row->per_core > 0)
		(void)snprintf(out, out_bytes, "%.0f",
		    MIN((double)config_value_cores() * row->per_core, row->max));
	else
		(void)snprintf(out, out_bytes, "%s", row->initial != NULL ? row->initial : "");
}

static int refuse(
    const struct config_row *row, const char *value, const char *what, struct error *err)
{
	char allowed[192];

	config_value_allowed(row, allowed, sizeof allowed);
	return error_set(err, ERROR_CONFIG, "%.60s %s; allowed is %s",
	    *value != '\0' ? value : "an empty value", what, allowed);
}

/* Stricter than strtod alone: digits and one point, nothing before and nothing behind. */
static int parse_number(
    const struct config_row *row, const char *value, double *out, struct error *err)
{
	bool real = row->type == CONFIG_REAL;
	size_t n = strspn(value, real ? "0123456789." : "0123456789");
	char *end;

	*out = strtod(value, &end);
	if (n == 0 || value[n] != '\0' || *end != '\0')
		return refuse(row, value, real ? "is not a number" : "is not a whole number", err);
	if (*out < row->min || *out > row->max)
		return refuse(row, value, "is out of range", err);
	return 0;
}

static int apply_number(
    const struct config_row *row, void *to, const char *value, struct error *err)
{
	double number;

	if (parse_number(row, value, &number, err) != 0)
		return -1;
	if (row->type == CONFIG_UINT)
		*(unsigned *)to = (unsigned)number;
	else if (row->type == CONFIG_SIZE)
		*(size_t *)to = (size_t)number;
	else
		*(double *)to = number;
	return 0;
}

static int apply_choice(
    const struct config_row *row, void *to, const char *value, struct error *err)
{
	for (unsigned i = 0; row->choices[i] != NULL; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			memcpy(to, &i, sizeof i);
			return 0;
		}
	}
	return refuse(row, value, "is not one of the words", err);
}

static void apply_text(char **to, const char *value)
{
	char *copy = xstrdup(value);

	free(*to);
	*to = copy;
}

static bool is_address(const char *value)
{
	const char *colon = strrchr(value, ':');
	size_t digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;

	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0' || atoi(colon + 1) > 65535)
		return false;
	if (*value == '[')
		return colon > value + 2 && colon[-1] == ']';
	return memchr(value, ':', (size_t)(colon - value)) == NULL;
}

static int apply_address(
    const struct config_row *row, char **to, const char *value, struct error *err)
{
	if (!is_address(value))
		return refuse(row, value, "is not an address", err);
	apply_text(to, value);
	return 0;
}

/* Where NAME=... stands in the parameters, or the first free slot. */
static unsigned param_slot(const struct config_pool *pool, const char *name, size_t n)
{
	unsigned i = 0;

	while (i < pool->params_n &&
	    (strncmp(pool->params[i], name, n) != 0 || pool->params[i][n] != '='))
		i++;
	return i;
}

bool config_value_has_param(const struct config_pool *pool, const char *name)
{
	return param_slot(pool, name, strlen(name)) < pool->params_n;
}

const char *config_value_param(const struct config_pool *pool, const char *name, size_t n)
{
	unsigned slot = param_slot(pool, name, n);

	return slot < pool->params_n ? pool->params[slot] + n + 1 : NULL;
}

void config_value_copy_params(struct config_pool *into, const struct config_pool *from)
{
	for (unsigned i = 0; i < into->params_n; i++)
		free(into->params[i]);
	memset(into->params, 0, sizeof into->params);
	for (unsigned i = 0; i < from->params_n; i++)
		into->params[i] = xstrdup(from->params[i]);
	into->params_n = from->params_n;
}

int config_value_set_param(
    struct config_pool *pool, const char *name, const char *value, struct error *err)
{
	unsigned slot = param_slot(pool, name, strlen(name));
	size_t bytes = strlen(name) + 1 + strlen(value) + 1;
	char *param;

	if (slot == CONFIG_PARAMS_MAX)
		return error_set(err, ERROR_CONFIG,
		    "a pool has at most %d parameters for its engine", CONFIG_PARAMS_MAX);
	param = xcalloc(1, bytes);
	(void)snprintf(param, bytes, "%s=%s", name, value);
	free(pool->params[slot]);
	pool->params[slot] = param;
	pool->params_n = MAX(pool->params_n, slot + 1);
	return 0;
}

int config_value_apply(const struct config_row *row, void *object, const char *key,
    const char *value, struct error *err)
{
	switch (row->type) {
	case CONFIG_UINT:
	case CONFIG_SIZE:
	case CONFIG_REAL:
		return apply_number(row, field(row, object), value, err);
	case CONFIG_CHOICE:
		return apply_choice(row, field(row, object), value, err);
	case CONFIG_ADDRESS:
		return apply_address(row, field(row, object), value, err);
	case CONFIG_TEXT:
		apply_text(field(row, object), value);
		return 0;
	case CONFIG_PARAM:
		return config_value_set_param(object, key, value, err);
	case CONFIG_PARAMS:
		return config_value_set_param(object, key + strlen("param."), value, err);
	}
	return error_set(err, ERROR_CONFIG, "a row of the table has no type");
}

static size_t value_bytes(const struct config_row *row)
{
	return row->type == CONFIG_SIZE ? sizeof(size_t)
	    : row->type == CONFIG_REAL  ? sizeof(double)
					: sizeof(unsigned);
}

static bool is_text(const struct config_row *row)
{
	return row->type == CONFIG_TEXT || row->type == CONFIG_ADDRESS;
}

static const void *const_field(const struct config_row *row, const void *object)
{
	return (const char *)object + row->offset;
}

static const char *text_of(const struct config_row *row, const void *object)
{
	const char *text = *(char *const *)const_field(row, object);

	return text != NULL ? text : row->initial;
}

bool config_value_is_same(const struct config_row *row, const void *a, const void *b)
{
	const char *x, *y;

	if (!is_text(row))
		return memcmp(const_field(row, a), const_field(row, b), value_bytes(row)) == 0;
	x = text_of(row, a);
	y = text_of(row, b);
	return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

void config_value_copy(const struct config_row *row, void *into, const void *from)
{
	char **text = field(row, into);
	const char *other;

	if (!is_text(row)) {
		memcpy(field(row, into), const_field(row, from), value_bytes(row));
		return;
	}
	other = text_of(row, from);
	free(*text);
	*text = other == NULL ? NULL : xstrdup(other);
}

void config_value_text(
    const struct config_row *row, const void *object, char *out, size_t out_bytes)
{
	const void *at = const_field(row, object);
	const char *text = is_text(row) ? text_of(row, object) : NULL;

	if (is_text(row))
		(void)snprintf(out, out_bytes, "%s",
		    text == NULL          ? "unset"
			: text[0] == '\0' ? "empty"
					  : text);
	else if (row->type == CONFIG_CHOICE)
		(void)snprintf(out, out_bytes, "%s", row->choices[*(const unsigned *)at]);
	else if (row->type == CONFIG_REAL)
		(void)snprintf(out, out_bytes, "%g", *(const double *)at);
	else if (row->type == CONFIG_SIZE)
		(void)snprintf(out, out_bytes, "%zu", *(const size_t *)at);
	else
		(void)snprintf(out, out_bytes, "%u", *(const unsigned *)at);
}

void config_value_defaults(enum config_section section, void *object)
{
	struct error err = ERROR_INIT;
	char initial[CONFIG_INITIAL_BYTES];

	for (unsigned i = 0; i < config_table_n; i++) {
		const struct config_row *row = &config_table[i];

		config_value_initial(row, initial, sizeof initial);
		if (row->section == section && *initial != '\0' &&
		    config_value_apply(row, object, row->key, initial, &err) != 0)
			abort(); /* a default its own row refuses: config_test finds it */
	}
}

void config_value_done(enum config_section section, void *object)
{
	for (unsigned i = 0; i < config_table_n; i++) {
		const struct config_row *row = &config_table[i];

		if (row->section == section && is_text(row)) {
			free(*(char **)field(row, object));
			*(char **)field(row, object) = NULL;
		}
	}
}
