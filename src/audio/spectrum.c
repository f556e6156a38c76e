#include "audio/spectrum.h"

#include <kiss_fft.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>

enum { HALF = SPECTRUM_FFT / 2 };

static const double PI = 3.14159265358979323846;

/* Written once by make_tables. Not kiss_fftr: its plan has a scratch buffer, so threads could not share
 * it; a plan of kiss_fft is only read. */
static struct {
	kiss_fft_cfg half;
	float window[SPECTRUM_FRAME];
	kiss_fft_cpx twiddle[SPECTRUM_BINS]; /* exp(-2 pi i k / SPECTRUM_FFT) */
} tables;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	double energy = 0.0;

	for (int i = 0; i < SPECTRUM_FRAME; i++) {
		double w = 0.5 - 0.5 * cos(2.0 * PI * (i + 0.5) / SPECTRUM_FRAME);

		tables.window[i] = (float)w;
		energy += w * w;
	}
	for (int i = 0; i < SPECTRUM_FRAME; i++)
		tables.window[i] /= (float)sqrt(energy);
	for (int i = 0; i < SPECTRUM_BINS; i++) {
		double angle = -2.0 * PI * (SPECTRUM_FIRST + i) / SPECTRUM_FFT;

		tables.twiddle[i].r = (float)cos(angle);
		tables.twiddle[i].i = (float)sin(angle);
	}
	tables.half = kiss_fft_alloc(HALF, 0, NULL, NULL);
}

int spectrum_prepare(void)
{
	return pthread_once(&once, make_tables) == 0 && tables.half != NULL ? 0 : -1;
}

/* Even samples went in as real parts, odd ones as imaginary parts. With Z the transform of that, the
 * transforms of the two are E = (Z[k] + Z*[N-k]) / 2 and O = (Z[k] - Z*[N-k]) / 2i, and the whole is
 * E + twiddle[k] O. */
static float bin_power(const kiss_fft_cpx *z, int k)
{
	kiss_fft_cpx a = z[k], b = z[HALF - k], t = tables.twiddle[k - SPECTRUM_FIRST];
	float even_r = 0.5f * (a.r + b.r), even_i = 0.5f * (a.i - b.i);
	float odd_r = 0.5f * (a.i + b.i), odd_i = 0.5f * (b.r - a.r);
	float r = even_r + t.r * odd_r - t.i * odd_i;
	float i = even_i + t.r * odd_i + t.i * odd_r;

	return r * r + i * i;
}

void spectrum_power(const int16_t *frame, float *power)
{
	kiss_fft_cpx packed[HALF] = { { 0.0f, 0.0f } }, z[HALF];

	for (int i = 0; i < SPECTRUM_FRAME / 2; i++) {
		packed[i].r = tables.window[2 * i] * (float)frame[2 * i];
		packed[i].i = tables.window[2 * i + 1] * (float)frame[2 * i + 1];
	}
	kiss_fft(tables.half, packed, z);
	for (int k = SPECTRUM_FIRST; k <= SPECTRUM_LAST; k++)
		power[k - SPECTRUM_FIRST] = bin_power(z, k);
}
