/* stt_fastapi: a client of RealtimeSTT's example_fastapi_server, for the files that serve it and nobody else.
 *
 *   STOPPED --start--> STREAMING --stop--> STOPPED
 *
 * A session is opened for the first audio after a start and ends with the stop, whose finals may still come when the next one has
 * begun; each is a `take`. Server process, loop thread only. */
#ifndef ACCESS_STT_FASTAPI_H
#define ACCESS_STT_FASTAPI_H

#include "access/stt_fastapi_text.h"
#include "access/voice.h"
#include "access/wire.h"

enum { STT_FASTAPI_ID_BYTES = 33 };

struct stt_stable;

/* An utterance that has begun and has had no final; what is in no list is told no more. */
struct stt_speech {
	struct stt_speech *next;
	struct stt_take *take;
	uint64_t utterance;
	struct stt_segment segment;
	uint64_t sequence;         /* of the last partial */
	struct stt_stable *stable; /* owned */
};

struct stt_take {
	struct stt_take *next;
	struct stt_fastapi *owner;
	struct voice voice;
	unsigned rate_hz;
	double began;      /* when its first audio came */
	bool placed;       /* it has a recogniser */
	bool over;         /* to be freed when nothing of it is being called */
	unsigned clearing; /* clears that have not been carried out */
};

struct stt_fastapi {
	struct wire wire;
	struct stt_fastapi *prev, *next; /* of access */
	char id[STT_FASTAPI_ID_BYTES];
	bool streaming, warned;
	struct stt_take *take;       /* that hears what comes now; NULL: none yet */
	struct stt_take *takes;      /* owned; all of them */
	struct stt_speech *speeches; /* owned; oldest first */
	unsigned next_segment;
	unsigned position; /* in the queue; 0: not there */
	struct stt_counts counts;
};

/* stt_fastapi_event.c: what a session tells, as the client is told it. */
extern const struct session_events stt_fastapi_events;
void stt_fastapi_send(struct stt_fastapi *f, json_t *o); /* takes it */
void stt_fastapi_tell_status(struct stt_fastapi *f, const char *state);
const char *stt_fastapi_state(const struct stt_fastapi *f);
/* Drops all that is being said or has not been told of; of that which is open the end is told. */
void stt_fastapi_forget(struct stt_fastapi *f);
void stt_fastapi_drop_speeches(struct stt_fastapi *f); /* without a word */
json_t *stt_fastapi_counted(const struct stt_fastapi *f);
/* How many clients there are, and how many of them speak. */
void stt_fastapi_count(const struct access *a, struct stt_status *out);

/* stt_fastapi.c */
void stt_fastapi_limits_of(const struct wire *w, struct stt_limits *out);
void stt_fastapi_accept(struct access *a, struct http_exchange *x);

#endif
