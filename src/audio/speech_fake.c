#include "audio/speech_fake.h"

#include <math.h>
#include <stdint.h>

static const double PI = 3.14159265358979323846;
static const double PITCH_HZ = 120.0, FORMANT_HZ = 700.0, WIDTH_HZ = 500.0, SYLLABLES_HZ = 4.0;
static const double GAIN = 0.896; /* makes the RMS of a phrase 1 */

/* Uniform, with an RMS of 1. */
static double noise_next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return ((double)(*state >> 8) / (1 << 23) - 1.0) * sqrt(3.0);
}

static double buzz(double t)
{
	double x = 0;

	for (int h = 1; h * PITCH_HZ < 3600; h++) {
		double away = (h * PITCH_HZ - FORMANT_HZ) / WIDTH_HZ;

		x += sin(2 * PI * PITCH_HZ * h * t + h * h) / (1 + away * away);
	}
	return x;
}

void speech_fake_fill(const struct speech_fake *s, float *to, size_t n)
{
	uint32_t seed = 7;

	for (size_t i = 0; i < n; i++) {
		double t = (double)i / s->rate_hz;
		double in = fmod(t, s->phrase_s + s->pause_s) - s->pause_s, x = 0;

		if (in >= 0)
			x = s->level * GAIN * (0.55 - 0.45 * cos(2 * PI * SYLLABLES_HZ * in)) *
			    buzz(t);
		x += s->noise * noise_next(&seed);
		to[i] = (float)fmax(-1.0, fmin(1.0, x));
	}
}
