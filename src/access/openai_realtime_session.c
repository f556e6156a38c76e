/* An update is walked with a table for each object in it: a field that is in no table is refused by its whole path, those
 * that only mean something to a conversation with a model are passed over. */
#define _GNU_SOURCE
#include "access/openai_realtime_session.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"

enum { PCM_RATE_HZ = 24000, G711_RATE_HZ = 8000, RATE_MIN_HZ = 8000, RATE_MAX_HZ = 48000 };

/* What a client may set and our endpointer takes: more is brought into range rather than refused, as the hosted service's
 * range is another one. */
enum { PREFIX_MAX_MS = 2000, SILENCE_MIN_MS = 100, SILENCE_MAX_MS = 10000 };

struct update {
	struct realtime_session *s;
	struct error *err;
	struct realtime_blame *blame;
};

typedef int take_f(const struct update *u, const json_t *v);

struct field {
	const char *name;
	take_f *take; /* NULL: passed over */
};

static void blame(const struct update *u, const char *code, const char *name)
{
	char inner[REALTIME_PARAM_BYTES - 44];

	u->blame->code = code;
	(void)snprintf(inner, sizeof inner, "%.*s",
	    json_text_whole_characters(u->blame->param, sizeof inner - 1), u->blame->param);
	(void)snprintf(u->blame->param, sizeof u->blame->param, "%.*s%s%s",
	    json_text_whole_characters(name, 40), name, *inner == '\0' ? "" : ".", inner);
}

/* Puts the name of the object around what is blamed in it. */
static int within(const struct update *u, const char *name, int rc)
{
	if (rc < 0)
		blame(u, u->blame->code, name);
	return rc;
}

static int refuse_kind(const struct update *u, const char *wanted, const json_t *v)
{
	u->blame->code = "invalid_type";
	return error_set(
	    u->err, ERROR_INVALID, "this must be %s, not %s", wanted, json_text_kind(v));
}

static int refuse_word(const struct update *u, const char *word, const char *allowed)
{
	u->blame->code = "invalid_value";
	return error_set(u->err, ERROR_INVALID, "\"%.*s\" is not known here; %s",
	    json_text_whole_characters(word, 40), word, allowed);
}

static int refuse_field(const struct update *u, const char *name)
{
	blame(u, "unknown_parameter", name);
	return error_set(u->err, ERROR_INVALID, "there is no parameter \"%.*s\" here",
	    json_text_whole_characters(name, 40), name);
}

static void set(json_t **at, json_t *v)
{
	json_decref(*at);
	*at = v;
}

static int walk(const struct update *u, const json_t *object, const struct field *fields, size_t n)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return refuse_kind(u, "an object", object);
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		size_t i = 0;

		while (i < n && strcmp(fields[i].name, name) != 0)
			i++;
		if (i == n)
			return refuse_field(u, name);
		if (fields[i].take != NULL && within(u, name, fields[i].take(u, value)) < 0)
			return -1;
	}
	return 0;
}

/* Formats. */

static const struct format_row {
	const char *type, *flat;
	enum encoding encoding;
	unsigned rate_hz; /* when none is said */
} formats[] = {
	{ "audio/pcm", "pcm16", ENCODING_S16LE, PCM_RATE_HZ },
	{ "audio/pcmu", "g711_ulaw", ENCODING_MULAW, G711_RATE_HZ },
	{ "audio/pcma", "g711_alaw", ENCODING_ALAW, G711_RATE_HZ },
};

static const struct format_row *format_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(formats[i].type, word) == 0 || strcmp(formats[i].flat, word) == 0)
			return &formats[i];
	return NULL;
}

static json_t *format_json(const struct format_row *row, unsigned rate_hz)
{
	return row->encoding == ENCODING_S16LE
	    ? json_pack("{s:s,s:i}", "type", row->type, "rate", (int)rate_hz)
	    : json_pack("{s:s}", "type", row->type);
}

