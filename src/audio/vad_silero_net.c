/* 512 samples, mirrored at both ends to 640, give four frames of 256, 128 apart; their transforms' magnitudes go
 * through four convolutions of three taps each, which make four frames two and then one; that, and what the
 * LSTM kept, gives what it keeps next; one sum of that is the answer.
 *
 * A frame has its channels side by side, and frames lie one behind the other with a frame of zeros before and behind them. So
 * what a convolution needs for an output is one stretch of memory, and it is a plain product of a matrix.
 *
 * Samples and what goes into a convolution are rounded to half precision, because the implementations that this is checked against
 * do so and it shows (0.01 where the answer is in doubt). Everything but the products is written in such operations as
 * IEEE 754 prescribes to the bit; the compiler may not fuse any (-ffp-contract=off). */
#include "audio/vad_silero_net.h"

#include <math.h>
#include <string.h>

enum {
	FRAMES = 4,
	FRAME = 256,
	STEP = 128,
	EDGE = 64,
	PADDED = VAD_SILERO_WINDOW + 2 * EDGE,
	FOLDED = VAD_SILERO_FOLDED,
	LANES = 4,
};

#define ALIGNED _Alignas(32)

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t lanes_int __attribute__((vector_size(LANES * sizeof(int32_t))));

/* To the nearest that has eleven bits, or below 2^-14 the nearest multiple of 2^-24; ties to even. No value is so large
 * that half precision would not have it. */
static lanes half_of(lanes x)
{
	const lanes magic = { 0.75f, 0.75f, 0.75f, 0.75f }; /* its last bit is 2^-24 */
	const lanes least = { 0x1p-14f, 0x1p-14f, 0x1p-14f, 0x1p-14f };
	lanes_int bits = (lanes_int)x;
	lanes_int normal = (bits + 0xfff + ((bits >> 13) & 1)) & ~0x1fff;
	lanes_int small = (lanes_int)((x + magic) - magic);
	lanes_int is_small = (lanes)(bits & 0x7fffffff) < least;

	return (lanes)((is_small & small) | (~is_small & normal));
}

/* n: a multiple of LANES, as everywhere below. */
static void to_half(float *x, size_t n)
{
	for (size_t i = 0; i < n; i += LANES) {
		lanes v;

		memcpy(&v, x + i, sizeof v);
		v = half_of(v);
		memcpy(x + i, &v, sizeof v);
	}
}

static void rectify_to_half(float *x, size_t n)
{
	for (size_t i = 0; i < n; i += LANES) {
		lanes v;

		memcpy(&v, x + i, sizeof v);
		v = half_of((lanes)((lanes_int)v & (v > 0.0f)));
		memcpy(x + i, &v, sizeof v);
	}
}

/* 1 / (1 + exp(-x)). exp(y) = 2^k exp(r) with |r| <= log(2) / 2, and of that eight terms of its series. */
static lanes sigmoid(lanes x)
{
	const lanes bound = { 80.0f, 80.0f, 80.0f, 80.0f }, zero = { 0.0f, 0.0f, 0.0f, 0.0f };
	const lanes magic = { 0x1.8p23f, 0x1.8p23f, 0x1.8p23f,
		0x1.8p23f }; /* rounds to whole numbers */
	lanes y = zero - x, k, r, e;
	lanes_int over = y > bound, under = y < zero - bound;

	y = (lanes)((over & (lanes_int)bound) | (under & (lanes_int)(zero - bound)) |
	    (~(over | under) & (lanes_int)y));
	k = (y * 0x1.715476p0f + magic) - magic;
	r = (y - k * 0x1.62ep-1f) -
	    k * 0x1.0bfbe8p-15f; /* log(2) in two pieces; the first has few bits */
	e = 1.0f +
	    r *
		(1.0f +
		    r *
			(1.0f / 2 +
			    r *
				(1.0f / 6 +
				    r *
					(1.0f / 24 +
					    r *
						(1.0f / 120 +
						    r * (1.0f / 720 + r * (1.0f / 5040)))))));
	e *= (lanes)((__builtin_convertvector(k, lanes_int) + 127) << 23);
	return 1.0f / (1.0f + e);
}

static lanes hyperbolic_tangent(lanes x)
{
	return 2.0f * sigmoid(2.0f * x) - 1.0f;
}

static void pad(const int16_t *window, float *x)
{
	for (int i = 0; i < VAD_SILERO_WINDOW; i++)
		x[EDGE + i] = (float)window[i] / 32767.0f;
	for (int i = 1; i <= EDGE; i++) {
		x[EDGE - i] = x[EDGE + i];
		x[EDGE + VAD_SILERO_WINDOW - 1 + i] = x[EDGE + VAD_SILERO_WINDOW - 1 - i];
	}
	to_half(x, PADDED);
}

/* The coefficients of sample 0 are 0, and so is the sine of sample 128. */
static void fold(const float *x, float folded[VAD_SILERO_FOLDS][FOLDED])
{
	for (int i = 0; i < FOLDED; i++) {
		int odd = 2 * i + 1, even = 2 * i + 2;

		folded[VAD_SILERO_ODD_COS][i] = x[odd] + x[FRAME - odd];
		folded[VAD_SILERO_ODD_SIN][i] = x[odd] - x[FRAME - odd];
		folded[VAD_SILERO_EVEN_COS][i] = x[even] + x[FRAME - even];
		folded[VAD_SILERO_EVEN_SIN][i] = x[even] - x[FRAME - even];
	}
	folded[VAD_SILERO_EVEN_COS][FOLDED - 1] = x[FRAME / 2];
}

