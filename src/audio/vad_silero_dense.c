/* Each block keeps its 64 sums in eight registers of eight floats while its weights stream by: eight independent
 * chains are what two multipliers of four cycles each need. The weights are read once, in order. */
#include "audio/vad_silero_dense.h"

#include <string.h>

enum { SUMS = 64 };

size_t vad_silero_dense_index(const struct vad_silero_dense *d, unsigned output, unsigned input)
{
	unsigned block = SUMS / d->columns;

	return ((size_t)(output / block) * d->inputs + input) * block + output % block;
}

void vad_silero_dense_plain(
    const struct vad_silero_dense *d, const float *x, size_t x_stride, float *y, size_t y_stride)
{
	unsigned block = SUMS / d->columns;
	const float *w = d->weights;

	for (unsigned at = 0; at < d->outputs; at += block) {
		for (unsigned c = 0; c < d->columns; c++)
			memcpy(y + c * y_stride + at, d->bias + at, block * sizeof *y);
		for (unsigned i = 0; i < d->inputs; i++, w += block)
			for (unsigned c = 0; c < d->columns; c++)
				for (unsigned o = 0; o < block; o++)
					y[c * y_stride + at + o] += w[o] * x[c * x_stride + i];
	}
}

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))

TARGET static void one_column(
    const float *w, const float *bias, unsigned n, const float *x, float *y)
{
	__m256 s0 = _mm256_load_ps(bias), s1 = _mm256_load_ps(bias + 8);
	__m256 s2 = _mm256_load_ps(bias + 16), s3 = _mm256_load_ps(bias + 24);
	__m256 s4 = _mm256_load_ps(bias + 32), s5 = _mm256_load_ps(bias + 40);
	__m256 s6 = _mm256_load_ps(bias + 48), s7 = _mm256_load_ps(bias + 56);

	for (unsigned i = 0; i < n; i++, w += 64) {
		__m256 v = _mm256_broadcast_ss(x + i);

		s0 = _mm256_fmadd_ps(_mm256_load_ps(w), v, s0);
		s1 = _mm256_fmadd_ps(_mm256_load_ps(w + 8), v, s1);
		s2 = _mm256_fmadd_ps(_mm256_load_ps(w + 16), v, s2);
		s3 = _mm256_fmadd_ps(_mm256_load_ps(w + 24), v, s3);
		s4 = _mm256_fmadd_ps(_mm256_load_ps(w + 32), v, s4);
		s5 = _mm256_fmadd_ps(_mm256_load_ps(w + 40), v, s5);
		s6 = _mm256_fmadd_ps(_mm256_load_ps(w + 48), v, s6);
		s7 = _mm256_fmadd_ps(_mm256_load_ps(w + 56), v, s7);
	}
	_mm256_store_ps(y, s0);
	_mm256_store_ps(y + 8, s1);
	_mm256_store_ps(y + 16, s2);
	_mm256_store_ps(y + 24, s3);
	_mm256_store_ps(y + 32, s4);
	_mm256_store_ps(y + 40, s5);
	_mm256_store_ps(y + 48, s6);
	_mm256_store_ps(y + 56, s7);
}

/* a: the first column's, b: the second one's. */
TARGET static void two_columns(
    const float *w, const float *bias, unsigned n, const float *x[2], float *y[2])
{
	__m256 a0 = _mm256_load_ps(bias), a1 = _mm256_load_ps(bias + 8);
	__m256 a2 = _mm256_load_ps(bias + 16), a3 = _mm256_load_ps(bias + 24);
	__m256 b0 = a0, b1 = a1, b2 = a2, b3 = a3;

	for (unsigned i = 0; i < n; i++, w += 32) {
		__m256 va = _mm256_broadcast_ss(x[0] + i), vb = _mm256_broadcast_ss(x[1] + i);
		__m256 w0 = _mm256_load_ps(w), w1 = _mm256_load_ps(w + 8);
		__m256 w2 = _mm256_load_ps(w + 16), w3 = _mm256_load_ps(w + 24);

		a0 = _mm256_fmadd_ps(w0, va, a0);
		a1 = _mm256_fmadd_ps(w1, va, a1);
		a2 = _mm256_fmadd_ps(w2, va, a2);
		a3 = _mm256_fmadd_ps(w3, va, a3);
		b0 = _mm256_fmadd_ps(w0, vb, b0);
		b1 = _mm256_fmadd_ps(w1, vb, b1);
		b2 = _mm256_fmadd_ps(w2, vb, b2);
		b3 = _mm256_fmadd_ps(w3, vb, b3);
	}
	_mm256_store_ps(y[0], a0);
	_mm256_store_ps(y[0] + 8, a1);
	_mm256_store_ps(y[0] + 16, a2);
	_mm256_store_ps(y[0] + 24, a3);
	_mm256_store_ps(y[1], b0);
	_mm256_store_ps(y[1] + 8, b1);
	_mm256_store_ps(y[1] + 16, b2);
	_mm256_store_ps(y[1] + 24, b3);
}

TARGET static void four_columns(
    const float *w, const float *bias, unsigned n, const float *x[4], float *y[4])
{
	__m256 a0 = _mm256_load_ps(bias), a1 = _mm256_load_ps(bias + 8);
	__m256 b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;

	for (unsigned i = 0; i < n; i++, w += 16) {
		__m256 w0 = _mm256_load_ps(w), w1 = _mm256_load_ps(w + 8);
		__m256 va = _mm256_broadcast_ss(x[0] + i), vb = _mm256_broadcast_ss(x[1] + i);
		__m256 vc = _mm256_broadcast_ss(x[2] + i), vd = _mm256_broadcast_ss(x[3] + i);

		a0 = _mm256_fmadd_ps(w0, va, a0);
		a1 = _mm256_fmadd_ps(w1, va, a1);
		b0 = _mm256_fmadd_ps(w0, vb, b0);
		b1 = _mm256_fmadd_ps(w1, vb, b1);
		c0 = _mm256_fmadd_ps(w0, vc, c0);
		c1 = _mm256_fmadd_ps(w1, vc, c1);
		d0 = _mm256_fmadd_ps(w0, vd, d0);
		d1 = _mm256_fmadd_ps(w1, vd, d1);
	}
	_mm256_store_ps(y[0], a0);
	_mm256_store_ps(y[0] + 8, a1);
	_mm256_store_ps(y[1], b0);
	_mm256_store_ps(y[1] + 8, b1);
	_mm256_store_ps(y[2], c0);
	_mm256_store_ps(y[2] + 8, c1);
	_mm256_store_ps(y[3], d0);
	_mm256_store_ps(y[3] + 8, d1);
}

static void dense_fma(
    const struct vad_silero_dense *d, const float *x, size_t x_stride, float *y, size_t y_stride)
{
	unsigned block = SUMS / d->columns;
	const float *xs[4] = { x, x + x_stride, x + 2 * x_stride, x + 3 * x_stride };

	for (unsigned at = 0; at < d->outputs; at += block) {
		const float *w = d->weights + (size_t)at * d->inputs, *bias = d->bias + at;
		float *ys[4] = { y + at, y + y_stride + at, y + 2 * y_stride + at,
			y + 3 * y_stride + at };

		if (d->columns == 1)
			one_column(w, bias, d->inputs, x, y + at);
		else if (d->columns == 2)
			two_columns(w, bias, d->inputs, xs, ys);
		else
			four_columns(w, bias, d->inputs, xs, ys);
	}
}
#endif

vad_silero_dense_f *vad_silero_dense_best(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return dense_fma;
#endif
	return vad_silero_dense_plain;
}
