#define _GNU_SOURCE
#include "access/wyoming_frame.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"

enum { TYPE_BYTES = 100 };

void wyoming_reader_init(struct wyoming_reader *r, size_t max_bytes)
{
	*r = (struct wyoming_reader){ .max_bytes = max_bytes };
	buffer_init(&r->bytes, MAX(max_bytes, (size_t)WYOMING_LINE_BYTES));
}

static void forget(struct wyoming_reader *r)
{
	json_decref(r->line);
	json_decref(r->data);
	r->line = r->data = NULL;
	r->data_n = r->payload_n = 0;
	r->part = WYOMING_LINE;
	buffer_consume(&r->bytes, r->bytes.len);
}

void wyoming_reader_done(struct wyoming_reader *r)
{
	forget(r);
	buffer_done(&r->bytes);
}

/* Null, 0 and no such field all mean that there is nothing. */
static int read_length(
    const struct wyoming_reader *r, const char *field, size_t *out, struct error *err)
{
	const json_t *v = json_object_get(r->line, field);
	json_int_t n = json_integer_value(v);

	if (v != NULL && !json_is_null(v) && (!json_is_integer(v) || n < 0))
		return error_set(
		    err, ERROR_INVALID, "%s must be a whole number of bytes from 0 up", field);
	if ((uint64_t)n > r->max_bytes)
		return error_set(err, ERROR_LIMIT, "%s %lld is over max_message_bytes %zu", field,
		    (long long)n, r->max_bytes);
	*out = (size_t)n;
	return 0;
}

static int read_lengths(struct wyoming_reader *r, struct error *err)
{
	if (read_length(r, "data_length", &r->data_n, err) < 0 ||
	    read_length(r, "payload_length", &r->payload_n, err) < 0)
		return -1;
	if (r->data_n > r->max_bytes - r->payload_n)
		return error_set(err, ERROR_LIMIT,
		    "data_length %zu and payload_length %zu are over max_message_bytes %zu",
		    r->data_n, r->payload_n, r->max_bytes);
	return 0;
}

static int read_type(const struct wyoming_reader *r, struct error *err)
{
	const json_t *type = json_object_get(r->line, "type");

	if (json_is_string(type) && json_string_length(type) <= TYPE_BYTES)
		return 0;
	return error_set(err, ERROR_INVALID,
	    "an event must have a \"type\" that is text of at most %d bytes", TYPE_BYTES);
}

/* The line's own data, which most writers leave out. */
static int take_inline_data(struct wyoming_reader *r, struct error *err)
{
	json_t *data = json_object_get(r->line, "data");

	if (data == NULL || json_is_null(data))
		r->data = json_object();
	else if (json_is_object(data))
		r->data = json_incref(data);
	else
		return error_set(
		    err, ERROR_INVALID, "data must be an object, not %s", json_text_kind(data));
	return r->data == NULL ? error_set(err, ERROR_SYSTEM, "no memory for an event") : 0;
}

static int take_line(struct wyoming_reader *r, struct error *err)
{
	r->line = json_text_read_object((const char *)buffer_head(&r->bytes), r->bytes.len, err);
	if (r->line == NULL)
		return error_prefix(err, "an event's first line");
	if (read_type(r, err) < 0 || read_lengths(r, err) < 0)
		return -1;
	return take_inline_data(r, err);
}

static int take_data(struct wyoming_reader *r, struct error *err)
{
	json_t *data =
	    json_text_read_object((const char *)buffer_head(&r->bytes), r->bytes.len, err);
	int rc;

	if (data == NULL)
		return error_prefix(
		    err, "the data of %s", json_string_value(json_object_get(r->line, "type")));
	rc = json_object_update(r->data, data);
	json_decref(data);
	return rc == 0 ? 0 : error_set(err, ERROR_SYSTEM, "no memory for an event");
}

