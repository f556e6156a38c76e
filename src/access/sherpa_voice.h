/* sherpa_voice: the session of a client of either of sherpa-onnx's servers: 32-bit float samples, in the listener's pool.
 * Server process, loop thread. */
#ifndef ACCESS_SHERPA_VOICE_H
#define ACCESS_SHERPA_VOICE_H

#include <stdbool.h>

struct error;
struct voice;
struct wire;

struct sherpa_hearing {
	unsigned rate_hz; /* 0: the usual one */
	bool partials;
};

/* As voice_open; the wire says from then on whose session it has. voice_start is left to do. */
int sherpa_voice_open(struct voice *v, struct wire *w, const struct sherpa_hearing *how,
    struct error *err, unsigned *retry_after_ms);

#endif
