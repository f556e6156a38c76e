/* What the files of Twilio Media Streams share: the stream (twilio.c) brings a call's audio, the call (twilio_call.c) has it
 * heard and told, watchers (twilio_watch.c) are told, and the hub (twilio_hub.c) knows them all.
 * Server process, loop thread only. */
#ifndef ACCESS_TWILIO_INTERNAL_H
#define ACCESS_TWILIO_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/access_internal.h"
#include "access/client.h"
#include "access/twilio_text.h"
#include "access/voice.h"
#include "access/wire.h"
#include "base/error.h"

struct pool;
struct twilio_call;
struct twilio_watcher;

/* All calls and all who watch some. */
struct twilio_hub {
	struct access_part part;
	struct twilio_call *calls;
	struct twilio_watcher *watchers;
};

struct twilio_hub *twilio_hub_of(struct access *a); /* made when it is asked for first */

struct twilio_stream {
	struct wire wire;
	struct twilio_call *call; /* NULL: it has not begun, or is over */
	char pool[64];            /* of the path; "": none */
};

/* A track of the call, and who hears it. */
struct twilio_side {
	struct twilio_call *call;
	enum twilio_track track;
	struct voice voice;
	struct twilio_clock clock;
	uint64_t fed_bytes; /* of audio and silence */
	uint64_t heard_ns;  /* when audio came last, or could not because we held it back */
	bool held;          /* takes nothing for the moment */
};

struct twilio_call {
	struct access_link link;
	struct twilio_call *prev, *next; /* the hub's */
	struct access *access;
	struct twilio_stream *stream; /* NULL: it is gone */
	struct client client;
	struct pool *pool;
	char call_sid[TWILIO_SID_BYTES], stream_sid[TWILIO_SID_BYTES];
	bool inline_transcripts; /* the stream is told too */
	bool ending;             /* no more audio comes */
	bool over;               /* all has been told */
	unsigned
	    depth; /* of calls into here; one that is over is freed when the last one returns */
	struct error why; /* ERROR_NONE: none of the sides that have ended has failed */
	unsigned retry_after_ms;
	uint64_t heard_ns; /* when audio came last, of either */
	uint64_t looked_ns;
	struct twilio_side sides[TWILIO_TRACKS];
};

/* The call that `start` speaks of; the stream holds it in `call` until it is over, which it may be when this returns. */
void twilio_call_begin(
    struct twilio_stream *s, const struct twilio_message *start, struct pool *pool);
/* Of a media message, decoded. The call may be over when it returns, as after those below. */
void twilio_call_audio(
    struct twilio_call *c, const struct twilio_message *media, const uint8_t *bytes, size_t n);
/* No more audio comes: what has come is heard to its end and told, and then the stream is closed. */
void twilio_call_end(struct twilio_call *c);
/* The same for a stream that is closing already. */
void twilio_call_leave(struct twilio_call *c);
void twilio_call_fail(struct twilio_call *c, const struct error *why, unsigned retry_after_ms);
struct twilio_who twilio_call_who(const struct twilio_call *c);

/* Sends it to all who watch this call. One that does not read is ended by it. */
void twilio_watchers_tell(const struct twilio_call *c, const char *text, size_t n);

#endif
