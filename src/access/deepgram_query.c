#include "access/deepgram_query.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"
#include "net/query.h"

enum {
	SILENCE_MIN_MS = 100, /* of endpoint_config */
	SILENCE_MAX_MS = 10000,
	UTTERANCE_END_MIN_MS = 1000,
	UTTERANCE_END_MAX_MS = 60000,
	VALUE_BYTES = 2048, /* a callback may be long, though nobody calls it */
	SHOWN_BYTES = 40,   /* of a value in a sentence */
};

struct parameter {
	const char *name;
	int (*read)(const struct parameter *p, const char *value, void *out, struct error *err);
	size_t offset;
};

static int refuse(
    const struct parameter *p, const char *value, const char *allowed, struct error *err)
{
	return error_set(err, ERROR_INVALID, "%s is '%.*s'; allowed is %s", p->name,
	    json_text_whole_characters(value, SHOWN_BYTES), value, allowed);
}

static bool is_true(const char *value)
{
	return strcasecmp(value, "true") == 0;
}

static int read_bool(const struct parameter *p, const char *value, void *out, struct error *err)
{
	if (!is_true(value) && strcasecmp(value, "false") != 0)
		return refuse(p, value, "true or false", err);
	*(bool *)out = is_true(value);
	return 0;
}

/* One of two parameters that mean the same here: true once is true. */
static int read_either(const struct parameter *p, const char *value, void *out, struct error *err)
{
	bool one = false;

	if (read_bool(p, value, &one, err) != 0)
		return -1;
	*(bool *)out |= one;
	return 0;
}

/* Checked, and of no effect. */
static int read_idle_bool(
    const struct parameter *p, const char *value, void *out, struct error *err)
{
	bool nothing;

	(void)out;
	return read_bool(p, value, &nothing, err);
}

static int read_there(const struct parameter *p, const char *value, void *out, struct error *err)
{
	(void)p;
	(void)err;
	*(bool *)out = *value != '\0' && strcasecmp(value, "false") != 0;
	return 0;
}

/* Digits only, so that no sign, space or exponent is one. */
static bool read_number(const char *value, unsigned *out)
{
	size_t n = strspn(value, "0123456789");

	if (n == 0 || n > 9 || value[n] != '\0')
		return false;
	*out = (unsigned)strtoul(value, NULL, 10);
	return true;
}

static int read_rate(const struct parameter *p, const char *value, void *out, struct error *err)
{
	struct deepgram_query *q = out;

	return read_number(value, &q->format.rate_hz) ? 0 : refuse(p, value, "a number of Hz", err);
}

static int read_channels(const struct parameter *p, const char *value, void *out, struct error *err)
{
	struct deepgram_query *q = out;

	if (!read_number(value, &q->format.channels) || q->format.channels < 1 ||
	    q->format.channels > DEEPGRAM_CHANNELS_MAX)
		return refuse(p, value, "1 or 2", err);
	return 0;
}

static int read_encoding(const struct parameter *p, const char *value, void *out, struct error *err)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} known[] = {
		{ "linear16", ENCODING_S16LE },
		{ "linear32", ENCODING_F32LE },
		{ "mulaw", ENCODING_MULAW },
		{ "alaw", ENCODING_ALAW },
	};
	struct deepgram_query *q = out;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcasecmp(value, known[i].name) == 0) {
			q->format.encoding = known[i].encoding;
			q->raw = true;
			return 0;
		}
	q->raw = false;
	if (strcasecmp(value, "flac") == 0 || strcasecmp(value, "ogg-opus") == 0)
		return 0; /* it shows in its first bytes what it is */
	return refuse(
	    p, value, "linear16, linear32, mulaw, alaw, flac or ogg-opus, or none for a file", err);
}

static int read_endpointing(
    const struct parameter *p, const char *value, void *out, struct error *err)
{
	struct deepgram_query *q = out;
	unsigned ms = 0;

	q->no_endpointing = strcasecmp(value, "false") == 0;
	q->endpointing_ms = 0;
	if (q->no_endpointing || is_true(value))
		return 0;
	if (!read_number(value, &ms))
		return refuse(p, value, "true, false or a number of ms", err);
	q->endpointing_ms = MIN(MAX(ms, (unsigned)SILENCE_MIN_MS), (unsigned)SILENCE_MAX_MS);
	return 0;
}

