/* sherpa_recording: what clients of sherpa-onnx's offline server say, on the same port as those of the streaming one: recordings, one
 * after the other, each a header of its sample rate and its length in bytes, both 32 bits little-endian, then 32-bit float samples;
 * each is answered by one JSON object. `Done` ends the connection.
 *
 *   WAITING --a header--> HEARING --its last byte, Done--> ANSWERING --its answer--> WAITING, or (wire closes)
 *
 * Nothing is read while ANSWERING. Server process, loop thread only. */
#ifndef ACCESS_SHERPA_RECORDING_H
#define ACCESS_SHERPA_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sherpa_recording;
struct wire;

/* Whether the first message of a client is the beginning of a recording, of whatever rate, and not samples: as samples both
 * numbers would be fainter than any sound. Pure. */
bool sherpa_recording_begins(const void *bytes, size_t n);

struct sherpa_recording *sherpa_recording_new(struct wire *w); /* borrows it */
void sherpa_recording_free(struct sherpa_recording **r);       /* NULL is fine */
/* A binary message, and the text `Done`; either may close the wire. */
void sherpa_recording_take(struct sherpa_recording *r, const void *bytes, size_t n);
void sherpa_recording_done(struct sherpa_recording *r);
/* Once a second. */
void sherpa_recording_look(const struct sherpa_recording *r, uint64_t now_ns);
/* Gives the place back; no event comes any more. */
void sherpa_recording_drop(struct sherpa_recording *r);

#endif
