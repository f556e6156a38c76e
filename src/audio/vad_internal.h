/* vad_internal: what a detector is behind vad.h. */
#ifndef AUDIO_VAD_INTERNAL_H
#define AUDIO_VAD_INTERNAL_H

#include "audio/vad.h"

/* First member of a detector's own struct, which is one piece of memory that free() frees. */
struct vad {
	enum vad_decision (*hop)(struct vad *vad, const int16_t *samples);
	unsigned delay_hops, pad_hops;
};

/* NULL when memory is out. */
struct vad *vad_sohn_new(double sensitivity, unsigned rate_hz);
struct vad *vad_silero_new(double sensitivity, const struct vad_silero_weights *weights);

#endif
