#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "engine/fake.h"

enum { SAMPLES = 16000 };

static int16_t speech[SAMPLES];

/* Four words, a silence, and half a block. */
static void make_speech(void)
{
	for (int i = 0; i < SAMPLES; i++)
		speech[i] = (int16_t)(i < 12800 || i > 14400 ? (i * 7919) % 4001 - 2000 : 0);
}

static struct engine *load(const struct engine_param *params, size_t n)
{
	struct engine *e = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(engine_fake.load(&e, params, n, &err), 0);
	return e;
}

static struct engine_result hear(struct engine *e, const void *adaptation, size_t n, size_t chunk)
{
	const struct engine_begin begin = { .adaptation = adaptation, .adaptation_bytes = n };
	struct engine_result result;
	struct error err = ERROR_INIT;

	assert_int_equal(engine_fake.begin(e, &begin, &err), 0);
	for (size_t i = 0; i < SAMPLES; i += chunk)
		assert_int_equal(
		    engine_fake.audio(e, speech + i, MIN(chunk, SAMPLES - i), &err), 0);
	assert_int_equal(engine_fake.end(e, &result, &err), 0);
	return result;
}

static void test_loud_stretches_are_words_with_times(void **state)
{
	struct engine *e = load(NULL, 0);
	struct engine_result r = hear(e, NULL, 0, SAMPLES);
	char joined[200] = "";

	(void)state;
	assert_int_equal(r.words_n, 5);
	for (size_t i = 0; i < r.words_n; i++) {
		strcat(strcat(joined, i == 0 ? "" : " "), r.words[i].text);
		assert_int_equal(r.words[i].start_ms, i * 200);
		assert_int_equal(r.words[i].end_ms, i * 200 + 200);
		assert_true(r.words[i].confidence >= 0.5f && r.words[i].confidence <= 1);
	}
	assert_string_equal(r.text, joined);
	engine_fake.unload(&e);
	assert_null(e);
}

static void test_chunks_and_partials_change_nothing(void **state)
{
	struct engine *e = load(NULL, 0);
	struct engine_result r = hear(e, NULL, 0, SAMPLES), partial;
	struct error err = ERROR_INIT;
	char text[200];
	float confidence = r.confidence;

	(void)state;
	(void)snprintf(text, sizeof text, "%s", r.text);
	for (size_t chunk = 1; chunk <= 4096; chunk = chunk * 3 + 1) {
		engine_fake.reset(e);
		r = hear(e, NULL, 0, chunk);
		assert_int_equal(engine_fake.partial(e, &partial, &err), 0);
		assert_string_equal(r.text, text);
		assert_true(r.confidence == confidence);
	}
	engine_fake.unload(&e);
}

static void test_adaptation_travels_and_is_checked(void **state)
{
	struct engine *e = load(NULL, 0);
	const struct engine_begin bad = { .adaptation = "nonsense", .adaptation_bytes = 8 };
	struct engine_result r = hear(e, NULL, 0, SAMPLES);
	struct error err = ERROR_INIT;
	float first = r.confidence, second;
	uint8_t blob[64];
	size_t n = r.adaptation_bytes;

	(void)state;
	memcpy(blob, r.adaptation, n);
	engine_fake.reset(e);
	second = hear(e, blob, n, SAMPLES).confidence;
	assert_true(first != second);
	engine_fake.reset(e);
	assert_true(hear(e, blob, n, SAMPLES).confidence == second);
	assert_int_equal(engine_fake.begin(e, &bad, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID);
	engine_fake.unload(&e);
}

static void test_it_has_residue_until_it_is_reset(void **state)
{
	struct engine *e = load(NULL, 0);
	float newborn = hear(e, NULL, 0, SAMPLES).confidence;

	(void)state;
	assert_true(hear(e, NULL, 0, SAMPLES).confidence != newborn);
	engine_fake.reset(e);
	assert_true(hear(e, NULL, 0, SAMPLES).confidence == newborn);
	engine_fake.unload(&e);
}

static void test_models_hear_different_words(void **state)
{
	const struct engine_param other = { "model", "other" };
	struct engine *e = load(NULL, 0), *o = load(&other, 1);
	struct engine_result r = hear(e, NULL, 0, SAMPLES);

	(void)state;
	assert_string_equal(engine_fake.model(o), "other");
	assert_string_not_equal(r.text, hear(o, NULL, 0, SAMPLES).text);
	engine_fake.unload(&e);
	engine_fake.unload(&o);
}

static struct refusal {
	const char *name, *key, *value, *says;
	enum error_code code;
} refusals[] = {
	{ "an unknown parameter is refused", "modle", "x", "no parameter 'modle'", ERROR_CONFIG },
	{ "a factor must be a number", "slow", "much", "slow: 'much' is no number", ERROR_CONFIG },
	{ "a factor has a range", "burn", "-1", "from 0 to 1000", ERROR_CONFIG },
	{ "a fault needs a place", "crash", "somewhere", "crash: 'somewhere' is not",
	    ERROR_CONFIG },
	{ "a fault needs a whole number", "hang", "end@x", "hang: 'x' is no number", ERROR_CONFIG },
	{ "a leak needs a number", "leak", "", "leak: '' is no number", ERROR_CONFIG },
	{ "loading fails on request", "load_fail", "no luck", "no luck", ERROR_ENGINE },
};

static void test_refusal(void **state)
{
	const struct refusal *r = *state;
	const struct engine_param param = { r->key, r->value };
	struct engine *e = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(engine_fake.load(&e, &param, 1, &err), -1);
	assert_int_equal(err.code, r->code);
	if (strstr(err.text, r->says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, r->says);
	assert_null(e);
}

/* Puts a fault into the audio, and gives what became of a process that heard it. */
static int fate_of_fault(enum fake_fault fault, enum fake_where where, int argument)
{
	const struct rlimit no_core = { 0, 0 };
	int16_t *at = speech + 5001;
	struct engine *e;
	pid_t pid;
	int status;

	make_speech();
	memcpy(at, fake_marker, sizeof fake_marker);
	at[FAKE_MARKER_SAMPLES] = (int16_t)(fault * FAKE_STEP - 3); /* as rounding may have it */
	at[FAKE_MARKER_SAMPLES + 1] = (int16_t)(where * FAKE_STEP + 3);
	at[FAKE_MARKER_SAMPLES + 2] = (int16_t)(argument * FAKE_ARGUMENT_STEP);
	pid = fork();
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)close(3);
		e = load(NULL, 0);
		(void)hear(e, NULL, 0, 1600);
		engine_fake.unload(&e);
		_exit(77);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	make_speech();
	return status;
}

static void test_faults_in_the_audio_happen(void **state)
{
	int status = fate_of_fault(FAKE_CRASH, FAKE_AUDIO, 0);

	(void)state;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = fate_of_fault(FAKE_EXIT, FAKE_END, 42);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	status = fate_of_fault(FAKE_HANG, FAKE_AUDIO, 0); /* there is no descriptor 3: it goes */
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	status = fate_of_fault(FAKE_EXEC, FAKE_AUDIO, 0); /* nobody stops it here */
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	status = fate_of_fault(FAKE_EXIT, FAKE_PARTIAL, 42); /* none is asked for */
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 77);
}

