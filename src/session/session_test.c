#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metric.h"
#include "base/util.h"
#include "session/session_fake.h"

static struct pool_fake pool;
static struct work_fake work;
static struct session_fake *f; /* one client; it is large */
static struct session_fake *other;

static struct session_fake *make_fake(void)
{
	struct session_fake *c = xcalloc(1, sizeof *c);

	c->limits = (struct session_limits){
		.buffer_ms = 1000, .idle_timeout_ms = 5000, .partial_interval_ms = 300
	};
	return c;
}

static int setup(void **state)
{
	(void)state;
	work_fake_init(&work);
	f = make_fake();
	other = make_fake();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(f);
	free(other);
	return 0;
}

static void start_pool(const struct pool_config *cfg)
{
	pool_fake_init(&pool, cfg);
	pool_fake_host_up(&pool);
	pool_fake_born_all(&pool);
}

/* One place, always with a newborn ahead. */
static struct pool_config one_place(void)
{
	struct pool_config cfg = pool_fake_config();

	cfg.max = 1;
	cfg.spare = 1;
	return cfg;
}

static void open_with(const struct session_config *cfg)
{
	struct pool_config pool_cfg = one_place();

	start_pool(&pool_cfg);
	assert_true(session_fake_open(f, &pool, &work, cfg));
	pool_fake_born_all(&pool);
	session_fake_expect(f, "ready\n");
}

static void open_plain(void)
{
	const struct session_config cfg = session_fake_config();

	open_with(&cfg);
}

static void finish(void)
{
	session_fake_close(f);
	work_fake_run(&work);
	assert_int_equal(metric_get(METRIC_sessions), 0);
	assert_int_equal(
	    metric_get(METRIC_sessions_opened_total), metric_get(METRIC_sessions_closed_total));
	assert_int_equal(metric_get(METRIC_utterances_opened_total),
	    metric_get(METRIC_utterances_done_total) + metric_get(METRIC_utterances_failed_total) +
		metric_get(METRIC_utterances_abandoned_total));
	pool_fake_done(&pool);
}

static void hear(unsigned ms)
{
	(void)session_fake_hear(f, ms);
	work_fake_run(&work);
}

static void commit(void)
{
	session_commit(f->session);
	work_fake_run(&work);
}

static void end(void)
{
	session_end(f->session);
	work_fake_run(&work);
}

static uint64_t hearer(uint64_t utterance)
{
	uint64_t id = pool_fake_hearer(&pool, utterance);

	assert_int_not_equal(id, 0);
	return id;
}

static void answer(uint64_t utterance, const char *text)
{
	pool_fake_final(&pool, hearer(utterance), text);
	pool_fake_born_all(&pool);
	work_fake_run(&work);
}

/* Events. */

static void test_dictation(void **state)
{
	(void)state;
	open_plain();
	hear(250);
	session_fake_expect(f, "start 1 at 0\n");
	assert_int_equal(session_state(f->session), SESSION_SPEAKING);
	hear(250);
	commit();
	session_fake_expect(f, "end 1 at 500\n");
	assert_int_equal(session_state(f->session), SESSION_READY);
	assert_int_equal(session_open_utterances(f->session), 1);
	answer(1, "one");
	session_fake_expect(f, "final 1 'one' 0-500 commit 0.90\n");
	hear(125);
	end();
	assert_int_equal(session_state(f->session), SESSION_DRAINING);
	session_fake_expect(f, "start 2 at 500\nend 2 at 625\n");
	answer(2, "two");
	session_fake_expect(f, "final 2 'two' 500-625 stop 0.90\nended 625 ms 2\n");
	assert_int_equal(session_state(f->session), SESSION_CLOSED);
	assert_int_equal(pool_places_taken(pool.pool), 0);
	finish();
}

static void test_offset(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.offset_ms = 3600000;
	open_with(&cfg);
	hear(100);
	end();
	answer(1, "text");
	session_fake_expect(f,
	    "start 1 at 3600000\nend 1 at 3600100\n"
	    "final 1 'text' 3600000-3600100 stop 0.90\nended 100 ms 1\n");
	finish();
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
	open_plain();
	hear(200);
	commit();
	answer(1, "");
	hear(100);
	commit();
	session_fake_forget(f);
	pool_fake_result(&pool, hearer(2), IPC_FINAL, &r);
	session_fake_expect(f,
	    "final 2 'red fox' 200-300 commit 0.50\n"
	    "  word 'red' 210-250 1.00\n  word 'fox' 250-290 0.12\n");
	assert_int_equal(metric_get(METRIC_words_total) - words_before, 2);
	finish();
}

