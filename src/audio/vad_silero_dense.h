/* vad_silero_dense: y = bias + W x for one, two or four columns at once; all that the network of vad_silero spends
 * time on.
 *
 * An output is one chain of additions, over the inputs in their order; so its bits depend neither on how
 * many are computed side by side nor on the width of the machine's vectors. They do depend on whether the machine has
 * fused multiply-add, which is asked once. Pure; any thread. */
#ifndef AUDIO_VAD_SILERO_DENSE_H
#define AUDIO_VAD_SILERO_DENSE_H

#include <stddef.h>

/* Outputs are computed in blocks of 64 / columns, and the weights of a block lie together:
 * weights[block][input][output in the block]. */
struct vad_silero_dense {
	const float *weights; /* borrowed; aligned to 32 bytes */
	const float *bias;    /* borrowed, aligned likewise */
	unsigned inputs, outputs,
	    columns; /* outputs: a multiple of 64 / columns; columns: 1, 2, 4 */
};

/* Of column c, the inputs begin at x + c * x_stride and the outputs at y + c * y_stride. y: aligned to 32
 * bytes, y_stride a multiple of 8. */
typedef void vad_silero_dense_f(
    const struct vad_silero_dense *d, const float *x, size_t x_stride, float *y, size_t y_stride);

/* The fastest one for this machine. */
vad_silero_dense_f *vad_silero_dense_best(void);
/* The one that every machine has. */
vad_silero_dense_f vad_silero_dense_plain;

/* Where the weight from `input` to `output` lies. */
size_t vad_silero_dense_index(const struct vad_silero_dense *d, unsigned output, unsigned input);

#endif
