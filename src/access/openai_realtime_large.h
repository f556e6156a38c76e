/* openai_realtime_large: a message of a Realtime client that is too large to be dealt with in one turn of the loop. It is read in
 * the work pool, and the audio of an append comes back piece by piece, as fast as it is taken; that all of it is base64
 * is known before the first piece comes. Server process, loop thread only. */
#ifndef ACCESS_OPENAI_REALTIME_LARGE_H
#define ACCESS_OPENAI_REALTIME_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/openai_realtime_command.h"

struct buffer;
struct realtime_large;
struct work;

/* A smaller message has one piece of audio at most, and is better read where it comes. */
enum { REALTIME_LARGE_BYTES = REALTIME_PIECE_CHARS };

/* All may free it. What they are given is lent. */
struct realtime_large_events {
	/* Once: the message has been read, or why not. */
	void (*on_command)(void *arg, const struct realtime_command *c, const struct error *why,
	    const struct realtime_blame *blame);
	/* Of an append, next: audio. False: enough for now, realtime_large_go_on brings more. */
	bool (*on_audio)(void *arg, const uint8_t *bytes, size_t n);
	void (*on_end)(void *arg); /* last, whatever it was */
};

/* Takes what is in *message. Borrows the rest; no event comes from inside. */
struct realtime_large *realtime_large_new(struct work *work, struct buffer *message,
    const struct realtime_large_events *events, void *arg);
/* No effect where nothing is held back. */
void realtime_large_go_on(struct realtime_large *l);
/* No event comes any more. NULL is fine. */
void realtime_large_free(struct realtime_large **l);

#endif