static void test_maximum_length(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.ear.endpoint.max_utterance_ms = 1000;
	open_with(&cfg);
	for (int i = 0; i < 25; i++)
		hear(100);
	session_end(f->session);
	for (uint64_t u = 1; session_state(f->session) != SESSION_CLOSED; u++) {
		work_fake_run(&work);
		answer(u, "text");
	}
	assert_non_null(strstr(f->log, "max_length"));
	assert_non_null(strstr(f->log, "ended 2500 ms"));
	assert_int_equal(pool.heard_n, 2500 * 16);
	finish();
}

static void test_ended_without_audio(void **state)
{
	(void)state;
	open_plain();
	end();
	session_fake_expect(f, "ended 0 ms 0\n");
	finish();
}

static void test_commit_without_audio(void **state)
{
	(void)state;
	open_plain();
	commit();
	commit();
	hear(100);
	commit();
	commit();
	answer(1, "one");
	end();
	session_fake_expect(f,
	    "start 1 at 0\nend 1 at 100\nfinal 1 'one' 0-100 commit 0.90\n"
	    "ended 100 ms 1\n");
	finish();
}

static void test_after_the_end(void **state)
{
	(void)state;
	open_plain();
	hear(100);
	session_end(f->session);
	session_end(f->session);
	session_commit(f->session);
	assert_true(session_fake_hear(f, 100000)); /* is nothing to it */
	work_fake_run(&work);
	answer(1, "text");
	session_fake_expect(
	    f, "start 1 at 0\nend 1 at 100\nfinal 1 'text' 0-100 stop 0.90\nended 100 ms 1\n");
	session_end(f->session);
	session_commit(f->session);
	assert_true(session_fake_hear(f, 100));
	session_fake_expect(f, "");
	finish();
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

	setup(NULL);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 31);
	open_plain();
	for (size_t i = 0; i <= ARRAY_SIZE(marks); i++) {
		unsigned to = i < ARRAY_SIZE(marks) ? marks[i] : sizeof bytes;

		while (at < to) {
			unsigned n = c->chunk_bytes == 0 ? to - at : MIN(c->chunk_bytes, to - at);

			assert_true(session_audio(f->session, bytes + at, n));
			at += n;
			if (!c->run_late)
				work_fake_run(&work);
		}
		if (i < ARRAY_SIZE(marks))
			session_commit(f->session);
	}
	session_end(f->session);
	for (uint64_t u = 1; u <= 4; u++) {
		work_fake_run(&work);
		answer(u, "text");
	}
	assert_non_null(strstr(f->log, "final 1 'text' 0-100 commit"));
	assert_non_null(strstr(f->log, "final 2 'text' 100-200 commit"));
	assert_non_null(strstr(f->log, "final 3 'text' 200-400 commit"));
	assert_non_null(strstr(f->log, "final 4 'text' 400-500 stop"));
	assert_int_equal(pool.heard_n, 8000);
	assert_memory_equal(pool.heard, bytes, sizeof bytes);
	finish();
	teardown(NULL);
}

static void test_too_many_commits(void **state)
{
	(void)state;
	open_plain();
	assert_true(session_fake_hear(f, 1)); /* its job runs, so the commits wait */
	for (int i = 0; i < 1024; i++)
		session_commit(f->session);
	session_fake_expect(f, "");
	session_commit(f->session);
	session_fake_expect(
	    f, "error 0 fatal limit: more than 1024 commits wait to be carried out\n");
	finish();
}

/* The queue. */

static void take_the_place(void)
{
	const struct session_config cfg = session_fake_config();
	struct pool_config pool_cfg = one_place();

	start_pool(&pool_cfg);
	assert_true(session_fake_open(other, &pool, &work, &cfg));
	pool_fake_born_all(&pool);
	assert_true(session_fake_open(f, &pool, &work, &cfg));
	session_fake_expect(f, "queued 1\n");
	assert_int_equal(session_state(f->session), SESSION_QUEUED);
}

static void test_audio_while_queued(void **state)
{
	(void)state;
	take_the_place();
	assert_true(session_fake_hear(f, 1000)); /* buffer_ms */
	assert_false(session_fake_hear(f, 500));
	assert_false(session_fake_hear(f, 499)); /* false until drained */
	work_fake_run(&work);
	session_fake_expect(f, "");
	assert_int_equal(f->drains, 0);
	session_fake_close(other);
	session_fake_expect(f, "ready\n");
	work_fake_run_one(&work);
	work_fake_run(&work);
	session_fake_expect(f, "start 1 at 0\n");
	assert_int_equal(f->drains, 1);
	end();
	answer(1, "all of it");
	session_fake_expect(
	    f, "end 1 at 1999\nfinal 1 'all of it' 0-1999 stop 0.90\nended 1999 ms 1\n");
	finish();
}

