#include "access/openai_realtime_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "access/json_text.h"
#include "base/error.h"

#define TRANSCRIPTION "conversation.item.input_audio_transcription."

void realtime_ids_item(struct realtime_ids *ids, char out[REALTIME_ID_BYTES])
{
	(void)snprintf(out, REALTIME_ID_BYTES, "item_%s_%" PRIu64, ids->nonce, ++ids->items);
}

json_t *realtime_event(struct realtime_ids *ids, const char *type)
{
	char id[REALTIME_ID_BYTES];

	(void)snprintf(id, sizeof id, "event_%s_%" PRIu64, ids->nonce, ++ids->events);
	return json_pack("{s:s,s:s}", "type", type, "event_id", id);
}

/* Adds the fields of `more`, which it takes. */
static json_t *with(json_t *event, json_t *more)
{
	if (event != NULL && more != NULL && json_object_update(event, more) == 0) {
		json_decref(more);
		return event;
	}
	json_decref(more);
	json_decref(event);
	return NULL;
}

static json_t *or_null(const char *text)
{
	return *text == '\0' ? json_null() : json_string(text);
}

json_t *realtime_event_session(struct realtime_ids *ids, const char *type, json_t *session)
{
	return with(realtime_event(ids, type), json_pack("{s:o}", "session", session));
}

json_t *realtime_event_speech(
    struct realtime_ids *ids, const char *what, const char *field, uint64_t at_ms, const char *item)
{
	char type[64];

	(void)snprintf(type, sizeof type, "input_audio_buffer.%s", what);
	return with(realtime_event(ids, type),
	    json_pack("{s:I,s:s}", field, (json_int_t)at_ms, "item_id", item));
}

json_t *realtime_event_committed(struct realtime_ids *ids, const char *previous, const char *item)
{
	return with(realtime_event(ids, "input_audio_buffer.committed"),
	    json_pack("{s:o,s:s}", "previous_item_id", or_null(previous), "item_id", item));
}

json_t *realtime_event_item(
    struct realtime_ids *ids, const char *type, const char *previous, const char *item)
{
	return with(realtime_event(ids, type),
	    json_pack("{s:o,s:{s:s,s:s,s:s,s:s,s:s,s:[{s:s,s:n}]}}", "previous_item_id",
		or_null(previous), "item", "id", item, "object", "realtime.item", "type", "message",
		"status", "completed", "role", "user", "content", "type", "input_audio",
		"transcript"));
}

static json_t *transcription(struct realtime_ids *ids, const char *what, const char *item)
{
	char type[96];

	(void)snprintf(type, sizeof type, TRANSCRIPTION "%s", what);
	return with(
	    realtime_event(ids, type), json_pack("{s:s,s:i}", "item_id", item, "content_index", 0));
}

json_t *realtime_event_delta(
    struct realtime_ids *ids, const char *item, const char *text, size_t text_bytes)
{
	return with(transcription(ids, "delta", item),
	    json_pack("{s:o}", "delta", json_text_of(text, text_bytes)));
}

/* The audio's length is what the usage is in; whole seconds, as where it is paid for. */
json_t *realtime_event_completed(
    struct realtime_ids *ids, const char *item, const struct realtime_heard *heard)
{
	json_t *event = with(transcription(ids, "completed", item),
	    json_pack("{s:o,s:{s:s,s:I}}", "transcript",
		json_text_of(heard->text, heard->text_bytes), "usage", "type", "duration",
		"seconds", (json_int_t)((heard->audio_ms + 999) / 1000)));

	if (event != NULL && *heard->language != '\0')
		(void)json_object_set_new(
		    event, "languages", json_pack("[{s:s}]", "code", heard->language));
	return event;
}

static const char *type_of(enum error_code code)
{
	switch (code) {
	case ERROR_INVALID:
	case ERROR_LIMIT:
	case ERROR_CONFIG:
		return "invalid_request_error";
	case ERROR_FORBIDDEN:
		return "permission_error";
	case ERROR_BUSY:
	case ERROR_OVERLOADED:
	case ERROR_SESSIONS:
	case ERROR_QUOTA:
		return "rate_limit_error";
	default:
		return "server_error";
	}
}

const char *realtime_event_code(const struct error *why)
{
	switch (why->code) {
	case ERROR_BUSY:
	case ERROR_OVERLOADED:
	case ERROR_SESSIONS:
		return "rate_limit_exceeded";
	case ERROR_QUOTA:
		return "insufficient_quota";
	case ERROR_FORBIDDEN:
		return "forbidden";
	case ERROR_TIMEOUT:
	case ERROR_RESTARTING:
		return "session_expired";
	case ERROR_INVALID:
	case ERROR_LIMIT:
	case ERROR_CONFIG:
		return "invalid_value";
	default:
		return "server_error";
	}
}

static json_t *blame_json(
    const struct error *why, const struct realtime_blame *blame, const json_t *event_id)
{
	json_t *id = event_id == NULL ? json_null() : json_copy((json_t *)(uintptr_t)event_id);

	return json_pack("{s:s,s:s,s:o,s:o,s:o}", "type", type_of(why->code), "code",
	    blame->code != NULL ? blame->code : realtime_event_code(why), "message",
	    json_text_of(why->text, strlen(why->text)), "param", or_null(blame->param), "event_id",
	    id);
}

json_t *realtime_event_failed(struct realtime_ids *ids, const char *item, const struct error *why)
{
	return with(transcription(ids, "failed", item),
	    json_pack("{s:{s:s,s:s,s:o,s:n}}", "error", "type", type_of(why->code), "code",
		realtime_event_code(why), "message", json_text_of(why->text, strlen(why->text)),
		"param"));
}

json_t *realtime_event_error(struct realtime_ids *ids, const struct error *why,
    const struct realtime_blame *blame, const json_t *event_id)
{
	return with(realtime_event(ids, "error"),
	    json_pack("{s:o}", "error", blame_json(why, blame, event_id)));
}
