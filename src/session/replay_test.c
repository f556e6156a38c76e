/* An utterance whose instance is lost is heard again by another one, whole and as it was; and what a session does when the
 * server is about to leave, or when a live client comes faster than it is heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/metric.h"
#include "base/util.h"
#include "session/stage.h"

enum { SAMPLES_PER_MS = 16 };

static struct pool_fake_instance *hearer(uint64_t utterance)
{
	return pool_fake_at(&stage.pool, stage_hearer(utterance));
}

/* The hearer tells that it has decoded something, and is lost. */
static void lose(uint64_t utterance)
{
	const struct ipc_message m = {
		.type = IPC_PROGRESS, .epoch = hearer(utterance)->epoch, .progress = { 1, 0, 0 }
	};

	pool_on_message(stage.pool.pool, stage_hearer(utterance), &m);
	pool_fake_lose(&stage.pool, stage_hearer(utterance), "instance en/1 died");
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
}

/* The last `n` samples that any instance took are those that began at `at`. */
static void expect_same_samples(size_t at, size_t n)
{
	assert_true(at + n <= stage.pool.heard_n - n);
	assert_memory_equal(
	    stage.pool.heard + at, stage.pool.heard + stage.pool.heard_n - n, n * sizeof(int16_t));
}

static void test_open_utterance(void **state)
{
	(void)state;
	stage_open();
	stage_hear(250);
	session_fake_forget(stage.f);
	lose(1);
	session_fake_expect(stage.f, "recovered 1\n");
	assert_int_equal(hearer(1)->samples, 200 * SAMPLES_PER_MS);
	expect_same_samples(0, 200 * SAMPLES_PER_MS);
	stage_hear(50);
	stage_commit();
	stage_answer(1, "all of it");
	session_fake_expect(stage.f, "end 1 at 300\nfinal 1 'all of it' 0-300 commit 0.90\n");
	stage_end();
	session_fake_expect(stage.f, "ended 300 ms 1\n");
	stage_finish();
}

static void test_ended_utterance(void **state)
{
	(void)state;
	stage_open();
	stage_hear(250);
	stage_commit();
	stage_hear(100); /* of the next one, which waits */
	session_fake_forget(stage.f);
	lose(1);
	session_fake_expect(stage.f, "recovered 1\n");
	assert_int_equal(hearer(1)->samples, 250 * SAMPLES_PER_MS);
	assert_int_equal(hearer(1)->ends, 1);
	stage_answer(1, "one");
	stage_commit();
	stage_answer(2, "two");
	session_fake_expect(stage.f,
	    "final 1 'one' 0-250 commit 0.90\nend 2 at 350\nfinal 2 'two' 250-350 commit 0.90\n");
	stage_finish();
}

static void test_adaptation_it_began_with(void **state)
{
	const struct ipc_result r = { .text = { "text", 4 },
		.adaptation = (const uint8_t *)"learnt",
		.adaptation_bytes = 6 };

	(void)state;
	stage_open();
	stage_hear(100);
	stage_commit();
	pool_fake_result(&stage.pool, stage_hearer(1), IPC_FINAL, &r);
	pool_fake_born_all(&stage.pool);
	stage_hear(100);
	lose(2);
	assert_int_equal(hearer(2)->adaptation_bytes, 6);
	assert_memory_equal(hearer(2)->adaptation, "learnt", 6);
	stage_finish();
}

static void test_late_answers(void **state)
{
	uint64_t old;

	(void)state;
	stage_open();
	stage_hear(100);
	stage_commit();
	session_fake_forget(stage.f);
	old = stage_hearer(1);
	lose(1);
	pool_fake_final(&stage.pool, old, "from beyond");
	session_fake_expect(stage.f, "recovered 1\n");
	stage_answer(1, "one");
	session_fake_expect(stage.f, "final 1 'one' 0-100 commit 0.90\n");
	stage_finish();
}

