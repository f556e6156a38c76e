/* How far everything has been dealt with: what holds it back, and that nothing does for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "session/stage.h"

enum { BYTES_PER_MS = SESSION_FAKE_BYTES_PER_MS };

static struct session_config wants_heard(void)
{
	struct session_config cfg = session_fake_config();

	cfg.wants_heard = true;
	return cfg;
}

static void open_stage(void)
{
	const struct session_config cfg = wants_heard();

	stage_open_with(&cfg);
}

static void expect_heard_ms(unsigned ms)
{
	assert_int_equal(stage.f->heard_bytes, (uint64_t)ms * BYTES_PER_MS);
}

static void test_it_is_told(void **state)
{
	struct session_config cfg = wants_heard();

	(void)state;
	cfg.offset_ms = 5000;
	stage_open_with(&cfg);
	stage_hear(100);
	session_fake_expect(stage.f, "start 1 at 5000\nheard 3200 at 5100\n");
	assert_true(session_is_speaking(stage.f->session));
	stage_hear(50);
	session_fake_expect(stage.f, "heard 4800 at 5150\n");
	stage_commit();
	session_fake_expect(stage.f, "end 1 at 5150\ncommitted 1\n");
	assert_false(session_is_speaking(stage.f->session));
	stage_end();
	stage_answer(1, "one");
	session_fake_expect(stage.f, "final 1 'one' 5000-5150 commit 0.90\nended 150 ms 1\n");
	stage_finish();
}

static void test_nobody_else_is_told(void **state)
{
	(void)state;
	stage_open();
	stage_hear(100);
	session_fake_expect(stage.f, "start 1 at 0\n");
	stage_finish();
}

static void test_not_before_the_final(void **state)
{
	(void)state;
	open_stage();
	(void)session_fake_hear(
	    stage.f, 100); /* a job; those below wait for it and become one each */
	(void)session_fake_hear(stage.f, 100);
	session_commit(stage.f->session);
	(void)session_fake_hear(stage.f, 100);
	work_fake_run(&stage.work);
	stage_commit();
	expect_heard_ms(100);
	session_fake_forget(stage.f);
	stage_answer(1, "one");
	session_fake_expect(stage.f, "final 1 'one' 0-200 commit 0.90\nheard 6400 at 200\n");
	stage_answer(2, "two");
	session_fake_expect(stage.f, "final 2 'two' 200-300 commit 0.90\nheard 9600 at 300\n");
	stage_finish();
}

static void test_not_before_the_partial(void **state)
{
	uint64_t id;

	(void)state;
	open_stage();
	stage_hear(200);
	id = stage_hearer(1);
	stage_hear(100);
	stage_hear(50);
	expect_heard_ms(200);
	session_fake_forget(stage.f);
	pool_fake_partial(&stage.pool, id, "one");
	session_fake_expect(stage.f, "partial 1 '|one'\nheard 11200 at 350\n");
	stage_hear(250);
	expect_heard_ms(350);
	pool_fake_partial(&stage.pool, id, ""); /* which is not told */
	session_fake_expect(stage.f, "heard 19200 at 600\n");
	stage_finish();
}

static void test_the_last_partial_never_comes(void **state)
{
	(void)state;
	open_stage();
	stage_hear(300);
	expect_heard_ms(0);
	session_commit(stage.f->session);
	work_fake_run(&stage.work);
	expect_heard_ms(0); /* it is the final that is waited for now */
	stage_answer(1, "one");
	expect_heard_ms(300);
	stage_finish();
}

static void test_partials_not_wanted(void **state)
{
	struct session_config cfg = wants_heard();

	(void)state;
	cfg.partials = false;
	stage_open_with(&cfg);
	for (unsigned ms = 300; ms < 2000; ms += 300) {
		stage_hear(300);
		expect_heard_ms(ms);
	}
	stage_finish();
}

static void test_own_interval(void **state)
{
	struct session_config cfg = wants_heard();

	(void)state;
	cfg.partial_interval_ms = 100;
	stage_open_with(&cfg);
	stage_hear(100);
	assert_int_equal(pool_fake_at(&stage.pool, stage_hearer(1))->partial_requests, 1);
	stage_finish();
}

