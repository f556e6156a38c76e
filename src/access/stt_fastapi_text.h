/* stt_fastapi_text: the words of RealtimeSTT's example_fastapi_server: commands in, events out. Times are seconds since 1970.
 * Pure. */
#ifndef ACCESS_STT_FASTAPI_TEXT_H
#define ACCESS_STT_FASTAPI_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint_config;
struct error;
struct stt_stable_text;

enum stt_fastapi_command {
	STT_FASTAPI_START,
	STT_FASTAPI_STOP,
	STT_FASTAPI_CLEAR,
	STT_FASTAPI_PING,
	STT_FASTAPI_METRICS,
	STT_FASTAPI_COMMANDS
};

/* An utterance as the client sees it. */
struct stt_segment {
	unsigned id;
	double started, ended;            /* ended 0: not yet */
	double pre_roll_wished, pre_roll; /* seconds kept from before it */
};

struct stt_status {
	const char *state;
	unsigned
	    queue_depth; /* its place among those who wait for a recogniser; 0: it does not wait */
	unsigned sessions, speakers; /* of this protocol's clients */
};

struct stt_realtime {
	const char *text; /* raw, zero-terminated */
	uint64_t sequence;
	const struct stt_stable_text *stable;
};

/* What the reference says of itself that has a meaning here. */
struct stt_limits {
	unsigned sessions, speakers, queue;
	double audio_seconds;
	const struct endpoint_config *endpoint;
	const char *pool;
};

/* What one connection has been through. */
struct stt_counts {
	uint64_t rejected, dropped; /* pieces of audio: before start; by clear */
	uint64_t finals_wanted, finals, partials;
};

/* -1 and the reference's sentence. */
int stt_fastapi_read(
    const char *text, size_t n, enum stt_fastapi_command *command, struct error *err);

/* All of these: NULL when memory is out. {"type":type,"sessionId":session} */
json_t *stt_fastapi_event(const char *type, const char *session);
/* Adds `key` and key + "Iso"; no effect on NULL. */
void stt_fastapi_stamp(json_t *o, const char *key, double at);
json_t *stt_fastapi_hello(const char *session, const struct stt_limits *l);
json_t *stt_fastapi_ready(const char *session, const struct stt_limits *l);
json_t *stt_fastapi_limits(const struct stt_limits *l);
json_t *stt_fastapi_config(const struct stt_limits *l); /* GET /api/config */
json_t *stt_fastapi_status(const char *session, const struct stt_status *s, double now);
/* `segment` may be NULL. */
json_t *stt_fastapi_timeline(
    const char *session, const char *event, const struct stt_segment *segment, double now);
json_t *stt_fastapi_realtime(const char *session, const struct stt_realtime *r,
    const struct stt_segment *segment, double now);
json_t *stt_fastapi_final(
    const char *session, const char *text, size_t n, const struct stt_segment *segment, double now);
json_t *stt_fastapi_message(
    const char *type, const char *session, const char *where, const char *message);
json_t *stt_fastapi_metrics(const char *session, const char *state, bool streaming,
    const struct stt_segment *segment, const struct stt_counts *c);

#endif