static void test_partials_wait(void **state)
{
	(void)state;
	stage_open();
	stage_hear(900);
	pool_fake_partial(&stage.pool, stage_hearer(1), "some");
	pool_fake_room(&stage.pool, 2, 2); /* the spare one: BEGIN and half a second */
	lose(1);
	assert_int_equal(hearer(1)->samples, 8000);
	assert_int_equal(hearer(1)->partial_requests, 0);
	pool_fake_room(&stage.pool, stage_hearer(1), POOL_FAKE_EVERYTHING);
	assert_int_equal(hearer(1)->samples, 900 * SAMPLES_PER_MS);
	stage_hear(300);
	assert_int_equal(hearer(1)->partial_requests, 1);
	stage_finish();
}

/* What is sent again is no new debt: the ear does not pause for it. */
static void test_bound_of_new_audio(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.partial_interval_ms = 60000;
	stage_open_with(&cfg);
	for (int i = 0; i < 20; i++)
		stage_hear(100); /* twice session_buffer_ms, all of it taken */
	pool_fake_room(&stage.pool, 2, 1);
	lose(1);
	stage_hear(100);
	pool_fake_room(&stage.pool, stage_hearer(1), POOL_FAKE_EVERYTHING);
	assert_int_equal(hearer(1)->samples, 2100 * SAMPLES_PER_MS);
	stage_finish();
}

static void test_poison(void **state)
{
	uint64_t poisonous = metric_get(METRIC_utterances_poisonous_total);

	(void)state;
	stage_open();
	stage_hear(100);
	stage_commit();
	session_fake_forget(stage.f);
	lose(1);
	lose(1);
	session_fake_expect(stage.f,
	    "recovered 1\n"
	    "error 1 peer: 2 instances were lost to this utterance, the last because: instance "
	    "en/1 died\n");
	assert_int_equal(metric_get(METRIC_utterances_poisonous_total), poisonous + 1);
	stage_hear(100);
	stage_commit();
	lose(2); /* counted for each utterance */
	stage_answer(2, "two");
	session_fake_expect(stage.f,
	    "start 2 at 100\nend 2 at 200\nrecovered 2\nfinal 2 'two' 100-200 commit 0.90\n");
	stage_finish();
}

static void kill_hearer(uint64_t utterance)
{
	pool_fake_exit(&stage.pool, stage_hearer(utterance));
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
}

/* Instances that are killed before they have decoded anything, or here and there, say nothing against what they heard. */
static void test_innocent(void **state)
{
	uint64_t poisonous = metric_get(METRIC_utterances_poisonous_total);
	uint64_t given_up = metric_get(METRIC_utterances_given_up_total);

	(void)state;
	stage_open();
	stage_hear(100);
	stage_commit();
	session_fake_forget(stage.f);
	for (int i = 0; i < 7; i++)
		kill_hearer(1);
	session_fake_expect(stage.f,
	    "recovered 1\nrecovered 1\nrecovered 1\nrecovered 1\nrecovered 1\nrecovered 1\n"
	    "recovered 1\n");
	kill_hearer(1); /* but there is an end to it */
	session_fake_expect(stage.f,
	    "error 1 peer: 8 instances were lost to this utterance (utterance_losses_max 8), the "
	    "last because: instance en/8 was killed by signal 9\n");
	assert_int_equal(metric_get(METRIC_utterances_poisonous_total), poisonous);
	assert_int_equal(metric_get(METRIC_utterances_given_up_total), given_up + 1);
	stage_finish();
}

/* One that is killed again and again before it is through: a part at a time gets it through. */
static void test_parts(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.partials = false;
	stage_open_with(&cfg);
	stage_hear(900);
	stage_hear(900);
	stage_commit();
	session_fake_forget(stage.f);
	for (int i = 0; i < 3; i++)
		kill_hearer(1);
	session_fake_expect(stage.f, "recovered 1\nrecovered 1\nrecovered 1\n");
	for (int i = 0; hearer(1)->ends == 0; i++) {
		assert_in_range(i, 0, 9);
		pool_fake_partial(&stage.pool, stage_hearer(1), "one");
	}
	assert_in_range(hearer(1)->samples, 1, 500 * SAMPLES_PER_MS);
	stage_answer(1, "one");
	session_fake_expect(stage.f, "");
	kill_hearer(1); /* of this it is no more lost */
	session_fake_expect(stage.f, "recovered 1\n");
	for (int parts = 1; pool_fake_hearer(&stage.pool, 1) != 0; parts++) {
		assert_in_range(parts, 1, 9);
		while (hearer(1)->ends == 0)
			pool_fake_partial(&stage.pool, stage_hearer(1), "and");
		stage_answer(1, "more");
	}
	assert_int_equal(stage.f->finals, 1);
	stage.f->log[stage.f->log_n] = '\0';
	assert_non_null(strstr(stage.f->log, "final 1 'one more"));
	assert_non_null(strstr(stage.f->log, "' 0-1800 commit 0.90\n"));
	stage_finish();
}

