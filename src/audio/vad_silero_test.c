#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/speech_fake.h"
#include "audio/vad.h"
#include "audio/vad_silero_golden.h"
#include "audio/vad_silero_net.h"
#include "audio/vad_silero_weights.h"
#include "audio/weights_found.h"
#include "base/util.h"

enum {
	HOP = VAD_HOP_SAMPLES,
	WINDOW = VAD_SILERO_WINDOW,
	HEADER = 44,
	HOPS_PER_S = 100,
	SKIPPED = 77
};

static struct vad_silero_weights *weights;
/* data/warmup.wav, whole hops. */
static struct {
	int16_t *samples;
	size_t n;
} clip;

static void load_clip(void)
{
	FILE *f = fopen(STENOPOOL_WARMUP, "rbe");

	assert_non_null(f);
	clip.samples = xcalloc(20 * 16000, sizeof *clip.samples);
	assert_int_equal(fseek(f, HEADER, SEEK_SET), 0);
	clip.n = fread(clip.samples, sizeof *clip.samples, (size_t)20 * 16000, f) / HOP * HOP;
	assert_int_equal(fclose(f), 0);
}

static void test_probabilities_are_the_reference_implementations(void **state)
{
	struct vad_silero_state s = { 0 };

	(void)state;
	assert_true(clip.n >= ARRAY_SIZE(vad_silero_golden) * WINDOW);
	for (size_t i = 0; i < ARRAY_SIZE(vad_silero_golden); i++)
		assert_float_equal(vad_silero_net_step(weights, &s, clip.samples + i * WINDOW),
		    vad_silero_golden[i], 1e-3f);
}

/* One letter for each hop. */
static char *decide(struct vad *vad, const int16_t *samples, size_t n)
{
	char *d = xcalloc(n / HOP + 1, 1);

	for (size_t i = 0; i < n / HOP; i++)
		d[i] = ".~#"[vad_hop(vad, samples + i * HOP)];
	return d;
}

static char *decide_anew(const int16_t *samples, size_t n)
{
	struct vad *vad = vad_new(0.5, 16000, weights);
	char *d;

	assert_non_null(vad);
	d = decide(vad, samples, n);
	vad_free(&vad);
	assert_null(vad);
	return d;
}

/* Whatever compiled it: this test runs in every build there is. */
static void test_decisions_are_the_same_from_every_compiler(void **state)
{
	char *d = decide_anew(clip.samples, clip.n);
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vad_silero_turns); i++) {
		for (char c = i % 2 == 0 ? '.' : '#'; at < vad_silero_turns[i]; at++)
			assert_int_equal(d[at], c);
	}
	assert_int_equal(at, strlen(d));
	free(d);
}

/* As jobs of the work pool mix them: each has a hop, then the next one. */
static void test_many_side_by_side_decide_to_the_bit_as_one_alone(void **state)
{
	enum { MANY = 200 };
	static struct vad_silero_state alone, many[MANY];
	static float first[MANY];

	(void)state;
	memset(&alone, 0, sizeof alone);
	memset(many, 0, sizeof many);
	for (size_t at = 0; at + WINDOW <= clip.n / 4; at += WINDOW) {
		float p = vad_silero_net_step(weights, &alone, clip.samples + at);

		for (size_t i = 0; i < MANY; i++)
			first[i] = vad_silero_net_step(weights, &many[i], clip.samples + at);
		for (size_t i = 0; i < MANY; i++)
			assert_memory_equal(&first[i], &p, sizeof p);
	}
	for (size_t i = 0; i < MANY; i++)
		assert_memory_equal(&many[i], &alone, sizeof alone);
}

/* Both kernels of the machine give the probability that counts, if not the same bits. */
static void test_a_machine_without_fused_multiply_add_hears_the_same(void **state)
{
	struct vad_silero_weights *plain = weights_found();
	struct vad_silero_state a = { 0 }, b = { 0 };

	(void)state;
	plain->dense = vad_silero_dense_plain;
	for (size_t at = 0; at + WINDOW <= clip.n; at += WINDOW)
		assert_float_equal(vad_silero_net_step(weights, &a, clip.samples + at),
		    vad_silero_net_step(plain, &b, clip.samples + at), 1e-3f);
	vad_silero_weights_free(&plain);
}

