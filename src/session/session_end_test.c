/* One dictation that has everything in it, from the queue to the end, is played again and again; each time the
 * session goes at another moment, or its owner does something from inside another event. ASan says whether
 * anything was kept or used afterwards, session_fake whether anything was told, pool_fake whether the place
 * came back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/session_fake.h"

static struct pool_fake pool;
static struct work_fake work;
static struct session_fake *f, *other;

static int setup(void **state)
{
	(void)state;
	work_fake_init(&work);
	f = xcalloc(1, sizeof *f);
	other = xcalloc(1, sizeof *other);
	f->limits = other->limits = (struct session_limits){
		.buffer_ms = 1000, .partial_interval_ms = 100, .losses_max = 8
	};
	return 0;
}

static void start_pool(void)
{
	struct pool_config cfg = pool_fake_config();

	cfg.max = 1;
	cfg.spare = 1;
	pool_fake_init(&pool, &cfg);
	pool_fake_host_up(&pool);
	pool_fake_born_all(&pool);
}

/* The place came back, and every utterance is accounted for. */
static void check_and_free(void)
{
	session_fake_close(f);
	session_fake_close(other);
	work_fake_run(&work);
	assert_int_equal(pool_places_taken(pool.pool), 0);
	assert_int_equal(pool_queue_length(pool.pool), 0);
	assert_int_equal(metric_get(METRIC_sessions), 0);
	assert_int_equal(metric_get(METRIC_utterances_opened_total),
	    metric_get(METRIC_utterances_done_total) + metric_get(METRIC_utterances_failed_total) +
		metric_get(METRIC_utterances_abandoned_total));
	pool_fake_done(&pool);
	free(f);
	free(other);
}

/* The dictation, in steps; each does nothing once the session is gone. */

static void step_queue(void)
{
	const struct session_config cfg = session_fake_config();

	assert_true(session_fake_open(other, &pool, &work, &cfg));
	assert_true(session_fake_open(f, &pool, &work, &cfg));
}

static void step_hear(void)
{
	if (f->session != NULL)
		(void)session_fake_hear(f, 200);
}

static void step_grant(void)
{
	session_fake_close(other);
}

static void step_run(void)
{
	pool_fake_born_all(&pool);
	(void)work_fake_run_one(&work);
}

static void step_partial(void)
{
	uint64_t id = pool_fake_hearer(&pool, 1);

	if (id != 0)
		pool_fake_partial(&pool, id, "one");
}

static void step_commit(void)
{
	if (f->session != NULL)
		session_commit(f->session);
}

static void step_final(void)
{
	for (uint64_t u = 1; u <= f->utterances; u++)
		if (pool_fake_hearer(&pool, u) != 0 && f->open[u] == 'e')
			pool_fake_final(&pool, pool_fake_hearer(&pool, u), "text");
	pool_fake_born_all(&pool);
}

static void step_fail(void)
{
	uint64_t id = pool_fake_hearer(&pool, 2);

	for (int i = 0; i < 2 && id != 0; i++) {
		pool_fake_failed(&pool, id, "no");
		pool_fake_born_all(&pool);
		id = pool_fake_hearer(&pool, 2);
	}
}

static void step_block(void)
{
	if (f->session == NULL)
		return;
	(void)session_fake_hear(f, 200); /* its job waits, so what follows is kept */
	(void)session_fake_hear(f, 1300);
}

static void step_end(void)
{
	if (f->session != NULL)
		session_end(f->session);
}

typedef void step_f(void);
static step_f *const steps[] = { step_queue, step_hear, step_grant, step_run, step_hear, step_run,
	step_partial, step_commit, step_run, step_hear, step_run, step_final, step_fail, step_hear,
	step_run, step_commit, step_run, step_block, step_run, step_run, step_end, step_run,
	step_run, step_final, step_final };

static void play(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		steps[i]();
}

static void begin_play(void)
{
	setup(NULL);
	start_pool();
}

static void test_whole(void **state)
{
	(void)state;
	begin_play();
	play(0, ARRAY_SIZE(steps));
	session_fake_expect(f,
	    "queued 1\nready\nstart 1 at 0\npartial 1 '|one'\nend 1 at 400\nstart 2 at 400\n"
	    "final 1 'text' 0-400 commit 0.90\nrecovered 2\n"
	    "error 2 engine: 2 instances were lost to this utterance, the last because: no\nend 2 "
	    "at 800\n"
	    "start 3 at 800\nend 3 at 2300\nfinal 3 'text' 800-2300 stop 0.90\n"
	    "ended 2300 ms 3\n");
	assert_int_equal(f->drains, 1);
	check_and_free();
}

static void test_free_between_steps(void **state)
{
	(void)state;
	for (size_t i = 1; i <= ARRAY_SIZE(steps); i++) {
		begin_play();
		play(0, i);
		session_fake_close(f);
		session_fake_forget(f);
		play(i, ARRAY_SIZE(steps));
		session_fake_expect(f, "");
		check_and_free();
	}
}

