/* What becomes of one utterance: what its instance is sent and asked, what it learns, and how it may fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/metric.h"
#include "base/util.h"
#include "session/stage.h"

/* Adaptation. */

static void final_with(uint64_t utterance, const char *adaptation)
{
	const struct ipc_result r = { .text = { "text", 4 },
		.adaptation = (const uint8_t *)adaptation,
		.adaptation_bytes = (uint32_t)strlen(adaptation) };

	pool_fake_result(&stage.pool, stage_hearer(utterance), IPC_FINAL, &r);
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
}

static void expect_begun_with(uint64_t utterance, const char *adaptation)
{
	const struct pool_fake_instance *i = pool_fake_at(&stage.pool, stage_hearer(utterance));

	assert_int_equal(i->adaptation_bytes, strlen(adaptation));
	assert_memory_equal(i->adaptation, adaptation, strlen(adaptation));
}

static void test_adaptation(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.adaptation = (const uint8_t *)"from before";
	cfg.adaptation_bytes = 11;
	stage_open_with(&cfg);
	for (int i = 0; i < 4; i++) {
		stage_hear(100);
		stage_commit(); /* all four before the first final */
	}
	expect_begun_with(1, "from before");
	final_with(1, "first");
	assert_int_equal(stage.f->adaptation_bytes, 5);
	assert_memory_equal(stage.f->adaptation, "first", 5);
	expect_begun_with(2, "first");
	final_with(2, "");
	assert_memory_equal(stage.f->adaptation, "first", 5); /* nothing new was learnt */
	expect_begun_with(3, "first");
	stage_fail(3, "no");
	expect_begun_with(4, "first");
	final_with(4, "fourth");
	stage_finish();
}

/* Utterances that fail. */

static size_t samples_of(uint64_t utterance)
{
	size_t n = 99;
	const int16_t *samples = session_samples(stage.f->session, utterance, &n);

	assert_int_equal(samples == NULL, n == 0);
	return n;
}

static void test_samples(void **state)
{
	(void)state;
	stage_open();
	assert_int_equal(samples_of(1), 0);
	stage_hear(100);
	stage_commit();
	assert_int_equal(samples_of(1), 1600);
	assert_int_equal(samples_of(2), 0);
	stage_hear(50);
	stage_fail(1, "no");
	assert_int_equal(samples_of(1), 0);
	assert_int_equal(samples_of(2), 800);
	stage_finish();
}

static void test_failed_after_its_end(void **state)
{
	(void)state;
	stage_open();
	stage_hear(100);
	stage_commit();
	stage_hear(100);
	stage_commit();
	session_fake_forget(stage.f);
	stage_fail(1, "no");
	session_fake_expect(stage.f,
	    "recovered 1\nerror 1 engine: 2 instances were lost to this utterance, the last "
	    "because: no\n");
	stage_answer(2, "two");
	session_fake_expect(stage.f, "final 2 'two' 100-200 commit 0.90\n");
	stage_end();
	session_fake_expect(stage.f, "ended 200 ms 2\n");
	stage_finish();
}

static void test_failed_while_open(void **state)
{
	size_t heard;

	(void)state;
	stage_open();
	stage_hear(100);
	session_fake_forget(stage.f);
	stage_fail(1, "no");
	session_fake_expect(stage.f,
	    "recovered 1\nerror 1 engine: 2 instances were lost to this utterance, the last "
	    "because: no\n");
	assert_int_equal(session_open_utterances(stage.f->session), 0);
	heard = stage.pool.heard_n;
	for (int i = 0; i < 30; i++)
		stage_hear(100); /* goes nowhere, and is not kept either */
	assert_int_equal(stage.pool.heard_n, heard);
	assert_int_equal(session_state(stage.f->session), SESSION_SPEAKING);
	stage_commit();
	session_fake_expect(stage.f, "end 1 at 3100\n");
	stage_hear(100);
	stage_commit();
	stage_answer(2, "two");
	session_fake_expect(
	    stage.f, "start 2 at 3100\nend 2 at 3200\nfinal 2 'two' 3100-3200 commit 0.90\n");
	stage_finish();
}