/* The partial is lost with the instance, and the audio is all here to be heard again. */
static void test_lost_while_a_partial_is_due(void **state)
{
	uint64_t id;

	(void)state;
	open_stage();
	stage_hear(300);
	expect_heard_ms(0);
	pool_fake_lose(&stage.pool, stage_hearer(1), "lost");
	expect_heard_ms(300);
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
	id = stage_hearer(1);
	stage_hear(300);
	expect_heard_ms(300);
	pool_fake_partial(&stage.pool, id, "one");
	expect_heard_ms(600);
	stage_finish();
}

static void test_given_up_while_open(void **state)
{
	(void)state;
	open_stage();
	stage_hear(300);
	stage_fail(1, "no");
	expect_heard_ms(300);
	stage_hear(1000); /* is nothing to an utterance that failed */
	expect_heard_ms(1300);
	stage_commit();
	stage_hear(100);
	expect_heard_ms(1400);
	stage_finish();
}

/* The first loss leaves nothing pending; the second is answered by an error. */
static void test_given_up_with_a_partial_due(void **state)
{
	(void)state;
	open_stage();
	stage_hear(200);
	pool_fake_failed(&stage.pool, stage_hearer(1), "no");
	pool_fake_born_all(&stage.pool);
	stage_hear(100);
	expect_heard_ms(200);
	pool_fake_failed(&stage.pool, stage_hearer(1), "no");
	expect_heard_ms(300);
	stage_hear(400);
	expect_heard_ms(700);
	stage_finish();
}

static void test_given_up_after_its_end(void **state)
{
	(void)state;
	open_stage();
	(void)session_fake_hear(stage.f, 100);
	(void)session_fake_hear(stage.f, 100);
	session_commit(stage.f->session);
	(void)session_fake_hear(stage.f, 100);
	session_end(stage.f->session);
	work_fake_run(&stage.work);
	expect_heard_ms(100);
	stage_fail(1, "no");
	expect_heard_ms(200); /* the second waits for its final */
	stage_answer(2, "two");
	expect_heard_ms(300);
	assert_true(stage.f->over);
	stage_finish();
}

static void test_queued(void **state)
{
	struct pool_config pool_cfg = stage_one_place();
	const struct session_config cfg = wants_heard();

	(void)state;
	stage_start_pool(&pool_cfg);
	assert_true(session_fake_open(stage.other, &stage.pool, &stage.work, &cfg));
	assert_true(session_fake_open(stage.f, &stage.pool, &stage.work, &cfg));
	stage_hear(200);
	expect_heard_ms(0);
	session_fake_close(stage.other);
	work_fake_run(&stage.work);
	expect_heard_ms(200);
	stage_finish();
}

/* Commits. */

static void test_each_commit_is_answered(void **state)
{
	(void)state;
	open_stage();
	stage_commit();
	session_fake_expect(stage.f, "committed nothing\n");
	(void)session_fake_hear(stage.f, 100);
	for (int i = 0; i < 3; i++)
		session_commit(stage.f->session);
	work_fake_run(&stage.work);
	session_fake_expect(stage.f,
	    "start 1 at 0\nheard 3200 at 100\nend 1 at 100\n"
	    "committed 1\ncommitted nothing\ncommitted nothing\n");
	stage_answer(1, "one");
	stage_end();
	session_commit(stage.f->session); /* is nothing to it any more */
	session_fake_expect(stage.f, "final 1 'one' 0-100 commit 0.90\nended 100 ms 1\n");
	stage_finish();
}

/* What the end makes of what is left comes after the answer. */
static void test_commit_before_the_end(void **state)
{
	(void)state;
	open_stage();
	(void)session_fake_hear(stage.f, 100);
	(void)session_fake_hear(stage.f, 100);
	session_commit(stage.f->session);
	session_end(stage.f->session);
	work_fake_run(&stage.work);
	session_fake_expect(
	    stage.f, "start 1 at 0\nheard 3200 at 100\nend 1 at 200\ncommitted 1\n");
	stage_finish();
}

static void test_commit_of_one_that_failed(void **state)
{
	(void)state;
	open_stage();
	stage_hear(100);
	stage_fail(1, "no");
	session_fake_forget(stage.f);
	stage_commit();
	session_fake_expect(stage.f, "end 1 at 100\ncommitted 1\n");
	stage_finish();
}

