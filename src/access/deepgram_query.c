#include "access/deepgram_query.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/deepgram_undone.h"
#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"
#include "net/query.h"

enum {
	SILENCE_MIN_MS = 100, /* of endpoint_config */
	SILENCE_MAX_MS = 10000,
	UTTERANCE_END_MIN_MS = 1000,
	UTTERANCE_END_MAX_MS = 60000,
	UTT_SPLIT_MS = 800, /* Deepgram's own */
	UTT_SPLIT_MAX_S = 60,
	VALUE_BYTES = 2049, /* 2048 characters are what Deepgram takes of the longest, extra */
	SHOWN_BYTES = 40,   /* of a value in a sentence */
};

enum scope { EVERYWHERE, LIVE_ONLY, FILES_ONLY };

struct parameter {
	const char *name;
	int (*read)(const struct parameter *p, const char *value, void *out, struct error *err);
	size_t offset;
	enum scope scope;
	const char *why; /* what is not done though it was set to true; NULL: it is done */
	unsigned unless; /* IPC_TAKES_*, of an engine that does it; of any value then */
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

/* Checked, and of no effect, as it is so here in any case. */
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
	    q->format.channels > FORMAT_CHANNELS_MAX)
		return refuse(p, value, "1 to 8", err);
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

static int read_utt_split(
    const struct parameter *p, const char *value, void *out, struct error *err)
{
	char *end;
	double s = strtod(value, &end);

	if (end == value || *end != '\0' || !(s >= 0 && s <= UTT_SPLIT_MAX_S))
		return refuse(p, value, "a number of seconds from 0 to 60", err);
	*(unsigned *)out = (unsigned)(s * 1000 + 0.5);
	return 0;
}

static int read_label(const struct parameter *p, const char *value, void *out, struct error *err)
{
	struct deepgram_query *q = out;
	size_t n = strlen(value) + 1;

	if (n + 1 > sizeof q->labels - q->labels_n)
		return error_set(err, ERROR_INVALID, "tag and extra together are over %d bytes",
		    DEEPGRAM_LABELS_BYTES - 1);
	q->labels[q->labels_n++] = *p->name;
	memcpy(q->labels + q->labels_n, value, n);
	q->labels_n += n;
	return 0;
}

static int read_name(const struct parameter *p, const char *value, void *out, struct error *err)
{
	if (strlen(value) >= DEEPGRAM_NAME_BYTES)
		return refuse(p, value, "a name of 63 bytes at most", err);
	(void)strcpy(out, value);
	return 0;
}

/* "word:boost" of the older of the two. */
static size_t without_boost(const struct parameter *p, const char *value)
{
	const char *colon = strcmp(p->name, "keywords") == 0 ? strrchr(value, ':') : NULL;

	return colon != NULL && colon[1 + strspn(colon + 1, "-+.0123456789")] == '\0'
	    ? (size_t)(colon - value)
	    : strlen(value);
}

/* What does not fit is passed over. */
static int read_hot_word(const struct parameter *p, const char *value, void *out, struct error *err)
{
	struct deepgram_query *q = out;
	struct wanted wanted = { .translate = false };
	size_t n = without_boost(p, value);

	(void)err;
	wanted_hot_words(&wanted, q->hot_words, strlen(q->hot_words));
	wanted_hot_words(&wanted, value, n);
	if (wanted.hot_words != NULL)
		(void)snprintf(q->hot_words, sizeof q->hot_words, "%s", wanted.hot_words);
	wanted_done(&wanted);
	return 0;
}

#define AT(field) offsetof(struct deepgram_query, field)

static const char unpunctuated[] =
    "a text gets a capital and a full stop; what else it has of either is the recogniser's";

static const char unweighted[] = "the recogniser's words are not weighted";

static const struct parameter parameters[] = {
	{ "model", read_name, AT(model), EVERYWHERE, NULL, 0 },
	{ "language", read_name, AT(language), EVERYWHERE, NULL, 0 },
	{ "encoding", read_encoding, 0, EVERYWHERE, NULL, 0 },
	{ "sample_rate", read_rate, 0, EVERYWHERE, NULL, 0 },
	{ "channels", read_channels, 0, EVERYWHERE, NULL, 0 },
	{ "multichannel", read_bool, AT(multichannel), EVERYWHERE, NULL, 0 },
	{ "interim_results", read_bool, AT(interim_results), LIVE_ONLY, NULL, 0 },
	{ "endpointing", read_endpointing, 0, LIVE_ONLY, NULL, 0 },
	{ "utterance_end_ms", read_utterance_end, 0, LIVE_ONLY, NULL, 0 },
	{ "vad_events", read_bool, AT(vad_events), LIVE_ONLY, NULL, 0 },
	{ "punctuate", read_either, AT(formatted), EVERYWHERE, unpunctuated, 0 },
	{ "smart_format", read_either, AT(formatted), EVERYWHERE, unpunctuated, 0 },
	{ "utterances", read_bool, AT(utterances), FILES_ONLY, NULL, 0 },
	{ "utt_split", read_utt_split, AT(utt_split_ms), FILES_ONLY, NULL, 0 },
	{ "paragraphs", read_bool, AT(paragraphs), FILES_ONLY, NULL, 0 },
	{ "detect_language", read_there, AT(detect_language), FILES_ONLY, NULL, 0 },
	{ "tag", read_label, 0, EVERYWHERE, NULL, 0 },
	{ "extra", read_label, 0, EVERYWHERE, NULL, 0 },
	{ "no_delay", read_idle_bool, 0, EVERYWHERE, NULL, 0 },
	{ "mip_opt_out", read_idle_bool, 0, EVERYWHERE, NULL, 0 },
	{ "keyterm", read_hot_word, 0, EVERYWHERE, unweighted, IPC_TAKES_HOT_WORDS },
	{ "keywords", read_hot_word, 0, EVERYWHERE, unweighted, IPC_TAKES_HOT_WORDS },
};

