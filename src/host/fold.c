/* x[n] (1 + g (-1)^n): the second term is the signal with its spectrum mirrored about 4 kHz, a quarter of the rate. Of what was
 * recorded at 11025 Hz less is missing, and some of the mirror image lies over what is there; it helps all the same.
 *
 * g, and the rates, were measured: see docs/benchmarks.md. */
#include "host/fold.h"

enum { NARROW_MAX_HZ = 11025, GAIN_NUM = 3, GAIN_DEN = 10 };

bool fold_is_narrow(unsigned rate_hz)
{
	return rate_hz > 0 && rate_hz <= NARROW_MAX_HZ;
}

void fold_init(struct fold *f, bool on)
{
	*f = (struct fold){ .on = on };
}

static int16_t clamped(int value)
{
	if (value > INT16_MAX)
		return INT16_MAX;
	return value < INT16_MIN ? INT16_MIN : (int16_t)value;
}

void fold_samples(struct fold *f, int16_t *samples, size_t n)
{
	if (!f->on)
		return;
	for (size_t i = 0; i < n; i++) {
		int mirrored = samples[i] * GAIN_NUM / GAIN_DEN;

		samples[i] = clamped(f->odd ? samples[i] - mirrored : samples[i] + mirrored);
		f->odd = !f->odd;
	}
}
