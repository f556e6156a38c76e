#include "vad/material.h"

#include <kiss_fft.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/resample.h"
#include "base/error.h"
#include "base/util.h"
#include "common/wav.h"

enum { GAP_HOPS = 120, CLOSE_HOPS = 20, BABBLE_VOICES = 6, NOISE_FFT = 1 << 20 };

static const double PI = 3.14159265358979323846;
static const double CLIP_RMS = 1500.0;
static const double LABEL_RANGE_DB = 30.0;

static const char *const clip_names[MATERIAL_CLIPS] = { "austen-0870", "austen-0880", "austen-0890",
	"austen-0920", "austen-0930", "lj001-0002", "lj001-0004", "lj001-0006", "jfk" };

struct signal {
	float *samples; /* owned */
	size_t n;
};

static void append(struct signal *s, const int16_t *samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->samples[s->n++] = (float)samples[i];
}

/* The clip at 16 kHz, as whole hops. */
static int resampled(const struct wav *wav, struct signal *to, struct error *err)
{
	struct resample *r = resample_new(wav->rate_hz);
	int16_t out[RESAMPLE_OUT_MAX];
	size_t done;
	int result = 0;

	to->samples =
	    xcalloc(wav->n * MATERIAL_RATE_HZ / wav->rate_hz + 4 * MATERIAL_HOP, sizeof(float));
	to->n = 0;
	for (size_t at = 0; at < wav->n && result == 0; at += RESAMPLE_IN_MAX) {
		float in[RESAMPLE_IN_MAX];
		size_t n = MIN(wav->n - at, (size_t)RESAMPLE_IN_MAX);

		for (size_t i = 0; i < n; i++)
			in[i] = (float)wav->samples[at + i] / 32768.0f;
		result = resample_feed(r, in, n, out, &done, err);
		if (result == 0)
			append(to, out, done);
	}
	do {
		done = 0;
		if (result == 0)
			result = resample_flush(r, out, &done, err);
		append(to, out, done);
	} while (done > 0);
	resample_free(&r);
	to->n = (to->n + MATERIAL_HOP - 1) / MATERIAL_HOP * MATERIAL_HOP;
	return result;
}

static double power_of(const float *samples, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)samples[i] * samples[i];
	return sum / (double)n;
}

static int load_clip(struct signal *clip, const char *dir, const char *name, struct error *err)
{
	char path[512];
	struct wav wav;
	int result;

	(void)snprintf(path, sizeof path, "%s/%s.wav", dir, name);
	if (wav_read(&wav, path, err) != 0)
		return -1;
	result = resampled(&wav, clip, err);
	wav_done(&wav);
	if (result == 0) {
		float gain = (float)(CLIP_RMS / sqrt(power_of(clip->samples, clip->n)));

		for (size_t i = 0; i < clip->n; i++)
			clip->samples[i] *= gain;
	}
	return result;
}

