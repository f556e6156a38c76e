#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/ear.h"
#include "audio/vad_silero_weights.h"
#include "audio/weights_found.h"
#include "base/error.h"
#include "base/util.h"

/* The ear with the network in it: what it says depends on the audio alone. */

enum { HEADER = 44, PAUSE = 16000, SKIPPED = 77, MANY = 200, THREADS = 4 };

static struct vad_silero_weights *weights;
/* data/warmup.wav, a second of silence, and once more. */
static struct {
	int16_t *samples;
	size_t n;
} clip;

static void load_clip(void)
{
	FILE *f = fopen(STENOPOOL_WARMUP, "rbe");
	size_t n;

	assert_non_null(f);
	clip.samples = xcalloc(40 * 16000, sizeof *clip.samples);
	assert_int_equal(fseek(f, HEADER, SEEK_SET), 0);
	n = fread(clip.samples, sizeof *clip.samples, (size_t)15 * 16000, f);
	assert_int_equal(fclose(f), 0);
	memcpy(clip.samples + n + PAUSE, clip.samples, n * sizeof *clip.samples);
	clip.n = 2 * n + PAUSE;
}

static struct ear *make(void)
{
	struct ear_config cfg = { { ENCODING_S16LE, EAR_RATE_HZ, 1 }, ENDPOINT_CONFIG_DEFAULT, 0 };
	struct error err = ERROR_INIT;
	struct ear *ear;

	cfg.endpoint.weights = weights;
	ear = ear_new(&cfg, &err);
	assert_non_null(ear);
	return ear;
}

static void feed(struct ear *ear, size_t from, size_t chunk, struct ear_out *out)
{
	struct error err = ERROR_INIT;
	size_t n = MIN(chunk, clip.n - from);

	assert_int_equal(
	    ear_feed(ear, clip.samples + from, n * sizeof *clip.samples, out, &err), 0);
	if (from + n == clip.n)
		assert_int_equal(ear_finish(ear, out, &err), 0);
}

static struct ear_out listen(size_t chunk)
{
	struct ear *ear = make();
	struct ear_out out = { 0 };

	for (size_t at = 0; at < clip.n; at += chunk)
		feed(ear, at, chunk, &out);
	ear_free(&ear);
	return out;
}

static void assert_same(const struct ear_out *a, const struct ear_out *b)
{
	assert_int_equal(a->events_n, b->events_n);
	for (size_t i = 0; i < a->events_n; i++) {
		assert_int_equal(a->events[i].kind, b->events[i].kind);
		assert_int_equal(a->events[i].cause, b->events[i].cause);
		assert_int_equal(a->events[i].at, b->events[i].at);
		assert_int_equal(a->events[i].speech_at, b->events[i].speech_at);
	}
	assert_int_equal(a->samples_n, b->samples_n);
	assert_memory_equal(a->samples, b->samples, a->samples_n * sizeof *a->samples);
}

static void test_each_sentence_is_an_utterance(void **state)
{
	struct ear_out out = listen(320);
	const struct ear_event *events[32];
	size_t n = 0;

	(void)state;
	assert_in_range(out.events_n, 4, ARRAY_SIZE(events));
	for (size_t i = 0; i < out.events_n; i++)
		if (out.events[i].kind == EAR_SPEECH_START || out.events[i].kind == EAR_SPEECH_END)
			events[n++] = &out.events[i];
	assert_int_equal(n, 4);
	assert_int_equal(events[1]->cause, EAR_CAUSE_SILENCE);
	assert_true(events[1]->at <= events[2]->at);
	ear_out_done(&out);
}

static struct row {
	const char *name;
	size_t chunk;
} rows[] = { { "in chunks of 1 ms", 16 }, { "in chunks of 1 s", 16000 },
	{ "in chunks of a prime number", 4099 }, { "all at once", SIZE_MAX / 4 } };

static void test_chunks(void **state)
{
	const struct row *r = *state;
	struct ear_out whole = listen(320), other = listen(r->chunk);

	assert_same(&whole, &other);
	ear_out_done(&whole);
	ear_out_done(&other);
}

/* Each has 20 ms, then the next one, as in a batch of the work pool. */
static void test_beside_many_as_alone(void **state)
{
	static struct ear *ears[MANY];
	static struct ear_out outs[MANY];
	struct ear_out alone = listen(320);

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		ears[i] = make();
	for (size_t at = 0; at < clip.n; at += 320)
		for (size_t i = 0; i < MANY; i++)
			feed(ears[i], at, 320, &outs[i]);
	for (size_t i = 0; i < MANY; i++) {
		assert_same(&alone, &outs[i]);
		ear_out_done(&outs[i]);
		ear_free(&ears[i]);
	}
	ear_out_done(&alone);
}

static void *in_thread(void *arg)
{
	*(struct ear_out *)arg = listen(320);
	return NULL;
}

static void test_in_threads_as_alone(void **state)
{
	pthread_t threads[THREADS];
	struct ear_out outs[THREADS], alone = listen(320);

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, in_thread, &outs[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_same(&alone, &outs[i]);
		ear_out_done(&outs[i]);
	}
	ear_out_done(&alone);
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_each_sentence_is_an_utterance),
		cmocka_unit_test(test_beside_many_as_alone),
		cmocka_unit_test(test_in_threads_as_alone),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	int failed;

	weights = weights_found();
	if (weights == NULL) {
		(void)puts("1..0 # SKIP no weights of Silero VAD here (`stenopool models pull "
			   "silero-v6.2`)");
		return SKIPPED;
	}
	load_clip();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_chunks, NULL, NULL, &rows[i] };
	failed = cmocka_run_group_tests_name("ear_silero_chunks", tests, NULL, NULL);
	failed += cmocka_run_group_tests_name("ear_silero", others, NULL, NULL);
	vad_silero_weights_free(&weights);
	free(clip.samples);
	return failed;
}
