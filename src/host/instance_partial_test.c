/* Partials that an engine computes anew: what breaks one off, what is answered then, and that the server hears of an engine that
 * computes for long. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/instance.h"
#include "host/instance_fake.h"

/* An engine whose partials never end by themselves, and whose finals say how many samples there were and how many partials
 * were given up before. */
struct engine {
	engine_progress_f *on_progress;
	void *arg;
	size_t samples;
	unsigned given_up;
	char text[64];
};

static int endless_load(
    struct engine **out, const struct engine_param *params, size_t n, struct error *err)
{
	(void)params;
	(void)n;
	(void)err;
	*out = xcalloc(1, sizeof **out);
	return 0;
}

static int endless_begin(struct engine *e, const struct engine_begin *begin, struct error *err)
{
	(void)err;
	*e = (struct engine){ .on_progress = begin->on_progress, .arg = begin->arg };
	return 0;
}

static int endless_audio(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	(void)samples;
	(void)err;
	e->samples += n;
	return 0;
}

static int endless_partial(struct engine *e, struct engine_result *out, struct error *err)
{
	(void)out;
	while (e->on_progress(e->arg, 0))
		continue;
	e->given_up++;
	return error_set(err, ERROR_ENGINE, "given up");
}

static int endless_end(struct engine *e, struct engine_result *out, struct error *err)
{
	(void)err;
	(void)snprintf(e->text, sizeof e->text, "%zu %u", e->samples, e->given_up);
	*out = (struct engine_result){ .text = e->text };
	return 0;
}

static const struct ipc_traits traits = { .partials = IPC_PARTIALS_ANEW };
static const struct engine_ops engine_endless = { .name = "endless",
	.traits = &traits,
	.load = endless_load,
	.begin = endless_begin,
	.audio = endless_audio,
	.partial = endless_partial,
	.end = endless_end };

/* Nobody's clock: 50 ms pass each time it is looked at. */
static uint64_t hasty_now_ns(void *arg)
{
	uint64_t *now_ns = arg;

	return *now_ns += 50 * NS_PER_MS;
}

static uint64_t hasty_ns;
static const struct instance_config endless = {
	.ops = &engine_endless, .now_ns = hasty_now_ns, .clock_arg = &hasty_ns
};
static const struct instance_config whole = {
	.ops = &engine_fake_whole, .now_ns = hasty_now_ns, .clock_arg = &hasty_ns
};

static int setup(void **state)
{
	struct instance_fake *s = xcalloc(1, sizeof *s);

	*state = s;
	instance_fake_start(s, &endless, NULL);
	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
	return 0;
}

static int teardown(void **state)
{
	struct instance_fake *s = *state;

	instance_fake_drop(s);
	free(s);
	return 0;
}

/* Half a second of sound, and a partial in work: it shows by signs that come without any more of it. */
static void begin_partial(struct instance_fake *s, uint64_t epoch)
{
	struct ipc_message m;
	uint64_t signs = 0;

	instance_fake_begin(s, epoch, NULL, 0);
	instance_fake_audio(s, epoch, 0, 8000);
	instance_fake_say_type(s, IPC_PARTIAL_REQUEST, epoch);
	do {
		assert_true(instance_fake_hear(s, &m));
		assert_int_equal(m.type, IPC_PROGRESS);
		assert_true(m.progress.signs > signs);
		signs = m.progress.signs;
	} while (m.progress.samples < 8000 || signs < m.progress.samples / IPC_BLOCK_SAMPLES + 10);
}

static void expect_final(struct instance_fake *s, uint64_t epoch, const char *text)
{
	struct ipc_message m = instance_fake_expect(s, IPC_FINAL, epoch, NULL);

	assert_int_equal(m.result.text.length, strlen(text));
	assert_memory_equal(m.result.text.bytes, text, strlen(text));
}

static void test_an_end_does_not_wait_for_a_partial(void **state)
{
	struct instance_fake *s = *state;

	begin_partial(s, 1);
	instance_fake_audio(s, 1, 8000, 8000);
	instance_fake_say_type(s, IPC_END, 1);
	expect_final(s, 1, "16000 1"); /* with the audio that came meanwhile */
	assert_int_equal(instance_fake_end(s), 0);
}

static void test_a_cancelled_partial_is_broken_off_and_the_utterance_goes_on(void **state)
{
	struct instance_fake *s = *state;

	begin_partial(s, 1);
	instance_fake_say_type(s, IPC_CANCEL, 1);
	(void)instance_fake_expect(s, IPC_CANCELLED, 1, NULL);
	instance_fake_audio(s, 1, 8000, 8000);
	instance_fake_say_type(s, IPC_PARTIAL_REQUEST, 1);
	instance_fake_say_type(s, IPC_CANCEL, 1);
	(void)instance_fake_expect(s, IPC_CANCELLED, 1, NULL);
	instance_fake_say_type(s, IPC_END, 1);
	(void)instance_fake_expect(s, IPC_FINAL, 1, NULL);
	assert_int_equal(instance_fake_end(s), 0);
}

static void test_what_is_asked_for_after_a_cancel_is_another_partial(void **state)
{
	struct instance_fake *s = *state;

	begin_partial(s, 1);
	instance_fake_stop(s);
	instance_fake_say_type(s, IPC_CANCEL, 1);
	instance_fake_say_type(s, IPC_PARTIAL_REQUEST, 1);
	instance_fake_go_on(s);
	(void)instance_fake_expect(s, IPC_CANCELLED, 1, NULL);
	instance_fake_say_type(s, IPC_END, 1);
	(void)instance_fake_expect(s, IPC_FINAL, 1, NULL);
}

