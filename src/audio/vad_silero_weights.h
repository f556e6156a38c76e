/* vad_silero_weights: what the network of vad_silero has learnt, read from the bytes of whisper.cpp's file
 * of it (ggml-silero-v6.2.0.bin, little-endian). Pure. Immutable once made: one for all detectors, in any
 * number of threads. */
#ifndef AUDIO_VAD_SILERO_WEIGHTS_H
#define AUDIO_VAD_SILERO_WEIGHTS_H

#include <stddef.h>

struct error;
struct vad_silero_weights;

/* Nothing of `bytes` is kept. NULL and a sentence when they are not such a file, whole, or memory is out. */
struct vad_silero_weights *vad_silero_weights_new(const void *bytes, size_t n, struct error *err);
void vad_silero_weights_free(struct vad_silero_weights **weights);

#endif
