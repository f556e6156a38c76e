/* speech_fake: what passes for speech, for tests that must run without recordings: a buzz with a formant,
 * whose loudness goes up and down four times a second, in phrases with pauses between them, over a little
 * noise. The same on every run. Linked by tests only. */
#ifndef AUDIO_SPEECH_FAKE_H
#define AUDIO_SPEECH_FAKE_H

#include <stddef.h>

struct speech_fake {
	unsigned rate_hz;
	double phrase_s;
	double pause_s; /* it starts with a pause */
	double level;   /* RMS within phrases, 0..1; 0.05 is usual */
	double noise;   /* RMS of the noise */
};

/* n samples, -1..1. */
void speech_fake_fill(const struct speech_fake *s, float *to, size_t n);

#endif