static void test_an_abort_breaks_a_partial_off(void **state)
{
	struct instance_fake *s = *state;

	begin_partial(s, 1);
	instance_fake_say_type(s, IPC_ABORT, 1);
	instance_fake_begin(s, 2, NULL, 0);
	instance_fake_say_type(s, IPC_END, 2);
	expect_final(s, 2, "0 0");
	instance_fake_say_type(s, IPC_CANCEL, 1); /* of an utterance that is long over */
	instance_fake_begin(s, 3, NULL, 0);
	instance_fake_say_type(s, IPC_END, 3);
	expect_final(s, 3, "0 0");
	assert_int_equal(instance_fake_end(s), 0);
}

static void test_a_closed_socket_ends_it_amid_a_partial(void **state)
{
	struct instance_fake *s = *state;

	begin_partial(s, 1);
	assert_int_equal(instance_fake_end(s), 0);
}

/* The engine of these finishes its partials. */
static void start_whole(struct instance_fake *s, const char *key, const char *value)
{
	const struct engine_param param = { key, value };

	instance_fake_start(s, &whole, key == NULL ? NULL : &param);
	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
}

static void test_a_partial_that_was_not_begun_is_not_computed(void **state)
{
	struct instance_fake s;

	(void)state;
	start_whole(&s, NULL, NULL);
	instance_fake_stop(&s);
	instance_fake_begin(&s, 1, NULL, 0);
	instance_fake_say_type(&s, IPC_PARTIAL_REQUEST, 1);
	instance_fake_say_type(&s, IPC_CANCEL, 1);
	instance_fake_go_on(&s);
	(void)instance_fake_expect(&s, IPC_CANCELLED, 1, NULL);
	instance_fake_say_type(&s, IPC_END, 1);
	(void)instance_fake_expect(&s, IPC_FINAL, 1, NULL);
	assert_int_equal(instance_fake_end(&s), 0);
}

static void test_a_cancel_that_crosses_with_the_answer_has_none(void **state)
{
	struct instance_fake s;

	(void)state;
	start_whole(&s, NULL, NULL);
	instance_fake_begin(&s, 1, NULL, 0);
	instance_fake_audio_all(&s, 1, 8000);
	instance_fake_say_type(&s, IPC_PARTIAL_REQUEST, 1);
	(void)instance_fake_expect(&s, IPC_PARTIAL, 1, NULL);
	instance_fake_say_type(&s, IPC_CANCEL, 1);
	instance_fake_say_type(&s, IPC_END, 1);
	instance_fake_say_type(&s, IPC_CANCEL, 1);
	(void)instance_fake_expect(&s, IPC_FINAL, 1, NULL);
	instance_fake_say_type(&s, IPC_CANCEL, 1);
	instance_fake_begin(&s, 2, NULL, 0);
	instance_fake_say_type(&s, IPC_END, 2);
	(void)instance_fake_expect(&s, IPC_FINAL, 2, NULL);
	assert_int_equal(instance_fake_end(&s), 0);
}

static void test_a_failed_utterance_has_no_answer_to_a_cancel(void **state)
{
	struct instance_fake s;

	(void)state;
	start_whole(&s, "fail", "partial");
	instance_fake_begin(&s, 1, NULL, 0);
	instance_fake_say_type(&s, IPC_PARTIAL_REQUEST, 1);
	(void)instance_fake_expect(&s, IPC_FAILED, 1, NULL);
	instance_fake_say_type(&s, IPC_CANCEL, 1);
	instance_fake_begin(&s, 2, NULL, 0);
	instance_fake_say_type(&s, IPC_END, 2);
	(void)instance_fake_expect(&s, IPC_FINAL, 2, NULL);
	assert_int_equal(instance_fake_end(&s), 0);
}

static void test_a_long_final_shows_every_100_ms_that_it_is_alive(void **state)
{
	struct instance_fake s;
	struct ipc_progress last = { 0 };
	struct ipc_message m;
	unsigned told = 0;

	(void)state;
	start_whole(
	    &s, "decode_ms", "200"); /* 20 calls of on_progress, 50 ms apart for the clock */
	instance_fake_begin(&s, 1, NULL, 0);
	instance_fake_audio(&s, 1, 0, 8000);
	do {
		assert_true(instance_fake_hear(&s, &m));
		last = m.progress;
	} while (last.samples < 8000);
	instance_fake_say_type(&s, IPC_END, 1);
	for (;; told++) {
		assert_true(instance_fake_hear(&s, &m));
		if (m.type != IPC_PROGRESS)
			break;
		assert_int_equal(m.progress.samples, 8000);
		assert_int_equal(m.progress.signs, last.signs + 2);
		last = m.progress;
	}
	assert_int_equal(m.type, IPC_FINAL);
	assert_int_equal(told, 10);
	assert_int_equal(instance_fake_end(&s), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_an_end_does_not_wait_for_a_partial),
		T(test_a_cancelled_partial_is_broken_off_and_the_utterance_goes_on),
		T(test_what_is_asked_for_after_a_cancel_is_another_partial),
		T(test_an_abort_breaks_a_partial_off),
		T(test_a_closed_socket_ends_it_amid_a_partial),
		cmocka_unit_test(test_a_partial_that_was_not_begun_is_not_computed),
		cmocka_unit_test(test_a_cancel_that_crosses_with_the_answer_has_none),
		cmocka_unit_test(test_a_failed_utterance_has_no_answer_to_a_cancel),
		cmocka_unit_test(test_a_long_final_shows_every_100_ms_that_it_is_alive),
	};
#undef T

	return cmocka_run_group_tests_name("instance_partial", tests, NULL, NULL);
}
