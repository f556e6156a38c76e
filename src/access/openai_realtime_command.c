#define _GNU_SOURCE
#include "access/openai_realtime_command.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "access/openai_realtime_patch.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/util.h"

/* A message with a lot of audio is not given to the JSON reader as it is, which takes many times as long for it as the rest
 * of its way: the audio is cut out first, where it stands plainly, and the reader is shown an empty text instead. */
enum { CUT_FROM_BYTES = 1024, CUT_HEAD_BYTES = 1024 };

struct cut {
	const char *audio; /* in the message; NULL: nothing was cut */
	size_t n;
};

static const struct row {
	const char *type;
	enum realtime_command_kind kind;
} rows[] = {
	{ "session.update", REALTIME_UPDATE },
	{ "transcription_session.update", REALTIME_UPDATE_BETA },
	{ "input_audio_buffer.append", REALTIME_APPEND },
	{ "input_audio_buffer.commit", REALTIME_COMMIT },
	{ "input_audio_buffer.clear", REALTIME_CLEAR },
	{ "conversation.item.create", REALTIME_NOTHING },
	{ "conversation.item.retrieve", REALTIME_NOTHING },
	{ "conversation.item.delete", REALTIME_NOTHING },
	{ "conversation.item.truncate", REALTIME_NOTHING },
	{ "response.create", REALTIME_NOTHING },
	{ "response.cancel", REALTIME_NOTHING },
	{ "output_audio_buffer.clear", REALTIME_NOTHING },
};

static int refuse(struct realtime_blame *blame, const char *code, const char *param)
{
	blame->code = code;
	(void)snprintf(blame->param, sizeof blame->param, "%s", param);
	return -1;
}

static int read_append(struct realtime_command *c, const struct cut *cut, struct error *err,
    struct realtime_blame *blame)
{
	const json_t *v = json_object_get(c->message, "audio");
	bool is_cut = cut->audio != NULL;

	if (v == NULL) {
		(void)error_set(err, ERROR_INVALID, "audio is missing");
		return refuse(blame, "missing_required_parameter", "audio");
	}
	if (!json_is_string(v)) {
		(void)error_set(
		    err, ERROR_INVALID, "audio must be text, not %s", json_text_kind(v));
		return refuse(blame, "invalid_type", "audio");
	}
	c->audio = is_cut ? cut->audio : json_string_value(v);
	c->audio_n = is_cut ? cut->n : json_string_length(v);
	return 0;
}

long realtime_command_audio(const struct realtime_command *c, size_t *at,
    uint8_t out[REALTIME_PIECE_BYTES], struct error *err, struct realtime_blame *blame)
{
	long bytes = base64_decode_some(c->audio, c->audio_n, at, out, REALTIME_PIECE_BYTES);

	if (bytes >= 0)
		return bytes;
	(void)error_set(err, ERROR_INVALID, "audio is not base64");
	return refuse(blame, "invalid_value", "audio");
}

static int read_update(struct realtime_command *c, struct error *err, struct realtime_blame *blame)
{
	c->session = json_object_get(c->message, "session");
	if (c->session != NULL)
		return 0;
	(void)error_set(err, ERROR_INVALID, "session is missing");
	return refuse(blame, "missing_required_parameter", "session");
}

static const struct row *row_of(const json_t *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strlen(rows[i].type) == json_string_length(type) &&
		    strcmp(rows[i].type, json_string_value(type)) == 0)
			return &rows[i];
	return NULL;
}

static int read_type(struct realtime_command *c, struct error *err, struct realtime_blame *blame)
{
	const json_t *type = json_object_get(c->message, "type");
	const struct row *row;

	if (!json_is_string(type)) {
		(void)error_set(err, ERROR_INVALID, "a message must have a \"type\" that is text");
		return refuse(
		    blame, type == NULL ? "missing_required_parameter" : "invalid_type", "type");
	}
	row = row_of(type);
	if (row != NULL) {
		c->kind = row->kind;
		return 0;
	}
	(void)error_set(err, ERROR_INVALID,
	    "type \"%.*s\" is not known; session.update, input_audio_buffer.append, .commit or "
	    ".clear",
	    json_text_whole_characters(json_string_value(type), 60), json_string_value(type));
	return refuse(blame, "invalid_value", "type");
}

/* Behind "audio": and its opening quote, where that is a field of the message itself and not of one in it; NULL: not found. */
static const char *find_audio(const char *text, size_t n)
{
	static const char name[] = "\"audio\"";
	const char *end = text + MIN(n, (size_t)CUT_HEAD_BYTES);
	const char *at = memmem(text, (size_t)(end - text), name, sizeof name - 1);
	const char *open = memchr(text, '{', (size_t)(end - text));

	if (at == NULL || open == NULL || open > at ||
	    memchr(open + 1, '{', (size_t)(at - open - 1)) != NULL)
		return NULL;
	at += sizeof name - 1;
	while (at < end && (*at == ' ' || *at == ':'))
		at++;
	return at < end && *at == '"' ? at + 1 : NULL;
}

/* An escape in it is left to the JSON reader. */
static struct cut find_cut(const char *text, size_t n)
{
	const char *at = n < CUT_FROM_BYTES ? NULL : find_audio(text, n);
	const char *end = at == NULL ? NULL : memchr(at, '"', n - (size_t)(at - text));

	if (end == NULL || memchr(at, '\\', (size_t)(end - at)) != NULL)
		return (struct cut){ NULL, 0 };
	return (struct cut){ at, (size_t)(end - at) };
}

static json_t *read_cut(const char *text, size_t n, const struct cut *cut, struct error *err)
{
	size_t before = (size_t)(cut->audio - text), after = n - before - cut->n;
	char *rest = malloc(before + after);
	json_t *message;

	if (rest == NULL) {
		(void)error_set(err, ERROR_SYSTEM, "there is no memory for the message");
		return NULL;
	}
	memcpy(rest, text, before);
	memcpy(rest + before, cut->audio + cut->n, after);
	message = json_text_read_object(rest, before + after, err);
	free(rest);
	return message;
}

int realtime_command_read(struct realtime_command *c, const char *text, size_t n, struct error *err,
    struct realtime_blame *blame)
{
	const struct cut cut = find_cut(text, n);

	*c = (struct realtime_command){ .kind = REALTIME_NOTHING };
	*blame = (struct realtime_blame){ 0 };
	c->message =
	    cut.audio == NULL ? json_text_read_object(text, n, err) : read_cut(text, n, &cut, err);
	if (c->message == NULL)
		return refuse(blame, "invalid_json", "");
	c->event_id = json_object_get(c->message, "event_id");
	if (!json_is_string(c->event_id))
		c->event_id = NULL;
	if (read_type(c, err, blame) < 0)
		return -1;
	if (c->kind == REALTIME_APPEND)
		return read_append(c, &cut, err, blame);
	if (c->kind == REALTIME_UPDATE || c->kind == REALTIME_UPDATE_BETA)
		return read_update(c, err, blame);
	return 0;
}

void realtime_command_done(struct realtime_command *c)
{
	json_decref(c->message);
	*c = (struct realtime_command){ .kind = REALTIME_NOTHING };
}
