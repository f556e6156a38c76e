#define _GNU_SOURCE
#include "access/native_start.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "access/json_text.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/util.h"

enum kind { KIND_TEXT, KIND_FLAG, KIND_WHOLE, KIND_REAL };

/* One field of `start`: where its value goes, by kind; text goes through `take`. Ranges that a module
 * below checks, and words, are not repeated here. */
struct field {
	const char *name;
	enum kind kind;
	size_t offset;
	int (*take)(struct native_start *start, const char *text, struct error *err);
	double max; /* KIND_WHOLE */
};

static int take_pool(struct native_start *s, const char *text, struct error *err)
{
	if (strlen(text) >= sizeof s->pool)
		return error_set(
		    err, ERROR_INVALID, "pool: a name has at most %zu bytes", sizeof s->pool - 1);
	memcpy(s->pool, text, strlen(text) + 1);
	return 0;
}

static int take_encoding(struct native_start *s, const char *text, struct error *err)
{
	return encoding_parse(text, &s->session.ear.format.encoding, err);
}

static int take_endpointing(struct native_start *s, const char *text, struct error *err)
{
	if (strcmp(text, "vad") == 0)
		s->session.ear.endpoint.endpointing = ENDPOINTING_VAD;
	else if (strcmp(text, "manual") == 0)
		s->session.ear.endpoint.endpointing = ENDPOINTING_MANUAL;
	else
		return error_set(err, ERROR_INVALID,
		    "endpointing \"%.*s\" is not known; vad or manual",
		    json_text_whole_characters(text, 40), text);
	return 0;
}

static int take_adaptation(struct native_start *s, const char *text, struct error *err)
{
	long n = base64_decode(text, strlen(text), s->adaptation, sizeof s->adaptation);

	if (n < 0)
		return error_set(err, ERROR_INVALID,
		    "adaptation is not base64 of at most %zu bytes", sizeof s->adaptation);
	s->session.adaptation = s->adaptation;
	s->session.adaptation_bytes = (size_t)n;
	return 0;
}

static int take_language(struct native_start *s, const char *text, struct error *err)
{
	wanted_language(&s->wanted, text);
	if (s->wanted.language[0] != '\0' || text[0] == '\0')
		return 0;
	return error_set(err, ERROR_INVALID,
	    "language \"%.*s\" is not a code such as \"de\" or \"pt-BR\", nor \"auto\"",
	    json_text_whole_characters(text, 40), text);
}

static int take_prompt(struct native_start *s, const char *text, struct error *err)
{
	(void)err;
	wanted_prompt(&s->wanted, text, strlen(text));
	return 0;
}

static int take_hot_words(struct native_start *s, const char *text, struct error *err)
{
	(void)err;
	wanted_forget_hot_words(&s->wanted);
	wanted_hot_words(&s->wanted, text, strlen(text));
	return 0;
}

static int take_phrases(struct native_start *s, const char *text, struct error *err)
{
	(void)err;
	wanted_forget_phrases(&s->wanted);
	for (size_t n; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		wanted_phrase(&s->wanted, text, n);
	}
	return 0;
}

#define AT(member) offsetof(struct native_start, session.member)
static const struct field fields[] = {
	{ "pool", KIND_TEXT, 0, take_pool, 0 },
	{ "encoding", KIND_TEXT, 0, take_encoding, 0 },
	{ "sample_rate", KIND_WHOLE, AT(ear.format.rate_hz), NULL, 1e9 },
	{ "channels", KIND_WHOLE, AT(ear.format.channels), NULL, 1e9 },
	{ "partials", KIND_FLAG, AT(partials), NULL, 0 },
	{ "eager_finals", KIND_FLAG, AT(wants_eager), NULL, 0 },
	{ "endpointing", KIND_TEXT, 0, take_endpointing, 0 },
	{ "vad_sensitivity", KIND_REAL, AT(ear.endpoint.vad_sensitivity), NULL, 0 },
	{ "pre_roll_ms", KIND_WHOLE, AT(ear.endpoint.pre_roll_ms), NULL, 1e9 },
	{ "min_speech_ms", KIND_WHOLE, AT(ear.endpoint.min_speech_ms), NULL, 1e9 },
	{ "post_silence_ms", KIND_WHOLE, AT(ear.endpoint.post_silence_ms), NULL, 1e9 },
	{ "early_final_ms", KIND_WHOLE, AT(ear.endpoint.early_final_ms), NULL, 1e9 },
	{ "min_utterance_ms", KIND_WHOLE, AT(ear.endpoint.min_utterance_ms), NULL, 1e9 },
	{ "max_utterance_ms", KIND_WHOLE, AT(ear.endpoint.max_utterance_ms), NULL, 1e9 },
	{ "offset_ms", KIND_WHOLE, AT(offset_ms), NULL, 9e15 },
	{ "adaptation", KIND_TEXT, 0, take_adaptation, 0 },
	{ "language", KIND_TEXT, 0, take_language, 0 },
	{ "prompt", KIND_TEXT, 0, take_prompt, 0 },
	{ "hot_words", KIND_TEXT, 0, take_hot_words, 0 },
	{ "phrases", KIND_TEXT, 0, take_phrases, 0 },
	{ "translate", KIND_FLAG, offsetof(struct native_start, wanted.translate), NULL, 0 },
	{ "uppercase", KIND_FLAG, AT(wording.uppercase), NULL, 0 },
	{ "full_stop", KIND_FLAG, AT(wording.full_stop), NULL, 0 },
	{ "clean_spaces", KIND_FLAG, AT(wording.clean_spaces), NULL, 0 },
	{ "clean_repeats", KIND_FLAG, AT(wording.clean_repeats), NULL, 0 },
	{ "return_adaptation", KIND_FLAG, offsetof(struct native_start, return_adaptation), NULL,
	    0 },
};