static void test_over_twice_the_bound(void **state)
{
	uint64_t failed = metric_get(METRIC_sessions_failed_total);

	(void)state;
	take_the_place();
	assert_false(session_fake_hear(f, 2000));
	assert_false(session_fake_hear(f, 1));
	session_fake_expect(f,
	    "error 0 fatal limit: more audio came than is kept for a session "
	    "(session_buffer_ms 1000, twice over)\n");
	assert_int_equal(session_state(f->session), SESSION_CLOSED);
	assert_int_equal(pool_queue_length(pool.pool), 0);
	assert_int_equal(metric_get(METRIC_sessions_failed_total), failed + 1);
	session_fake_close(other);
	finish();
}

static void test_end_while_queued(void **state)
{
	(void)state;
	take_the_place();
	assert_true(session_fake_hear(f, 300));
	end();
	assert_int_equal(session_state(f->session), SESSION_QUEUED);
	session_fake_expect(f, "");
	session_fake_close(other);
	work_fake_run(&work);
	session_fake_expect(f, "ready\nstart 1 at 0\nend 1 at 300\n");
	answer(1, "text");
	session_fake_expect(f, "final 1 'text' 0-300 stop 0.90\nended 300 ms 1\n");
	finish();
}

static void test_refused_while_queued(void **state)
{
	(void)state;
	take_the_place();
	pool_fake_pass_ms(&pool, 60000);
	session_fake_expect(
	    f, "error 0 fatal busy: pool en: no place came free within queue_timeout_ms 60000\n");
	session_fake_close(other);
	finish();
}

static void test_false_stays_false(void **state)
{
	(void)state;
	open_plain();
	assert_true(session_fake_hear(f, 900)); /* its job does not run yet */
	assert_false(session_fake_hear(f, 1100));
	assert_int_equal(f->drains, 0);
	work_fake_run_one(&work);
	assert_int_equal(f->drains, 1);
	work_fake_run(&work);
	assert_int_equal(f->drains, 1);
	finish();
}

/* A config that cannot be. */

static void check_refused(struct session_config cfg, const char *sentence)
{
	struct pool_config pool_cfg = one_place();

	start_pool(&pool_cfg);
	assert_false(session_fake_open(f, &pool, &work, &cfg));
	assert_int_equal(f->why.code, ERROR_INVALID);
	assert_string_equal(f->why.text, sentence);
	assert_int_equal(pool_places_taken(pool.pool), 0);
	finish();
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
	check_refused(cfg, "sample_rate 7999 is not supported; 8000 to 48000");
	cfg.ear.format.rate_hz = 1000000000;
	cfg.ear.format.channels = 1000000000;
	check_refused(cfg, "sample_rate 1000000000 is not supported; 8000 to 48000");
}

static void test_pool_refuses(void **state)
{
	const struct session_config cfg = session_fake_config();
	struct pool_config pool_cfg = one_place();

	(void)state;
	pool_cfg.queue_max = 0;
	start_pool(&pool_cfg);
	assert_true(session_fake_open(other, &pool, &work, &cfg));
	assert_false(session_fake_open(f, &pool, &work, &cfg));
	assert_int_equal(f->why.code, ERROR_BUSY);
	session_fake_close(other);
	finish();
}

/* Adaptation. */

static void final_with(uint64_t utterance, const char *adaptation)
{
	const struct ipc_result r = { .text = { "text", 4 },
		.adaptation = (const uint8_t *)adaptation,
		.adaptation_bytes = (uint32_t)strlen(adaptation) };

	pool_fake_result(&pool, hearer(utterance), IPC_FINAL, &r);
	pool_fake_born_all(&pool);
	work_fake_run(&work);
}

static void expect_begun_with(uint64_t utterance, const char *adaptation)
{
	const struct pool_fake_instance *i = pool_fake_at(&pool, hearer(utterance));

	assert_int_equal(i->adaptation_bytes, strlen(adaptation));
	assert_memory_equal(i->adaptation, adaptation, strlen(adaptation));
}

