#include "access/openai_realtime_format.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "access/openai_realtime_patch.h"
#include "base/util.h"

enum { PCM_RATE_HZ = 24000, G711_RATE_HZ = 8000 };

static const struct row {
	const char *type, *flat;
	enum encoding encoding;
	unsigned rate_hz; /* when none is said */
} rows[] = {
	{ "audio/pcm", "pcm16", ENCODING_S16LE, PCM_RATE_HZ },
	{ "audio/pcmu", "g711_ulaw", ENCODING_MULAW, G711_RATE_HZ },
	{ "audio/pcma", "g711_alaw", ENCODING_ALAW, G711_RATE_HZ },
};

static const struct row *row_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].type, word) == 0 || strcmp(rows[i].flat, word) == 0)
			return &rows[i];
	return NULL;
}

static const struct row *row_of_format(const json_t *format)
{
	return row_of(json_string_value(json_object_get(format, "type")));
}

static json_t *json_of(const struct row *row, unsigned rate_hz)
{
	return row->encoding == ENCODING_S16LE
	    ? json_pack("{s:s,s:i}", "type", row->type, "rate", (int)rate_hz)
	    : json_pack("{s:s}", "type", row->type);
}

/* null is back to what the type has. */
static int read_rate(
    const struct realtime_patch *p, const struct row *row, const json_t *v, unsigned *rate_hz)
{
	double hz = json_number_value(v);
	unsigned max_hz = row->encoding == ENCODING_S16LE ? FORMAT_RATE_MAX_HZ : G711_RATE_HZ;

	*rate_hz = row->rate_hz;
	if (json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return realtime_patch_refuse_kind(p, "a number", v);
	if (hz != floor(hz) || hz < FORMAT_RATE_MIN_HZ || hz > max_hz)
		return realtime_patch_refuse(p, "invalid_value", "rate %.16g is not supported; %s",
		    hz, max_hz == FORMAT_RATE_MAX_HZ ? "8000 to 192000" : "G.711 has 8000");
	*rate_hz = (unsigned)hz;
	return 0;
}

static json_t *patched_object(
    const struct realtime_patch *p, const json_t *was, const json_t *type, const json_t *rate)
{
	const struct row *row = json_is_string(type) ? row_of(json_string_value(type)) : NULL;
	unsigned rate_hz;

	if (!json_is_string(type)) {
		(void)realtime_patch_within(p, "type", realtime_patch_refuse_kind(p, "text", type));
		return NULL;
	}
	if (row == NULL) {
		(void)realtime_patch_within(p, "type",
		    realtime_patch_refuse_word(
			p, json_string_value(type), "audio/pcm, audio/pcmu or audio/pcma"));
		return NULL;
	}
	if (rate == NULL)
		return row == row_of_format(was) ? json_copy((json_t *)(uintptr_t)was)
						 : json_of(row, row->rate_hz);
	if (realtime_patch_within(p, "rate", read_rate(p, row, rate, &rate_hz)) < 0)
		return NULL;
	return json_of(row, rate_hz);
}

json_t *realtime_format_default(void)
{
	return json_of(&rows[0], rows[0].rate_hz);
}

json_t *realtime_format_patched(const struct realtime_patch *p, const json_t *was, const json_t *v)
{
	static const struct realtime_field fields[] = { { "type", NULL }, { "rate", NULL } };
	const json_t *type = json_object_get(v, "type");
	const struct row *row;

	if (json_is_null(v))
		return realtime_format_default();
	if (!json_is_string(v))
		return realtime_patch_walk(p, v, fields, ARRAY_SIZE(fields)) < 0
		    ? NULL
		    : patched_object(p, was, type != NULL ? type : json_object_get(was, "type"),
			  json_object_get(v, "rate"));
	row = row_of(json_string_value(v));
	if (row != NULL)
		return json_of(row, row->rate_hz);
	(void)realtime_patch_refuse_word(p, json_string_value(v), "pcm16, g711_ulaw or g711_alaw");
	return NULL;
}

const char *realtime_format_flat(const json_t *format)
{
	return row_of_format(format)->flat;
}

struct format realtime_format_of(const json_t *format)
{
	const struct row *row = row_of_format(format);
	const json_t *rate = json_object_get(format, "rate");

	return (struct format){ .encoding = row->encoding,
		.rate_hz = rate == NULL ? row->rate_hz : (unsigned)json_integer_value(rate),
		.channels = 1 };
}