static int take_text(
    const struct field *f, const json_t *v, struct native_start *s, struct error *err)
{
	if (!json_is_string(v))
		return error_set(
		    err, ERROR_INVALID, "%s must be text, not %s", f->name, json_text_kind(v));
	if (strlen(json_string_value(v)) != json_string_length(v))
		return error_set(err, ERROR_INVALID, "%s must not have a zero byte in it", f->name);
	return f->take(s, json_string_value(v), err);
}

static int take_flag(
    const struct field *f, const json_t *v, struct native_start *s, struct error *err)
{
	if (!json_is_boolean(v))
		return error_set(err, ERROR_INVALID, "%s must be true or false, not %s", f->name,
		    json_text_kind(v));
	*(bool *)((char *)s + f->offset) = json_is_true(v);
	return 0;
}

/* 16000.0 is a whole number too: there are clients whose language has no other kind. */
static int take_whole(
    const struct field *f, const json_t *v, struct native_start *s, struct error *err)
{
	double d = json_number_value(v);

	if (!json_is_number(v))
		return error_set(err, ERROR_INVALID, "%s must be a whole number, not %s", f->name,
		    json_text_kind(v));
	if (d != floor(d) || d < 0 || d > f->max)
		return error_set(err, ERROR_INVALID,
		    "%s must be a whole number from 0 to %.0f, not %.16g", f->name, f->max, d);
	if (f->offset == AT(offset_ms))
		s->session.offset_ms = (uint64_t)d;
	else
		*(unsigned *)(void *)((char *)s + f->offset) = (unsigned)d;
	return 0;
}

static int take_real(
    const struct field *f, const json_t *v, struct native_start *s, struct error *err)
{
	if (!json_is_number(v))
		return error_set(
		    err, ERROR_INVALID, "%s must be a number, not %s", f->name, json_text_kind(v));
	*(double *)(void *)((char *)s + f->offset) = json_number_value(v);
	return 0;
}

static int take_field(
    const struct field *f, const json_t *v, struct native_start *s, struct error *err)
{
	switch (f->kind) {
	case KIND_TEXT:
		return take_text(f, v, s, err);
	case KIND_FLAG:
		return take_flag(f, v, s, err);
	case KIND_WHOLE:
		return take_whole(f, v, s, err);
	case KIND_REAL:
		return take_real(f, v, s, err);
	}
	return 0;
}

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static int refuse_field(const char *type, const char *name, struct error *err)
{
	return error_set(err, ERROR_INVALID, "%s has a field \"%.*s\" that is not known", type,
	    json_text_whole_characters(name, 60), name);
}

static int parse_start(const json_t *message, struct native_start *start, struct error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)message, name, value)
	{
		const struct field *f = find_field(name);

		if (strcmp(name, "type") == 0)
			continue;
		if (f == NULL)
			return refuse_field("start", name, err);
		if (take_field(f, value, start, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_bare(const json_t *message, const char *type, struct error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)message, name, value)
	{
		if (strcmp(name, "type") != 0)
			return refuse_field(type, name, err);
	}
	return 0;
}

static int parse_object(const json_t *message, enum native_command *command,
    struct native_start *start, struct error *err)
{
	const json_t *type = json_object_get(message, "type");
	const char *word = json_string_value(type);

	if (word == NULL || strlen(word) != json_string_length(type))
		return error_set(err, ERROR_INVALID,
		    "a message must be a JSON object with a \"type\" of start, commit or stop");
	if (strcmp(word, "start") == 0) {
		*command = NATIVE_START;
		return parse_start(message, start, err);
	}
	if (strcmp(word, "commit") == 0)
		*command = NATIVE_COMMIT;
	else if (strcmp(word, "stop") == 0)
		*command = NATIVE_STOP;
	else
		return error_set(err, ERROR_INVALID,
		    "type \"%.*s\" is not known; start, commit or stop",
		    json_text_whole_characters(word, 40), word);
	return parse_bare(message, word, err);
}

int native_parse(const char *text, size_t n, enum native_command *command,
    struct native_start *start, struct error *err)
{
	json_t *message = json_text_read(text, n, err);
	int rc;

	if (message == NULL)
		return -1;
	rc = parse_object(message, command, start, err);
	json_decref(message);
	return rc;
}
