#define _GNU_SOURCE
#include "access/openai_realtime_patch.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "access/json_text.h"
#include "base/error.h"

enum { NAME_BYTES = 40 }; /* of a client's own word, in a path or a sentence */

static void blame(const struct realtime_patch *p, const char *code, const char *name)
{
	char inner[REALTIME_PARAM_BYTES - NAME_BYTES - 4];

	p->blame->code = code;
	(void)snprintf(inner, sizeof inner, "%.*s",
	    json_text_whole_characters(p->blame->param, sizeof inner - 1), p->blame->param);
	(void)snprintf(p->blame->param, sizeof p->blame->param, "%.*s%s%s",
	    json_text_whole_characters(name, NAME_BYTES), name, *inner == '\0' ? "" : ".", inner);
}

int realtime_patch_within(const struct realtime_patch *p, const char *name, int rc)
{
	if (rc < 0)
		blame(p, p->blame->code, name);
	return rc;
}

int realtime_patch_refuse(const struct realtime_patch *p, const char *code, const char *fmt, ...)
{
	char text[sizeof p->err->text];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	p->blame->code = code;
	return error_set(p->err, ERROR_INVALID, "%s", text);
}

int realtime_patch_refuse_kind(const struct realtime_patch *p, const char *wanted, const json_t *v)
{
	return realtime_patch_refuse(
	    p, "invalid_type", "this must be %s, not %s", wanted, json_text_kind(v));
}

int realtime_patch_refuse_word(
    const struct realtime_patch *p, const char *word, const char *allowed)
{
	return realtime_patch_refuse(p, "invalid_value", "\"%.*s\" is not known here; %s",
	    json_text_whole_characters(word, NAME_BYTES), word, allowed);
}

static int refuse_field(const struct realtime_patch *p, const char *name)
{
	blame(p, "unknown_parameter", name);
	return error_set(p->err, ERROR_INVALID, "there is no parameter \"%.*s\" here",
	    json_text_whole_characters(name, NAME_BYTES), name);
}

int realtime_patch_walk(const struct realtime_patch *p, const json_t *object,
    const struct realtime_field *fields, size_t n)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return realtime_patch_refuse_kind(p, "an object", object);
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		size_t i = 0;

		while (i < n && strcmp(fields[i].name, name) != 0)
			i++;
		if (i == n)
			return refuse_field(p, name);
		if (fields[i].take != NULL &&
		    realtime_patch_within(p, name, fields[i].take(p, value)) < 0)
			return -1;
	}
	return 0;
}

int realtime_patch_text(const struct realtime_patch *p, const json_t *v)
{
	return json_is_string(v) || json_is_null(v) ? 0 : realtime_patch_refuse_kind(p, "text", v);
}

int realtime_patch_texts(const struct realtime_patch *p, const json_t *v)
{
	size_t i;
	json_t *one;

	if (!json_is_array(v))
		return json_is_null(v) ? 0 : realtime_patch_refuse_kind(p, "an array of texts", v);
	json_array_foreach((json_t *)(uintptr_t)v, i, one)
	{
		if (!json_is_string(one))
			return realtime_patch_refuse(p, "invalid_type",
			    "this must be an array of texts, and there is %s in it",
			    json_text_kind(one));
	}
	return 0;
}

static bool is_unset(const json_t *v)
{
	return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0);
}

json_t *realtime_patch_merged(const json_t *was, const json_t *v)
{
	json_t *all = json_is_object(was) ? json_copy((json_t *)(uintptr_t)was) : json_object();
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)v, name, value)
	{
		if (is_unset(value))
			(void)json_object_del(all, name);
		else
			(void)json_object_set(all, name, value);
	}
	return all;
}
