#include "access/openai_realtime_session.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "access/json_text.h"
#include "access/openai_realtime_detection.h"
#include "access/openai_realtime_format.h"
#include "base/util.h"

/* The value is the session's from here on; NULL: it was refused. */
static int set(json_t **at, json_t *v)
{
	if (v == NULL)
		return -1;
	json_decref(*at);
	*at = v;
	return 0;
}

static json_t *shared(const json_t *v)
{
	return json_incref((json_t *)(uintptr_t)v);
}

static int take_format(const struct realtime_patch *p, const json_t *v)
{
	struct realtime_session *s = p->target;

	return set(&s->format, realtime_format_patched(p, s->format, v));
}

static int take_transcription(const struct realtime_patch *p, const json_t *v)
{
	static const struct realtime_field fields[] = { { "model", realtime_patch_text },
		{ "language", realtime_patch_text }, { "prompt", realtime_patch_text },
		{ "delay", realtime_patch_text }, { "keywords", realtime_patch_texts },
		{ "languages", realtime_patch_texts } };
	struct realtime_session *s = p->target;

	if (json_is_null(v))
		return set(&s->transcription, json_null());
	if (realtime_patch_walk(p, v, fields, ARRAY_SIZE(fields)) < 0)
		return -1;
	return set(&s->transcription, realtime_patch_merged(s->transcription, v));
}

static int take_noise_reduction(const struct realtime_patch *p, const json_t *v)
{
	static const struct realtime_field fields[] = { { "type", realtime_patch_text },
		{ "strength", NULL } };
	struct realtime_session *s = p->target;

	if (!json_is_null(v) && realtime_patch_walk(p, v, fields, ARRAY_SIZE(fields)) < 0)
		return -1;
	return set(&s->noise_reduction, shared(v));
}

static int take_turn_detection(const struct realtime_patch *p, const json_t *v)
{
	struct realtime_session *s = p->target;

	s->detection_is_asked = true;
	return set(
	    &s->turn_detection, realtime_detection_patched(p, s->turn_detection, v, &s->defaults));
}

static int take_include(const struct realtime_patch *p, const json_t *v)
{
	struct realtime_session *s = p->target;

	return realtime_patch_texts(p, v) < 0 ? -1 : set(&s->include, shared(v));
}

static int take_type(const struct realtime_patch *p, const json_t *v)
{
	static const char *const types[] = { "transcription", "realtime" };
	struct realtime_session *s = p->target;

	if (!json_is_string(v))
		return realtime_patch_refuse_kind(p, "text", v);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(json_string_value(v), types[i]) == 0) {
			s->type = types[i];
			return 0;
		}
	return realtime_patch_refuse_word(p, json_string_value(v), "transcription or realtime");
}

static int take_input(const struct realtime_patch *p, const json_t *v)
{
	static const struct realtime_field fields[] = { { "format", take_format },
		{ "transcription", take_transcription },
		{ "noise_reduction", take_noise_reduction },
		{ "turn_detection", take_turn_detection } };

	return json_is_null(v) ? 0 : realtime_patch_walk(p, v, fields, ARRAY_SIZE(fields));
}

static int take_audio(const struct realtime_patch *p, const json_t *v)
{
	static const struct realtime_field fields[] = { { "input", take_input },
		{ "output", NULL } };

	return json_is_null(v) ? 0 : realtime_patch_walk(p, v, fields, ARRAY_SIZE(fields));
}

int realtime_session_update(struct realtime_session *s, const json_t *patch, struct error *err,
    struct realtime_blame *blame)
{
	static const struct realtime_field fields[] = { { "type", take_type },
		{ "audio", take_audio }, { "include", take_include },
		{ "input_audio_format", take_format },
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
	const struct realtime_patch p = { .target = s, .err = err, .blame = blame };

	*blame = (struct realtime_blame){ 0 };
	return realtime_patch_within(
	    &p, "session", realtime_patch_walk(&p, patch, fields, ARRAY_SIZE(fields)));
}

void realtime_session_init(struct realtime_session *s, const char *id, const char *model,
    const struct endpoint_config *defaults)
{
	*s = (struct realtime_session){ .type = "transcription", .defaults = *defaults };
	(void)snprintf(s->id, sizeof s->id, "%s", id);
	s->format = realtime_format_default();
	s->transcription = *model == '\0'
	    ? json_null()
	    : json_pack("{s:o}", "model", json_text_of(model, strlen(model)));
	s->noise_reduction = json_null();
	s->turn_detection = realtime_detection_default(defaults);
	s->include = json_null();
}

void realtime_session_settle(struct realtime_session *s, bool model_has_detection)
{
	if (!s->detection_is_asked)
		(void)set(&s->turn_detection,
		    model_has_detection ? realtime_detection_default(&s->defaults) : json_null());
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

json_t *realtime_session_json(const struct realtime_session *s)
{
	json_t *o = json_pack("{s:s,s:s}", "id", s->id, "object", "realtime.transcription_session");

	if (s->flat) {
		(void)json_object_update_new(o,
		    json_pack("{s:[s],s:s,s:O,s:O,s:O,s:O,s:n}", "modalities", "text",
			"input_audio_format", realtime_format_flat(s->format),
			"input_audio_transcription", s->transcription,
			"input_audio_noise_reduction", s->noise_reduction, "turn_detection",
			s->turn_detection, "include", s->include, "client_secret"));
		return o;
	}
	(void)json_object_update_new(o,
	    json_pack("{s:s,s:{s:{s:O,s:O,s:O,s:O}},s:O}", "type", s->type, "audio", "input",
		"format", s->format, "transcription", s->transcription, "noise_reduction",
		s->noise_reduction, "turn_detection", s->turn_detection, "include", s->include));
	return o;
}

void realtime_session_ear(const struct realtime_session *s, struct ear_config *out)
{
	*out =
	    (struct ear_config){ .format = realtime_format_of(s->format), .endpoint = s->defaults };
	realtime_detection_read(s->turn_detection, &out->endpoint);
}

static const char *said(const struct realtime_session *s, const char *name)
{
	const char *value = json_string_value(json_object_get(s->transcription, name));

	return value == NULL ? "" : value;
}

const char *realtime_session_model(const struct realtime_session *s)
{
	return said(s, "model");
}

const char *realtime_session_language(const struct realtime_session *s)
{
	const char *first =
	    json_string_value(json_array_get(json_object_get(s->transcription, "languages"), 0));
	const char *one = said(s, "language");

	return *one != '\0' || first == NULL ? one : first;
}

void realtime_session_wishes(const struct realtime_session *s, struct wanted *out)
{
	const json_t *prompt = json_object_get(s->transcription, "prompt");
	const json_t *words = json_object_get(s->transcription, "keywords");

	wanted_language(out, realtime_session_language(s));
	if (json_is_string(prompt))
		wanted_prompt(out, json_string_value(prompt), json_string_length(prompt));
	for (size_t i = 0; i < json_array_size(words); i++) {
		const json_t *word = json_array_get(words, i);

		wanted_hot_words(out, json_string_value(word), json_string_length(word));
	}
}
