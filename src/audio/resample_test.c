#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/resample.h"
#include "base/error.h"
#include "base/util.h"

enum { OUT_HZ = 16000 };

static const double PI = 3.14159265358979323846;
static const unsigned rates[] = { 8000, 8001, 11025, 16000, 22050, 24000, 44100, 48000, 96000,
	192000 };

struct audio {
	int16_t *samples; /* owned */
	size_t n;
};

static void feed(struct resample *r, const float *in, size_t n, struct audio *to)
{
	struct error err = ERROR_INIT;
	size_t done;

	assert_int_equal(resample_feed(r, in, n, to->samples + to->n, &done, &err), 0);
	assert_in_range(done, 0, RESAMPLE_OUT_MAX);
	to->n += done;
}

static void flush(struct resample *r, struct audio *to)
{
	struct error err = ERROR_INIT;
	size_t done;

	do {
		assert_int_equal(resample_flush(r, to->samples + to->n, &done, &err), 0);
		to->n += done;
	} while (done > 0);
}

/* A tone of 440 Hz and a slower one, in pieces of `step` samples, flushed at `flush_at` as well. */
static struct audio resampled(unsigned rate_hz, size_t n, size_t step, size_t flush_at)
{
	struct audio out = { xcalloc(n * 2 + 8 * RESAMPLE_OUT_MAX, sizeof(int16_t)), 0 };
	struct resample *r = resample_new(rate_hz);
	float *in = xcalloc(n, sizeof *in);
	size_t k;

	for (size_t i = 0; i < n; i++)
		in[i] = (float)(0.5 * sin(2 * PI * 440 * (double)i / rate_hz) +
		    0.2 * sin(2 * PI * 70 * (double)i / rate_hz));
	for (size_t at = 0; at < n; at += k) {
		if (at == flush_at)
			flush(r, &out);
		k = MIN(step, n - at);
		if (at < flush_at)
			k = MIN(k, flush_at - at);
		feed(r, in + at, k, &out);
	}
	flush(r, &out);
	free(in);
	resample_free(&r);
	return out;
}

static void test_the_cut_of_the_input_does_not_matter(void **state)
{
	static const size_t steps[] = { 1, 7, 100, 255 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		size_t n = rates[i] / 3 + 5;
		struct audio whole = resampled(rates[i], n, RESAMPLE_IN_MAX, n / 2);

		for (size_t k = 0; k < ARRAY_SIZE(steps); k++) {
			struct audio parts = resampled(rates[i], n, steps[k], n / 2);

			assert_int_equal(parts.n, whole.n);
			assert_memory_equal(
			    parts.samples, whole.samples, whole.n * sizeof(int16_t));
			free(parts.samples);
		}
		free(whole.samples);
	}
}

static void test_the_duration_is_kept_to_the_nearest_sample(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		for (size_t n = 0; n < 3000; n = 2 * n + 1) {
			struct audio out = resampled(rates[i], n, 200, SIZE_MAX);

			assert_int_equal(out.n, (n * OUT_HZ + rates[i] / 2) / rates[i]);
			free(out.samples);
		}
}

static void test_many_flushes_do_not_add_up_their_rounding(void **state)
{
	struct audio out = { xcalloc(200000, sizeof(int16_t)), 0 };
	static const float in[101];
	struct resample *r = resample_new(44100);

	(void)state;
	for (int i = 0; i < 500; i++) {
		feed(r, in, ARRAY_SIZE(in), &out);
		flush(r, &out);
	}
	assert_int_equal(out.n, (500u * 101 * OUT_HZ + 22050) / 44100);
	free(out.samples);
	resample_free(&r);
}

/* The delay of the filter is made up for: the tone is where it was, to a twentieth of a sample. */
static void test_a_tone_stays_where_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct audio out = resampled(rates[i], rates[i], 160, SIZE_MAX);
		double worst = 0;

		for (size_t k = 1000; k < out.n - 1000; k++) {
			double want = 0.5 * sin(2 * PI * 440 * (double)k / OUT_HZ) +
			    0.2 * sin(2 * PI * 70 * (double)k / OUT_HZ);

			worst = fmax(worst, fabs(want - out.samples[k] / 32768.0));
		}
		assert_true(worst < 0.5 * 2 * PI * 440 / OUT_HZ / 20);
		free(out.samples);
	}
}

static void test_loud_input_is_clipped_not_wrapped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct audio out = { xcalloc(8 * RESAMPLE_OUT_MAX, sizeof(int16_t)), 0 };
		struct resample *r = resample_new(rates[i]);
		float in[RESAMPLE_IN_MAX];

		for (size_t k = 0; k < ARRAY_SIZE(in); k++)
			in[k] = 1.0f;
		feed(r, in, ARRAY_SIZE(in), &out);
		feed(r, in, ARRAY_SIZE(in), &out);
		flush(r, &out);
		for (size_t k = 0; k < out.n; k++)
			assert_true(out.samples[k] > 8000);
		free(out.samples);
		resample_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_cut_of_the_input_does_not_matter),
		cmocka_unit_test(test_the_duration_is_kept_to_the_nearest_sample),
		cmocka_unit_test(test_many_flushes_do_not_add_up_their_rounding),
		cmocka_unit_test(test_a_tone_stays_where_it_was),
		cmocka_unit_test(test_loud_input_is_clipped_not_wrapped),
	};
	return cmocka_run_group_tests_name("resample", tests, NULL, NULL);
}
