/* recording: speech that has come whole, as a file, is heard by a session, as fast as that takes it. WAV is read here; what
 * else media/sniff.h knows is decoded by a process (media/decoder.h) first. A file that cannot be read takes no place.
 * Server process, loop thread only. */
#ifndef ACCESS_RECORDING_H
#define ACCESS_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/session.h"

struct access;
struct client;
struct error;
struct pool;
struct recording;
struct session_event;

struct recording_wishes {
	const void *bytes; /* the file; borrowed until recording_free */
	size_t n;
	struct pool *pool;             /* borrowed */
	const struct client *client;   /* copied */
	unsigned partial_interval_ms;  /* of audio, between two partials; 0: none */
	struct session_wishes hearing; /* its texts borrowed until recording_free */
	unsigned channel;              /* that one alone is heard, counted from 1; 0: all, mixed */
	bool raw_text;                 /* as the engine writes it */
};

/* Whose doing it is that a recording was not heard. */
enum recording_failure {
	RECORDING_BAD_AUDIO, /* the file's: it is no audio, or more than may be */
	RECORDING_BUSY,      /* nobody's: asking again later may help */
	RECORDING_BROKEN,    /* ours */
};

/* All may free the recording. */
struct recording_events {
	/* What its session tells, but for errors and the end. */
	void (*on_event)(void *arg, const struct session_event *e);
	/* How many channels the file has: once, when its session has been opened; only where one channel was wished for. May be NULL. */
	void (*on_channels)(void *arg, unsigned n);
	/* So many more bytes of the file have been read; another recording of the same may still need them. May be NULL. */
	void (*on_read)(void *arg, size_t n);
	/* It was not heard, or not to its end; retry_after_ms 0: not said. One of these two is the last. */
	void (*on_failed)(void *arg, const struct error *why, unsigned retry_after_ms,
	    enum recording_failure kind);
	void (*on_done)(void *arg, uint64_t audio_ms);
};

/* Borrows a, events and arg. */
struct recording *recording_new(struct access *a, const struct recording_wishes *wishes,
    const struct recording_events *events, void *arg);
/* Events may come from inside. */
void recording_start(struct recording *r);
/* Gives all back; no event comes any more. NULL is fine. */
void recording_free(struct recording **r);
/* Its session's; 0 while there was none. */
uint64_t recording_session(const struct recording *r);

#endif
