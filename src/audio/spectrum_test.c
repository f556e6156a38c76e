#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "audio/spectrum.h"

static const double PI = 3.14159265358979323846;

/* What the transform is by definition, with the window of spectrum.h's contract. */
static double slow_power(const int16_t *frame, int bin)
{
	double re = 0, im = 0, energy = 0;

	for (int i = 0; i < SPECTRUM_FRAME; i++) {
		double w = sin(PI * (i + 0.5) / SPECTRUM_FRAME),
		       angle = 2 * PI * bin * i / SPECTRUM_FFT;

		re += w * w * frame[i] * cos(angle);
		im -= w * w * frame[i] * sin(angle);
		energy += w * w * w * w;
	}
	return (re * re + im * im) / energy;
}

static void test_each_bin_is_its_transform(void **state)
{
	float power[SPECTRUM_BINS];
	int16_t frame[SPECTRUM_FRAME];
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < SPECTRUM_FRAME; i++) {
		seed = seed * 1664525u + 1013904223u;
		frame[i] = (int16_t)(seed >> 16);
	}
	assert_int_equal(spectrum_prepare(), 0);
	spectrum_power(frame, power);
	for (int i = 0; i < SPECTRUM_BINS; i++) {
		double want = slow_power(frame, SPECTRUM_FIRST + i);

		assert_true(fabs(power[i] - want) < 1e-3 * want + 1e3);
	}
}

static void test_white_noise_has_its_variance_in_each_bin(void **state)
{
	double sum = 0;
	uint32_t seed = 5;

	(void)state;
	assert_int_equal(spectrum_prepare(), 0);
	for (int round = 0; round < 100; round++) {
		float power[SPECTRUM_BINS];
		int16_t frame[SPECTRUM_FRAME];

		for (int i = 0; i < SPECTRUM_FRAME; i++) {
			seed = seed * 1664525u + 1013904223u;
			frame[i] = seed >> 31 ? 1000 : -1000;
		}
		spectrum_power(frame, power);
		for (int i = 0; i < SPECTRUM_BINS; i++)
			sum += power[i] / (100.0 * SPECTRUM_BINS);
	}
	assert_true(fabs(sum - 1e6) < 3e4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_bin_is_its_transform),
		cmocka_unit_test(test_white_noise_has_its_variance_in_each_bin),
	};
	return cmocka_run_group_tests_name("spectrum", tests, NULL, NULL);
}
