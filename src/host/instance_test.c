/* The instance loop with the fake engine, in a forked child, as the server sees it. Partials that are computed anew, and what
 * breaks them off, are instance_partial_test.c's. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/instance.h"
#include "host/instance_fake.h"
#include "host/instance_state.h"

enum { SAMPLES = INSTANCE_FAKE_SAMPLES };

static const struct instance_config plain = { .ops = &engine_fake };

static void start(struct instance_fake *s, const char *key, const char *value)
{
	const struct engine_param param = { key, value };

	instance_fake_start(s, &plain, key == NULL ? NULL : &param);
}

static int setup(void **state)
{
	struct instance_fake *s = xcalloc(1, sizeof *s);

	*state = s;
	start(s, NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	struct instance_fake *s = *state;

	instance_fake_drop(s);
	free(s);
	return 0;
}

static void expect_broken_off(struct instance_fake *s)
{
	struct ipc_message m;
	int exit_status;

	while (instance_fake_hear(s, &m))
		continue;
	exit_status = instance_fake_end(s);
	assert_true(WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 1);
}

static void test_an_utterance_has_progress_and_a_final(void **state)
{
	struct instance_fake *s = *state;
	struct ipc_message m;
	struct ipc_progress progress = { 0 };

	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
	instance_fake_begin(s, 5, NULL, 0);
	instance_fake_audio_all(s, 5, 1000);
	instance_fake_say_type(s, IPC_END, 5);
	m = instance_fake_expect(s, IPC_FINAL, 5, &progress);
	assert_int_equal(progress.samples, SAMPLES);
	assert_int_equal(m.result.utterance, 105);
	assert_int_equal(m.result.words_n, 5);
	assert_true(m.result.text.length > 10);
	assert_true(m.result.adaptation_bytes > 0);
	assert_true(m.result.rss_kb > 0 && m.result.cpu_us > 0);
	assert_int_equal(instance_fake_end(s), 0);
}

static void test_chunks_do_not_matter(void **state)
{
	static const uint32_t chunks[] = { 37, 160, 1599, 1600, 1601, 8000 };
	char first[IPC_TEXT_MAX];
	uint32_t first_n = 0;
	uint16_t confidence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		struct instance_fake s;
		struct ipc_message m;

		start(&s, NULL, NULL);
		(void)instance_fake_expect(&s, IPC_READY, 0, NULL);
		instance_fake_begin(&s, 1, NULL, 0);
		instance_fake_audio_all(&s, 1, chunks[i]);
		instance_fake_say_type(&s, IPC_END, 1);
		m = instance_fake_expect(&s, IPC_FINAL, 1, NULL);
		if (i == 0) {
			first_n = m.result.text.length;
			memcpy(first, m.result.text.bytes, first_n);
			confidence = m.result.confidence;
		}
		assert_int_equal(m.result.text.length, first_n);
		assert_memory_equal(m.result.text.bytes, first, first_n);
		assert_int_equal(m.result.confidence, confidence);
		assert_int_equal(instance_fake_end(&s), 0);
	}
}

/* Says nothing until all requests are queued, by stopping the process meanwhile. */
static void test_of_many_requests_for_a_partial_the_last_is_answered(void **state)
{
	struct instance_fake *s = *state;
	struct ipc_message m;
	struct ipc_progress progress = { 0 };

	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
	instance_fake_stop(s);
	instance_fake_begin(s, 1, NULL, 0);
	for (uint32_t at = 0; at < SAMPLES; at += 1600) {
		instance_fake_audio(s, 1, at, 1600);
		instance_fake_say_type(s, IPC_PARTIAL_REQUEST, 1);
	}
	instance_fake_go_on(s);
	m = instance_fake_expect(s, IPC_PARTIAL, 1, &progress);
	assert_int_equal(progress.samples, SAMPLES);
	assert_true(m.result.text.length > 10);
	instance_fake_say_type(s, IPC_END, 1);
	(void)instance_fake_expect(s, IPC_FINAL, 1, NULL);
	assert_int_equal(instance_fake_end(s), 0);
}

static void test_a_partial_does_not_wait_for_ever_behind_audio(void **state)
{
	struct instance_fake *s = *state;
	struct ipc_progress progress = { 0 };

	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
	instance_fake_stop(s);
	instance_fake_begin(s, 1, NULL, 0);
	instance_fake_say_type(s, IPC_PARTIAL_REQUEST, 1);
	for (uint32_t at = 0; at < 3 * SAMPLES; at += 1600)
		instance_fake_audio(s, 1, at % SAMPLES, 1600);
	instance_fake_go_on(s);
	(void)instance_fake_expect(s, IPC_PARTIAL, 1, &progress);
	assert_int_equal(progress.samples, 2 * SAMPLES);
	instance_fake_say_type(s, IPC_END, 1);
	(void)instance_fake_expect(s, IPC_FINAL, 1, &progress);
	assert_int_equal(progress.samples, 3 * SAMPLES);
	assert_int_equal(instance_fake_end(s), 0);
}

