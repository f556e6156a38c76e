#include "models/ct2.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "models/cursor.h"

enum { FORMAT = 6, VARIABLES_MAX = 8192, NAME_SHOWN = 60 };
static const char spec[] = "WhisperSpec";

struct ct2 {
	struct ct2_variable *variables; /* owned */
	uint32_t n;
};

static int cut(const struct cursor *c, const char *inside, struct error *err)
{
	return error_set(err, ERROR_CONFIG,
	    "the weights are cut: they have %zu bytes, and end inside %s", c->n, inside);
}

/* Its bytes, without the NULs that end them. */
static bool take_string(struct cursor *c, const char **out, size_t *n_out)
{
	uint16_t n;
	const uint8_t *bytes;

	if (!cursor_u16(c, &n) || (bytes = cursor_take(c, n)) == NULL)
		return false;
	while (n > 0 && bytes[n - 1] == '\0')
		n--;
	*out = (const char *)bytes;
	*n_out = n;
	return true;
}

static bool is_name(const char *bytes, size_t n, const char *name)
{
	return strlen(name) == n && memcmp(bytes, name, n) == 0;
}

static int take_header(struct cursor *c, uint32_t *n_out, struct error *err)
{
	uint32_t format, revision;
	const char *name;
	size_t name_n;

	if (!cursor_u32(c, &format))
		return cut(c, "its first number", err);
	if (format != FORMAT)
		return error_set(err, ERROR_CONFIG,
		    "the weights are not in CTranslate2's format %d: they begin with %u", FORMAT,
		    format);
	if (!take_string(c, &name, &name_n) || !cursor_u32(c, &revision) || !cursor_u32(c, n_out))
		return cut(c, "the header", err);
	if (!is_name(name, name_n, spec))
		return error_set(err, ERROR_CONFIG,
		    "the weights are of a %.*s in CTranslate2's form, not of a %s",
		    (int)MIN(name_n, NAME_SHOWN), name, spec);
	if (*n_out == 0 || *n_out > VARIABLES_MAX)
		return error_set(err, ERROR_CONFIG,
		    "the weights have %u variables; allowed are 1 to %d", *n_out, VARIABLES_MAX);
	return 0;
}

static bool take_dims(struct cursor *c, struct ct2_variable *v, uint64_t *elements)
{
	uint8_t n;

	if (!cursor_u8(c, &n) || n > CT2_DIMS_MAX)
		return false;
	v->dims_n = n;
	*elements = 1;
	for (unsigned i = 0; i < n; i++) {
		if (!cursor_u32(c, &v->dims[i]) || v->dims[i] == 0 ||
		    v->dims[i] > UINT32_MAX / *elements)
			return false;
		*elements *= v->dims[i];
	}
	return true;
}

static int take_variable(struct cursor *c, struct ct2_variable *v, struct error *err)
{
	uint64_t elements;
	uint32_t bytes;
	char name[NAME_SHOWN];

	if (!take_string(c, &v->name, &v->name_n))
		return cut(c, "the name of a variable", err);
	(void)snprintf(name, sizeof name, "%.*s", (int)MIN(v->name_n, NAME_SHOWN), v->name);
	if (!take_dims(c, v, &elements))
		return error_set(
		    err, ERROR_CONFIG, "the weights have a variable %s whose shape is none", name);
	if (!cursor_u8(c, &v->type) || !cursor_u32(c, &bytes))
		return cut(c, name, err);
	if (v->type == CT2_FLOAT16 && bytes != 2 * elements)
		return error_set(err, ERROR_CONFIG,
		    "the weights have a variable %s of %u bytes; its shape takes %llu", name, bytes,
		    2 * (unsigned long long)elements);
	v->data = cursor_take(c, bytes);
	v->bytes = bytes;
	return v->data != NULL ? 0 : cut(c, name, err);
}

/* Names that stand for others; nothing we need has one. */
static int take_aliases(struct cursor *c, struct error *err)
{
	uint32_t n;
	const char *name;
	size_t name_n;

	if (cursor_left(c) == 0)
		return 0;
	if (!cursor_u32(c, &n))
		return cut(c, "the number of aliases", err);
	for (uint64_t i = 0; i < 2 * (uint64_t)n; i++)
		if (!take_string(c, &name, &name_n))
			return cut(c, "an alias", err);
	if (cursor_left(c) != 0)
		return error_set(err, ERROR_CONFIG,
		    "the weights are followed by %zu bytes that do not belong to them",
		    cursor_left(c));
	return 0;
}

static int take_all(struct ct2 *c, struct cursor *from, struct error *err)
{
	if (take_header(from, &c->n, err) < 0)
		return -1;
	c->variables = xcalloc(c->n, sizeof *c->variables);
	for (uint32_t i = 0; i < c->n; i++)
		if (take_variable(from, &c->variables[i], err) < 0)
			return -1;
	return take_aliases(from, err);
}

struct ct2 *ct2_new(const uint8_t *data, size_t n, struct error *err)
{
	struct cursor from = { data, n, 0 };
	struct ct2 *c = xcalloc(1, sizeof *c);

	if (take_all(c, &from, err) < 0)
		ct2_free(&c);
	return c;
}

void ct2_free(struct ct2 **c)
{
	if (*c != NULL)
		free((*c)->variables);
	free(*c);
	*c = NULL;
}

static const struct ct2_variable *look_up(const struct ct2 *c, const char *name)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (is_name(c->variables[i].name, c->variables[i].name_n, name))
			return &c->variables[i];
	return NULL;
}

const struct ct2_variable *ct2_find(const struct ct2 *c, const char *name, struct error *err)
{
	const struct ct2_variable *v = look_up(c, name);

	if (v == NULL)
		(void)error_set(err, ERROR_CONFIG, "the weights have no variable %s", name);
	return v;
}

uint32_t ct2_layers(const struct ct2 *c, const char *side)
{
	char name[64];
	uint32_t n = 0;

	do
		(void)snprintf(name, sizeof name, "%s/layer_%u/ffn/linear_0/weight", side, n);
	while (look_up(c, name) != NULL && ++n < c->n);
	return n;
}
