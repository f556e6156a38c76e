/* A session with two seats: one pool's instances bring the partials, another's the finals. Whatever happens to either of them in
 * whatever state, there is one final of each utterance, and it is the right one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/session_fake.h"
#include "session/stage.h"

enum { WAIT_MS = 2000, PLAIN = 10 };

static struct pool_fake
    accurate; /* the second pool; the first one is the stage's, which tells in the same turn */

static struct pool_finals finals_of_accurate = { .n = 1, .wait_ms = WAIT_MS };

static void open_both(enum lease_kind finals_lease)
{
	struct session_config cfg = session_fake_config();
	struct pool_config finals = stage_one_place();

	finals.lease = finals_lease;
	pool_fake_init_in(&accurate, &stage.pool.turn, "accurate", &finals);
	pool_fake_host_up(&accurate);
	pool_fake_born_all(&accurate);
	cfg.finals = &finals_of_accurate;
	finals_of_accurate.pools[0] = accurate.pool;
	stage_open_with(&cfg);
	pool_fake_born_all(&accurate);
}

static void finish_both(void)
{
	stage_finish();
	pool_fake_done(&accurate);
}

static uint64_t hearer(struct pool_fake *pool, uint64_t utterance)
{
	uint64_t id = pool_fake_hearer(pool, utterance);

	assert_int_not_equal(id, 0);
	return id;
}

static void answer(struct pool_fake *pool, uint64_t utterance, const char *text)
{
	pool_fake_final(pool, hearer(pool, utterance), text);
	pool_fake_born_all(pool);
	work_fake_run(&stage.work);
}

static void lose(struct pool_fake *pool, uint64_t utterance)
{
	pool_fake_exit(pool, hearer(pool, utterance));
	pool_fake_born_all(pool);
	work_fake_run(&stage.work);
}

static void test_partials_of_one_and_finals_of_the_other(void **state)
{
	(void)state;
	open_both(LEASE_BY_SESSION);
	stage_hear(400);
	pool_fake_partial(&stage.pool, hearer(&stage.pool, 1), "quick");
	session_fake_expect(stage.f, "start 1 at 0\npartial 1 '|quick'\n");
	stage_commit();
	assert_int_equal(pool_fake_at(&accurate, hearer(&accurate, 1))->partial_requests, 0);
	answer(&stage.pool, 1, "quick and wrong");
	session_fake_expect(stage.f, "end 1 at 400\n");
	answer(&accurate, 1, "slow and right");
	session_fake_expect(stage.f, "final 1 'slow and right' 0-400 commit 0.90\n");
	finish_both();
}

static void test_each_goes_at_its_own_pace(void **state)
{
	(void)state;
	open_both(LEASE_BY_SESSION);
	stage_hear(200);
	stage_commit();
	answer(&stage.pool, 1, "quick");
	stage_hear(400);
	pool_fake_partial(&stage.pool, hearer(&stage.pool, 2), "ahead");
	session_fake_expect(
	    stage.f, "start 1 at 0\nend 1 at 200\nstart 2 at 200\npartial 2 '|ahead'\n");
	assert_int_equal(pool_fake_hearer(&accurate, 2), 0);
	answer(&accurate, 1, "right");
	stage_end();
	answer(&accurate, 2, "right, too");
	session_fake_expect(stage.f,
	    "final 1 'right' 0-200 commit 0.90\nend 2 at 600\n"
	    "final 2 'right, too' 200-600 stop 0.90\nended 600 ms 2\n");
	finish_both();
}

static void test_the_final_does_not_wait_for_the_partials(void **state)
{
	(void)state;
	open_both(LEASE_BY_SESSION);
	stage_hear(200);
	stage_end();
	answer(&accurate, 1, "right");
	session_fake_expect(stage.f,
	    "start 1 at 0\nend 1 at 200\nfinal 1 'right' 0-200 stop 0.90\nended 200 ms 1\n");
	assert_int_equal(pool_fake_hearer(&stage.pool, 1), 0); /* it is not wanted any more */
	finish_both();
}

/* In what state the attempt is when its instance is lost. */
enum moment { BEGUN, ASKED, ENDED, MOMENTS };

struct row {
	const char *name;
	bool quick[MOMENTS], slow[MOMENTS];
	enum lease_kind finals_lease;
};