/* What waited to be sent is forgotten with it, so it does not hold up what follows. */
static void test_failed_with_much_unsent(void **state)
{
	(void)state;
	stage_open();
	pool_fake_room(&stage.pool, 1, 1);
	for (int i = 0; i < 15; i++)
		stage_hear(100);
	for (int i = 0; i < 2; i++) {
		pool_fake_failed(&stage.pool, stage_hearer(1), "gone");
		stage.pool.room = 1;
		pool_fake_born_all(&stage.pool);
	}
	stage.pool.room = POOL_FAKE_EVERYTHING;
	pool_fake_room(&stage.pool, stage.pool.last_id, POOL_FAKE_EVERYTHING);
	work_fake_run(&stage.work);
	stage_commit();
	stage_hear(100);
	stage_commit();
	stage_answer(2, "two");
	stage_end();
	assert_non_null(strstr(stage.f->log, "final 2 'two' 1500-1600 commit"));
	assert_non_null(strstr(stage.f->log, "ended 1600 ms 2"));
	stage_finish();
}

static void test_stump_at_the_end(void **state)
{
	(void)state;
	stage_open();
	stage_hear(100);
	stage_fail(1, "no");
	session_fake_forget(stage.f);
	stage_end();
	session_fake_expect(stage.f, "end 1 at 100\nended 100 ms 1\n");
	stage_finish();
}

/* Partials. */

static void test_partials(void **state)
{
	const struct pool_fake_instance *i;
	uint64_t id;

	(void)state;
	stage_open();
	stage_hear(200);
	id = stage_hearer(1);
	i = pool_fake_at(&stage.pool, id);
	assert_int_equal(i->partial_requests, 0);
	stage_hear(100);
	assert_int_equal(i->partial_requests, 1);
	stage_hear(600);
	assert_int_equal(i->partial_requests, 1); /* one at a time */
	session_fake_forget(stage.f);
	pool_fake_partial(&stage.pool, id, "one two");
	session_fake_expect(stage.f, "partial 1 '|one two'\n");
	assert_int_equal(i->partial_requests, 1); /* by audio, not by answers */
	stage_hear(100);
	assert_int_equal(i->partial_requests, 2);
	pool_fake_partial(&stage.pool, id, "");
	session_fake_expect(stage.f, "");
	stage_hear(200);
	assert_int_equal(i->partial_requests, 2);
	stage_hear(100);
	assert_int_equal(i->partial_requests, 3);
	pool_fake_partial(&stage.pool, id, "one two");
	pool_fake_partial(&stage.pool, id, "one two three");
	session_fake_expect(stage.f, "partial 1 '|one two'\npartial 1 'one| two three'\n");
	stage_commit();
	pool_fake_partial(&stage.pool, id, "late");
	session_fake_expect(stage.f, "end 1 at 1300\n");
	stage_finish();
}

static void test_no_partial_of_what_has_ended(void **state)
{
	(void)state;
	stage_open();
	pool_fake_room(&stage.pool, 1, 0);
	stage_hear(900);
	stage_commit();
	pool_fake_room(&stage.pool, 1, POOL_FAKE_EVERYTHING);
	assert_int_equal(pool_fake_at(&stage.pool, 1)->ends, 1);
	assert_int_equal(pool_fake_at(&stage.pool, 1)->partial_requests, 0);
	stage_finish();
}

static void test_blocks(void **state)
{
	(void)state;
	stage_open();
	stage_hear(99);
	assert_int_equal(stage.pool.heard_n, 0);
	stage_hear(2);
	assert_int_equal(stage.pool.heard_n, 1600);
	stage_hear(150);
	assert_int_equal(stage.pool.heard_n, 3200);
	stage_commit();
	assert_int_equal(stage.pool.heard_n, 251 * 16);
	stage_finish();
}

static void test_no_partials(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.partials = false;
	stage_open_with(&cfg);
	for (int i = 0; i < 10; i++)
		stage_hear(300);
	assert_int_equal(pool_fake_at(&stage.pool, stage_hearer(1))->partial_requests, 0);
	stage_finish();
}

/* Bounds. */

