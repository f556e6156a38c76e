/* Whose turn it is, and what each is told of his place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { CLIENTS = 12 };

static struct pool_fake f;
static struct lease_fake clients[CLIENTS];

static int setup(void **state)
{
	(void)state;
	memset(clients, 0, sizeof clients);
	return 0;
}

static struct lease_fake *client(unsigned n)
{
	return &clients[n];
}

static bool ask(unsigned n)
{
	return lease_fake_ask(client(n), n + 1, f.pool);
}

/* A pool with its host up, its newborns born, and clients 0..n-1. */
static void start(const struct pool_config *cfg, unsigned n)
{
	pool_fake_init(&f, cfg);
	pool_fake_host_up(&f);
	for (unsigned i = 0; i < n; i++)
		assert_true(ask(i));
	pool_fake_born_all(&f);
	pool_fake_check(&f);
}

static void finish(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		lease_fake_release(client(i));
	pool_fake_done(&f);
}

/* Queue. */

static void test_fifo(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 5);
	assert_true(client(0)->granted && client(1)->granted && !client(2)->granted);
	assert_int_equal(client(0)->seen[LEASE_FAKE_QUEUED], 0);
	lease_fake_release(client(1));
	assert_true(client(2)->granted && !client(3)->granted);
	lease_fake_release(client(2));
	assert_true(client(3)->granted && !client(4)->granted);
	lease_fake_release(client(0));
	assert_true(client(4)->granted);
	pool_fake_check(&f);
	assert_int_equal(pool_counts(f.pool)->leases_granted, 5);
	finish();
}

static void test_positions(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 6);
	for (unsigned i = 2; i < 6; i++) {
		assert_int_equal(client(i)->position, i - 1);
		assert_int_equal(client(i)->seen[LEASE_FAKE_QUEUED], 1);
		/* Ten seconds a lease until one has ended, two places. */
		assert_int_equal(client(i)->estimated_wait_ms, 5000 * (i - 1));
	}
	lease_fake_release(client(0));
	assert_true(client(2)->granted);
	for (unsigned i = 3; i < 6; i++) {
		assert_int_equal(client(i)->position, i - 2);
		assert_int_equal(client(i)->seen[LEASE_FAKE_QUEUED], 2);
	}
	pool_on_time(f.pool);
	turn_run(&f.turn);
	for (unsigned i = 3; i < 6; i++)
		assert_int_equal(client(i)->seen[LEASE_FAKE_QUEUED], 2);
	finish();
}

static void test_estimate_learns(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.max = 1;
	start(&cfg, 1);
	pool_fake_pass_ms(&f, 60000);
	lease_fake_release(client(0));
	assert_true(ask(1) && ask(2));
	/* (4 * 10 s + 60 s) / 5 */
	assert_int_equal(client(2)->estimated_wait_ms, 20000);
	finish();
}

static void test_queue_full(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.queue_max = 2;
	start(&cfg, 4);
	assert_false(ask(4));
	assert_int_equal(client(4)->why.code, ERROR_BUSY);
	assert_string_equal(client(4)->why.text,
	    "pool en: all places are taken (max 2) and the queue is full (queue_max 2)");
	assert_int_equal(client(4)->retry_after_ms, 15000);
	assert_int_equal(pool_counts(f.pool)->refused_full, 1);
	lease_fake_release(client(0));
	assert_true(ask(4));
	finish();
}

static void test_no_queue(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.queue_max = 0;
	start(&cfg, 2);
	assert_false(ask(2));
	assert_non_null(strstr(client(2)->why.text, "queue_max 0"));
	lease_fake_release(client(0));
	assert_true(ask(2) && client(2)->granted);
	finish();
}

/* While the model loads no place is taken, and the queue has its bound all the same: the places, and queue_max. */
static void test_queue_full_while_starting(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.queue_max = 3;
	pool_fake_init(&f, &cfg);
	for (unsigned i = 0; i < 5; i++)
		assert_true(ask(i));
	assert_false(ask(5));
	assert_non_null(strstr(client(5)->why.text, "queue_max 3"));
	pool_fake_host_up(&f);
	assert_true(client(1)->granted && !client(2)->granted);
	assert_false(ask(5));
	finish();
}

