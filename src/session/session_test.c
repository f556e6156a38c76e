#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/metric.h"
#include "base/util.h"
#include "session/stage.h"

/* Events. */

static void test_dictation(void **state)
{
	(void)state;
	stage_open();
	stage_hear(250);
	session_fake_expect(stage.f, "start 1 at 0\n");
	assert_int_equal(session_state(stage.f->session), SESSION_SPEAKING);
	stage_hear(250);
	stage_commit();
	session_fake_expect(stage.f, "end 1 at 500\n");
	assert_int_equal(session_state(stage.f->session), SESSION_READY);
	assert_int_equal(session_open_utterances(stage.f->session), 1);
	stage_answer(1, "one");
	session_fake_expect(stage.f, "final 1 'one' 0-500 commit 0.90\n");
	stage_hear(125);
	stage_end();
	assert_int_equal(session_state(stage.f->session), SESSION_DRAINING);
	session_fake_expect(stage.f, "start 2 at 500\nend 2 at 625\n");
	stage_answer(2, "two");
	session_fake_expect(stage.f, "final 2 'two' 500-625 stop 0.90\nended 625 ms 2\n");
	assert_int_equal(session_state(stage.f->session), SESSION_CLOSED);
	assert_int_equal(pool_places_taken(stage.pool.pool), 0);
	stage_finish();
}

static void test_offset(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.offset_ms = 3600000;
	stage_open_with(&cfg);
	stage_hear(100);
	stage_end();
	stage_answer(1, "text");
	session_fake_expect(stage.f,
	    "start 1 at 3600000\nend 1 at 3600100\n"
	    "final 1 'text' 3600000-3600100 stop 0.90\nended 100 ms 1\n");
	stage_finish();
}

static void test_words(void **state)
{
	struct ipc_word words[] = { { { "red", 3 }, 10, 50, 10000 },
		{ { "fox!", 3 }, 50, 90, 1234 } };
	const struct ipc_result r = {
		.text = { "red fox", 7 }, .confidence = 5000, .words_n = 2, .words = words
	};
	uint64_t words_before = metric_get(METRIC_words_total);

	(void)state;
	stage_open();
	stage_hear(200);
	stage_commit();
	stage_answer(1, "");
	stage_hear(100);
	stage_commit();
	session_fake_forget(stage.f);
	pool_fake_result(&stage.pool, stage_hearer(2), IPC_FINAL, &r);
	session_fake_expect(stage.f,
	    "final 2 'red fox' 200-300 commit 0.50\n"
	    "  word 'red' 210-250 1.00\n  word 'fox' 250-290 0.12\n");
	assert_int_equal(metric_get(METRIC_words_total) - words_before, 2);
	stage_finish();
}

static void test_maximum_length(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.ear.endpoint.max_utterance_ms = 1000;
	stage_open_with(&cfg);
	for (int i = 0; i < 25; i++)
		stage_hear(100);
	session_end(stage.f->session);
	for (uint64_t u = 1; session_state(stage.f->session) != SESSION_CLOSED; u++) {
		work_fake_run(&stage.work);
		stage_answer(u, "text");
	}
	assert_non_null(strstr(stage.f->log, "max_length"));
	assert_non_null(strstr(stage.f->log, "ended 2500 ms"));
	assert_int_equal(stage.pool.heard_n, 2500 * 16);
	stage_finish();
}

static void test_ended_without_audio(void **state)
{
	(void)state;
	stage_open();
	stage_end();
	session_fake_expect(stage.f, "ended 0 ms 0\n");
	stage_finish();
}

static void test_commit_without_audio(void **state)
{
	(void)state;
	stage_open();
	stage_commit();
	stage_commit();
	stage_hear(100);
	stage_commit();
	stage_commit();
	stage_answer(1, "one");
	stage_end();
	session_fake_expect(stage.f,
	    "start 1 at 0\nend 1 at 100\nfinal 1 'one' 0-100 commit 0.90\n"
	    "ended 100 ms 1\n");
	stage_finish();
}

