/* vad: voice activity detection. A stream of 16 kHz mono samples goes in, a decision for each 10 ms hop
 * comes out, some hops later (vad_delay_hops), always by count and never by time.
 * Implementations: vad_silero.c, a network, where its weights are given; vad_sohn.c, a statistic.
 * Pure; one thread at a time. */
#ifndef AUDIO_VAD_H
#define AUDIO_VAD_H

#include <stdint.h>

enum { VAD_HOP_SAMPLES = 160 };

enum vad_decision {
	VAD_SILENCE,
	VAD_HANGOVER, /* does not sound like speech, but speech was so near that it may be its weak end */
	VAD_SPEECH,
};

struct vad;
struct vad_silero_weights;

/* sensitivity 0..1; rate_hz: what the samples were recorded at before they were made 16 kHz, for there is
 * nothing above half of it. weights: borrowed, must outlive the detector; NULL: the statistical one.
 * NULL when memory is out. */
struct vad *vad_new(double sensitivity, unsigned rate_hz, const struct vad_silero_weights *weights);
void vad_free(struct vad **vad);
/* Decisions lag by this many hops: the n-th call decides about hop n - vad_delay_hops. */
unsigned vad_delay_hops(const struct vad *vad);
/* How many hops before the first one of speech an utterance begins at the latest, whatever is kept beside. */
unsigned vad_pad_hops(const struct vad *vad);
/* Feeds one hop of VAD_HOP_SAMPLES, gives the decision about an earlier one (VAD_SILENCE for those before
 * the first). */
enum vad_decision vad_hop(struct vad *vad, const int16_t *samples);

#endif