static void test_an_abort_forgets_the_utterance_and_its_queue(void **state)
{
	struct instance_fake slow;
	struct ipc_message m;
	struct ipc_progress progress = { 0 };

	(void)state;
	start(&slow, "slow", "1000"); /* alone this audio would take a quarter of an hour */
	(void)instance_fake_expect(&slow, IPC_READY, 0, NULL);
	instance_fake_begin(&slow, 1, NULL, 0);
	instance_fake_audio_all(&slow, 1, 8000);
	instance_fake_say_type(&slow, IPC_END, 1);
	instance_fake_say_type(&slow, IPC_ABORT, 1);
	instance_fake_begin(&slow, 2, NULL, 0);
	instance_fake_say_type(&slow, IPC_END, 2);
	m = instance_fake_expect(&slow, IPC_FINAL, 2, &progress);
	assert_int_equal(m.result.text.length, 0);
	instance_fake_say_type(&slow, IPC_ABORT, 2); /* has crossed with the final */
	instance_fake_say_type(&slow, IPC_RESET, 0);
	(void)instance_fake_expect(&slow, IPC_READY, 0, NULL);
	assert_int_equal(instance_fake_end(&slow), 0);
}

static void test_a_closed_socket_ends_it_amid_work(void **state)
{
	struct instance_fake slow;

	(void)state;
	start(&slow, "end_ms", "600000");
	(void)instance_fake_expect(&slow, IPC_READY, 0, NULL);
	instance_fake_begin(&slow, 1, NULL, 0);
	instance_fake_audio(&slow, 1, 0, 1600);
	instance_fake_say_type(&slow, IPC_END, 1);
	assert_int_equal(instance_fake_end(&slow), 0);
}

static void test_a_failed_utterance_is_not_the_end(void **state)
{
	struct instance_fake failing;
	struct ipc_message m;

	(void)state;
	start(&failing, "fail", "audio@1");
	(void)instance_fake_expect(&failing, IPC_READY, 0, NULL);
	instance_fake_begin(&failing, 1, NULL, 0);
	instance_fake_audio_all(&failing, 1, 1600); /* most of it after the failure */
	instance_fake_say_type(&failing, IPC_PARTIAL_REQUEST, 1);
	instance_fake_say_type(&failing, IPC_END, 1);
	m = instance_fake_expect(&failing, IPC_FAILED, 1, NULL);
	assert_int_equal(m.failure.code, ERROR_ENGINE);
	instance_fake_begin(&failing, 2, NULL, 0);
	instance_fake_audio_all(&failing, 2, 1600);
	instance_fake_say_type(&failing, IPC_END, 2);
	(void)instance_fake_expect(&failing, IPC_FINAL, 2, NULL);
	assert_int_equal(instance_fake_end(&failing), 0);
}

static void test_an_adaptation_that_is_refused_fails_the_utterance(void **state)
{
	struct instance_fake *s = *state;
	struct ipc_message m;

	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
	instance_fake_begin(s, 1, (const uint8_t *)"nonsense", 8);
	m = instance_fake_expect(s, IPC_FAILED, 1, NULL);
	assert_int_equal(m.failure.code, ERROR_INVALID);
	instance_fake_begin(s, 2, NULL, 0);
	instance_fake_say_type(s, IPC_END, 2);
	(void)instance_fake_expect(s, IPC_FINAL, 2, NULL);
}

static void test_a_reset_takes_the_residue_away(void **state)
{
	struct instance_fake *s = *state;
	uint16_t confidence[3];

	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
	for (uint64_t i = 0; i < 3; i++) {
		instance_fake_begin(s, i + 1, NULL, 0);
		instance_fake_audio_all(s, i + 1, 1600);
		instance_fake_say_type(s, IPC_END, i + 1);
		confidence[i] = instance_fake_expect(s, IPC_FINAL, i + 1, NULL).result.confidence;
		if (i == 1) {
			instance_fake_say_type(s, IPC_RESET, 0);
			(void)instance_fake_expect(s, IPC_READY, 0, NULL);
		}
	}
	assert_int_not_equal(confidence[0], confidence[1]);
	assert_int_equal(confidence[0], confidence[2]);
}