/* What had been understood when an utterance is given up. */

static void partials(uint64_t utterance)
{
	static const char *const told[] = { "the weather is", "the weather is nice today",
		"the weather is nice today as" };

	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		stage_hear(300);
		pool_fake_partial(&stage.pool, stage_hearer(utterance), told[i]);
	}
}

#define PARTIALS                                                                                   \
	"partial 1 '|the weather is'\npartial 1 '|the weather is nice today'\n"                    \
	"partial 1 'the weather| is nice today as'\n"
#define BECAUSE                                                                                    \
	"  incomplete peer: 2 instances were lost to this utterance, the last because: instance "  \
	"en/1 died\n"

static void test_incomplete_open(void **state)
{
	uint64_t incomplete = metric_get(METRIC_utterances_incomplete_total);

	(void)state;
	stage_open();
	partials(1);
	session_fake_expect(stage.f, "start 1 at 0\n" PARTIALS);
	lose(1);
	lose(1);
	session_fake_expect(stage.f,
	    "recovered 1\nend 1 at 900\nfinal 1 'the weather' 0-900 commit 0.00\n" BECAUSE);
	assert_int_equal(metric_get(METRIC_utterances_incomplete_total), incomplete + 1);
	stage_hear(100); /* what follows is heard */
	stage_commit();
	stage_answer(2, "two");
	session_fake_expect(
	    stage.f, "start 2 at 900\nend 2 at 1000\nfinal 2 'two' 900-1000 commit 0.90\n");
	stage_finish();
}

static void test_incomplete_ended(void **state)
{
	(void)state;
	stage_open();
	partials(1);
	stage_commit();
	stage_hear(100);
	session_fake_expect(stage.f, "start 1 at 0\n" PARTIALS "end 1 at 900\nstart 2 at 900\n");
	lose(1);
	lose(1);
	session_fake_expect(
	    stage.f, "recovered 1\nfinal 1 'the weather' 0-900 commit 0.00\n" BECAUSE);
	stage_commit();
	stage_answer(2, "two");
	session_fake_expect(stage.f, "end 2 at 1000\nfinal 2 'two' 900-1000 commit 0.90\n");
	stage_finish();
}

static void test_incomplete_while_the_ear_is_at_work(void **state)
{
	(void)state;
	stage_open();
	partials(1);
	session_fake_forget(stage.f);
	(void)session_fake_hear(stage.f, 100); /* its job has not reported */
	for (int i = 0; i < 2; i++) {
		pool_fake_failed(&stage.pool, stage_hearer(1), "no");
		pool_fake_born_all(&stage.pool);
	}
	session_fake_expect(stage.f, "recovered 1\n");
	work_fake_run(&stage.work);
	session_fake_expect(stage.f,
	    "end 1 at 1000\nfinal 1 'the weather' 0-1000 commit 0.00\n"
	    "  incomplete engine: 2 instances were lost to this utterance, the last because: no\n");
	stage_finish();
}

/* All came at once, so no partial was told before the loss. */
static void test_collected_again(void **state)
{
	(void)state;
	stage_open();
	stage_hear(900);
	stage_commit();
	session_fake_expect(stage.f, "start 1 at 0\nend 1 at 900\n");
	lose(1);
	for (unsigned ms = 300; ms <= 900; ms += 300) {
		assert_int_equal(hearer(1)->samples, ms * SAMPLES_PER_MS);
		pool_fake_partial(&stage.pool, stage_hearer(1), "the weather is nice");
	}
	lose(1);
	session_fake_expect(
	    stage.f, "recovered 1\nfinal 1 'the weather is' 0-900 commit 0.00\n" BECAUSE);
	stage_finish();
}