static int take_rate(
    const struct update *u, const struct format_row *row, const json_t *v, unsigned *rate_hz)
{
	double hz = json_number_value(v);
	bool g711 = row->encoding != ENCODING_S16LE;

	*rate_hz = row->rate_hz;
	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return refuse_kind(u, "a number", v);
	u->blame->code = "invalid_value";
	if (hz != floor(hz) || hz < RATE_MIN_HZ || hz > (g711 ? G711_RATE_HZ : RATE_MAX_HZ))
		return error_set(u->err, ERROR_INVALID, "rate %.16g is not supported; %s", hz,
		    g711 ? "G.711 has 8000" : "8000 to 48000");
	*rate_hz = (unsigned)hz;
	return 0;
}

static int take_format_object(const struct update *u, const json_t *v)
{
	static const struct field fields[] = { { "type", NULL }, { "rate", NULL } };
	const json_t *type = json_object_get(v, "type");
	const struct format_row *row;
	unsigned rate_hz;

	if (walk(u, v, fields, ARRAY_SIZE(fields)) < 0)
		return -1;
	if (type == NULL)
		type = json_object_get(u->s->format, "type");
	if (!json_is_string(type))
		return within(u, "type", refuse_kind(u, "text", type));
	row = format_of(json_string_value(type));
	if (row == NULL)
		return within(u, "type",
		    refuse_word(u, json_string_value(type), "audio/pcm, audio/pcmu or audio/pcma"));
	if (within(u, "rate", take_rate(u, row, json_object_get(v, "rate"), &rate_hz)) < 0)
		return -1;
	set(&u->s->format, format_json(row, rate_hz));
	return 0;
}

static int take_format(const struct update *u, const json_t *v)
{
	const struct format_row *row;

	if (json_is_null(v)) {
		set(&u->s->format, format_json(&formats[0], PCM_RATE_HZ));
		return 0;
	}
	if (!json_is_string(v))
		return take_format_object(u, v);
	row = format_of(json_string_value(v));
	if (row == NULL)
		return refuse_word(u, json_string_value(v), "pcm16, g711_ulaw or g711_alaw");
	set(&u->s->format, format_json(row, row->rate_hz));
	return 0;
}

/* Objects that are shown back with what they have been given. */

static bool is_unset(const json_t *v)
{
	return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0);
}

/* The fields of v into `into`; an empty text is the same as none. */
static void merge(json_t *into, const json_t *v)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)v, name, value)
	{
		if (is_unset(value))
			(void)json_object_del(into, name);
		else
			(void)json_object_set(into, name, value);
	}
}

static json_t *copy_of(const json_t *object)
{
	return json_is_object(object) ? json_copy((json_t *)(uintptr_t)object) : json_object();
}

static int take_text(const struct update *u, const json_t *v)
{
	return json_is_string(v) || json_is_null(v) ? 0 : refuse_kind(u, "text", v);
}

static int take_texts(const struct update *u, const json_t *v)
{
	size_t i;
	json_t *one;

	if (!json_is_array(v))
		return json_is_null(v) ? 0 : refuse_kind(u, "an array of texts", v);
	json_array_foreach((json_t *)(uintptr_t)v, i, one)
	{
		if (!json_is_string(one))
			return refuse_kind(u, "an array of texts", v);
	}
	return 0;
}

static int take_transcription(const struct update *u, const json_t *v)
{
	static const struct field fields[] = { { "model", take_text }, { "language", take_text },
		{ "prompt", take_text }, { "delay", take_text }, { "keywords", take_texts },
		{ "languages", take_texts } };
	json_t *all;

	if (json_is_null(v)) {
		set(&u->s->transcription, json_null());
		return 0;
	}
	if (walk(u, v, fields, ARRAY_SIZE(fields)) < 0)
		return -1;
	all = copy_of(u->s->transcription);
	merge(all, v);
	set(&u->s->transcription, all);
	return 0;
}