static void test_wait_without_host(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.queue_timeout_ms = 700;
	start(&cfg, 3);
	pool_fake_host_down(&f);
	pool_fake_pass_ms(&f, 700);
	assert_int_equal(client(2)->why.code, ERROR_BUSY);
	assert_string_equal(client(2)->why.text,
	    "pool en: no place came free within queue_timeout_ms 700, because of: pool en: its "
	    "host was killed by signal 9 (Killed)");
	finish();
}

static void test_queue_timeout(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.queue_timeout_ms = 700;
	start(&cfg, 3);
	pool_fake_pass_ms(&f, 400);
	assert_true(ask(3));
	pool_fake_pass_ms(&f, 299);
	assert_false(client(2)->refused);
	pool_fake_pass_ms(&f, 1);
	assert_true(client(2)->refused);
	assert_int_equal(client(2)->why.code, ERROR_BUSY);
	assert_string_equal(
	    client(2)->why.text, "pool en: no place came free within queue_timeout_ms 700");
	assert_true(client(2)->retry_after_ms >= 1000);
	assert_false(client(3)->refused);
	assert_int_equal(client(3)->position, 1); /* though client 2 has not released yet */
	pool_fake_pass_ms(&f, 400);
	assert_true(client(3)->refused);
	assert_int_equal(pool_counts(f.pool)->refused_timeout, 2);
	assert_int_equal(pool_queue_length(f.pool), 0);
	finish();
}

static void test_leaving_the_queue(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 6);
	lease_fake_release(client(3));
	assert_int_equal(client(2)->seen[LEASE_FAKE_QUEUED], 1);
	assert_int_equal(client(4)->position, 2);
	assert_int_equal(client(5)->position, 3);
	assert_int_equal(client(4)->seen[LEASE_FAKE_QUEUED], 2);
	assert_int_equal(pool_counts(f.pool)->queue_left, 1);
	finish();
	assert_int_equal(client(0)->seen[LEASE_FAKE_WRITABLE], 0);
}

static void test_long_queue_moves_up(void **state)
{
	enum { LONG = 4000 };
	static struct lease_fake crowd[LONG];
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.max = 1;
	cfg.queue_max = LONG;
	start(&cfg, 1);
	for (unsigned i = 0; i < LONG; i++)
		assert_true(lease_fake_ask(&crowd[i], 100 + i, f.pool));
	lease_fake_release(client(0));
	for (unsigned i = 1; i < LONG; i++) {
		assert_int_equal(crowd[i].position, i + 1); /* as it was told when it came */
		assert_int_equal(crowd[i].seen[LEASE_FAKE_QUEUED], 1);
	}
	pool_fake_pass_ms(&f, 250);
	for (unsigned i = 1; i < LONG; i++)
		assert_int_equal(crowd[i].position, i);
	pool_stop(f.pool);
	turn_run(&f.turn);
	for (unsigned i = 0; i < LONG; i++)
		lease_fake_release(&crowd[i]);
	finish();
}

static void test_wait_is_measured(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.max = 1;
	start(&cfg, 2);
	pool_fake_pass_ms(&f, 1500);
	lease_fake_release(client(0));
	assert_int_equal(pool_counts(f.pool)->wait.count, 2);
	assert_int_equal(pool_counts(f.pool)->wait.sum_ns, 1500 * NS_PER_MS);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "places are given first come, first served", test_fifo, setup, NULL, NULL },
		{ "positions fall by one and each is told once", test_positions, setup, NULL,
		    NULL },
		{ "the estimate follows how long places are kept", test_estimate_learns, setup,
		    NULL, NULL },
		{ "a full queue refuses by the name of queue_max", test_queue_full, setup, NULL,
		    NULL },
		{ "queue_max 0 still gives out places", test_no_queue, setup, NULL, NULL },
		{ "the queue is bounded while the pool starts", test_queue_full_while_starting,
		    setup, NULL, NULL },
		{ "a wait without a host is refused for that", test_wait_without_host, setup, NULL,
		    NULL },
		{ "a wait over queue_timeout_ms is refused", test_queue_timeout, setup, NULL,
		    NULL },
		{ "who leaves the queue moves up the others", test_leaving_the_queue, setup, NULL,
		    NULL },
		{ "a queue of thousands moves up, and is told so a little later",
		    test_long_queue_moves_up, setup, NULL, NULL },
		{ "the wait for a place is measured", test_wait_is_measured, setup, NULL, NULL },
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
