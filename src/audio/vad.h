/* vad: voice activity detection. A stream of 16 kHz mono samples goes in, a decision for each 10 ms hop
 * comes out, some hops later (vad_delay_hops), always by count and never by time.
 * Implementations: vad_sohn.c. Pure; one thread at a time. */
#ifndef AUDIO_VAD_H
#define AUDIO_VAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VAD_HOP_SAMPLES = 160 };

struct vad;

/* sensitivity 0..1; NULL when memory is out. */
struct vad *vad_new(double sensitivity);
void vad_free(struct vad **vad);
/* Decisions lag by this many hops: the n-th call decides about hop n - vad_delay_hops. */
unsigned vad_delay_hops(const struct vad *vad);
/* Feeds one hop of VAD_HOP_SAMPLES, gives the decision about an earlier one (false for those before the
 * first). */
bool vad_hop(struct vad *vad, const float *samples);

#endif