static void test_adaptation(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.adaptation = (const uint8_t *)"from before";
	cfg.adaptation_bytes = 11;
	open_with(&cfg);
	for (int i = 0; i < 4; i++) {
		hear(100);
		commit(); /* all four before the first final */
	}
	expect_begun_with(1, "from before");
	final_with(1, "first");
	assert_int_equal(f->adaptation_bytes, 5);
	assert_memory_equal(f->adaptation, "first", 5);
	expect_begun_with(2, "first");
	final_with(2, "");
	assert_memory_equal(f->adaptation, "first", 5); /* nothing new was learnt */
	expect_begun_with(3, "first");
	pool_fake_failed(&pool, hearer(3), "no");
	pool_fake_born_all(&pool);
	expect_begun_with(4, "first");
	final_with(4, "fourth");
	finish();
}

/* Utterances that fail. */

static void test_failed_after_its_end(void **state)
{
	(void)state;
	open_plain();
	hear(100);
	commit();
	hear(100);
	commit();
	session_fake_forget(f);
	pool_fake_lose(&pool, hearer(1), "instance en/1 died");
	session_fake_expect(f, "error 1 peer: instance en/1 died\n");
	pool_fake_born_all(&pool);
	answer(2, "two");
	session_fake_expect(f, "final 2 'two' 100-200 commit 0.90\n");
	end();
	session_fake_expect(f, "ended 200 ms 2\n");
	finish();
}

static void test_failed_while_open(void **state)
{
	size_t heard;

	(void)state;
	open_plain();
	hear(100);
	session_fake_forget(f);
	pool_fake_failed(&pool, hearer(1), "no");
	pool_fake_born_all(&pool);
	session_fake_expect(f, "error 1 engine: no\n");
	assert_int_equal(session_open_utterances(f->session), 0);
	heard = pool.heard_n;
	for (int i = 0; i < 30; i++)
		hear(100); /* goes nowhere, and is not kept either */
	assert_int_equal(pool.heard_n, heard);
	assert_int_equal(session_state(f->session), SESSION_SPEAKING);
	commit();
	session_fake_expect(f, "end 1 at 3100\n");
	hear(100);
	commit();
	answer(2, "two");
	session_fake_expect(
	    f, "start 2 at 3100\nend 2 at 3200\nfinal 2 'two' 3100-3200 commit 0.90\n");
	finish();
}

static void test_stump_at_the_end(void **state)
{
	(void)state;
	open_plain();
	hear(100);
	pool_fake_failed(&pool, hearer(1), "no");
	session_fake_forget(f);
	end();
	session_fake_expect(f, "end 1 at 100\nended 100 ms 1\n");
	finish();
}

/* Partials. */

static void test_partials(void **state)
{
	const struct pool_fake_instance *i;
	uint64_t id;

	(void)state;
	open_plain();
	hear(200);
	id = hearer(1);
	i = pool_fake_at(&pool, id);
	assert_int_equal(i->partial_requests, 0);
	hear(100);
	assert_int_equal(i->partial_requests, 1);
	hear(600);
	assert_int_equal(i->partial_requests, 1); /* one at a time */
	session_fake_forget(f);
	pool_fake_partial(&pool, id, "one two");
	session_fake_expect(f, "partial 1 '|one two'\n");
	assert_int_equal(i->partial_requests, 1); /* by audio, not by answers */
	hear(100);
	assert_int_equal(i->partial_requests, 2);
	pool_fake_partial(&pool, id, "");
	session_fake_expect(f, "");
	hear(200);
	assert_int_equal(i->partial_requests, 2);
	hear(100);
	assert_int_equal(i->partial_requests, 3);
	pool_fake_partial(&pool, id, "one two");
	pool_fake_partial(&pool, id, "one two three");
	session_fake_expect(f, "partial 1 '|one two'\npartial 1 'one| two three'\n");
	commit();
	pool_fake_partial(&pool, id, "late");
	session_fake_expect(f, "end 1 at 1300\n");
	finish();
}

static void test_no_partials(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	cfg.partials = false;
	open_with(&cfg);
	for (int i = 0; i < 10; i++)
		hear(300);
	assert_int_equal(pool_fake_at(&pool, hearer(1))->partial_requests, 0);
	finish();
}

/* Bounds. */