/* One partial of all of it had come, which nothing would have agreed with. */
static void test_collected_once_more(void **state)
{
	(void)state;
	stage_open();
	stage_hear(900);
	pool_fake_partial(&stage.pool, stage_hearer(1), "the weather is nice");
	stage_commit();
	lose(1);
	for (unsigned ms = 300; ms <= 900; ms += 300) {
		assert_int_equal(hearer(1)->samples, ms * SAMPLES_PER_MS);
		pool_fake_partial(&stage.pool, stage_hearer(1), "the weather is nice");
	}
	session_fake_forget(stage.f);
	lose(1);
	session_fake_expect(stage.f, "final 1 'the weather is' 0-900 commit 0.00\n" BECAUSE);
	stage_finish();
}

/* It gets no partials, but what it said is not lost for that. */
static void test_incomplete_without_partials(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.partials = false;
	stage_open_with(&cfg);
	stage_hear(900);
	stage_commit();
	assert_int_equal(hearer(1)->partial_requests, 0);
	session_fake_forget(stage.f);
	lose(1);
	for (unsigned ms = 300; ms <= 900; ms += 300) {
		assert_int_equal(hearer(1)->samples, ms * SAMPLES_PER_MS);
		assert_int_equal(hearer(1)->ends, 0);
		pool_fake_partial(&stage.pool, stage_hearer(1), "the weather is nice");
	}
	assert_int_equal(hearer(1)->ends, 1);
	session_fake_expect(stage.f, "recovered 1\n");
	lose(1);
	session_fake_expect(stage.f, "final 1 'the weather is' 0-900 commit 0.00\n" BECAUSE);
	stage_finish();
}

static void test_cut_off(void **state)
{
	struct error why;

	(void)state;
	stage_open();
	partials(1);
	session_fake_forget(stage.f);
	(void)error_set(&why, ERROR_RESTARTING, "going");
	session_abort(stage.f->session, &why);
	session_fake_expect(stage.f,
	    "end 1 at 900\nfinal 1 'the weather' 0-900 stop 0.00\n  cut off restarting: going\n"
	    "error 0 fatal restarting: going\n");
	stage_finish();
}

static void then_free(struct session_fake *f, enum session_event_kind kind)
{
	(void)kind;
	session_fake_close(f);
}

static void test_freed_on_recovered(void **state)
{
	(void)state;
	stage_open();
	stage_hear(100);
	stage.f->then = then_free;
	stage.f->then_on = SESSION_EVENT_RECOVERED;
	lose(1);
	assert_null(stage.f->session);
	stage_finish();
}

/* At each event that tells of what was understood. */
static void test_freed_on_incomplete(void **state)
{
	static const enum session_event_kind kinds[] = { SESSION_EVENT_SPEECH_END,
		SESSION_EVENT_FINAL, SESSION_EVENT_ERROR };
	struct error why;

	(void)error_set(&why, ERROR_RESTARTING, "going");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		stage_open();
		partials(1);
		stage.f->then = then_free;
		stage.f->then_on = (int)kinds[i];
		session_abort(stage.f->session, &why);
		assert_null(stage.f->session);
		stage_finish();
		(void)stage_teardown(state);
		(void)stage_setup(state);
	}
}

/* Leaving. */

static void leave(void)
{
	session_leave_soon(stage.f->session, 1000);
	work_fake_run(&stage.work);
}

#define MOVED                                                                                      \
	"error 0 fatal restarting: the server is shutting down; send what is behind the last "     \
	"final to another one\n"

static void test_leave_when_silent(void **state)
{
	(void)state;
	stage_open();
	leave();
	session_fake_expect(stage.f, MOVED);
	stage_finish();
}

static void test_leave_after_the_utterance(void **state)
{
	(void)state;
	stage_open();
	stage_hear(100);
	session_fake_forget(stage.f);
	leave();
	stage_hear(100);
	stage_commit();
	stage_hear(100); /* is for another server */
	session_fake_expect(stage.f, "end 1 at 200\n");
	stage_answer(1, "one");
	session_fake_expect(stage.f, "final 1 'one' 0-200 commit 0.90\n" MOVED);
	stage_finish();
}

static void test_leave_after_stop(void **state)
{
	(void)state;
	stage_open();
	stage_hear(100);
	leave();
	stage_end();
	session_fake_forget(stage.f);
	stage_answer(1, "one");
	session_fake_expect(stage.f, "final 1 'one' 0-100 stop 0.90\nended 100 ms 1\n");
	stage_finish();
}