static const struct parameter *find(struct query_span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		if (query_is(name, parameters[i].name))
			return &parameters[i];
	return NULL;
}

static void warn(struct deepgram_query *q, struct query_span name, const char *why, unsigned unless)
{
	struct deepgram_warning *w = &q->warnings[q->warnings_n];

	for (unsigned i = 0; i < q->warnings_n; i++)
		if (query_is(name, q->warnings[i].parameter))
			return;
	if (q->warnings_n == DEEPGRAM_WARNINGS_MAX) {
		q->warnings_more++;
		return;
	}
	q->warnings_n++;
	for (size_t i = 0; i < MIN(name.n, sizeof w->parameter - 1); i++)
		w->parameter[i] = name.at[i] > ' ' && name.at[i] < 0x7f ? name.at[i] : '?';
	w->why = why;
	w->unless = unless;
}

static int decode(const char *name, struct query_span s, char *out, struct error *err)
{
	switch (query_decode(s, QUERY_PLUS_IS_SPACE, out, VALUE_BYTES)) {
	case QUERY_BROKEN:
		return error_set(err, ERROR_INVALID, "%s is not properly percent-encoded", name);
	case QUERY_TOO_LONG:
		return error_set(err, ERROR_INVALID, "%s is over %d bytes", name, VALUE_BYTES - 1);
	case QUERY_DECODED:
		break;
	}
	return 0;
}

static bool is_hot_word(const struct parameter *p, const char *value)
{
	return p->unless != 0 && *value != '\0' && strcasecmp(value, "false") != 0;
}

static int read_known(const struct parameter *p, const struct query_pair *pair,
    enum deepgram_use use, struct deepgram_query *q, struct error *err)
{
	char value[VALUE_BYTES];

	if (decode(p->name, pair->value, value, err) != 0 ||
	    p->read(p, value, (char *)q + p->offset, err) != 0)
		return -1;
	if (p->why != NULL && (is_true(value) || is_hot_word(p, value)))
		warn(q, pair->name, p->why, p->unless);
	if (strcasecmp(value, "false") == 0)
		return 0;
	if (p->scope == LIVE_ONLY && use == DEEPGRAM_FILE)
		warn(q, pair->name, "it is for live streams", 0);
	if (p->scope == FILES_ONLY && use == DEEPGRAM_LIVE)
		warn(q, pair->name, "it is for files", 0);
	return 0;
}

static int read_other(const struct query_pair *pair, struct deepgram_query *q, struct error *err)
{
	char name[DEEPGRAM_NAME_BYTES] = "", value[VALUE_BYTES];
	const char *why = "this server knows no such parameter";

	if (pair->name.n < sizeof name)
		memcpy(name, pair->name.at, pair->name.n);
	switch (query_decode(pair->value, QUERY_PLUS_IS_SPACE, value, sizeof value)) {
	case QUERY_BROKEN:
	case QUERY_TOO_LONG:
		(void)strcpy(value, "?"); /* something, that nobody will look at */
		break;
	case QUERY_DECODED:
		break;
	}
	switch (deepgram_undone_read(name, value, &why, err)) {
	case DEEPGRAM_UNDONE_REFUSED:
		return -1;
	case DEEPGRAM_UNDONE_NOT_ASKED:
		return 0;
	case DEEPGRAM_UNDONE_ASKED:
	case DEEPGRAM_UNDONE_OTHER:
		if (pair->name.n > 0)
			warn(q, pair->name, why, 0);
		break;
	}
	return 0;
}

static int read_pair(const struct query_pair *pair, enum deepgram_use use, struct deepgram_query *q,
    struct error *err)
{
	const struct parameter *p = find(pair->name);

	return p == NULL ? read_other(pair, q, err) : read_known(p, pair, use, q, err);
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

int deepgram_query_read(
    const char *query, enum deepgram_use use, struct deepgram_query *out, struct error *err)
{
	struct query_pair pair;

	*out = (struct deepgram_query){ .format.channels = 1, .utt_split_ms = UTT_SPLIT_MS };
	while (query_next(&query, &pair))
		if (read_pair(&pair, use, out, err) != 0)
			return -1;
	return check_format(out, err);
}

void deepgram_query_settle(struct deepgram_query *q, unsigned takes)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < q->warnings_n; i++)
		if (q->warnings[i].unless == 0 || (q->warnings[i].unless & ~takes) != 0)
			q->warnings[kept++] = q->warnings[i];
	q->warnings_n = kept;
}

void deepgram_query_wishes(const struct deepgram_query *q, struct wanted *out)
{
	wanted_language(out, q->detect_language && q->language[0] == '\0' ? "auto" : q->language);
	wanted_hot_words(out, q->hot_words, strlen(q->hot_words));
}

void deepgram_query_endpoint(const struct deepgram_query *q, struct endpoint_config *endpoint)
{
	if (q->endpointing_ms > 0)
		endpoint->post_silence_ms = q->endpointing_ms;
}
