/* twilio_text: the messages of Twilio Media Streams, and what is told about a call. Pure. */
#ifndef ACCESS_TWILIO_TEXT_H
#define ACCESS_TWILIO_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/session.h"

struct error;

enum { TWILIO_SID_BYTES = 65 };

enum twilio_track { TWILIO_INBOUND, TWILIO_OUTBOUND, TWILIO_TRACKS };

enum twilio_kind {
	TWILIO_START,
	TWILIO_MEDIA,
	TWILIO_STOP,
	TWILIO_OTHER, /* connected, dtmf, mark, and what may come one day */
};

/* All text is lent by `json`. */
struct twilio_message {
	json_t *json; /* owned */
	enum twilio_kind kind;
	union {
		struct {
			const char *call_sid,
			    *stream_sid; /* of less than TWILIO_SID_BYTES; "": not said */
			bool tracks[TWILIO_TRACKS];
			/* Of customParameters; NULL: not said. */
			const char *pool, *key;
			bool inline_transcripts;
		} start;
		struct {
			enum twilio_track track;
			bool timed;
			uint64_t timestamp_ms;
			const char *payload; /* base64 */
			size_t payload_bytes;
		} media;
	};
};

/* -1 with a sentence: no JSON object, no event, or one that is known and lacks what it must have. *out is to be given back by
 * twilio_message_done either way. */
int twilio_parse(const char *text, size_t n, struct twilio_message *out, struct error *err);
void twilio_message_done(struct twilio_message *m);

/* Gaps in a track's time are filled with silence, but not any length of it: what is left out is counted, so that times
 * are those of the call. Zeroed is the start. */
enum { TWILIO_GAPS = 16, TWILIO_JITTER_MS = 60, TWILIO_SILENCE_MAX_MS = 10000 };
struct twilio_clock {
	uint64_t fed_ms;     /* of audio, with the silence */
	uint64_t skipped_ms; /* before all gaps in here */
	struct {
		uint64_t at_ms, skipped_ms;
	} gaps[TWILIO_GAPS];
	unsigned gaps_n;
};

/* The silence to be fed before audio of that time; counts it as fed. */
uint64_t twilio_clock_gap(struct twilio_clock *c, uint64_t timestamp_ms);
/* The call's time of a time in the audio. */
uint64_t twilio_clock_time(const struct twilio_clock *c, uint64_t ms);

struct twilio_who {
	const char *call_sid, *stream_sid;
};

const char *twilio_track_name(enum twilio_track t);
/* What watchers are told; NULL: nothing, or no memory. The caller owns it. */
json_t *twilio_event(const struct twilio_who *who, enum twilio_track track,
    const struct twilio_clock *clock, const struct session_event *e);
json_t *twilio_error(const struct twilio_who *who, const struct error *why);
/* "connected", "stop". */
json_t *twilio_mark(const struct twilio_who *who, const char *event);
/* Whether a query (callSid=..., streamSid=..., both or none) asks for this call. */
bool twilio_query_wants(const char *query, const struct twilio_who *who);

#endif