static struct breach {
	const char *name;
	struct ipc_message first, second; /* the first may be of type NONE */
} breaches[] = {
	{ "audio before a begin breaks off", { .type = IPC_NONE },
	    { .type = IPC_AUDIO, .epoch = 1, .audio = { (const uint8_t *)"\1\2", 1 } } },
	{ "an end before a begin breaks off", { .type = IPC_NONE },
	    { .type = IPC_END, .epoch = 1 } },
	{ "a second begin breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_BEGIN, .epoch = 2 } },
	{ "a begin in epoch 0 breaks off", { .type = IPC_NONE },
	    { .type = IPC_BEGIN, .epoch = 0 } },
	{ "audio of another epoch breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_AUDIO, .epoch = 2, .audio = { (const uint8_t *)"\1\2", 1 } } },
	{ "an abort of another epoch breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_ABORT, .epoch = 2 } },
	{ "a cancel of another epoch breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_CANCEL, .epoch = 2 } },
	{ "a reset amid an utterance breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_RESET } },
	{ "what only an instance says breaks off", { .type = IPC_NONE }, { .type = IPC_READY } },
	{ "what only a host hears breaks off", { .type = IPC_NONE }, { .type = IPC_SPAWN } },
};

static void test_breach(void **state)
{
	const struct breach *b = *state;
	struct instance_fake s;

	start(&s, NULL, NULL);
	(void)instance_fake_expect(&s, IPC_READY, 0, NULL);
	if (b->first.type != IPC_NONE)
		instance_fake_say(&s, &b->first);
	instance_fake_say(&s, &b->second);
	expect_broken_off(&s);
}

static void test_garbage_breaks_off(void **state)
{
	struct instance_fake *s = *state;

	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
	assert_int_equal(write(s->fd, "garbage", 7), 7);
	expect_broken_off(s);
}

static struct step {
	const char *name;
	enum instance_state from;
	enum instance_event on;
	enum instance_state want;
} steps[] = {
	{ "a begin opens an idle one's ears", INSTANCE_IDLE, INSTANCE_ON_BEGIN, INSTANCE_HEARING },
	{ "an idle one hears no audio", INSTANCE_IDLE, INSTANCE_ON_AUDIO, INSTANCE_NONE },
	{ "an abort may come too late", INSTANCE_IDLE, INSTANCE_ON_ABORT, INSTANCE_IDLE },
	{ "an end is worked on", INSTANCE_HEARING, INSTANCE_ON_END, INSTANCE_ENDING },
	{ "an abort silences it", INSTANCE_HEARING, INSTANCE_ON_ABORT, INSTANCE_IDLE },
	{ "an abort interrupts the final", INSTANCE_ENDING, INSTANCE_ON_ABORT, INSTANCE_IDLE },
	{ "after the end comes no audio", INSTANCE_ENDING, INSTANCE_ON_AUDIO, INSTANCE_NONE },
	{ "a final makes it idle", INSTANCE_ENDING, INSTANCE_ON_DONE, INSTANCE_IDLE },
	{ "a request that is taken back changes nothing", INSTANCE_HEARING, INSTANCE_ON_CANCEL,
	    INSTANCE_HEARING },
	{ "a cancel may come after the end", INSTANCE_ENDING, INSTANCE_ON_CANCEL, INSTANCE_ENDING },
	{ "a cancel may come when all is over", INSTANCE_IDLE, INSTANCE_ON_CANCEL, INSTANCE_IDLE },
	{ "a deaf one ignores a cancel", INSTANCE_DEAF, INSTANCE_ON_CANCEL, INSTANCE_DEAF },
	{ "a failure makes it deaf", INSTANCE_HEARING, INSTANCE_ON_FAILED, INSTANCE_DEAF },
	{ "a deaf one ignores audio", INSTANCE_DEAF, INSTANCE_ON_AUDIO, INSTANCE_DEAF },
	{ "a deaf one hears a begin", INSTANCE_DEAF, INSTANCE_ON_BEGIN, INSTANCE_HEARING },
};

static void test_next(void **state)
{
	const struct step *s = *state;

	assert_int_equal(instance_next(s->from, s->on), s->want);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_an_utterance_has_progress_and_a_final),
		cmocka_unit_test(test_chunks_do_not_matter),
		T(test_of_many_requests_for_a_partial_the_last_is_answered),
		T(test_a_partial_does_not_wait_for_ever_behind_audio),
		cmocka_unit_test(test_an_abort_forgets_the_utterance_and_its_queue),
		cmocka_unit_test(test_a_closed_socket_ends_it_amid_work),
		cmocka_unit_test(test_a_failed_utterance_is_not_the_end),
		T(test_an_adaptation_that_is_refused_fails_the_utterance),
		T(test_a_reset_takes_the_residue_away),
		T(test_garbage_breaks_off),
	};
#undef T
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(breaches) + ARRAY_SIZE(steps)];
	size_t n = ARRAY_SIZE(tests);

	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(breaches); i++)
		all[n++] =
		    (struct CMUnitTest){ breaches[i].name, test_breach, NULL, NULL, &breaches[i] };
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		all[n++] = (struct CMUnitTest){ steps[i].name, test_next, NULL, NULL, &steps[i] };
	return cmocka_run_group_tests_name("instance", all, NULL, NULL);
}