/* Bytes that the part in work still wants of the n that have come; *whole_out: it is whole with them. */
static size_t wanted_of_line(const uint8_t *bytes, size_t n, bool *whole_out)
{
	const uint8_t *end = n == 0 ? NULL : memchr(bytes, '\n', n);

	*whole_out = end != NULL;
	return end == NULL ? n : (size_t)(end - bytes) + 1;
}

static size_t wanted(
    const struct wyoming_reader *r, const uint8_t *bytes, size_t n, bool *whole_out)
{
	size_t missing;

	if (r->part == WYOMING_LINE)
		return wanted_of_line(bytes, n, whole_out);
	missing = (r->part == WYOMING_DATA ? r->data_n : r->payload_n) - r->bytes.len;
	*whole_out = n >= missing;
	return MIN(n, missing);
}

static int keep(struct wyoming_reader *r, const uint8_t *bytes, size_t n, struct error *err)
{
	if (r->part == WYOMING_LINE && n > WYOMING_LINE_BYTES - r->bytes.len)
		return error_set(err, ERROR_LIMIT,
		    "an event's first line may have %d bytes; what is longer goes behind it, with "
		    "data_length",
		    WYOMING_LINE_BYTES);
	if (n > 0 && buffer_append(&r->bytes, bytes, n) < 0)
		return error_set(err, ERROR_SYSTEM, "no memory for an event");
	return 0;
}

/* The part is whole: what it says, and what comes next. Only a payload's bytes are kept. */
static int take_part(struct wyoming_reader *r, struct error *err)
{
	int rc = 0;

	if (r->part == WYOMING_LINE)
		rc = take_line(r, err);
	else if (r->part == WYOMING_DATA && r->data_n > 0)
		rc = take_data(r, err);
	if (r->part != WYOMING_PAYLOAD)
		buffer_consume(&r->bytes, r->bytes.len);
	return rc;
}

static void lend(const struct wyoming_reader *r, struct wyoming_event *event)
{
	*event = (struct wyoming_event){
		.type = json_string_value(json_object_get(r->line, "type")),
		.data = r->data,
		.payload = buffer_head(&r->bytes),
		.payload_n = r->payload_n,
	};
}

static bool is_lent(const struct wyoming_reader *r)
{
	return r->part == WYOMING_PAYLOAD && r->bytes.len == r->payload_n;
}

enum wyoming_progress wyoming_read(struct wyoming_reader *r, const uint8_t *bytes, size_t n,
    size_t *taken_out, struct wyoming_event *event, struct error *err)
{
	bool whole;

	*taken_out = 0;
	if (is_lent(r))
		forget(r);
	for (;;) {
		size_t more = wanted(r, bytes + *taken_out, n - *taken_out, &whole);

		if (keep(r, bytes + *taken_out, more, err) < 0)
			return WYOMING_BAD;
		*taken_out += more;
		if (!whole)
			return WYOMING_MORE;
		if (take_part(r, err) < 0)
			return WYOMING_BAD;
		if (r->part == WYOMING_PAYLOAD)
			break;
		r->part++;
	}
	lend(r, event);
	return WYOMING_EVENT;
}

static json_t *line_of(const char *type, size_t data_n)
{
	if (data_n == 0)
		return json_pack("{s:s}", "type", type);
	return json_pack("{s:s,s:I}", "type", type, "data_length", (json_int_t)data_n);
}

static char *join(const char *line, const char *data, size_t *n_out)
{
	size_t n = strlen(line) + 1 + strlen(data);
	char *bytes = malloc(n + 1);

	if (bytes == NULL)
		return NULL;
	(void)snprintf(bytes, n + 1, "%s\n%s", line, data);
	*n_out = n;
	return bytes;
}

char *wyoming_write(const char *type, json_t *data, size_t *n_out)
{
	bool none = json_object_size(data) == 0;
	char *text = none ? strdup("") : json_dumps(data, JSON_COMPACT);
	json_t *line = text == NULL ? NULL : line_of(type, strlen(text));
	char *head = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
	char *bytes = head == NULL ? NULL : join(head, text, n_out);

	json_decref(data);
	json_decref(line);
	free(text);
	free(head);
	return bytes;
}
