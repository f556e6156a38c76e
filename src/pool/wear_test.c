/* When instances are replaced that nothing is wrong with, and how a pool changes its size while it serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { CLIENTS = 8 };

static struct pool_fake f;
static struct lease_fake clients[CLIENTS];

static int setup(void **state)
{
	(void)state;
	memset(clients, 0, sizeof clients);
	return 0;
}

static void start(const struct pool_config *cfg, unsigned n)
{
	pool_fake_init(&f, cfg);
	pool_fake_host_up(&f);
	for (unsigned i = 0; i < n; i++)
		assert_true(lease_fake_ask(&clients[i], i + 1, f.pool));
	pool_fake_born_all(&f);
}

static void finish(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		lease_fake_release(&clients[i]);
	pool_fake_check(&f);
	pool_fake_done(&f);
}

static unsigned in(enum instance_state s)
{
	return pool_instances_in(f.pool, s);
}

/* An utterance of client n; the instance that heard it. */
static uint64_t speak(unsigned n, unsigned rss_kb)
{
	struct ipc_result r = { .text = { "text", 4 }, .rss_kb = rss_kb };
	uint64_t id;

	assert_true(lease_fake_begin(&clients[n]));
	r.utterance = lease_fake_utterance(&clients[n]);
	id = pool_fake_hearer(&f, r.utterance);
	assert_true(lease_fake_end(&clients[n]));
	pool_fake_result(&f, id, IPC_FINAL, &r);
	return id;
}

static struct pool_config reused(void)
{
	struct pool_config cfg = pool_fake_config();

	cfg.refresh = REFRESH_RESET;
	cfg.min = cfg.max = 1;
	return cfg;
}

/* A client comes, speaks and goes; the instance that heard it, reset if it is used again. */
static uint64_t visit(unsigned n, unsigned rss_kb)
{
	uint64_t id;

	assert_true(lease_fake_ask(&clients[n], n + 1, f.pool));
	pool_fake_born_all(&f);
	id = speak(n, rss_kb);
	lease_fake_release(&clients[n]);
	if (!pool_fake_at(&f, id)->let_go)
		pool_fake_say(&f, id, IPC_READY);
	pool_fake_check(&f);
	return id;
}