static void free_it(void *arg)
{
	session_fake_close(arg);
}

static void test_free_while_a_job_runs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i] != step_run)
			continue;
		begin_play();
		play(0, i);
		work.between = free_it;
		work.between_arg = f;
		step_run();
		play(i + 1, ARRAY_SIZE(steps));
		check_and_free();
	}
}

static int left; /* events until the one in question */

static void then_free(struct session_fake *c, enum session_event_kind kind)
{
	(void)kind;
	if (left-- == 0)
		session_fake_close(c);
}

static void then_abort(struct session_fake *c, enum session_event_kind kind)
{
	struct error err;

	(void)kind;
	(void)error_set(&err, ERROR_TIMEOUT, "enough");
	if (left-- == 0)
		session_abort(c->session, &err);
}

static void then_hear_and_end(struct session_fake *c, enum session_event_kind kind)
{
	(void)kind;
	if (left-- != 0)
		return;
	(void)session_fake_hear(c, 250);
	session_commit(c->session);
	(void)session_fake_hear(c, 150);
	session_end(c->session);
}

static void play_with(session_fake_then_f *then, int n)
{
	begin_play();
	left = n;
	f->then = then;
	f->then_on = -1;
	play(0, ARRAY_SIZE(steps));
}

static void test_free_from_inside(void **state)
{
	(void)state;
	for (int n = 0;; n++) {
		play_with(then_free, n);
		if (left >= 0) {
			check_and_free();
			return;
		}
		assert_null(f->session);
		check_and_free();
	}
}

static void test_abort_from_inside(void **state)
{
	(void)state;
	for (int n = 0;; n++) {
		bool was_over;

		play_with(then_abort, n);
		was_over = strstr(f->log, "ended") != NULL;
		if (!was_over)
			assert_non_null(strstr(f->log, "error 0 fatal timeout: enough\n"));
		assert_int_equal(session_state(f->session), SESSION_CLOSED);
		check_and_free();
		if (was_over)
			return;
	}
}

/* Whatever the event: the audio is neither lost nor heard twice, and the end comes. */
static void test_speak_from_inside(void **state)
{
	(void)state;
	for (int n = 0;; n++) {
		bool done;

		play_with(then_hear_and_end, n);
		done = left >= 0 || strncmp(f->log + f->log_n - 6, "ms 3", 4) == 0;
		for (int i = 0; i < 6; i++) {
			work_fake_run(&work);
			step_final();
		}
		assert_true(f->over);
		assert_int_equal(session_state(f->session), SESSION_CLOSED);
		check_and_free();
		if (done)
			return;
	}
}

static void then_free_other(struct session_fake *c, enum session_event_kind kind)
{
	(void)kind;
	session_fake_close(c == f ? other : f);
}

/* The last one out of a place wakes the next one, whose owner frees the first. */
static void test_free_each_other(void **state)
{
	const struct session_config cfg = session_fake_config();

	(void)state;
	begin_play();
	assert_true(session_fake_open(other, &pool, &work, &cfg));
	assert_true(session_fake_open(f, &pool, &work, &cfg));
	(void)session_fake_hear(other, 200);
	step_run();
	f->then = then_free_other;
	f->then_on = SESSION_EVENT_READY;
	session_end(other->session);
	work_fake_run(&work);
	other->open[1] = 'e';
	pool_fake_final(&pool, pool_fake_hearer(&pool, 1), "text");
	assert_null(other->session);
	check_and_free();
}

static void test_never_started(void **state)
{
	const struct session_config cfg = session_fake_config();
	struct session *s, *none = NULL;
	struct error err;

	(void)state;
	begin_play();
	s = session_new(pool.pool, &work.base, &f->limits, &cfg, &err, NULL);
	assert_non_null(s);
	session_free(&s);
	session_free(&none);
	check_and_free();
}

static void test_pool_stops(void **state)
{
	(void)state;
	begin_play();
	play(0, 2);
	pool_stop(pool.pool);
	session_fake_expect(
	    f, "queued 1\nerror 0 fatal restarting: pool en: the server is shutting down\n");
	check_and_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the whole of it", test_whole, NULL, NULL, NULL },
		{ "freed between any two steps", test_free_between_steps, NULL, NULL, NULL },
		{ "freed while a job runs", test_free_while_a_job_runs, NULL, NULL, NULL },
		{ "freed from inside each event", test_free_from_inside, NULL, NULL, NULL },
		{ "aborted from inside each event", test_abort_from_inside, NULL, NULL, NULL },
		{ "audio, commit and end from inside each event", test_speak_from_inside, NULL,
		    NULL, NULL },
		{ "freed from inside another one's event", test_free_each_other, NULL, NULL, NULL },
		{ "freed before it was started", test_never_started, NULL, NULL, NULL },
		{ "a pool that stops refuses who waits", test_pool_stops, NULL, NULL, NULL },
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests_name("session_end", tests, NULL, NULL);
}