static void test_pause_while_the_instance_is_slow(void **state)
{
	uint64_t id;
	unsigned jobs;

	(void)state;
	open_plain();
	hear(100);
	id = hearer(1);
	pool_fake_room(&pool, id, 0);
	for (int i = 0; i < 12; i++)
		hear(100);
	jobs = work.submitted; /* over 1,000 ms wait for the instance: the ear pauses */
	for (int i = 0; i < 11; i++)
		hear(90);
	assert_int_equal(work.submitted, jobs);
	assert_false(session_fake_hear(f, 90));
	assert_int_equal(f->drains, 0);
	pool_fake_room(&pool, id, POOL_FAKE_EVERYTHING);
	work_fake_run(&work);
	assert_int_equal(f->drains, 1);
	end();
	assert_int_equal(pool.heard_n, (100 + 12 * 100 + 12 * 90) * 16);
	finish();
}

static void test_no_room_for_begin_and_end(void **state)
{
	(void)state;
	open_plain();
	pool_fake_room(&pool, 1, 0);
	hear(100);
	commit();
	assert_int_equal(pool_fake_at(&pool, 1)->begins, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pool_fake_at(&pool, 1)->ends, 0);
		pool_fake_room(&pool, 1, 1); /* BEGIN, AUDIO, END */
	}
	assert_int_equal(pool_fake_at(&pool, 1)->ends, 1);
	answer(1, "text");
	end();
	session_fake_expect(
	    f, "start 1 at 0\nend 1 at 100\nfinal 1 'text' 0-100 commit 0.90\nended 100 ms 1\n");
	finish();
}

static void test_audio_is_counted(void **state)
{
	uint64_t before = metric_get(METRIC_audio_received_ms_total);
	uint64_t decoded = metric_get(METRIC_audio_decoded_ms_total);

	(void)state;
	open_plain();
	hear(100);
	hear(50);
	commit();
	answer(1, "text");
	assert_int_equal(metric_get(METRIC_audio_received_ms_total) - before, 150);
	assert_int_equal(metric_get(METRIC_audio_decoded_ms_total) - decoded, 150);
	finish();
}

int main(void)
{
	const struct CMUnitTest plain[] = {
		{ "a dictation from ready to ended", test_dictation, setup, teardown, NULL },
		{ "times start at offset_ms", test_offset, setup, teardown, NULL },
		{ "words stand where they were said", test_words, setup, teardown, NULL },
		{ "speech without end is cut and all of it heard", test_maximum_length, setup,
		    teardown, NULL },
		{ "an end without audio", test_ended_without_audio, setup, teardown, NULL },
		{ "commits without audio are nothing", test_commit_without_audio, setup, teardown,
		    NULL },
		{ "what comes after the end is ignored", test_after_the_end, setup, teardown,
		    NULL },
		{ "too many commits at once are refused", test_too_many_commits, setup, teardown,
		    NULL },
		{ "audio while queued is kept up to the bound", test_audio_while_queued, setup,
		    teardown, NULL },
		{ "twice the bound fails by the setting's name", test_over_twice_the_bound, setup,
		    teardown, NULL },
		{ "an end while queued waits for the place", test_end_while_queued, setup, teardown,
		    NULL },
		{ "a wait too long is fatal", test_refused_while_queued, setup, teardown, NULL },
		{ "no more audio is wanted until drained", test_false_stays_false, setup, teardown,
		    NULL },
		{ "a config that cannot be is refused by name", test_config, setup, teardown,
		    NULL },
		{ "a pool without room refuses", test_pool_refuses, setup, teardown, NULL },
		{ "what was learnt goes from final to begin", test_adaptation, setup, teardown,
		    NULL },
		{ "an utterance that fails after its end", test_failed_after_its_end, setup,
		    teardown, NULL },
		{ "an utterance that fails while open", test_failed_while_open, setup, teardown,
		    NULL },
		{ "an end over a failed utterance", test_stump_at_the_end, setup, teardown, NULL },
		{ "partials are asked for by audio, one at a time", test_partials, setup, teardown,
		    NULL },
		{ "partials that are not wanted are not asked for", test_no_partials, setup,
		    teardown, NULL },
		{ "the ear pauses while an instance is slow", test_pause_while_the_instance_is_slow,
		    setup, teardown, NULL },
		{ "BEGIN, AUDIO and END each wait for room", test_no_room_for_begin_and_end, setup,
		    teardown, NULL },
		{ "audio is counted", test_audio_is_counted, setup, teardown, NULL },
	};
	struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(chunkings)];

	memcpy(tests, plain, sizeof plain);
	for (size_t i = 0; i < ARRAY_SIZE(chunkings); i++)
		tests[ARRAY_SIZE(plain) + i] = (struct CMUnitTest){ chunkings[i].name,
			test_commit_marks, NULL, NULL, &chunkings[i] };
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