static void test_max_uses(void **state)
{
	struct pool_config cfg = reused();

	(void)state;
	cfg.max_uses = 3;
	start(&cfg, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(visit(i, 0), 1);
	assert_true(pool_fake_at(&f, 1)->let_go);
	assert_int_equal(in(INSTANCE_STARTING), 1); /* its successor */
	assert_int_equal(visit(3, 0), 2);
	assert_int_equal(pool_counts(f.pool)->worn, 1);
	finish();
}

static void test_max_rss(void **state)
{
	struct pool_config cfg = reused();

	(void)state;
	cfg.max_rss_mb = 50;
	start(&cfg, 0);
	assert_int_equal(visit(0, 50 * 1024), 1);
	assert_int_equal(visit(1, 51 * 1024), 1); /* is still given its final */
	assert_int_equal(visit(2, 0), 2);
	assert_int_equal(pool_counts(f.pool)->worn, 1);
	finish();
}

static void test_max_rss_within_a_session(void **state)
{
	struct pool_config cfg = reused();

	(void)state;
	cfg.max_rss_mb = 50;
	start(&cfg, 1);
	assert_int_equal(speak(0, 51 * 1024), 1);
	assert_true(pool_fake_at(&f, 1)->let_go);
	pool_fake_born_all(&f);
	assert_int_equal(speak(0, 0), 2);
	assert_int_equal(pool_counts(f.pool)->worn, 1);
	finish();
}

static void test_max_age(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 2;
	cfg.max_age_ms = 10000;
	start(&cfg, 0);
	pool_fake_pass_ms(&f, 8999);
	assert_int_equal(f.last_id, 2);
	pool_fake_pass_ms(&f, 1001);
	assert_int_equal(f.last_id, 4); /* a successor each */
	assert_false(pool_fake_at(&f, 1)->let_go || pool_fake_at(&f, 2)->let_go);
	pool_fake_born(&f, 3);
	assert_int_equal(pool_fake_at(&f, 1)->let_go + pool_fake_at(&f, 2)->let_go, 1);
	pool_fake_born(&f, 4);
	assert_true(pool_fake_at(&f, 1)->let_go && pool_fake_at(&f, 2)->let_go);
	assert_int_equal(pool_counts(f.pool)->worn, 2);
	finish();
}

/* When it is idle again nothing else is due for long. */
static void test_grown_old_while_leased(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.max = cfg.spare = 1;
	cfg.max_age_ms = 10000;
	start(&cfg, 1);
	pool_fake_pass_ms(&f, 15000);
	pool_fake_born_all(&f);
	assert_true(pool_fake_at(&f, 2)->let_go); /* the spare one, which was as old */
	assert_false(pool_fake_at(&f, 1)->let_go);
	lease_fake_release(&clients[0]);
	assert_true(pool_fake_at(&f, 1)->let_go);
	finish();
}

static void test_ages_differ(void **state)
{
	struct pool_config cfg = pool_fake_config();
	unsigned moments = 0;

	(void)state;
	cfg.min = cfg.max = 20;
	cfg.max_age_ms = 10000;
	start(&cfg, 0);
	pool_fake_pass_ms(&f, 8999);
	for (uint64_t last = f.last_id; f.last_id < 40; last = f.last_id) {
		pool_fake_pass_ms(&f, 20);
		moments += f.last_id > last;
	}
	assert_true(moments > 5);
	pool_fake_born_all(&f);
	finish();
}

static void test_worn_is_not_lent(void **state)
{
	struct pool_config cfg = reused();

	(void)state;
	start(&cfg, 0);
	pool_renew(f.pool);
	turn_run(&f.turn);
	assert_true(lease_fake_ask(&clients[0], 1, f.pool));
	assert_true(clients[0].granted);
	assert_false(lease_fake_begin(&clients[0])); /* one of the old model is there */
	pool_fake_born_all(&f);
	assert_int_equal(speak(0, 0), 2);
	finish();
}

static void test_renewed_while_leased(void **state)
{
	struct pool_config cfg = reused();

	(void)state;
	start(&cfg, 1);
	assert_int_equal(speak(0, 0), 1);
	pool_renew(f.pool);
	turn_run(&f.turn);
	assert_int_equal(speak(0, 0), 1); /* its client keeps it */
	lease_fake_release(&clients[0]);
	assert_true(pool_fake_at(&f, 1)->let_go);
	assert_int_equal(visit(1, 0), 2);
	finish();
}

static struct pool_config crowded(void)
{
	struct pool_config cfg = reused();

	cfg.max = 6;
	cfg.spare = 1;
	cfg.idle_ttl_ms = 10000;
	return cfg;
}

/* n clients come, speak and leave their instances idle. */
static void leave_idle(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_true(lease_fake_ask(&clients[i], i + 1, f.pool));
	pool_fake_born_all(&f);
	for (unsigned i = 0; i < n; i++)
		speak(i, 0);
	for (unsigned i = 0; i < n; i++)
		lease_fake_release(&clients[i]);
	for (uint64_t id = 1; id <= f.last_id; id++)
		if (pool_fake_at(&f, id)->resets > 0 && !pool_fake_at(&f, id)->ready)
			pool_fake_say(&f, id, IPC_READY);
}

static void test_idle_ttl(void **state)
{
	struct pool_config cfg = crowded();

	(void)state;
	start(&cfg, 0);
	leave_idle(5);
	assert_int_equal(in(INSTANCE_IDLE), 6);
	pool_fake_pass_ms(&f, 9999);
	assert_int_equal(in(INSTANCE_IDLE), 6);
	pool_fake_pass_ms(&f, 10002); /* the first of two looks finds that one was needed lately */
	assert_int_equal(in(INSTANCE_IDLE), 1); /* min, and spare */
	assert_int_equal(pool_counts(f.pool)->surplus, 5);
	finish();
}

static void test_low_water(void **state)
{
	struct pool_config cfg = crowded();

	(void)state;
	start(&cfg, 0);
	leave_idle(5);
	pool_fake_pass_ms(&f, 5000);
	leave_idle(3); /* three of them were needed */
	pool_fake_pass_ms(&f, 15001);
	assert_int_equal(in(INSTANCE_IDLE), 1);
	leave_idle(5);
	pool_fake_pass_ms(&f, 10001);
	leave_idle(3);
	pool_fake_pass_ms(&f, 10001);
	assert_int_equal(in(INSTANCE_IDLE), 4);
	pool_fake_pass_ms(&f, 10001);
	assert_int_equal(in(INSTANCE_IDLE), 1);
	finish();
}

static void test_larger(void **state)
{
	struct pool_config cfg = reused();

	(void)state;
	start(&cfg, 3);
	assert_int_equal(pool_queue_length(f.pool), 2);
	cfg.max = 2;
	pool_reconfigure(f.pool, &cfg);
	turn_run(&f.turn);
	assert_true(clients[1].granted);
	assert_false(clients[2].granted);
	pool_fake_born_all(&f);
	speak(1, 0);
	finish();
}

static void test_smaller(void **state)
{
	struct pool_config cfg = crowded();

	(void)state;
	start(&cfg, 4);
	cfg.max = 2;
	cfg.spare = 0;
	pool_reconfigure(f.pool, &cfg);
	turn_run(&f.turn);
	assert_int_equal(pool_places_taken(f.pool), 4); /* nobody is sent away */
	assert_int_equal(in(INSTANCE_IDLE), 0);
	assert_true(lease_fake_ask(&clients[4], 5, f.pool));
	for (unsigned i = 0; i < 2; i++)
		lease_fake_release(&clients[i]);
	assert_false(clients[4].granted);
	lease_fake_release(&clients[2]);
	assert_true(clients[4].granted);
	finish();
}

#define T(name, f)                                                                                 \
	{                                                                                          \
		name, f, setup, NULL, NULL                                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T("max_uses: the next client gets another one", test_max_uses),
		T("max_rss_mb: likewise, after the final", test_max_rss),
		T("max_rss_mb: for the next utterance of the same client too",
		    test_max_rss_within_a_session),
		T("max_age_ms: an idle one goes when its successor is there", test_max_age),
		T("max_age_ms: those born together do not go together", test_ages_differ),
		T("max_age_ms: one that grew old with a client goes after it",
		    test_grown_old_while_leased),
		T("one of an old model is not lent", test_worn_is_not_lent),
		T("... but stays with its client", test_renewed_while_leased),
		T("idle_ttl_ms: those not needed go", test_idle_ttl),
		T("idle_ttl_ms: those needed meanwhile stay", test_low_water),
		T("a pool made larger takes in who waits", test_larger),
		T("a pool made smaller sends nobody away", test_smaller),
	};

	return cmocka_run_group_tests_name("wear", tests, NULL, NULL);
}
