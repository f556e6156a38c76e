/* openai_realtime_command: what a Realtime client sends, one JSON object a message. Pure. */
#ifndef ACCESS_OPENAI_REALTIME_COMMAND_H
#define ACCESS_OPENAI_REALTIME_COMMAND_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct realtime_blame;

enum realtime_command_kind {
	REALTIME_UPDATE,
	REALTIME_UPDATE_BETA, /* transcription_session.update */
	REALTIME_APPEND,
	REALTIME_COMMIT,
	REALTIME_CLEAR,
	REALTIME_NOTHING, /* of a conversation with a model, which there is none of here: passed over */
};

struct realtime_command {
	enum realtime_command_kind kind;
	json_t *message;        /* owned; NULL when it was no JSON object */
	const json_t *event_id; /* in it; NULL: the client gave none */
	const json_t *session;  /* in it; of an update */
	uint8_t *audio;         /* owned; of an append; NULL when it is empty */
	size_t audio_n;
};

/* Reads one message. -1: *err is a sentence for the client, *blame what else its error says; the event_id is there all the
 * same when it could be read. To be given to realtime_command_done in either case. */
int realtime_command_read(struct realtime_command *c, const char *text, size_t n, struct error *err,
    struct realtime_blame *blame);
void realtime_command_done(struct realtime_command *c);

#endif