static int read_utterance_end(
    const struct parameter *p, const char *value, void *out, struct error *err)
{
	struct deepgram_query *q = out;
	unsigned ms = 0;

	q->utterance_end_ms = 0;
	if (strcasecmp(value, "false") == 0)
		return 0;
	if (!read_number(value, &ms))
		return refuse(p, value, "a number of ms, 1000 or more", err);
	q->utterance_end_ms =
	    MIN(MAX(ms, (unsigned)UTTERANCE_END_MIN_MS), (unsigned)UTTERANCE_END_MAX_MS);
	return 0;
}

static int read_name(const struct parameter *p, const char *value, void *out, struct error *err)
{
	if (strlen(value) >= DEEPGRAM_NAME_BYTES)
		return refuse(p, value, "a name of 63 bytes at most", err);
	(void)strcpy(out, value);
	return 0;
}

#define AT(field) offsetof(struct deepgram_query, field)

static const struct parameter parameters[] = {
	{ "model", read_name, AT(model) },
	{ "language", read_name, AT(language) },
	{ "encoding", read_encoding, 0 },
	{ "sample_rate", read_rate, 0 },
	{ "channels", read_channels, 0 },
	{ "multichannel", read_bool, AT(multichannel) },
	{ "interim_results", read_bool, AT(interim_results) },
	{ "endpointing", read_endpointing, 0 },
	{ "utterance_end_ms", read_utterance_end, 0 },
	{ "vad_events", read_bool, AT(vad_events) },
	{ "punctuate", read_either, AT(formatted) },
	{ "smart_format", read_either, AT(formatted) },
	{ "utterances", read_bool, AT(utterances) },
	{ "detect_language", read_there, AT(detect_language) },
	{ "callback", read_there, AT(callback) },
	{ "numerals", read_idle_bool, 0 },
	{ "profanity_filter", read_idle_bool, 0 },
	{ "dictation", read_idle_bool, 0 },
	{ "filler_words", read_idle_bool, 0 },
	{ "diarize", read_idle_bool, 0 },
	{ "no_delay", read_idle_bool, 0 },
	{ "mip_opt_out", read_idle_bool, 0 },
	{ "paragraphs", read_idle_bool, 0 },
};

static const struct parameter *find(struct query_span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		if (query_is(name, parameters[i].name))
			return &parameters[i];
	return NULL;
}

static int decode(const struct parameter *p, struct query_span s, char *out, struct error *err)
{
	switch (query_decode(s, QUERY_PLUS_IS_SPACE, out, VALUE_BYTES)) {
	case QUERY_BROKEN:
		return error_set(err, ERROR_INVALID, "%s is not properly percent-encoded", p->name);
	case QUERY_TOO_LONG:
		return error_set(
		    err, ERROR_INVALID, "%s is over %d bytes", p->name, VALUE_BYTES - 1);
	case QUERY_DECODED:
		break;
	}
	return 0;
}

static int read_pair(const struct query_pair *pair, struct deepgram_query *q, struct error *err)
{
	const struct parameter *p = find(pair->name);
	char value[VALUE_BYTES];

	if (p == NULL)
		return 0;
	if (decode(p, pair->value, value, err) != 0)
		return -1;
	return p->read(p, value, (char *)q + p->offset, err);
}

static int check_format(const struct deepgram_query *q, struct error *err)
{
	if (!q->raw)
		return 0;
	if (q->format.rate_hz == 0)
		return error_set(err, ERROR_INVALID,
		    "encoding is given and sample_rate is not; raw audio needs both");
	return format_check(&q->format, err);
}

int deepgram_query_read(const char *query, struct deepgram_query *out, struct error *err)
{
	struct query_pair pair;

	*out = (struct deepgram_query){ .format.channels = 1 };
	while (query_next(&query, &pair))
		if (read_pair(&pair, out, err) != 0)
			return -1;
	return check_format(out, err);
}

void deepgram_query_endpoint(const struct deepgram_query *q, struct endpoint_config *endpoint)
{
	if (q->endpointing_ms > 0)
		endpoint->post_silence_ms = q->endpointing_ms;
}
