/* noise: the noise spectrum under a stream of speech.
 * Plain data: embed it, zeroed knows nothing yet. Pure; one thread at a time. */
#ifndef AUDIO_NOISE_H
#define AUDIO_NOISE_H

#include "audio/spectrum.h"

struct noise {
	float power[SPECTRUM_BINS];      /* the estimate; above 0 once there was a frame */
	float smoothed[SPECTRUM_BINS];   /* the power of the signal, over time and neighbour bins */
	float least[SPECTRUM_BINS];      /* the least of it in this window and the one before */
	float least_next[SPECTRUM_BINS]; /* the least of it in this window */
	float presence[SPECTRUM_BINS];   /* probability that speech is there; 0..1 */
	unsigned frames;
};

/* Learns from a further frame, as spectrum_power gives it; of its first `bins` bins, always as many. */
void noise_update(struct noise *n, const float *power, int bins);

#endif