static void test_a_fault_waits_for_its_utterance_and_happens_once(void **state)
{
	char path[] = "/tmp/fake_test.XXXXXX";
	int fd = mkstemp(path);
	const struct engine_param params[] = { { "fail", "end@2" }, { "once", path } };
	const struct engine_begin begin = { .adaptation_bytes = 0 };
	struct engine_result r;
	struct error err = ERROR_INIT;

	(void)state;
	fd_close(&fd);
	assert_int_equal(unlink(path), 0);
	for (int process = 0; process < 2; process++) {
		struct engine *e = load(params, 2);

		for (int utterance = 1; utterance <= 3; utterance++) {
			bool fails = process == 0 && utterance == 2;

			assert_int_equal(engine_fake.begin(e, &begin, &err), 0);
			assert_int_equal(engine_fake.end(e, &r, &err), fails ? -1 : 0);
		}
		engine_fake.unload(&e);
	}
	assert_int_equal(unlink(path), 0);
}

static bool give_up(void *arg, uint64_t decoded)
{
	(void)arg;
	return decoded < 3200;
}

static void test_slow_work_can_be_given_up(void **state)
{
	const struct engine_param slow = { "burn", "0.1" };
	const struct engine_begin begin = { .on_progress = give_up };
	struct engine *e = load(&slow, 1);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(engine_fake.begin(e, &begin, &err), 0);
	assert_int_equal(engine_fake.audio(e, speech, 1600, &err), 0);
	assert_int_equal(engine_fake.audio(e, speech, 1600, &err), -1);
	assert_int_equal(err.code, ERROR_ENGINE);
	assert_int_equal(engine_fake.begin(e, &begin, &err), 0);
	engine_fake.unload(&e);
}

static void test_engines_are_found_by_name(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_ptr_equal(engine_find("fake", &err), &engine_fake);
	assert_null(engine_find("fakir", &err));
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "'fakir'"));
	assert_non_null(strstr(err.text, "fake"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loud_stretches_are_words_with_times),
		cmocka_unit_test(test_chunks_and_partials_change_nothing),
		cmocka_unit_test(test_adaptation_travels_and_is_checked),
		cmocka_unit_test(test_it_has_residue_until_it_is_reset),
		cmocka_unit_test(test_models_hear_different_words),
		cmocka_unit_test(test_faults_in_the_audio_happen),
		cmocka_unit_test(test_a_fault_waits_for_its_utterance_and_happens_once),
		cmocka_unit_test(test_slow_work_can_be_given_up),
		cmocka_unit_test(test_engines_are_found_by_name),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(refusals)];

	make_speech();
	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		all[ARRAY_SIZE(tests) + i] =
		    (struct CMUnitTest){ refusals[i].name, test_refusal, NULL, NULL, &refusals[i] };
	return cmocka_run_group_tests_name("fake", all, NULL, NULL);
}