static size_t first_speech(const char *d, size_t from)
{
	while (d[from] != '#' && d[from] != '\0')
		from++;
	return from;
}

/* The minute between is not computed; and it makes no difference to when speech is heard after it. */
static void test_speech_after_a_minute_of_zeros_is_heard_as_before(void **state)
{
	size_t minute = (size_t)60 * HOPS_PER_S * HOP, n = 2 * clip.n + minute, begun;
	int16_t *samples = xcalloc(n, sizeof *samples);
	size_t again = clip.n / HOP + 60 * HOPS_PER_S;
	char *d;

	(void)state;
	memcpy(samples, clip.samples, clip.n * sizeof *samples);
	memcpy(samples + clip.n + minute, clip.samples, clip.n * sizeof *samples);
	d = decide_anew(samples, n);
	begun = first_speech(d, 0);
	for (size_t i = clip.n / HOP + 50; i < again; i++)
		assert_int_equal(d[i], '.');
	assert_in_range(first_speech(d, again) - again, begun - 6, begun + 6);
	free(d);
	free(samples);
}

/* Of zeros the network says the same for ever, and the last bit of a converter is nothing to it. */
static void test_silence_that_is_computed_is_silence_too(void **state)
{
	struct vad_silero_state s = { 0 };
	int16_t window[WINDOW];
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		for (int k = 0; k < WINDOW; k++) {
			random = random * 1664525 + 1013904223;
			window[k] = (int16_t)(i < 1000 ? 0 : (int)(random >> 30) - 1);
		}
		assert_true(vad_silero_net_step(weights, &s, window) < 0.3f);
	}
}

static void test_all_that_can_come_gives_a_probability(void **state)
{
	struct vad_silero_state s = { 0 };
	int16_t window[WINDOW];
	float p;

	(void)state;
	for (int i = 0; i < 200; i++) {
		for (int k = 0; k < WINDOW; k++)
			window[k] = i % 3 == 0 ? INT16_MIN : k & (i % 16) ? INT16_MAX : INT16_MIN;
		p = vad_silero_net_step(weights, &s, window);
		assert_true(p >= 0.0f && p <= 1.0f);
	}
}

static void test_more_sensitivity_hears_more(void **state)
{
	size_t before = 0;

	(void)state;
	for (double sensitivity = 0.0; sensitivity <= 1.0; sensitivity += 0.25) {
		struct vad *vad = vad_new(sensitivity, 16000, weights);
		char *d = decide(vad, clip.samples, clip.n);
		size_t now = 0;

		for (const char *c = d; *c != '\0'; c++)
			now += *c == '#';
		assert_true(now >= before && (sensitivity == 0.0 || now > 0));
		before = now;
		free(d);
		vad_free(&vad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probabilities_are_the_reference_implementations),
		cmocka_unit_test(test_decisions_are_the_same_from_every_compiler),
		cmocka_unit_test(test_many_side_by_side_decide_to_the_bit_as_one_alone),
		cmocka_unit_test(test_a_machine_without_fused_multiply_add_hears_the_same),
		cmocka_unit_test(test_speech_after_a_minute_of_zeros_is_heard_as_before),
		cmocka_unit_test(test_silence_that_is_computed_is_silence_too),
		cmocka_unit_test(test_all_that_can_come_gives_a_probability),
		cmocka_unit_test(test_more_sensitivity_hears_more),
	};
	int failed;

	weights = weights_found();
	if (weights == NULL) {
		(void)puts("1..0 # SKIP no weights of Silero VAD here (`stenopool models pull "
			   "silero-v6.2`)");
		return SKIPPED;
	}
	load_clip();
	failed = cmocka_run_group_tests_name("vad_silero", tests, NULL, NULL);
	vad_silero_weights_free(&weights);
	free(clip.samples);
	return failed;
}