static void test_after_the_end(void **state)
{
	(void)state;
	stage_open();
	stage_hear(100);
	session_end(stage.f->session);
	session_end(stage.f->session);
	session_commit(stage.f->session);
	assert_true(session_fake_hear(stage.f, 100000)); /* is nothing to it */
	work_fake_run(&stage.work);
	stage_answer(1, "text");
	session_fake_expect(stage.f,
	    "start 1 at 0\nend 1 at 100\nfinal 1 'text' 0-100 stop 0.90\nended 100 ms 1\n");
	session_end(stage.f->session);
	session_commit(stage.f->session);
	assert_true(session_fake_hear(stage.f, 100));
	session_fake_expect(stage.f, "");
	stage_finish();
}

/* Where a commit stands does not depend on how the bytes came. */

struct chunking {
	const char *name;
	unsigned chunk_bytes; /* 0: one piece between commits */
	bool run_late;        /* jobs run only at the end */
};

static struct chunking chunkings[] = {
	{ "commits: a piece between each two", 0, false },
	{ "commits: all given before the first job runs", 0, true },
	{ "commits: pieces of an odd length", 333, false },
	{ "commits: single bytes", 1, false },
	{ "commits: single bytes before the first job runs", 1, true },
};

static void test_commit_marks(void **state)
{
	/* In bytes: the third stands within a sample. */
	static const unsigned marks[] = { 3200, 3200, 6401, 12800 };
	const struct chunking *c = *state;
	uint8_t bytes[16000];
	unsigned at = 0;

	stage_setup(NULL);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 31);
	stage_open();
	for (size_t i = 0; i <= ARRAY_SIZE(marks); i++) {
		unsigned to = i < ARRAY_SIZE(marks) ? marks[i] : sizeof bytes;

		while (at < to) {
			unsigned n = c->chunk_bytes == 0 ? to - at : MIN(c->chunk_bytes, to - at);

			assert_true(session_audio(stage.f->session, bytes + at, n));
			at += n;
			if (!c->run_late)
				work_fake_run(&stage.work);
		}
		if (i < ARRAY_SIZE(marks))
			session_commit(stage.f->session);
	}
	session_end(stage.f->session);
	for (uint64_t u = 1; u <= 4; u++) {
		work_fake_run(&stage.work);
		stage_answer(u, "text");
	}
	assert_non_null(strstr(stage.f->log, "final 1 'text' 0-100 commit"));
	assert_non_null(strstr(stage.f->log, "final 2 'text' 100-200 commit"));
	assert_non_null(strstr(stage.f->log, "final 3 'text' 200-400 commit"));
	assert_non_null(strstr(stage.f->log, "final 4 'text' 400-500 stop"));
	assert_int_equal(stage.pool.heard_n, 8000);
	assert_memory_equal(stage.pool.heard, bytes, sizeof bytes);
	stage_finish();
	stage_teardown(NULL);
}

static void test_too_many_commits(void **state)
{
	(void)state;
	stage_open();
	assert_true(session_fake_hear(stage.f, 1)); /* its job runs, so the commits wait */
	for (int i = 0; i < 1024; i++)
		session_commit(stage.f->session);
	session_fake_expect(stage.f, "");
	session_commit(stage.f->session);
	session_fake_expect(stage.f,
	    "error 0 fatal limit: more than 1024 commits, clears and changes of format wait to be "
	    "carried out\n");
	stage_finish();
}

/* The queue. */

static void take_the_place(void)
{
	const struct session_config cfg = session_fake_config();
	struct pool_config pool_cfg = stage_one_place();

	stage_start_pool(&pool_cfg);
	assert_true(session_fake_open(stage.other, &stage.pool, &stage.work, &cfg));
	pool_fake_born_all(&stage.pool);
	assert_true(session_fake_open(stage.f, &stage.pool, &stage.work, &cfg));
	session_fake_expect(stage.f, "queued 1\n");
	assert_int_equal(session_state(stage.f->session), SESSION_QUEUED);
}

