/* Audio that is dropped, and audio that comes in another format: the ear is renewed within a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/stage.h"

static void open_stage(void)
{
	struct session_config cfg = session_fake_config();

	cfg.wants_heard = true;
	cfg.partials = false;
	stage_open_with(&cfg);
}

static void clear(void)
{
	session_clear(stage.f->session);
	work_fake_run(&stage.work);
}

/* session_clear. */

static void test_open_utterance_is_dropped(void **state)
{
	uint64_t before = metric_get(METRIC_utterances_abandoned_total);

	(void)state;
	open_stage();
	stage_hear(100);
	assert_int_not_equal(pool_fake_hearer(&stage.pool, 1), 0);
	session_fake_forget(stage.f);
	clear();
	session_fake_expect(stage.f, "cleared 1\n");
	assert_int_equal(pool_fake_hearer(&stage.pool, 1), 0);
	assert_int_equal(metric_get(METRIC_utterances_abandoned_total), before + 1);
	assert_int_equal(session_state(stage.f->session), SESSION_READY);
	pool_fake_born_all(&stage.pool);
	stage_hear(100);
	stage_commit();
	stage_answer(2, "two");
	stage_end();
	session_fake_expect(stage.f,
	    "start 2 at 100\nheard 6400 at 200\nend 2 at 200\ncommitted 2\n"
	    "final 2 'two' 100-200 commit 0.90\nended 200 ms 2\n");
	stage_finish();
}

static void test_waiting_input_is_dropped(void **state)
{
	(void)state;
	open_stage();
	(void)session_fake_hear(stage.f, 100); /* a job; what follows waits for it */
	(void)session_fake_hear(stage.f, 300);
	clear();
	session_fake_expect(
	    stage.f, "start 1 at 0\nheard 3200 at 100\ncleared 1\nheard 12800 at 400\n");
	assert_int_equal(stage.pool.heard_n, 1600);
	clear();
	session_fake_expect(stage.f, "cleared 0\n");
	stage_hear(100);
	session_fake_expect(stage.f, "start 2 at 400\nheard 16000 at 500\n");
	stage_finish();
}

static void test_ended_utterances_stay(void **state)
{
	(void)state;
	open_stage();
	stage_hear(100);
	(void)session_fake_hear(stage.f, 100); /* a job */
	(void)session_fake_hear(stage.f, 50);
	session_commit(stage.f->session); /* waits, and is carried out as ever */
	(void)session_fake_hear(stage.f, 100);
	session_fake_forget(stage.f);
	clear();
	session_fake_expect(stage.f, "heard 6400 at 200\nend 1 at 250\ncommitted 1\ncleared 0\n");
	stage_answer(1, "one");
	session_fake_expect(stage.f, "final 1 'one' 0-250 commit 0.90\nheard 11200 at 350\n");
	stage_finish();
}

static void test_open_behind_an_ended(void **state)
{
	(void)state;
	open_stage();
	stage_hear(100);
	stage_commit();
	stage_hear(100);
	session_fake_forget(stage.f);
	clear();
	session_fake_expect(stage.f, "cleared 2\n");
	stage_answer(1, "one"); /* its instance's work went on */
	session_fake_expect(stage.f, "final 1 'one' 0-100 commit 0.90\nheard 6400 at 200\n");
	stage_end();
	session_fake_expect(stage.f, "ended 200 ms 2\n");
	stage_finish();
}

static void test_cleared_after_it_failed(void **state)
{
	(void)state;
	open_stage();
	stage_hear(100);
	stage_fail(1, "no");
	session_fake_forget(stage.f);
	clear();
	session_fake_expect(stage.f, "cleared 1\n");
	stage_finish();
}

static void test_cleared_while_lost(void **state)
{
	(void)state;
	open_stage();
	stage_hear(100);
	pool_fake_lose(&stage.pool, stage_hearer(1), "lost");
	session_fake_forget(stage.f);
	clear();
	pool_fake_born_all(&stage.pool);
	session_fake_expect(stage.f, "cleared 1\n");
	stage_hear(100);
	stage_commit();
	stage_answer(2, "two");
	assert_non_null(strstr(stage.f->log, "final 2 'two' 100-200"));
	stage_finish();
}

static void test_cleared_while_queued(void **state)
{
	struct pool_config pool_cfg = stage_one_place();
	const struct session_config cfg = session_fake_config();

	(void)state;
	stage_start_pool(&pool_cfg);
	assert_true(session_fake_open(stage.other, &stage.pool, &stage.work, &cfg));
	assert_true(session_fake_open(stage.f, &stage.pool, &stage.work, &cfg));
	stage_hear(900);
	clear();
	stage_hear(900); /* there is room again */
	stage_commit();
	session_fake_expect(stage.f, "queued 1\n");
	session_fake_close(stage.other);
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
	session_fake_expect(stage.f, "ready\ncleared 0\nstart 1 at 900\nend 1 at 1800\n");
	stage_finish();
}

