/* Which pool brings the final of an utterance: by the language that was heard, where there are several for that, and the session's own
 * where it lacks a place there for too long; and that partials never wait for any of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/metric.h"
#include "base/util.h"
#include "pool/lease_fake.h"
#include "session/stage.h"

enum { WAIT_MS = 2000, EN = 0, DE = 1, POOLS = 2 };

static const char *const names[POOLS] = { "en-accurate", "de-accurate" };
static struct pool_fake pools[POOLS];
static struct lease_fake holders[POOLS]; /* of the only place of each */
static struct pool_finals finals;
static unsigned asked; /* how often it was asked which one a language is for */

static unsigned choose(const struct pool_finals *of, const char *language)
{
	asked++;
	for (unsigned i = 0; i < of->n; i++)
		if (strncmp(pool_name(of->pools[i]), language, 2) == 0)
			return i;
	return 0;
}

static void start_pool(unsigned i)
{
	const struct pool_config cfg = stage_one_place();

	pool_fake_init_in(&pools[i], &stage.pool.turn, names[i], &cfg);
	pool_fake_host_up(&pools[i]);
	pool_fake_born_all(&pools[i]);
	finals.pools[i] = pools[i].pool;
	holders[i] = (struct lease_fake){ .by_utterance = true };
}

static void open_wishing(unsigned n, const char *language)
{
	struct session_config cfg = session_fake_config();

	finals = (struct pool_finals){ .n = n, .wait_ms = WAIT_MS };
	for (unsigned i = 0; i < n; i++)
		start_pool(i);
	cfg.finals = &finals;
	cfg.choose_finals = choose;
	cfg.wishes.language = language;
	asked = 0;
	stage_open_with(&cfg);
}

static void open_with(unsigned n)
{
	open_wishing(n, NULL);
}

static void finish(void)
{
	for (unsigned i = 0; i < finals.n; i++)
		lease_fake_release(&holders[i]);
	stage_finish();
	for (unsigned i = 0; i < finals.n; i++)
		pool_fake_done(&pools[i]);
}

static void take_place(unsigned i)
{
	assert_true(lease_fake_ask(&holders[i], 77, pools[i].pool));
	if (!lease_fake_begin(&holders[i])) {
		pool_fake_born_all(&pools[i]);
		assert_true(lease_fake_begin(&holders[i]));
	}
}

static void give_place(unsigned i)
{
	lease_fake_abort(&holders[i]);
	pool_fake_born_all(&pools[i]);
	work_fake_run(&stage.work);
}

static void answer_in(struct pool_fake *f, uint64_t utterance, const char *text)
{
	uint64_t id = pool_fake_hearer(f, utterance);

	assert_int_not_equal(id, 0);
	pool_fake_final(f, id, text);
	pool_fake_born_all(f);
	work_fake_run(&stage.work);
}

static void pass_ms(uint64_t ms)
{
	pool_fake_pass_ms(&pools[EN], ms);
	work_fake_run(&stage.work);
}

static void test_no_place_for_too_long(void **state)
{
	(void)state;
	open_with(1);
	take_place(EN);
	stage_hear(400);
	pass_ms(2 * WAIT_MS); /* it has not ended yet */
	stage_commit();
	answer_in(&stage.pool, 1, "quick");
	session_fake_forget(stage.f);
	pass_ms(WAIT_MS - 1);
	session_fake_expect(stage.f, "");
	pass_ms(1);
	session_fake_expect(stage.f, "final 1 'quick' 0-400 commit 0.90 by partials\n");
	give_place(EN);
	stage_hear(200);
	stage_commit();
	session_fake_forget(stage.f);
	answer_in(&pools[EN], 2, "right");
	session_fake_expect(stage.f, "final 2 'right' 400-600 commit 0.90\n");
	finish();
}

static void test_a_place_in_time(void **state)
{
	(void)state;
	open_with(1);
	take_place(EN);
	stage_hear(400);
	stage_commit();
	answer_in(&stage.pool, 1, "quick");
	session_fake_forget(stage.f);
	pass_ms(WAIT_MS - 1);
	give_place(EN);
	pass_ms(2 * WAIT_MS); /* it is heard now, and may take its time */
	session_fake_expect(stage.f, "");
	assert_int_equal(
	    pool_fake_at(&pools[EN], pool_fake_hearer(&pools[EN], 1))->samples, 400 * 16);
	answer_in(&pools[EN], 1, "right");
	session_fake_expect(stage.f, "final 1 'right' 0-400 commit 0.90\n");
	finish();
}

/* With no other final to tell it is worth waiting for. */
static void test_a_place_is_waited_for_where_there_is_no_other(void **state)
{
	(void)state;
	open_with(1);
	take_place(EN);
	stage_hear(400);
	stage_fail(1, "I cannot");
	stage_commit();
	session_fake_forget(stage.f);
	pass_ms(5 * WAIT_MS);
	session_fake_expect(stage.f, "");
	give_place(EN);
	answer_in(&pools[EN], 1, "right");
	session_fake_expect(stage.f, "final 1 'right' 0-400 commit 0.90\n");
	finish();
}

