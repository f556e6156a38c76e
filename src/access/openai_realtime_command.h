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
	const char *audio; /* base64, in the text that was read or in `message`; of an append */
	size_t audio_n;    /* characters */
};

/* What is made of the audio at once. */
enum { REALTIME_PIECE_CHARS = 64 * 1024, REALTIME_PIECE_BYTES = REALTIME_PIECE_CHARS / 4 * 3 };

/* Reads one message, which must outlive the command. Whether an append's audio is base64 is not looked at. -1: *err is a sentence for the client, *blame what else its error says; the event_id is there all the
 * same when it could be read. To be given to realtime_command_done in either case. */
int realtime_command_read(struct realtime_command *c, const char *text, size_t n, struct error *err,
    struct realtime_blame *blame);
/* Decodes the audio from character *at on, one piece of it, and moves *at behind that: 0 at first, audio_n at last. Bytes; -1: as
 * realtime_command_read, the audio is not base64. */
long realtime_command_audio(const struct realtime_command *c, size_t *at,
    uint8_t out[REALTIME_PIECE_BYTES], struct error *err, struct realtime_blame *blame);
void realtime_command_done(struct realtime_command *c);

#endif
