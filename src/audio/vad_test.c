#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/speech_fake.h"
#include "audio/vad.h"
#include "base/util.h"

enum { HOPS_PER_S = 100, HOP = VAD_HOP_SAMPLES };

struct audio {
	int16_t *samples; /* owned */
	size_t hops;
};

/* Phrases of 2 s and pauses of 1 s, at the given RMS of 32768. */
static struct audio make(double seconds, double speech_rms, double noise_rms)
{
	struct speech_fake fake = { 16000, 2, 1, speech_rms / 32768, noise_rms / 32768 };
	struct audio a = { NULL, (size_t)(seconds * HOPS_PER_S) };
	float *x = xcalloc(a.hops * HOP, sizeof *x);

	a.samples = xcalloc(a.hops * HOP, sizeof *a.samples);
	speech_fake_fill(&fake, x, a.hops * HOP);
	for (size_t i = 0; i < a.hops * HOP; i++)
		a.samples[i] = (int16_t)lrintf(x[i] * 32767);
	free(x);
	return a;
}

static void silence(struct audio *a, double from_s, double to_s)
{
	size_t from = (size_t)(from_s * HOPS_PER_S) * HOP, to = (size_t)(to_s * HOPS_PER_S) * HOP;

	memset(a->samples + from, 0, (to - from) * sizeof *a->samples);
}

/* The decision about each hop; the caller frees them. Frees the audio. */
static enum vad_decision *decide(struct audio *a, double sensitivity)
{
	enum vad_decision *d = xcalloc(a->hops, sizeof *d);
	struct vad *vad = vad_new(sensitivity, 16000, NULL);
	size_t delay = vad_delay_hops(vad);

	assert_non_null(vad);
	for (size_t i = 0; i < a->hops; i++) {
		enum vad_decision about = vad_hop(vad, a->samples + i * HOP);

		if (i >= delay)
			d[i - delay] = about;
		else
			assert_int_equal(about, VAD_SILENCE);
	}
	vad_free(&vad);
	assert_null(vad);
	free(a->samples);
	return d;
}

/* Per cent of the hops in a stretch that are not silence. */
static int detected(const enum vad_decision *d, double from_s, double to_s)
{
	size_t from = (size_t)(from_s * HOPS_PER_S), to = (size_t)(to_s * HOPS_PER_S), n = 0;

	for (size_t i = from; i < to; i++)
		n += d[i] != VAD_SILENCE;
	return (int)(100 * n / (to - from));
}

static void test_zeros_are_silence(void **state)
{
	struct audio a = make(5, 0, 0);
	enum vad_decision *d = decide(&a, 1.0);

	(void)state;
	assert_int_equal(detected(d, 0, 5), 0);
	free(d);
}

static struct row {
	const char *name;
	double speech_rms, noise_rms;
	int speech_min, pause_max; /* per cent detected */
} rows[] = {
	{ "speech over a quiet room is heard, and its pauses too", 1500, 10, 90, 25 },
	{ "speech over zeros is heard", 1500, 0, 80, 25 },
	{ "very quiet speech is heard", 30, 1, 85, 25 },
	{ "very loud speech is heard", 12000, 30, 90, 25 },
	{ "speech is heard at 10 dB", 1500, 474, 80, 25 },
	{ "speech is heard at 0 dB", 1500, 1500, 50, 25 },
	{ "noise alone is silence", 0, 1000, 0, 3 },
	{ "the noise of a converter is silence", 0, 1, 0, 3 },
};

static void test_level(void **state)
{
	const struct row *r = *state;
	struct audio a = make(9, r->speech_rms, r->noise_rms);
	enum vad_decision *d = decide(&a, 0.5);

	for (int phrase = 0; phrase < 3; phrase++) {
		int at = 3 * phrase;

		if (r->speech_min > 0)
			assert_in_range(detected(d, at + 1, at + 3), r->speech_min, 100);
		else
			assert_in_range(detected(d, at + 1, at + 3), 0, r->pause_max);
		assert_in_range(detected(d, at, at + 1), 0, r->pause_max);
	}
	free(d);
}

static void test_noise_that_begins_after_zeros_is_silence(void **state)
{
	struct audio a = make(8, 0, 800);
	enum vad_decision *d;

	(void)state;
	silence(&a, 0, 2);
	silence(&a, 4, 6);
	d = decide(&a, 0.5);
	assert_in_range(detected(d, 0, 8), 0, 3);
	free(d);
}

/* As from a client that mutes what it thinks is silence, and not at whole hops. */
static void test_noise_cut_up_by_zeros_is_silence(void **state)
{
	struct audio a = make(12, 0, 800);
	enum vad_decision *d;

	(void)state;
	for (size_t i = 0; i < 12; i++)
		memset(a.samples + i * 16000 + 8055, 0, 2000 * sizeof *a.samples);
	d = decide(&a, 0.5);
	assert_in_range(detected(d, 0, 12), 0, 3);
	free(d);
}

static void test_speech_after_long_zeros_is_heard(void **state)
{
	struct audio a = make(9, 1500, 20);
	enum vad_decision *d;

	(void)state;
	silence(&a, 0, 6.5);
	d = decide(&a, 0.5);
	assert_int_equal(detected(d, 0, 6.4), 0);
	assert_in_range(detected(d, 7, 9), 90, 100);
	free(d);
}

/* Soon enough for the usual pre-roll of 300 ms: nothing of it is lost. */
static void test_speech_straight_out_of_zeros_is_heard_within_its_pre_roll(void **state)
{
	struct audio a = make(3, 1500, 0);
	enum vad_decision *d = decide(&a, 0.5);
	size_t first = 0;

	(void)state;
	while (first < 300 && d[first] != VAD_SPEECH)
		first++;
	assert_in_range(first, 100, 130);
	free(d);
}