/* What waits for the instance does not make a clear wait. */
static void test_cleared_while_the_instance_is_slow(void **state)
{
	(void)state;
	open_stage();
	pool_fake_room(&stage.pool, 1, 1);
	for (int i = 0; i < 15; i++)
		stage_hear(100);
	session_fake_forget(stage.f);
	clear();
	assert_non_null(strstr(stage.f->log, "cleared 1\n"));
	session_fake_forget(stage.f);
	pool_fake_born_all(&stage.pool);
	stage_hear(100);
	session_fake_expect(stage.f, "start 2 at 1500\nheard 51200 at 1600\n");
	stage_finish();
}

/* session_reconfigure. */

static struct ear_config telephone(void)
{
	struct ear_config cfg = session_fake_config().ear;

	cfg.format = (struct format){ ENCODING_MULAW, 8000, 1 };
	return cfg;
}

static bool hear_telephone(unsigned ms)
{
	uint8_t bytes[16000];

	memset(bytes, 0xff, sizeof bytes);
	assert_true(ms * 8 <= sizeof bytes);
	return session_audio(stage.f->session, bytes, (size_t)ms * 8);
}

static void test_another_format(void **state)
{
	const struct ear_config cfg = telephone();
	struct error err;

	(void)state;
	open_stage();
	(void)session_fake_hear(stage.f, 100);
	(void)session_fake_hear(stage.f, 100);
	assert_int_equal(session_reconfigure(stage.f->session, &cfg, &err), 0);
	(void)hear_telephone(500);
	session_commit(stage.f->session);
	work_fake_run(&stage.work);
	session_fake_expect(stage.f,
	    "start 1 at 0\nheard 3200 at 100\nend 1 at 200\nstart 2 at 200\nend 2 at 700\n"
	    "committed 2\n");
	stage_answer(1, "one");
	stage_answer(2, "two");
	stage_end();
	session_fake_expect(stage.f,
	    "final 1 'one' 0-200 commit 0.90\nheard 6400 at 200\n"
	    "final 2 'two' 200-700 commit 0.90\nheard 10400 at 700\nended 700 ms 2\n");
	stage_finish();
}

static void test_clear_in_another_format(void **state)
{
	const struct ear_config cfg = telephone();
	struct error err;

	(void)state;
	open_stage();
	stage_hear(100);
	assert_int_equal(session_reconfigure(stage.f->session, &cfg, &err), 0);
	work_fake_run(&stage.work);
	(void)hear_telephone(100);
	work_fake_run(&stage.work);
	clear(); /* what the resampler holds is dropped and counted as well */
	(void)hear_telephone(100);
	work_fake_run(&stage.work);
	assert_non_null(strstr(stage.f->log, "cleared 2\nstart 3 at 200\n"));
	stage_finish();
}

static void test_no_such_config(void **state)
{
	struct ear_config cfg = telephone();
	struct error err;

	(void)state;
	open_stage();
	stage_hear(100);
	session_fake_forget(stage.f);
	cfg.format.rate_hz = 7;
	assert_int_equal(session_reconfigure(stage.f->session, &cfg, &err), -1);
	assert_non_null(strstr(err.text, "7"));
	cfg = telephone();
	cfg.endpoint.post_silence_ms = 1;
	assert_int_equal(session_reconfigure(stage.f->session, &cfg, &err), -1);
	assert_non_null(strstr(err.text, "post_silence_ms 1"));
	stage_hear(100);
	session_fake_expect(stage.f, "heard 6400 at 200\n");
	stage_finish();
}

/* The bound is one of time, so what waits in the old format does not count for more than it is. */
static void test_bound_follows(void **state)
{
	const struct ear_config cfg = telephone();
	struct error err;

	(void)state;
	open_stage();
	pool_fake_pass_ms(&stage.pool, 1000);
	assert_true(session_fake_hear(stage.f, 100)); /* a job */
	assert_true(session_fake_hear(stage.f, 500));
	assert_int_equal(session_reconfigure(stage.f->session, &cfg, &err), 0);
	assert_true(hear_telephone(500));
	assert_false(hear_telephone(2000));
	assert_int_equal(stage.f->drains, 0);
	work_fake_run(&stage.work);
	assert_int_equal(stage.f->drains, 1);
	stage_finish();
}

int main(void)
{
#define T(name, f)                                                                                 \
	{                                                                                          \
		name, f, stage_setup, stage_teardown, NULL                                         \
	}
	const struct CMUnitTest tests[] = {
		T("clear: the open utterance is dropped", test_open_utterance_is_dropped),
		T("clear: so is what waits in the input", test_waiting_input_is_dropped),
		T("clear: what was committed before is not", test_ended_utterances_stay),
		T("clear: an ended one before it goes on", test_open_behind_an_ended),
		T("clear: one that failed already", test_cleared_after_it_failed),
		T("clear: one that has lost its instance", test_cleared_while_lost),
		T("clear: in the queue", test_cleared_while_queued),
		T("clear: a slow instance is not waited for",
		    test_cleared_while_the_instance_is_slow),
		T("clear: time goes on in any format", test_clear_in_another_format),
		T("another format: what is open is ended and time goes on", test_another_format),
		T("another format that cannot be changes nothing", test_no_such_config),
		T("another format: the input's bound follows", test_bound_follows),
	};

	return cmocka_run_group_tests_name("renew", tests, NULL, NULL);
}