/* Each is told that long after its own end, and not after the one before it was. */
static void test_waits_do_not_add_up(void **state)
{
	(void)state;
	open_with(1);
	take_place(EN);
	stage_hear(100);
	stage_commit();
	answer_in(&stage.pool, 1, "one");
	pass_ms(500);
	stage_hear(100);
	stage_commit();
	answer_in(&stage.pool, 2, "two");
	session_fake_forget(stage.f);
	pass_ms(WAIT_MS - 500);
	session_fake_expect(stage.f, "final 1 'one' 0-100 commit 0.90 by partials\n");
	pass_ms(499);
	session_fake_expect(stage.f, "");
	pass_ms(1);
	session_fake_expect(stage.f, "final 2 'two' 100-200 commit 0.90 by partials\n");
	finish();
}

/* More than session_buffer_ms, and nobody hears it there. */
static void test_partials_do_not_wait(void **state)
{
	uint64_t hearer;

	(void)state;
	open_with(1);
	take_place(EN);
	for (int i = 0; i < 10; i++) {
		stage_hear(600);
		hearer = stage_hearer(1);
		assert_int_equal(
		    pool_fake_at(&stage.pool, hearer)->samples, 600 * 16 * (size_t)(i + 1));
		pool_fake_partial(&stage.pool, hearer, "quick");
	}
	assert_int_equal(pool_fake_at(&stage.pool, stage_hearer(1))->partial_requests, 10);
	stage_commit();
	stage_hear(600); /* nor does the next one */
	answer_in(&stage.pool, 1, "quick");
	assert_int_equal(pool_fake_at(&stage.pool, stage_hearer(2))->samples, 600 * 16);
	finish();
}

/* What comes much faster than it is spoken is held off at last. */
static void test_what_waits_is_bounded(void **state)
{
	unsigned n = 0;

	(void)state;
	open_with(1);
	take_place(EN);
	while (session_fake_hear(stage.f, 900) && n++ < 100) {
		session_commit(stage.f->session);
		work_fake_run(&stage.work);
		if (pool_fake_hearer(&stage.pool, n) != 0)
			answer_in(&stage.pool, n, "quick");
	}
	assert_in_range(
	    n, 34, 40); /* 30 s an utterance, 2 s of waiting, 1 s kept; and what is kept of input */
	pass_ms(WAIT_MS);
	assert_true(stage.f->drains > 0);
	finish();
}

static void heard_as(uint64_t utterance, enum ipc_type type, const char *text, const char *language)
{
	const struct ipc_result r = { .utterance = utterance,
		.text = { text, (uint32_t)strlen(text) },
		.language = { language, (uint32_t)strlen(language) },
		.confidence = 9000 };

	pool_fake_result(&stage.pool, stage_hearer(utterance), type, &r);
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
}

static unsigned who_hears(uint64_t utterance)
{
	bool en = pool_fake_hearer(&pools[EN], utterance) != 0;
	bool de = pool_fake_hearer(&pools[DE], utterance) != 0;

	assert_false(en && de);
	return en ? EN : de ? DE : POOLS;
}

static void test_by_the_language_of_a_partial(void **state)
{
	(void)state;
	open_with(2);
	stage_hear(400);
	assert_int_equal(who_hears(1), POOLS);
	heard_as(1, IPC_PARTIAL, "ja", "de");
	assert_int_equal(who_hears(1), DE);
	stage_hear(400);
	heard_as(1, IPC_PARTIAL, "ja well", "en"); /* it stays where it is */
	stage_commit();
	assert_int_equal(who_hears(1), DE);
	assert_int_equal(
	    pool_fake_at(&pools[DE], pool_fake_hearer(&pools[DE], 1))->samples, 800 * 16);
	session_fake_forget(stage.f);
	answer_in(&pools[DE], 1, "ja wohl");
	session_fake_expect(stage.f, "final 1 'ja wohl' 0-800 commit 0.90\n");
	stage_hear(400);
	assert_int_equal(who_hears(2), POOLS); /* the next one goes by its own */
	heard_as(2, IPC_PARTIAL, "yes", "en");
	assert_int_equal(who_hears(2), EN);
	finish();
}

static void test_by_the_language_of_the_first_final(void **state)
{
	(void)state;
	open_with(2);
	stage_hear(200);
	stage_commit();
	assert_int_equal(who_hears(1), POOLS);
	heard_as(1, IPC_FINAL, "ja", "de");
	assert_int_equal(who_hears(1), DE);
	session_fake_forget(stage.f);
	answer_in(&pools[DE], 1, "ja wohl");
	session_fake_expect(stage.f, "final 1 'ja wohl' 0-200 commit 0.90\n");
	finish();
}

static void test_the_first_where_none_is_known(void **state)
{
	(void)state;
	open_with(2);
	stage_hear(200);
	stage_commit();
	heard_as(1, IPC_FINAL, "hm", "");
	assert_int_equal(who_hears(1), EN);
	answer_in(&pools[EN], 1, "hm");
	stage_hear(200);
	stage_fail(2, "I cannot");
	assert_int_equal(who_hears(2), EN); /* nothing will tell it any more */
	finish();
}

