/* openai_realtime_event: what a Realtime client is told, one JSON object an event, each with an event_id of its own. Pure;
 * all give NULL when memory is out. */
#ifndef ACCESS_OPENAI_REALTIME_EVENT_H
#define ACCESS_OPENAI_REALTIME_EVENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "access/openai_realtime_session.h"

struct error;

/* Where ids come from: "event_NONCE_1", "item_NONCE_1", ... Plain data. */
struct realtime_ids {
	char nonce[17]; /* another one for each connection */
	uint64_t events, items;
};

void realtime_ids_item(struct realtime_ids *ids, char out[REALTIME_ID_BYTES]);

/* Any of no more than a type. */
json_t *realtime_event(struct realtime_ids *ids, const char *type);
/* "session.created", "session.updated" and their beta names; takes `session`. */
json_t *realtime_event_session(struct realtime_ids *ids, const char *type, json_t *session);
/* "speech_started" and "audio_start_ms", or "speech_stopped" and "audio_end_ms". */
json_t *realtime_event_speech(struct realtime_ids *ids, const char *what, const char *field,
    uint64_t at_ms, const char *item);
/* previous: "" for none. */
json_t *realtime_event_committed(struct realtime_ids *ids, const char *previous, const char *item);
/* "conversation.item.added", "conversation.item.done", and in beta "conversation.item.created". */
json_t *realtime_event_item(
    struct realtime_ids *ids, const char *type, const char *previous, const char *item);
json_t *realtime_event_delta(
    struct realtime_ids *ids, const char *item, const char *text, size_t text_bytes);
struct realtime_heard { /* all lent */
	const char *text;
	size_t text_bytes;
	uint64_t audio_ms;
	const char *language; /* "": not said */
};
json_t *realtime_event_completed(
    struct realtime_ids *ids, const char *item, const struct realtime_heard *heard);
json_t *realtime_event_failed(struct realtime_ids *ids, const char *item, const struct error *why);
/* event_id: of the client's message that it is about, or NULL. */
json_t *realtime_event_error(struct realtime_ids *ids, const struct error *why,
    const struct realtime_blame *blame, const json_t *event_id);
/* The code of an error that is no message's fault. */
const char *realtime_event_code(const struct error *why);

#endif