static void test_pause_while_the_instance_is_slow(void **state)
{
	uint64_t id;
	unsigned jobs;

	(void)state;
	stage_open();
	stage_hear(100);
	id = stage_hearer(1);
	pool_fake_room(&stage.pool, id, 0);
	for (int i = 0; i < 12; i++)
		stage_hear(100);
	jobs = stage.work.submitted; /* over 1,000 ms wait for the instance: the ear pauses */
	for (int i = 0; i < 11; i++)
		stage_hear(90);
	assert_int_equal(stage.work.submitted, jobs);
	assert_false(session_fake_hear(stage.f, 90));
	assert_int_equal(stage.f->drains, 0);
	pool_fake_room(&stage.pool, id, POOL_FAKE_EVERYTHING);
	work_fake_run(&stage.work);
	assert_int_equal(stage.f->drains, 1);
	stage_end();
	assert_int_equal(stage.pool.heard_n, (100 + 12 * 100 + 12 * 90) * 16);
	stage_finish();
}

static void test_no_room_for_begin_and_end(void **state)
{
	(void)state;
	stage_open();
	pool_fake_room(&stage.pool, 1, 0);
	stage_hear(100);
	stage_commit();
	assert_int_equal(pool_fake_at(&stage.pool, 1)->begins, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pool_fake_at(&stage.pool, 1)->ends, 0);
		pool_fake_room(&stage.pool, 1, 1); /* BEGIN, AUDIO, END */
	}
	assert_int_equal(pool_fake_at(&stage.pool, 1)->ends, 1);
	stage_answer(1, "text");
	stage_end();
	session_fake_expect(stage.f,
	    "start 1 at 0\nend 1 at 100\nfinal 1 'text' 0-100 commit 0.90\nended 100 ms 1\n");
	stage_finish();
}

static void test_audio_is_counted(void **state)
{
	uint64_t before = metric_get(METRIC_audio_received_seconds_total);
	uint64_t decoded = metric_get(METRIC_audio_decoded_seconds_total);

	(void)state;
	stage_open();
	stage_hear(100);
	stage_hear(50);
	stage_commit();
	stage_answer(1, "text");
	assert_int_equal(metric_get(METRIC_audio_received_seconds_total) - before, 150);
	assert_int_equal(metric_get(METRIC_audio_decoded_seconds_total) - decoded, 150);
	stage_finish();
}

/* More than buffer_ms of it, none of which an instance had room for. */
static void test_what_is_dropped_unsent_holds_nothing_back(void **state)
{
	(void)state;
	stage_open();
	pool_fake_room(&stage.pool, 1, 0);
	for (uint64_t u = 1; u <= 4; u++) {
		session_fake_forget(stage.f);
		stage_hear(600);
		assert_int_equal(stage.f->utterances, u);
		session_clear(stage.f->session);
		work_fake_run(&stage.work);
		assert_int_equal(stage.f->cleared, u);
	}
	stage_finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "what was learnt goes from final to begin", test_adaptation, stage_setup,
		    stage_teardown, NULL },
		{ "its samples can be read until its final", test_samples, stage_setup,
		    stage_teardown, NULL },
		{ "an utterance that fails after its end", test_failed_after_its_end, stage_setup,
		    stage_teardown, NULL },
		{ "an utterance that fails while open", test_failed_while_open, stage_setup,
		    stage_teardown, NULL },
		{ "an utterance that fails with much unsent", test_failed_with_much_unsent,
		    stage_setup, stage_teardown, NULL },
		{ "an end over a failed utterance", test_stump_at_the_end, stage_setup,
		    stage_teardown, NULL },
		{ "partials are asked for by audio, one at a time", test_partials, stage_setup,
		    stage_teardown, NULL },
		{ "no partial is asked for of what has ended", test_no_partial_of_what_has_ended,
		    stage_setup, stage_teardown, NULL },
		{ "audio goes in blocks of 100 ms", test_blocks, stage_setup, stage_teardown,
		    NULL },
		{ "partials that are not wanted are not asked for", test_no_partials, stage_setup,
		    stage_teardown, NULL },
		{ "the ear pauses while an instance is slow", test_pause_while_the_instance_is_slow,
		    stage_setup, stage_teardown, NULL },
		{ "BEGIN, AUDIO and END each wait for room", test_no_room_for_begin_and_end,
		    stage_setup, stage_teardown, NULL },
		{ "what is dropped unsent holds nothing back",
		    test_what_is_dropped_unsent_holds_nothing_back, stage_setup, stage_teardown,
		    NULL },
		{ "audio is counted", test_audio_is_counted, stage_setup, stage_teardown, NULL },
	};

	return cmocka_run_group_tests_name("utterance", tests, NULL, NULL);
}