static int take_noise_reduction(const struct update *u, const json_t *v)
{
	static const struct field fields[] = { { "type", take_text }, { "strength", NULL } };

	if (!json_is_null(v) && walk(u, v, fields, ARRAY_SIZE(fields)) < 0)
		return -1;
	set(&u->s->noise_reduction, json_incref((json_t *)(uintptr_t)v));
	return 0;
}

static int take_include(const struct update *u, const json_t *v)
{
	if (take_texts(u, v) < 0)
		return -1;
	set(&u->s->include, json_incref((json_t *)(uintptr_t)v));
	return 0;
}

/* Turn detection. */

static const struct eagerness {
	const char *word;
	unsigned silence_ms;
} eagernesses[] = { { "low", 1500 }, { "medium", 800 }, { "auto", 800 }, { "high", 400 } };

static const struct eagerness *eagerness_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(eagernesses); i++)
		if (strcmp(eagernesses[i].word, word) == 0)
			return &eagernesses[i];
	return NULL;
}

static json_t *server_vad(const struct endpoint_config *e)
{
	return json_pack("{s:s,s:f,s:i,s:i}", "type", "server_vad", "threshold",
	    1.0 - e->vad_sensitivity, "prefix_padding_ms", (int)e->pre_roll_ms,
	    "silence_duration_ms", (int)e->post_silence_ms);
}

static json_t *turn_detection_of(const char *type, const struct endpoint_config *e)
{
	if (strcmp(type, "server_vad") == 0)
		return server_vad(e);
	if (strcmp(type, "semantic_vad") == 0)
		return json_pack("{s:s,s:s}", "type", type, "eagerness", "auto");
	return NULL;
}

static int take_vad_type(const struct update *u, const json_t *v)
{
	if (!json_is_string(v))
		return refuse_kind(u, "text", v);
	if (strcmp(json_string_value(v), "server_vad") == 0 ||
	    strcmp(json_string_value(v), "semantic_vad") == 0)
		return 0;
	return refuse_word(u, json_string_value(v), "server_vad or semantic_vad");
}