static void join(struct material *m, const struct signal *clips)
{
	size_t at = 0;

	m->hops = GAP_HOPS;
	for (size_t i = 0; i < MATERIAL_CLIPS; i++)
		m->hops += clips[i].n / MATERIAL_HOP + GAP_HOPS;
	m->n = m->hops * MATERIAL_HOP;
	m->clean = xcalloc(m->n, sizeof *m->clean);
	m->speech = xcalloc(m->hops, sizeof *m->speech);
	for (size_t i = 0; i < MATERIAL_CLIPS; i++) {
		at += GAP_HOPS;
		m->clip_from[i] = at;
		memcpy(m->clean + at * MATERIAL_HOP, clips[i].samples, clips[i].n * sizeof(float));
		at += clips[i].n / MATERIAL_HOP;
		m->clip_to[i] = at;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void close_gaps(struct material *m)
{
	size_t last = SIZE_MAX; /* speech hop */

	for (size_t i = 0; i < m->hops; i++) {
		if (!m->speech[i])
			continue;
		for (size_t k = last + 1; last != SIZE_MAX && i - last - 1 <= CLOSE_HOPS && k < i;
		     k++)
			m->speech[k] = true;
		last = i;
	}
}

static void label(struct material *m)
{
	double *power = xcalloc(m->hops, sizeof *power), *sorted = xcalloc(m->hops, sizeof *sorted);
	double threshold, sum = 0.0;
	size_t speech = 0;

	for (size_t i = 0; i < m->hops; i++)
		power[i] = sorted[i] = power_of(m->clean + i * MATERIAL_HOP, MATERIAL_HOP);
	qsort(sorted, m->hops, sizeof *sorted, by_value);
	threshold = sorted[m->hops * 95 / 100] * pow(10.0, -LABEL_RANGE_DB / 10.0);
	for (size_t i = 0; i < m->hops; i++)
		m->speech[i] = power[i] > threshold;
	close_gaps(m);
	for (size_t i = 0; i < m->hops; i++)
		if (m->speech[i]) {
			sum += power[i];
			speech++;
		}
	m->speech_power = sum / (double)MAX(speech, (size_t)1);
	free(power);
	free(sorted);
}

int material_load(struct material *m, const char *dir, struct error *err)
{
	struct signal clips[MATERIAL_CLIPS] = { { NULL, 0 } };
	int result = 0;

	*m = (struct material){ 0 };
	for (size_t i = 0; i < MATERIAL_CLIPS && result == 0; i++)
		result = load_clip(&clips[i], dir, clip_names[i], err);
	if (result == 0) {
		join(m, clips);
		label(m);
	}
	for (size_t i = 0; i < MATERIAL_CLIPS; i++)
		free(clips[i].samples);
	return result;
}

void material_done(struct material *m)
{
	free(m->clean);
	free(m->speech);
	*m = (struct material){ 0 };
}

static double uniform(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

static double gaussian(uint64_t *state)
{
	double r = sqrt(-2.0 * log(uniform(state)));

	return r * cos(2.0 * PI * uniform(state));
}

static void fill_white(float *to, size_t n, uint64_t *state)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (float)gaussian(state);
}

/* Amplitude falling with the square root of frequency. */
static void fill_pink(float *to, size_t n, uint64_t *state)
{
	kiss_fft_cpx *spectrum = xcalloc(NOISE_FFT, sizeof *spectrum),
		     *wave = xcalloc(NOISE_FFT, sizeof *wave);
	kiss_fft_cfg inverse = kiss_fft_alloc(NOISE_FFT, 1, NULL, NULL);

	for (size_t k = 1; k < NOISE_FFT / 2; k++) {
		float amplitude = (float)(1.0 / sqrt((double)k));

		spectrum[k].r = amplitude * (float)gaussian(state);
		spectrum[k].i = amplitude * (float)gaussian(state);
		spectrum[NOISE_FFT - k].r = spectrum[k].r;
		spectrum[NOISE_FFT - k].i = -spectrum[k].i;
	}
	kiss_fft(inverse, spectrum, wave);
	for (size_t i = 0; i < n; i++)
		to[i] = wave[i % NOISE_FFT].r;
	kiss_fft_free(inverse);
	free(spectrum);
	free(wave);
}

/* The clips themselves, backwards and shifted against each other. */
static void fill_babble(float *to, const struct material *m, uint64_t *state)
{
	memset(to, 0, m->n * sizeof *to);
	for (int voice = 0; voice < BABBLE_VOICES; voice++) {
		size_t shift = (size_t)(uniform(state) * (double)m->n);

		for (size_t i = 0; i < m->n; i++)
			to[i] += m->clean[(shift + m->n - i) % m->n];
	}
}

int16_t *material_mix(const struct material *m, enum noise_kind kind, double snr_db, unsigned seed)
{
	uint64_t state = 0x9e3779b97f4a7c15ull * (seed + 1);
	float *noise = xcalloc(m->n, sizeof *noise);
	int16_t *mixed = xcalloc(m->n, sizeof *mixed);
	double gain;

	if (kind == NOISE_WHITE)
		fill_white(noise, m->n, &state);
	else if (kind == NOISE_PINK)
		fill_pink(noise, m->n, &state);
	else
		fill_babble(noise, m, &state);
	gain = sqrt(m->speech_power / power_of(noise, m->n) * pow(10.0, -snr_db / 10.0));
	for (size_t i = 0; i < m->n; i++) {
		double x = rint(m->clean[i] + gain * noise[i]);

		mixed[i] = (int16_t)(x < -32768.0 ? -32768.0 : x > 32767.0 ? 32767.0 : x);
	}
	free(noise);
	return mixed;
}
