/* transcribe_source: the audio of one file or of stdin, read in pieces while the loop goes on. A WAV file says its format
 * itself; anything else is raw audio of the format it is said to be, where that is allowed.
 * Command line client, loop thread only. */
#ifndef CLI_TRANSCRIBE_SOURCE_H
#define CLI_TRANSCRIBE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/format.h"

struct buffer;
struct error;
struct transcribe_source;
struct uv_loop_s;

struct transcribe_source_config {
	const char *path;  /* "-": stdin; borrowed */
	struct format raw; /* of what is no WAV file */
	bool raw_allowed;  /* otherwise such a file is an error */
};

/* All called from the loop, one for each transcribe_source_more. Any may free the source. */
struct transcribe_source_events {
	/* There is more in the buffer, or at the end nothing new; the format is known. */
	void (*on_data)(void *arg);
	void (*on_error)(void *arg, const struct error *why);
};

/* NULL and a sentence when it cannot be opened. Borrows loop, events and arg. */
struct transcribe_source *transcribe_source_new(struct uv_loop_s *loop,
    const struct transcribe_source_config *cfg, const struct transcribe_source_events *events,
    void *arg, struct error *err);
/* Sets *s to NULL at once; the memory goes when the loop has closed the handles. No event comes any more. */
void transcribe_source_free(struct transcribe_source **s);

/* Reads one more piece. Not while one is being read, nor after the end. */
void transcribe_source_more(struct transcribe_source *s);
bool transcribe_source_is_reading(const struct transcribe_source *s);
bool transcribe_source_has_ended(
    const struct transcribe_source *s); /* what is in the buffer is the last */
/* Ready to be sent, in whole frames but for the last of raw audio; the caller consumes it. Lent. */
struct buffer *transcribe_source_audio(struct transcribe_source *s);
const struct format *transcribe_source_format(
    const struct transcribe_source *s); /* from the first event on */
uint64_t transcribe_source_total_ms(const struct transcribe_source *s); /* 0: unknown */
bool transcribe_source_is_live(const struct transcribe_source *s); /* stdin or a pipe, not a file */

#endif