/* Live clients. */

static void hear_live(unsigned ms)
{
	pool_fake_pass_ms(&stage.pool, ms);
	(void)session_fake_hear(stage.f, ms);
}

static void test_overloaded(void **state)
{
	uint64_t overloaded = metric_get(METRIC_sessions_overloaded_total);

	(void)state;
	stage_open();
	for (int i = 0; i < 15 && !stage.f->over; i++)
		hear_live(100); /* no job runs */
	assert_true(stage.f->over);
	assert_int_equal(stage.f->why.code, ERROR_OVERLOADED);
	assert_non_null(strstr(stage.f->why.text, "session_buffer_ms 1000"));
	assert_int_equal(metric_get(METRIC_sessions_overloaded_total), overloaded + 1);
	stage_finish();
}

static void test_files_wait(void **state)
{
	(void)state;
	stage_open();
	for (int i = 0; i < 14; i++)
		(void)session_fake_hear(stage.f, 100);
	assert_false(session_fake_hear(stage.f, 100));
	work_fake_run(&stage.work);
	assert_int_equal(stage.f->drains, 1);
	for (int i = 0; i < 15; i++) /* slow now, but it was told to wait once */
		hear_live(100);
	assert_false(stage.f->over);
	stage_finish();
}

static void test_no_audio(void **state)
{
	(void)state;
	stage_open();
	(void)session_fake_hear(stage.f, 0);
	pool_fake_pass_ms(&stage.pool, 60000);
	for (int i = 0; i < 14; i++)
		(void)session_fake_hear(stage.f, 100);
	assert_false(stage.f->over);
	assert_false(session_fake_hear(stage.f, 100));
	stage_finish();
}

static void test_burst_after_silence(void **state)
{
	(void)state;
	stage_open();
	hear_live(100);
	work_fake_run(&stage.work);
	pool_fake_pass_ms(&stage.pool, 60000);
	for (int i = 0; i < 14; i++)
		(void)session_fake_hear(stage.f, 100);
	assert_false(stage.f->over);
	assert_false(session_fake_hear(stage.f, 100));
	work_fake_run(&stage.work);
	assert_int_equal(stage.f->drains, 1);
	stage_finish();
}

#define T(name, f)                                                                                 \
	{                                                                                          \
		name, f, stage_setup, stage_teardown, NULL                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T("an open utterance is heard again from its first sample", test_open_utterance),
		T("so is one that has ended, and the next one waits", test_ended_utterance),
		T("with the adaptation it began with", test_adaptation_it_began_with),
		T("what the lost instance still says is not heard", test_late_answers),
		T("partials wait until it has caught up", test_partials_wait),
		T("what is sent again does not count as waiting", test_bound_of_new_audio),
		T("the second loss of its own doing ends the utterance, and only that",
		    test_poison),
		T("one whose instances are killed from outside is given up later", test_innocent),
		T("but before that it is heard in parts, each of which is heard for good",
		    test_parts),
		T("of an open one that is given up what is stable is told, and what follows is "
		  "heard",
		    test_incomplete_open),
		T("so it is of one that has ended, and the next one is heard",
		    test_incomplete_ended),
		T("it ends when the ear has done what it is at",
		    test_incomplete_while_the_ear_is_at_work),
		T("also where no partial came before the loss", test_collected_again),
		T("also where one came, too few to settle anything", test_collected_once_more),
		T("and where the client wanted none", test_incomplete_without_partials),
		T("so it is where its session ends before it", test_cut_off),
		T("freed when it is told of it", test_freed_on_recovered),
		T("freed when it is told of what was understood", test_freed_on_incomplete),
		T("a silent session leaves at once", test_leave_when_silent),
		T("a speaking one leaves after its utterance", test_leave_after_the_utterance),
		T("one that says stop meanwhile gets its end", test_leave_after_stop),
		T("a live client beyond the bound is told it is too much", test_overloaded),
		T("one faster than time is made to wait", test_files_wait),
		T("whose only sign of life was no audio is not live by that", test_no_audio),
		T("nor is one that sends faster than time after a silence",
		    test_burst_after_silence),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