static int take_threshold(const struct update *u, const json_t *v)
{
	double d = json_number_value(v);

	if (json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return refuse_kind(u, "a number", v);
	u->blame->code = "invalid_value";
	return d >= 0 && d <= 1
	    ? 0
	    : error_set(u->err, ERROR_INVALID, "threshold %.16g is out of range; 0 to 1", d);
}

static int take_ms(const struct update *u, const json_t *v)
{
	double d = json_number_value(v);

	if (json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return refuse_kind(u, "a number of milliseconds", v);
	u->blame->code = "invalid_value";
	return d >= 0 && d <= 1e9
	    ? 0
	    : error_set(u->err, ERROR_INVALID, "%.16g ms is out of range; 0 to 1000000000", d);
}

static int take_eagerness(const struct update *u, const json_t *v)
{
	if (json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return refuse_kind(u, "text", v);
	return eagerness_of(json_string_value(v)) != NULL
	    ? 0
	    : refuse_word(u, json_string_value(v), "low, medium, high or auto");
}

static void clamp(json_t *object, const char *name, unsigned min, unsigned max)
{
	const json_t *v = json_object_get(object, name);
	double ms = json_number_value(v);

	if (v == NULL)
		return;
	ms = ms < min ? min : ms > max ? max : floor(ms);
	(void)json_object_set_new(object, name, json_integer((json_int_t)ms));
}

/* What there is of the same type is changed; another type begins from its defaults, and null is back to a default. */
static json_t *merge_turn_detection(const struct update *u, const json_t *v)
{
	const json_t *was = json_object_get(u->s->turn_detection, "type"),
		     *type = json_object_get(v, "type");
	json_t *all, *defaults;

	if (type == NULL)
		type = was;
	if (type == NULL) {
		blame(u, "missing_required_parameter", "type");
		(void)error_set(
		    u->err, ERROR_INVALID, "type is missing; server_vad or semantic_vad");
		return NULL;
	}
	defaults = turn_detection_of(json_string_value(type), &u->s->defaults);
	all = was != NULL && json_equal((json_t *)(uintptr_t)was, (json_t *)(uintptr_t)type)
	    ? copy_of(u->s->turn_detection)
	    : json_object();
	merge(all, v);
	(void)json_object_update_missing(all, defaults);
	json_decref(defaults);
	clamp(all, "prefix_padding_ms", 0, PREFIX_MAX_MS);
	clamp(all, "silence_duration_ms", SILENCE_MIN_MS, SILENCE_MAX_MS);
	return all;
}

static int take_turn_detection(const struct update *u, const json_t *v)
{
	static const struct field fields[] = { { "type", take_vad_type },
		{ "threshold", take_threshold }, { "prefix_padding_ms", take_ms },
		{ "silence_duration_ms", take_ms }, { "idle_timeout_ms", take_ms },
		{ "eagerness", take_eagerness }, { "create_response", NULL },
		{ "interrupt_response", NULL } };
	json_t *all;

	if (json_is_null(v)) {
		set(&u->s->turn_detection, json_null());
		return 0;
	}
	if (walk(u, v, fields, ARRAY_SIZE(fields)) < 0)
		return -1;
	all = merge_turn_detection(u, v);
	if (all == NULL)
		return -1;
	set(&u->s->turn_detection, all);
	return 0;
}

/* The session. */

static int take_type(const struct update *u, const json_t *v)
{
	if (!json_is_string(v))
		return refuse_kind(u, "text", v);
	if (strcmp(json_string_value(v), "transcription") == 0)
		u->s->type = "transcription";
	else if (strcmp(json_string_value(v), "realtime") == 0)
		u->s->type = "realtime";
	else
		return refuse_word(u, json_string_value(v), "transcription or realtime");
	return 0;
}

static int take_input(const struct update *u, const json_t *v)
{
	static const struct field fields[] = { { "format", take_format },
		{ "transcription", take_transcription },
		{ "noise_reduction", take_noise_reduction },
		{ "turn_detection", take_turn_detection } };

	return json_is_null(v) ? 0 : walk(u, v, fields, ARRAY_SIZE(fields));
}

static int take_audio(const struct update *u, const json_t *v)
{
	static const struct field fields[] = { { "input", take_input }, { "output", NULL } };

	return json_is_null(v) ? 0 : walk(u, v, fields, ARRAY_SIZE(fields));
}

int realtime_session_update(struct realtime_session *s, const json_t *patch, struct error *err,
    struct realtime_blame *blame_out)
{
	static const struct field fields[] = { { "type", take_type }, { "audio", take_audio },
		{ "include", take_include }, { "input_audio_format", take_format },
		{ "input_audio_transcription", take_transcription },
		{ "input_audio_noise_reduction", take_noise_reduction },
		{ "turn_detection", take_turn_detection }, { "client_secret", NULL },
		{ "expires_at", NULL }, { "id", NULL }, { "instructions", NULL },
		{ "max_output_tokens", NULL }, { "max_response_output_tokens", NULL },
		{ "modalities", NULL }, { "model", NULL }, { "object", NULL },
		{ "output_audio_format", NULL }, { "output_modalities", NULL },
		{ "parallel_tool_calls", NULL }, { "prompt", NULL }, { "reasoning", NULL },
		{ "speed", NULL }, { "temperature", NULL }, { "tool_choice", NULL },
		{ "tools", NULL }, { "tracing", NULL }, { "truncation", NULL }, { "voice", NULL } };
	const struct update u = { .s = s, .err = err, .blame = blame_out };

	*blame_out = (struct realtime_blame){ 0 };
	return within(&u, "session", walk(&u, patch, fields, ARRAY_SIZE(fields)));
}

void realtime_session_init(struct realtime_session *s, const char *id, const char *model,
    const struct endpoint_config *defaults)
{
	*s = (struct realtime_session){ .type = "transcription", .defaults = *defaults };
	(void)snprintf(s->id, sizeof s->id, "%s", id);
	s->format = format_json(&formats[0], PCM_RATE_HZ);
	s->transcription = *model == '\0'
	    ? json_null()
	    : json_pack("{s:o}", "model", json_text_of(model, strlen(model)));
	s->noise_reduction = json_null();
	s->turn_detection =
	    defaults->endpointing == ENDPOINTING_MANUAL ? json_null() : server_vad(defaults);
	s->include = json_null();
}

void realtime_session_done(struct realtime_session *s)
{
	json_decref(s->format);
	json_decref(s->transcription);
	json_decref(s->noise_reduction);
	json_decref(s->turn_detection);
	json_decref(s->include);
	*s = (struct realtime_session){ 0 };
}

void realtime_session_copy(struct realtime_session *to, const struct realtime_session *from)
{
	*to = *from;
	json_incref(to->format);
	json_incref(to->transcription);
	json_incref(to->noise_reduction);
	json_incref(to->turn_detection);
	json_incref(to->include);
}

void realtime_session_move(struct realtime_session *to, struct realtime_session *from)
{
	realtime_session_done(to);
	*to = *from;
	*from = (struct realtime_session){ 0 };
}

static const struct format_row *format_row_of(const struct realtime_session *s)
{
	return format_of(json_string_value(json_object_get(s->format, "type")));
}

json_t *realtime_session_json(const struct realtime_session *s)
{
	json_t *o = json_pack("{s:s,s:s}", "id", s->id, "object", "realtime.transcription_session");

	if (s->flat) {
		(void)json_object_update_new(o,
		    json_pack("{s:[s],s:s,s:O,s:O,s:O,s:O,s:n}", "modalities", "text",
			"input_audio_format", format_row_of(s)->flat, "input_audio_transcription",
			s->transcription, "input_audio_noise_reduction", s->noise_reduction,
			"turn_detection", s->turn_detection, "include", s->include,
			"client_secret"));
		return o;
	}
	(void)json_object_update_new(o,
	    json_pack("{s:s,s:{s:{s:O,s:O,s:O,s:O}},s:O}", "type", s->type, "audio", "input",
		"format", s->format, "transcription", s->transcription, "noise_reduction",
		s->noise_reduction, "turn_detection", s->turn_detection, "include", s->include));
	return o;
}

static void read_turn_detection(const json_t *v, struct endpoint_config *out)
{
	const json_t *eagerness = json_object_get(v, "eagerness");

	out->endpointing = json_is_null(v) ? ENDPOINTING_MANUAL : ENDPOINTING_VAD;
	if (json_is_null(v))
		return;
	if (strcmp(json_string_value(json_object_get(v, "type")), "semantic_vad") == 0) {
		out->post_silence_ms = eagerness_of(json_string_value(eagerness))->silence_ms;
		return;
	}
	out->vad_sensitivity = 1.0 - json_number_value(json_object_get(v, "threshold"));
	out->pre_roll_ms = (unsigned)json_integer_value(json_object_get(v, "prefix_padding_ms"));
	out->post_silence_ms =
	    (unsigned)json_integer_value(json_object_get(v, "silence_duration_ms"));
}

void realtime_session_ear(const struct realtime_session *s, struct ear_config *out)
{
	const struct format_row *row = format_row_of(s);
	const json_t *rate = json_object_get(s->format, "rate");

	out->format = (struct format){ .encoding = row->encoding,
		.rate_hz = rate == NULL ? row->rate_hz : (unsigned)json_integer_value(rate),
		.channels = 1 };
	out->endpoint = s->defaults;
	read_turn_detection(s->turn_detection, &out->endpoint);
}

const char *realtime_session_model(const struct realtime_session *s)
{
	const char *model = json_string_value(json_object_get(s->transcription, "model"));

	return model == NULL ? "" : model;
}