static void test_audio_while_queued(void **state)
{
	(void)state;
	take_the_place();
	assert_true(session_fake_hear(stage.f, 1000)); /* buffer_ms */
	assert_false(session_fake_hear(stage.f, 500));
	assert_false(session_fake_hear(stage.f, 499)); /* false until drained */
	work_fake_run(&stage.work);
	session_fake_expect(stage.f, "");
	assert_int_equal(stage.f->drains, 0);
	session_fake_close(stage.other);
	session_fake_expect(stage.f, "ready\n");
	work_fake_run_one(&stage.work);
	work_fake_run(&stage.work);
	session_fake_expect(stage.f, "start 1 at 0\n");
	assert_int_equal(stage.f->drains, 1);
	stage_end();
	stage_answer(1, "all of it");
	session_fake_expect(
	    stage.f, "end 1 at 1999\nfinal 1 'all of it' 0-1999 stop 0.90\nended 1999 ms 1\n");
	stage_finish();
}

static void test_over_twice_the_bound(void **state)
{
	uint64_t failed = metric_get(METRIC_sessions_failed_total);

	(void)state;
	take_the_place();
	assert_false(session_fake_hear(stage.f, 2000));
	assert_false(session_fake_hear(stage.f, 1));
	session_fake_expect(stage.f,
	    "error 0 fatal limit: more audio came than is kept for a session "
	    "(session_buffer_ms 1000, twice over)\n");
	assert_int_equal(session_state(stage.f->session), SESSION_CLOSED);
	assert_int_equal(pool_queue_length(stage.pool.pool), 0);
	assert_int_equal(metric_get(METRIC_sessions_failed_total), failed + 1);
	session_fake_close(stage.other);
	stage_finish();
}

static void test_end_while_queued(void **state)
{
	(void)state;
	take_the_place();
	assert_true(session_fake_hear(stage.f, 300));
	stage_end();
	assert_int_equal(session_state(stage.f->session), SESSION_QUEUED);
	session_fake_expect(stage.f, "");
	session_fake_close(stage.other);
	work_fake_run(&stage.work);
	session_fake_expect(stage.f, "ready\nstart 1 at 0\nend 1 at 300\n");
	stage_answer(1, "text");
	session_fake_expect(stage.f, "final 1 'text' 0-300 stop 0.90\nended 300 ms 1\n");
	stage_finish();
}

static void test_refused_while_queued(void **state)
{
	(void)state;
	take_the_place();
	pool_fake_pass_ms(&stage.pool, 60000);
	session_fake_expect(stage.f,
	    "error 0 fatal busy: pool en: no place came free within queue_timeout_ms 60000\n");
	session_fake_close(stage.other);
	stage_finish();
}

static void test_false_stays_false(void **state)
{
	(void)state;
	stage_open();
	assert_true(session_fake_hear(stage.f, 900)); /* its job does not run yet */
	assert_false(session_fake_hear(stage.f, 1100));
	assert_int_equal(stage.f->drains, 0);
	work_fake_run_one(&stage.work);
	assert_int_equal(stage.f->drains, 1);
	work_fake_run(&stage.work);
	assert_int_equal(stage.f->drains, 1);
	stage_finish();
}

static void test_drained_by_half(void **state)
{
	(void)state;
	stage.f->limits.buffer_ms = 10000;
	stage_open();
	assert_true(session_fake_hear(stage.f, 10)); /* its job waits */
	assert_false(session_fake_hear(stage.f, 11000));
	for (int i = 0; i < 2; i++) { /* each job ends and the next takes 2,048 ms */
		work_fake_run_one(&stage.work);
		assert_int_equal(stage.f->drains, 0);
		if (i == 0)
			assert_false(session_fake_hear(
			    stage.f, 1)); /* though it is less than the bound by now */
		if (i == 1)
			pool_fake_room(&stage.pool, stage_hearer(1), POOL_FAKE_EVERYTHING);
	}
	work_fake_run_one(&stage.work);
	assert_int_equal(stage.f->drains, 1);
	stage_finish();
}

