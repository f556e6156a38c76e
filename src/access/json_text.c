#define _GNU_SOURCE
#include "access/json_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

json_t *json_text_of(const char *bytes, size_t n)
{
	json_t *text = json_stringn(bytes, n);
	char *copy;

	if (text != NULL)
		return text;
	copy = malloc(n + 1);
	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		copy[i] = (unsigned char)bytes[i] < 0x80 ? bytes[i] : '?';
	text = json_stringn(copy, n);
	free(copy);
	return text;
}

json_t *json_text_seconds(uint64_t ms)
{
	return json_real((double)ms / 1000.0);
}

json_t *json_text_confidence(float c)
{
	return json_real((double)(int)(c * 10000.0f + 0.5f) / 10000.0);
}

/* Counts those in texts too, which are few. */
int json_text_check(const char *text, size_t n, struct error *err)
{
	size_t values = 0;

	for (size_t i = 0; i < n; i++)
		values += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return values <= JSON_TEXT_VALUES_MAX
	    ? 0
	    : error_set(err, ERROR_LIMIT, "the message is JSON of more than %d values",
		  JSON_TEXT_VALUES_MAX);
}

json_t *json_text_read(const char *text, size_t n, struct error *err)
{
	json_error_t why;
	json_t *message;

	if (json_text_check(text, n, err) < 0)
		return NULL;
	message = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (message == NULL)
		(void)error_set(err, ERROR_INVALID, "the message is not JSON: %s at byte %d",
		    why.text, why.position);
	return message;
}

json_t *json_text_read_object(const char *text, size_t n, struct error *err)
{
	json_t *message = json_text_read(text, n, err);

	if (message == NULL)
		return NULL;
	if (json_is_object(message))
		return message;
	(void)error_set(
	    err, ERROR_INVALID, "a message must be a JSON object, not %s", json_text_kind(message));
	json_decref(message);
	return NULL;
}

static bool number_in(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == '\0';
}

bool json_text_number(const json_t *v, double *out)
{
	if (json_is_string(v))
		return number_in(json_string_value(v), out);
	*out = json_is_boolean(v) ? (double)json_is_true(v) : json_number_value(v);
	return json_is_boolean(v) || json_is_number(v);
}

bool json_text_flag(const json_t *v, bool *out)
{
	const char *text = json_is_string(v) ? json_string_value(v) : "";
	double n = 0;

	if (strcasecmp(text, "true") == 0)
		n = 1;
	else if (strcasecmp(text, "false") != 0 && !json_text_number(v, &n))
		return false;
	*out = n != 0;
	return true;
}

bool json_text_whole(const json_t *v, unsigned min, unsigned max, unsigned *out)
{
	double n;

	if (json_is_boolean(v) || !json_text_number(v, &n) || !(n >= min && n <= max) ||
	    n != (double)(unsigned)n)
		return false;
	*out = (unsigned)n;
	return true;
}

const char *json_text_kind(const json_t *v)
{
	static const char *const names[] = { "an object", "an array", "text", "a number",
		"a number", "true", "false", "null" };

	return names[json_typeof(v)];
}

int json_text_whole_characters(const char *text, int max)
{
	int n = (int)strnlen(text, (size_t)max + 1);

	if (n <= max)
		return n;
	for (n = max; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
		continue;
	return n;
}
