/* wav: takes the audio out of WAV files as their bytes come, in any pieces, and brings it into a format the server takes:
 * big-endian samples and those of 64 bits are turned into such that it knows, everything else goes as it is. One file may
 * follow another (a recorder that sends slices, each with a header of its own), in a format of its own. What follows the
 * audio and is no chunk is audio too: of a writer that knew its first slice when it wrote the header.
 * Pure; one thread at a time. */
#ifndef AUDIO_WAV_H
#define AUDIO_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/format.h"

struct buffer;
struct error;
struct wav;

struct wav *wav_new(void);
/* Of a stream that is said to be raw audio of this format: it goes as it is, and where a WAV header comes, at the
 * beginning or later, what that says holds from there on. */
struct wav *wav_new_raw(const struct format *f);
void wav_free(struct wav **w);

/* Takes bytes and appends the audio in them to *out, in whole frames: never more bytes than were fed. Stops before another
 * header, so that what one call appends is of one format: *taken_out < n then, and the rest is to be fed as well when *out
 * has been looked at. -1: this is no WAV file we can read (the sentence says why), or *out is full; `w` is of no more use
 * then. */
int wav_feed(struct wav *w, const void *bytes, size_t n, size_t *taken_out, struct buffer *out,
    struct error *err);
/* How many of the bytes need not be fed, but are whole frames of wav_format() as they are. Fewer than n: feed the rest. */
size_t wav_pass(struct wav *w, const void *bytes, size_t n);
/* What looked like the beginning of a header and is not followed by the rest of it is audio after all: up to
 * WAV_HELD_BYTES, appended to *out. More may be fed then. */
enum { WAV_HELD_BYTES = 16 };
int wav_flush(struct wav *w, struct buffer *out, struct error *err);
/* The file has ended: -1 when it did so before its audio began. Audio that is shorter than promised is fine. */
int wav_finish(struct wav *w, struct buffer *out, struct error *err);

/* After wav_feed has failed: this is a WAV file, of a kind that others may be able to read, and no audio of it came. */
bool wav_is_foreign(const struct wav *w);

/* What the appended bytes are; NULL before the header was read. */
const struct format *wav_format(const struct wav *w);
/* Headers that have been read to their audio. */
unsigned wav_headers(const struct wav *w);
/* Samples of all channels in the first file as its header says it; 0: it does not say. */
uint64_t wav_frames(const struct wav *w);

#endif
