/* wav: takes the audio out of a WAV file as its bytes come, in any pieces, and brings it into a format the server
 * takes: 24 and 32 bit PCM lose their lower bits, everything else goes as it is. Pure; one thread at a time. */
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
void wav_free(struct wav **w);

/* Takes all n bytes and appends the audio in them to *out, in whole frames: never more bytes than were fed. -1: this is
 * no WAV file we can read (the sentence says why), or *out is full; `w` is of no more use then. */
int wav_feed(struct wav *w, const void *bytes, size_t n, struct buffer *out, struct error *err);
/* The file has ended: -1 when it did so before its audio began. Audio that is shorter than promised is fine. */
int wav_finish(const struct wav *w, struct error *err);

/* After wav_feed has failed: this is a WAV file, of a kind that others may be able to read. */
bool wav_is_foreign(const struct wav *w);

/* What the appended bytes are; NULL before the header was read. */
const struct format *wav_format(const struct wav *w);
/* Samples of all channels in the file as its header says it; 0: it does not say. */
uint64_t wav_frames(const struct wav *w);

#endif