static void test_by_the_language_that_was_wished(void **state)
{
	(void)state;
	open_wishing(2, "de");
	stage_hear(200);
	assert_int_equal(who_hears(1), DE);
	finish();
}

static void test_auto_is_no_language(void **state)
{
	(void)state;
	open_wishing(2, "auto");
	stage_hear(400);
	assert_int_equal(who_hears(1), POOLS);
	heard_as(1, IPC_PARTIAL, "ja", "de");
	assert_int_equal(who_hears(1), DE);
	finish();
}

static void test_one_pool_is_for_all(void **state)
{
	(void)state;
	open_wishing(1, "auto");
	stage_hear(200);
	assert_int_not_equal(pool_fake_hearer(&pools[EN], 1), 0);
	assert_int_equal(asked, 0);
	finish();
}

/* Two pools, one utterance in each: the second does not wait for the first, but is told behind it. */
static void test_in_order_over_pools(void **state)
{
	(void)state;
	open_with(2);
	stage_hear(200);
	stage_commit();
	heard_as(1, IPC_FINAL, "ja", "de");
	stage_hear(200);
	stage_commit();
	heard_as(2, IPC_FINAL, "yes", "en");
	assert_int_equal(who_hears(1), DE);
	assert_int_equal(who_hears(2), EN);
	session_fake_forget(stage.f);
	answer_in(&pools[EN], 2, "yes, sir");
	session_fake_expect(stage.f, "");
	answer_in(&pools[DE], 1, "ja wohl");
	session_fake_expect(stage.f,
	    "final 1 'ja wohl' 0-200 commit 0.90\nfinal 2 'yes, sir' 200-400 commit 0.90\n");
	finish();
}

static void test_the_language_has_no_place(void **state)
{
	(void)state;
	open_with(2);
	pool_fake_host_failed(&pools[DE], "no model");
	pool_fake_exit(&pools[DE], 1);
	stage_hear(200);
	stage_commit();
	session_fake_forget(stage.f);
	heard_as(1, IPC_FINAL, "ja", "de");
	session_fake_expect(stage.f, "final 1 'ja' 0-200 commit 0.90 in de by partials\n");
	finish();
}

/* Each engine learns in its own way, and the client keeps what the finals' has learnt. */
static void learn(struct pool_fake *f, uint64_t utterance, const char *adaptation)
{
	const struct ipc_result r = { .utterance = utterance,
		.text = { "text", 4 },
		.adaptation = (const uint8_t *)adaptation,
		.adaptation_bytes = (uint32_t)strlen(adaptation) };
	uint64_t id = pool_fake_hearer(f, utterance);

	assert_int_not_equal(id, 0);
	pool_fake_result(f, id, IPC_FINAL, &r);
	pool_fake_born_all(f);
	work_fake_run(&stage.work);
}

static void assert_known(struct pool_fake *f, uint64_t utterance, const char *adaptation)
{
	const struct pool_fake_instance *i = pool_fake_at(f, pool_fake_hearer(f, utterance));

	assert_int_equal(i->adaptation_bytes, strlen(adaptation));
	assert_memory_equal(i->adaptation, adaptation, strlen(adaptation));
}

static void test_what_is_learnt(void **state)
{
	(void)state;
	open_with(1);
	stage_hear(200);
	stage_commit();
	learn(&stage.pool, 1, "quick 1");
	learn(&pools[EN], 1, "slow 1");
	assert_int_equal(stage.f->adaptation_bytes, strlen("slow 1"));
	stage_hear(200);
	assert_known(&stage.pool, 2, "quick 1");
	assert_known(&pools[EN], 2, "slow 1");
	for (int i = 0; i < 2; i++) {
		pool_fake_failed(&pools[EN], pool_fake_hearer(&pools[EN], 2), "I cannot");
		pool_fake_born_all(&pools[EN]);
	}
	stage_commit();
	learn(&stage.pool, 2, "quick 2");
	assert_int_equal(stage.f->finals, 2);
	assert_int_equal(stage.f->adaptation_bytes, strlen("slow 1"));
	assert_memory_equal(stage.f->adaptation, "slow 1", strlen("slow 1"));
	finish();
}

#define T(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_no_place_for_too_long),
		T(test_a_place_in_time),
		T(test_a_place_is_waited_for_where_there_is_no_other),
		T(test_waits_do_not_add_up),
		T(test_partials_do_not_wait),
		T(test_what_waits_is_bounded),
		T(test_by_the_language_of_a_partial),
		T(test_by_the_language_of_the_first_final),
		T(test_the_first_where_none_is_known),
		T(test_by_the_language_that_was_wished),
		T(test_auto_is_no_language),
		T(test_one_pool_is_for_all),
		T(test_in_order_over_pools),
		T(test_the_language_has_no_place),
		T(test_what_is_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