static void test_commit_of_the_server(void **state)
{
	(void)state;
	open_stage();
	stage_hear(100);
	session_fake_forget(stage.f);
	session_commit_unasked(stage.f->session);
	session_commit(stage.f->session);
	work_fake_run(&stage.work);
	session_fake_expect(stage.f, "end 1 at 100\ncommitted nothing\n");
	stage_finish();
}

static void then_abort(struct session_fake *f, enum session_event_kind kind)
{
	struct error err;

	(void)kind;
	(void)error_set(&err, ERROR_LIMIT, "enough");
	session_abort(f->session, &err);
}

static void test_over_with_an_answer_to_be_told(void **state)
{
	(void)state;
	open_stage();
	stage_hear(100);
	session_fake_forget(stage.f);
	(void)session_fake_hear(stage.f, 100); /* a job, so that the two become one */
	stage.f->then = then_abort;
	stage.f->then_on = SESSION_EVENT_COMMITTED;
	session_commit(stage.f->session);
	session_commit(stage.f->session);
	work_fake_run(&stage.work);
	session_fake_expect(stage.f,
	    "heard 6400 at 200\nend 1 at 200\ncommitted 1\n"
	    "committed nothing\nerror 0 fatal limit: enough\n");
	stage_finish();
}

/* What another server is to hear is not told as heard, and what was open comes to its end. */
static void test_leaving(void **state)
{
	(void)state;
	open_stage();
	stage_hear(100);
	session_leave_soon(stage.f->session, 1000);
	stage_hear(100);
	expect_heard_ms(200);
	stage_commit();
	stage_hear(100);
	session_fake_forget(stage.f);
	stage_answer(1, "one");
	expect_heard_ms(200);
	assert_true(stage.f->over);
	stage_finish();
}

/* One that the ear has opened where the server may begin none any more: the client's word that this was all comes too late. */
static void test_leaving_within_a_job(void **state)
{
	struct session_config cfg = wants_heard();

	(void)state;
	cfg.ear.endpoint.max_utterance_ms = 1000;
	stage_open_with(&cfg);
	stage_hear(500);
	session_leave_soon(stage.f->session, 1000);
	pool_fake_partial(&stage.pool, stage_hearer(1), "one");
	expect_heard_ms(500);
	stage_hear(1000);
	assert_int_equal(stage.f->utterances, 1);
	session_end(stage.f->session);
	work_fake_run(&stage.work);
	stage_answer(1, "one");
	expect_heard_ms(500);
	assert_true(stage.f->over);
	assert_int_equal(stage.f->why.code, ERROR_RESTARTING);
	stage_finish();
}

int main(void)
{
#define T(name, f)                                                                                 \
	{                                                                                          \
		name, f, stage_setup, stage_teardown, NULL                                         \
	}
	const struct CMUnitTest tests[] = {
		T("what has been heard is told", test_it_is_told),
		T("who does not ask is not told", test_nobody_else_is_told),
		T("what has ended is dealt with once its final came", test_not_before_the_final),
		T("what is open is once the partial came", test_not_before_the_partial),
		T("an end needs no partial", test_the_last_partial_never_comes),
		T("partials that are not wanted are not waited for", test_partials_not_wanted),
		T("a session may have an interval of its own", test_own_interval),
		T("a partial is lost with its instance", test_lost_while_a_partial_is_due),
		T("an open utterance that failed holds nothing back", test_given_up_while_open),
		T("a partial that was due to it does not either", test_given_up_with_a_partial_due),
		T("nor does one that fails after its end", test_given_up_after_its_end),
		T("nothing is heard in the queue", test_queued),
		T("what is left to another server is not told as heard", test_leaving),
		T("nor is what the ear had begun with", test_leaving_within_a_job),
		T("each commit is answered, in order", test_each_commit_is_answered),
		T("a commit is answered before what the end brings", test_commit_before_the_end),
		T("a commit may end an utterance that failed", test_commit_of_one_that_failed),
		T("a commit of the server's own is not answered", test_commit_of_the_server),
		T("a session that is over tells first what was to be told",
		    test_over_with_an_answer_to_be_told),
	};

	return cmocka_run_group_tests_name("heard", tests, NULL, NULL);
}