static void test_a_stream_that_begins_in_speech_is_heard_soon(void **state)
{
	struct audio a = make(12, 1500, 20);
	enum vad_decision *d;

	(void)state;
	memmove(a.samples, a.samples + 3 * HOP * HOPS_PER_S / 2,
	    9 * HOP * HOPS_PER_S * sizeof *a.samples);
	d = decide(&a, 0.5); /* speech from 0 to 1.5 */
	assert_in_range(detected(d, 0.4, 1.5), 85, 100);
	assert_in_range(detected(d, 1.8, 2.5), 0, 10);
	assert_in_range(detected(d, 2.5, 4.5), 90, 100);
	free(d);
}

/* The noise is ten times as loud, or as quiet, from the fourth second on. */
static void check_jump(double first_rms, double then_rms, double settled_s)
{
	struct audio a = make(12, 0, first_rms), b = make(12, 0, then_rms);
	enum vad_decision *d;

	memcpy(a.samples + 4 * HOPS_PER_S * HOP, b.samples + 4 * HOPS_PER_S * HOP,
	    8 * HOPS_PER_S * HOP * sizeof *a.samples);
	free(b.samples);
	d = decide(&a, 0.5);
	assert_in_range(detected(d, 0, 3.9), 0, 3);
	assert_in_range(detected(d, 4 + settled_s, 12), 0, 3);
	free(d);
}

static void test_a_new_level_of_noise_is_learnt(void **state)
{
	(void)state;
	check_jump(50, 500, 4.5);
	check_jump(500, 50, 0.1);
}

static size_t hops_of_speech(const enum vad_decision *d, double from_s, double to_s)
{
	size_t n = 0;

	for (size_t i = (size_t)(from_s * HOPS_PER_S); i < (size_t)(to_s * HOPS_PER_S); i++)
		n += d[i] == VAD_SPEECH;
	return n;
}

/* 28 dB below the speech and 16 above the room. */
static void test_breath_in_a_pause_is_not_speech(void **state)
{
	struct audio a = make(12, 1500, 10), breath = make(12, 0, 60);
	enum vad_decision *d;

	(void)state;
	for (size_t pause = 3; pause < 12; pause += 3)
		memcpy(a.samples + (pause * HOPS_PER_S + 20) * HOP,
		    breath.samples + (pause * HOPS_PER_S + 20) * HOP, 60 * HOP * sizeof *a.samples);
	free(breath.samples);
	d = decide(&a, 0.5);
	for (int pause = 3; pause < 12; pause += 3) {
		assert_int_equal(hops_of_speech(d, pause + 0.15, pause + 0.95), 0);
		assert_in_range(hops_of_speech(d, pause + 1, pause + 3), 170, 200);
	}
	free(d);
}

/* 20 dB below the one before, as from the other end of a table. */
static void test_who_speaks_quietly_after_a_loud_voice_is_heard(void **state)
{
	struct audio a = make(15, 6000, 4), quiet = make(15, 600, 4);
	enum vad_decision *d;

	(void)state;
	memcpy(a.samples + 3 * HOPS_PER_S * HOP, quiet.samples + 3 * HOPS_PER_S * HOP,
	    12 * HOPS_PER_S * HOP * sizeof *a.samples);
	free(quiet.samples);
	d = decide(&a, 0.5);
	assert_in_range(hops_of_speech(d, 4, 6), 120, 200);
	assert_in_range(hops_of_speech(d, 7, 9), 150, 200);
	free(d);
}

static void test_speech_is_heard_once_loud_noise_is_gone(void **state)
{
	struct audio a = make(12, 300, 10), loud = make(12, 0, 3000);
	enum vad_decision *d;

	(void)state;
	memcpy(a.samples, loud.samples, 3 * HOPS_PER_S * HOP * sizeof *a.samples);
	free(loud.samples);
	d = decide(&a, 0.5);
	assert_in_range(detected(d, 4, 6), 85, 100);
	free(d);
}

static void test_more_sensitivity_hears_more(void **state)
{
	int before = -1;

	(void)state;
	for (double sensitivity = 0; sensitivity <= 1; sensitivity += 0.25) {
		struct audio a = make(12, 1000, 1500);
		enum vad_decision *d = decide(&a, sensitivity);
		int now = detected(d, 0, 12);

		assert_in_range(now, before + 1, 100);
		before = now;
		free(d);
	}
}

int main(void)
{
	const struct CMUnitTest behaviour[] = {
		cmocka_unit_test(test_zeros_are_silence),
		cmocka_unit_test(test_noise_that_begins_after_zeros_is_silence),
		cmocka_unit_test(test_noise_cut_up_by_zeros_is_silence),
		cmocka_unit_test(test_speech_after_long_zeros_is_heard),
		cmocka_unit_test(test_speech_straight_out_of_zeros_is_heard_within_its_pre_roll),
		cmocka_unit_test(test_a_stream_that_begins_in_speech_is_heard_soon),
		cmocka_unit_test(test_a_new_level_of_noise_is_learnt),
		cmocka_unit_test(test_breath_in_a_pause_is_not_speech),
		cmocka_unit_test(test_who_speaks_quietly_after_a_loud_voice_is_heard),
		cmocka_unit_test(test_speech_is_heard_once_loud_noise_is_gone),
		cmocka_unit_test(test_more_sensitivity_hears_more),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	int failed;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_level, NULL, NULL, &rows[i] };
	failed = cmocka_run_group_tests_name("vad_level", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("vad", behaviour, NULL, NULL);
}