static const struct row rows[] = {
	{ "the partials' instance is lost once it has begun", .quick = { [BEGUN] = true } },
	{ "the partials' instance is lost when it was asked for one", .quick = { [ASKED] = true } },
	{ "the partials' instance is lost at the end", .quick = { [ENDED] = true } },
	{ "the final's instance is lost once it has begun", .slow = { [BEGUN] = true } },
	{ "the final's instance is lost in the middle", .slow = { [ASKED] = true } },
	{ "the final's instance is lost at the end", .slow = { [ENDED] = true } },
	{ "both are lost once they have begun", .quick = { [BEGUN] = true },
	    .slow = { [BEGUN] = true } },
	{ "both are lost at the end", .quick = { [ENDED] = true }, .slow = { [ENDED] = true } },
	{ "both are lost at all times", .quick = { true, true, true },
	    .slow = { true, true, true } },
	{ "both are lost at all times, and finals have a place by the utterance",
	    .quick = { true, true, true }, .slow = { true, true, true },
	    .finals_lease = LEASE_BY_UTTERANCE },
};

static void lose_at(const struct row *row, enum moment moment)
{
	if (row->quick[moment])
		lose(&stage.pool, 1);
	if (row->slow[moment])
		lose(&accurate, 1);
}

static unsigned count_of(const char *what)
{
	unsigned n = 0;

	stage.f->log[stage.f->log_n] = '\0';
	for (const char *at = stage.f->log; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

/* What is sent again comes a partial at a time. */
static void check_audio(struct pool_fake *pool)
{
	for (int i = 0; i < 3 && pool == &stage.pool; i++)
		pool_fake_partial(pool, hearer(pool, 1), "quick");
	assert_int_equal(pool_fake_at(pool, hearer(pool, 1))->samples, 700 * 16);
}

static void test_lost(void **state)
{
	const struct row *row = *state;
	bool slow = row->slow[BEGUN] || row->slow[ASKED] || row->slow[ENDED];

	open_both(row->finals_lease);
	stage_hear(100);
	lose_at(row, BEGUN);
	stage_hear(600);
	lose_at(row, ASKED);
	stage_commit();
	lose_at(row, ENDED);
	check_audio(&accurate);
	check_audio(&stage.pool);
	answer(&stage.pool, 1, "wrong");
	answer(&accurate, 1, "right");
	assert_int_equal(count_of("final 1 'right' 0-700 commit"), 1);
	assert_int_equal(count_of("final"), 1);
	assert_int_equal(count_of("error"), 0);
	assert_int_equal(count_of("recovered 1") > 0, slow);
	session_fake_forget(stage.f);
	stage_hear(100);
	stage_end();
	answer(&accurate, 2, "next");
	session_fake_expect(stage.f,
	    "start 2 at 700\nend 2 at 800\nfinal 2 'next' 700-800 stop 0.90\nended 800 ms 2\n");
	finish_both();
}

static void wait_for_a_place(bool quick, bool slow)
{
	if (quick)
		pool_fake_host_down(&stage.pool);
	if (slow)
		pool_fake_host_down(&accurate);
}

/* WAITING: newborns are away, and one that would have come is not there when it is wanted. */
static void test_lost_while_waiting(void **state)
{
	(void)state;
	for (unsigned who = 1; who < 4; who++) {
		(void)stage_setup(state);
		open_both(LEASE_BY_SESSION);
		stage_hear(200);
		wait_for_a_place(who & 1, who & 2);
		if (who & 1)
			pool_fake_exit(&stage.pool, hearer(&stage.pool, 1));
		if (who & 2)
			pool_fake_exit(&accurate, hearer(&accurate, 1));
		stage_commit();
		pool_fake_host_up(&stage.pool);
		pool_fake_born_all(&stage.pool);
		pool_fake_host_up(&accurate);
		pool_fake_born_all(&accurate);
		answer(&accurate, 1, "right");
		assert_int_equal(count_of("final 1 'right' 0-200 commit 0.90\n"), 1);
		assert_int_equal(count_of("final"), 1);
		finish_both();
		(void)stage_teardown(state);
	}
}

/* An utterance that its partials' instances cannot bear is no reason to give it up. */
static void test_partials_given_up(void **state)
{
	uint64_t failed = metric_get(METRIC_utterances_failed_total);

	(void)state;
	open_both(LEASE_BY_SESSION);
	stage_hear(400);
	for (int i = 0; i < 2; i++) {
		pool_fake_failed(&stage.pool, hearer(&stage.pool, 1), "I cannot");
		pool_fake_born_all(&stage.pool);
	}
	assert_int_equal(pool_fake_hearer(&stage.pool, 1), 0);
	stage_commit();
	answer(&accurate, 1, "right");
	session_fake_expect(
	    stage.f, "start 1 at 0\nend 1 at 400\nfinal 1 'right' 0-400 commit 0.90\n");
	assert_int_equal(metric_get(METRIC_utterances_failed_total), failed);
	stage_hear(100);
	assert_int_not_equal(pool_fake_hearer(&stage.pool, 2), 0); /* the next one has partials */
	finish_both();
}

static void give_out(struct pool_fake *pool)
{
	for (int i = 0; i < 2; i++) {
		pool_fake_failed(pool, hearer(pool, 1), "I cannot");
		pool_fake_born_all(pool);
	}
	session_fake_turn(stage.f);
}

static void hear_with_partials(void)
{
	open_both(LEASE_BY_SESSION);
	for (int i = 0; i < 3; i++) {
		stage_hear(400);
		pool_fake_partial(&stage.pool, hearer(&stage.pool, 1), "quick words");
	}
	stage_commit();
	session_fake_forget(stage.f);
}

/* One whose final cannot be had ends with the other one. */
static void test_final_given_up(void **state)
{
	uint64_t told = metric_get(METRIC_finals_from_partials_total);

	(void)state;
	hear_with_partials();
	give_out(&accurate);
	session_fake_expect(stage.f, "recovered 1\n");
	answer(&stage.pool, 1, "quick words and more");
	session_fake_expect(
	    stage.f, "final 1 'quick words and more' 0-1200 commit 0.90 by partials\n");
	assert_int_equal(metric_get(METRIC_finals_from_partials_total), told + 1);
	finish_both();
}

/* ... which is kept where it is there before that is known. */
static void test_final_given_up_late(void **state)
{
	(void)state;
	hear_with_partials();
	answer(&stage.pool, 1, "quick words");
	session_fake_expect(stage.f, "");
	give_out(&accurate);
	session_fake_expect(
	    stage.f, "recovered 1\nfinal 1 'quick words' 0-1200 commit 0.90 by partials\n");
	finish_both();
}

/* One that neither can bring ends with what its partials had settled. */
static void test_both_given_up(void **state)
{
	(void)state;
	hear_with_partials();
	give_out(&stage.pool);
	session_fake_expect(stage.f, "");
	give_out(&accurate);
	assert_int_equal(count_of("final 1 'quick' 0-1200 commit 0.00 by partials\n"
				  "  incomplete engine:"),
	    1);
	finish_both();
}

static void test_freed_and_aborted(void **state)
{
	struct error err;

	(void)state;
	(void)error_set(&err, ERROR_TIMEOUT, "enough");
	open_both(LEASE_BY_SESSION);
	stage_hear(400);
	session_abort(stage.f->session, &err);
	session_fake_expect(stage.f, "start 1 at 0\nerror 0 fatal timeout: enough\n");
	assert_int_equal(pool_places_taken(accurate.pool), 0);
	assert_int_equal(pool_places_taken(stage.pool.pool), 0);
	finish_both();
}

/* The second pool may be full: then it is utterances that wait there, and nobody is told. */
static void test_only_the_first_place_is_waited_for(void **state)
{
	struct session_config cfg = session_fake_config();

	(void)state;
	open_both(LEASE_BY_SESSION);
	stage_hear(200);
	hearer(&accurate, 1);
	cfg.finals = &finals_of_accurate;
	assert_true(session_fake_open(stage.other, &stage.pool, &stage.work, &cfg));
	session_fake_expect(stage.other, "queued 1\n");
	session_fake_close(stage.f);
	pool_fake_host_down(&accurate);
	pool_fake_born_all(&stage.pool);
	session_fake_expect(stage.other, "ready\n");
	assert_int_equal(pool_places_taken(accurate.pool), 0);
	session_fake_close(stage.other);
	finish_both();
}

int main(void)
{
	struct CMUnitTest tests[PLAIN + ARRAY_SIZE(rows)] = {
		cmocka_unit_test_setup_teardown(
		    test_partials_of_one_and_finals_of_the_other, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(
		    test_each_goes_at_its_own_pace, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_final_does_not_wait_for_the_partials, stage_setup, stage_teardown),
		cmocka_unit_test(test_lost_while_waiting),
		cmocka_unit_test_setup_teardown(
		    test_partials_given_up, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_final_given_up, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(
		    test_final_given_up_late, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_both_given_up, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(
		    test_freed_and_aborted, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(
		    test_only_the_first_place_is_waited_for, stage_setup, stage_teardown),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[PLAIN + i] = (struct CMUnitTest){ rows[i].name, test_lost, stage_setup,
			stage_teardown, (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