static float magnitude(float a, float b)
{
	return sqrtf(a * a + b * b);
}

static float middle_bin(const struct vad_silero_weights *w, float folded[VAD_SILERO_FOLDS][FOLDED])
{
	float a = 0.0f, b = 0.0f;

	for (int i = 0; i < FOLDED; i++) {
		a += w->middle_cos[i] * folded[VAD_SILERO_EVEN_COS][i];
		b += w->middle_sin[i] * folded[VAD_SILERO_ODD_SIN][i];
	}
	return magnitude(a, b);
}

static void unfold(float part[VAD_SILERO_FOLDS][FOLDED], float *bins)
{
	for (int k = 0; k < FOLDED; k++) {
		float ec = part[VAD_SILERO_EVEN_COS][k], oc = part[VAD_SILERO_ODD_COS][k];
		float es = part[VAD_SILERO_EVEN_SIN][k], os = part[VAD_SILERO_ODD_SIN][k];

		bins[k] = magnitude(ec + oc, es + os);
		bins[VAD_SILERO_BINS - 1 - k] = magnitude(ec - oc, os - es);
	}
}

/* frames: FRAMES times VAD_SILERO_BINS. */
static void transform(const struct vad_silero_weights *w, const int16_t *window, float *frames)
{
	ALIGNED float x[PADDED], folded[FRAMES][VAD_SILERO_FOLDS][FOLDED];
	ALIGNED float part[FRAMES][VAD_SILERO_FOLDS][FOLDED];

	pad(window, x);
	for (int t = 0; t < FRAMES; t++)
		fold(x + t * STEP, folded[t]);
	for (int f = 0; f < VAD_SILERO_FOLDS; f++)
		w->dense(&w->transform[f], folded[0][f], VAD_SILERO_FOLDS * FOLDED, part[0][f],
		    VAD_SILERO_FOLDS * FOLDED);
	for (int t = 0; t < FRAMES; t++) {
		float *bins = frames + t * VAD_SILERO_BINS;

		unfold(part[t], bins);
		bins[FOLDED] = middle_bin(w, folded[t]);
	}
}

/* The frame of zeros before the first is there; behind the last one no convolution with a stride of two looks. Where there
 * are no frames but one its neighbours are zero, so taps that would see them are left out. */
static void convolve(const struct vad_silero_weights *w, const float *frames, float *out)
{
	ALIGNED float first[(1 + FRAMES) * 128] = { 0 }, second[2 * 64], third[64];
	const struct vad_silero_dense *l = w->layers;

	w->dense(&l[0], frames, VAD_SILERO_BINS, first + 128, 128);
	rectify_to_half(first + 128, sizeof first / sizeof *first - 128);
	w->dense(&l[1], first, 256, second, 64);
	rectify_to_half(second, sizeof second / sizeof *second);
	w->dense(&l[2], second, 0, third, 0);
	rectify_to_half(third, sizeof third / sizeof *third);
	w->dense(&l[3], third, 0, out, 0);
	for (int i = 0; i < VAD_SILERO_CELLS; i++)
		out[i] = out[i] > 0.0f ? out[i] : 0.0f;
}

static void remember(
    const struct vad_silero_weights *w, struct vad_silero_state *s, const float *in)
{
	enum { N = VAD_SILERO_CELLS };
	ALIGNED float gates[4 * N];

	w->dense(&w->lstm, in, 0, gates, 0);
	for (int i = 0; i < N; i += LANES) {
		lanes let_in, keep, new, show, cell;

		memcpy(&let_in, gates + i, sizeof let_in);
		memcpy(&keep, gates + N + i, sizeof keep);
		memcpy(&new, gates + 2 * N + i, sizeof new);
		memcpy(&show, gates + 3 * N + i, sizeof show);
		memcpy(&cell, s->cell + i, sizeof cell);
		cell = sigmoid(keep) * cell + sigmoid(let_in) * hyperbolic_tangent(new);
		show = sigmoid(show) * hyperbolic_tangent(cell);
		memcpy(s->cell + i, &cell, sizeof cell);
		memcpy(s->hidden + i, &show, sizeof show);
	}
}

float vad_silero_net_step(
    const struct vad_silero_weights *w, struct vad_silero_state *s, const int16_t *window)
{
	enum { N = VAD_SILERO_CELLS };
	ALIGNED float frames[(FRAMES + 2) * VAD_SILERO_BINS + 2] = { 0 }, in[2 * N], out[N];
	float sum = w->last_bias;
	lanes answer;

	transform(w, window, frames + VAD_SILERO_BINS);
	to_half(frames, sizeof frames / sizeof *frames);
	convolve(w, frames, in);
	memcpy(in + N, s->hidden, sizeof s->hidden);
	remember(w, s, in);
	memcpy(out, s->hidden, sizeof out);
	rectify_to_half(out, N);
	for (int i = 0; i < N; i++)
		sum += w->last[i] * out[i];
	answer = sigmoid((lanes){ sum, sum, sum, sum });
	return answer[0];
}