/* A config that cannot be. */

static void check_refused(struct session_config cfg, const char *sentence)
{
	struct pool_config pool_cfg = stage_one_place();

	stage_start_pool(&pool_cfg);
	assert_false(session_fake_open(stage.f, &stage.pool, &stage.work, &cfg));
	assert_int_equal(stage.f->why.code, ERROR_INVALID);
	assert_string_equal(stage.f->why.text, sentence);
	assert_int_equal(pool_places_taken(stage.pool.pool), 0);
	stage_finish();
}

static void test_config(void **state)
{
	struct session_config cfg = session_fake_config();
	uint8_t blob[IPC_BLOB_MAX + 1] = { 0 };

	(void)state;
	cfg.adaptation = blob;
	cfg.adaptation_bytes = sizeof blob;
	check_refused(cfg, "adaptation has 4097 bytes; at most 4096");
	cfg = session_fake_config();
	cfg.ear.format.rate_hz = 7999;
	check_refused(cfg, "sample_rate 7999 is not supported; 8000 to 192000");
	cfg.ear.format.rate_hz = 1000000000;
	cfg.ear.format.channels = 1000000000;
	check_refused(cfg, "sample_rate 1000000000 is not supported; 8000 to 192000");
}

static void test_pool_refuses(void **state)
{
	const struct session_config cfg = session_fake_config();
	struct pool_config pool_cfg = stage_one_place();

	(void)state;
	pool_cfg.queue_max = 0;
	stage_start_pool(&pool_cfg);
	assert_true(session_fake_open(stage.other, &stage.pool, &stage.work, &cfg));
	assert_false(session_fake_open(stage.f, &stage.pool, &stage.work, &cfg));
	assert_int_equal(stage.f->why.code, ERROR_BUSY);
	session_fake_close(stage.other);
	stage_finish();
}

int main(void)
{
	const struct CMUnitTest plain[] = {
		{ "a dictation from ready to ended", test_dictation, stage_setup, stage_teardown,
		    NULL },
		{ "times start at offset_ms", test_offset, stage_setup, stage_teardown, NULL },
		{ "words stand where they were said", test_words, stage_setup, stage_teardown,
		    NULL },
		{ "speech without end is cut and all of it heard", test_maximum_length, stage_setup,
		    stage_teardown, NULL },
		{ "an end without audio", test_ended_without_audio, stage_setup, stage_teardown,
		    NULL },
		{ "commits without audio are nothing", test_commit_without_audio, stage_setup,
		    stage_teardown, NULL },
		{ "what comes after the end is ignored", test_after_the_end, stage_setup,
		    stage_teardown, NULL },
		{ "too many commits at once are refused", test_too_many_commits, stage_setup,
		    stage_teardown, NULL },
		{ "audio while queued is kept up to the bound", test_audio_while_queued,
		    stage_setup, stage_teardown, NULL },
		{ "twice the bound fails by the setting's name", test_over_twice_the_bound,
		    stage_setup, stage_teardown, NULL },
		{ "an end while queued waits for the place", test_end_while_queued, stage_setup,
		    stage_teardown, NULL },
		{ "a wait too long is fatal", test_refused_while_queued, stage_setup,
		    stage_teardown, NULL },
		{ "no more audio is wanted until drained", test_false_stays_false, stage_setup,
		    stage_teardown, NULL },
		{ "audio is wanted again when half of it is heard", test_drained_by_half,
		    stage_setup, stage_teardown, NULL },
		{ "a config that cannot be is refused by name", test_config, stage_setup,
		    stage_teardown, NULL },
		{ "a pool without room refuses", test_pool_refuses, stage_setup, stage_teardown,
		    NULL },
	};
	struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(chunkings)];

	memcpy(tests, plain, sizeof plain);
	for (size_t i = 0; i < ARRAY_SIZE(chunkings); i++)
		tests[ARRAY_SIZE(plain) + i] = (struct CMUnitTest){ chunkings[i].name,
			test_commit_marks, NULL, NULL, &chunkings[i] };
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
