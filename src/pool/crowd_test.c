#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { CLIENTS = 6 };

static struct pool_fake f;
static struct lease_fake clients[CLIENTS];

static int setup(void **state)
{
	(void)state;
	memset(clients, 0, sizeof clients);
	return 0;
}

static bool ask(unsigned n)
{
	return lease_fake_ask(&clients[n], n + 1, f.pool);
}

static void finish(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		lease_fake_release(&clients[i]);
	pool_fake_done(&f);
}

static unsigned in(enum instance_state s)
{
	return pool_instances_in(f.pool, s);
}

static const struct pool_counts *counts(void)
{
	return pool_counts(f.pool);
}

/* A pool with its host up and its newborns born. */
static void start(const struct pool_config *cfg)
{
	pool_fake_init(&f, cfg);
	pool_fake_host_up(&f);
	pool_fake_born_all(&f);
}

static uint64_t begin(unsigned n)
{
	assert_true(lease_fake_begin(&clients[n]));
	return pool_fake_hearer(&f, lease_fake_utterance(&clients[n]));
}

static uint64_t begin_and_end(unsigned n)
{
	uint64_t id = begin(n);

	assert_true(lease_fake_end(&clients[n]));
	return id;
}

/* How many. */

static void test_none_without_host(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 2;
	pool_fake_init(&f, &cfg);
	assert_int_equal(pool_state(f.pool), POOL_STARTING);
	assert_true(ask(0));
	assert_false(clients[0].granted);
	assert_int_equal(clients[0].position, 1);
	assert_int_equal(counts()->spawned, 0);
	pool_fake_host_up(&f);
	assert_int_equal(pool_state(f.pool), POOL_READY);
	assert_true(clients[0].granted);
	assert_int_equal(counts()->spawned, 2);
	finish();
}

static void test_min(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 3;
	cfg.max = 4;
	start(&cfg);
	assert_int_equal(in(INSTANCE_IDLE), 3);
	pool_fake_exit(&f, 2);
	pool_fake_born_all(&f);
	assert_int_equal(in(INSTANCE_IDLE), 3);
	assert_true(ask(0));
	pool_fake_born_all(&f);
	assert_int_equal(in(INSTANCE_IDLE), 2); /* the lent one is alive too */
	assert_int_equal(counts()->spawned, 4);
	finish();
}

static void test_spare(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.spare = 2;
	start(&cfg);
	assert_int_equal(in(INSTANCE_IDLE), 2);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(ask(i));
		pool_fake_born_all(&f);
	}
	assert_int_equal(in(INSTANCE_LEASED), 2);
	assert_int_equal(in(INSTANCE_IDLE), 2);
	assert_int_equal(counts()->spawned, 4);
	finish();
}

/* One newborn for one that goes; those that are told to go do not count. */
static void test_bound(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.spare = 1;
	cfg.max = 3;
	start(&cfg);
	for (unsigned i = 0; i < 5; i++)
		assert_true(ask(i));
	for (int round = 0; round < 20; round++) {
		pool_fake_born_all(&f);
		for (unsigned i = 0; i < 3; i++)
			pool_fake_final(&f, begin_and_end(i), "text");
		assert_true(in(INSTANCE_STARTING) + in(INSTANCE_IDLE) + in(INSTANCE_LEASED) <= 4);
	}
	assert_int_equal(counts()->spawned, 4 + 3 * 20);
	finish();
}

static void test_oldest_first(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = cfg.max = 2;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	pool_fake_born(&f, 2);
	pool_fake_born(&f, 1);
	assert_true(ask(0));
	assert_int_equal(begin(0), 1);
	finish();
}

static void test_many_buckets(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = cfg.max = 600;
	start(&cfg);
	assert_int_equal(in(INSTANCE_IDLE), 600);
	for (uint64_t id = 600; id > 0; id -= 2)
		pool_fake_exit(&f, id);
	pool_fake_check(&f);
	pool_fake_born_all(&f);
	assert_int_equal(in(INSTANCE_IDLE), 600);
	assert_int_equal(counts()->exited, 300);
	finish();
}

/* Newborns that fail. */

static void test_back_off(void **state)
{
	const unsigned pauses_ms[] = { 100, 200, 400, 800, 1600, 3200, 6400, 6400 };
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	for (unsigned i = 0; i < ARRAY_SIZE(pauses_ms); i++) {
		assert_int_equal(f.last_id, i + 1);
		pool_fake_exit(&f, f.last_id);
		pool_fake_pass_ms(&f, pauses_ms[i] - 1);
		assert_int_equal(f.last_id, i + 1);
		pool_fake_pass_ms(&f, 1);
	}
	pool_fake_born_all(&f);
	pool_fake_exit(&f, f.last_id); /* one that was ready is replaced at once */
	assert_int_equal(f.last_id, ARRAY_SIZE(pauses_ms) + 2);
	pool_fake_exit(&f, f.last_id);
	pool_fake_pass_ms(&f, 99);
	assert_int_equal(f.last_id, ARRAY_SIZE(pauses_ms) + 2);
	pool_fake_pass_ms(&f, 1);
	assert_int_equal(f.last_id, ARRAY_SIZE(pauses_ms) + 3);
	finish();
}

static void test_new_host_no_pause(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	pool_fake_exit(&f, 1);
	pool_fake_host_down(&f);
	pool_fake_host_up(&f);
	assert_int_equal(f.last_id, 2);
	finish();
}

static void test_start_timeout(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	cfg.start_timeout_ms = 300;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	assert_true(pool_on_spawned(f.pool, 1, 77));
	pool_fake_pass_ms(&f, 299);
	assert_false(pool_fake_at(&f, 1)->killed);
	pool_fake_pass_ms(&f, 1);
	assert_true(pool_fake_at(&f, 1)->killed);
	assert_int_equal(in(INSTANCE_RETIRING), 1);
	pool_fake_say(&f, 1, IPC_READY); /* too late */
	assert_int_equal(in(INSTANCE_IDLE), 0);
	pool_fake_exit(&f, 1);
	assert_int_equal(f.last_id, 2);
	pool_fake_born(&f, 2);
	pool_fake_pass_ms(&f, 3600000);
	assert_false(pool_fake_at(&f, 2)->killed);
	finish();
}

static void test_who_will_not_go(void **state)
{
	struct pool_config cfg = pool_fake_config();
	struct pool_fake_instance *i;

	(void)state;
	start(&cfg);
	assert_true(ask(0));
	pool_fake_born_all(&f);
	pool_fake_final(&f, begin_and_end(0), "text");
	i = pool_fake_at(&f, 1);
	pool_fake_pass_ms(&f, 1999);
	assert_true(i->let_go && !i->killed);
	pool_fake_pass_ms(&f, 1);
	assert_true(i->killed);
	i->killed = false;
	pool_fake_pass_ms(&f, 2000);
	assert_true(i->killed); /* and again, should it have been missed */
	finish();
}

/* Born, and never ready: killed when it is late, or ended by itself. Then the next one has been asked for, if there is a host. */
static void bear_in_vain(bool ends)
{
	uint64_t id = f.last_id;

	assert_true(pool_on_spawned(f.pool, id, 77));
	pool_fake_at(&f, id)->born = true;
	if (ends)
		pool_fake_exit(&f, id);
	else
		pool_fake_pass_ms(&f, 250);
	pool_fake_reap(&f);
	while (f.host && f.last_id == id) /* the pause after one that ended */
		pool_fake_pass_ms(&f, 10);
}

static void start_for_births(unsigned spare)
{
	struct pool_config cfg = pool_fake_config();

	cfg.min = 1;
	cfg.max = 8;
	cfg.spare = spare;
	cfg.start_timeout_ms = 250;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
}

static void test_births_in_vain(void **state)
{
	(void)state;
	for (int ends = 0; ends < 2; ends++) {
		start_for_births(0);
		bear_in_vain(ends);
		bear_in_vain(!ends);
		assert_int_equal(f.replacements, 0);
		bear_in_vain(ends);
		assert_int_equal(f.replacements, 1);
		assert_string_equal(f.why_replaced.text,
		    "made 3 instances in a row of which none was ready within start_timeout_ms "
		    "250");
		pool_fake_host_down(&f);
		pool_fake_host_up(&f); /* and it is asked again at once */
		bear_in_vain(ends);
		bear_in_vain(ends);
		assert_int_equal(f.replacements, 1); /* another host begins anew */
		finish();
	}
}

static void test_births_in_vain_not_in_a_row(void **state)
{
	(void)state;
	start_for_births(0);
	for (int i = 0; i < 5; i++) {
		bear_in_vain(false);
		bear_in_vain(false);
		pool_fake_born_all(&f);
		pool_fake_lose(&f, f.last_id, "an idle one is lost");
	}
	assert_int_equal(f.replacements, 0);
	finish();
}

static void test_births_in_vain_together(void **state)
{
	(void)state;
	start_for_births(5);
	assert_int_equal(f.last_id, 5);
	for (uint64_t id = 1; id <= 5; id++) {
		assert_true(pool_on_spawned(f.pool, id, 77));
		pool_fake_at(&f, id)->born = true;
	}
	pool_fake_pass_ms(&f, 250);
	assert_int_equal(f.replacements, 0);
	pool_fake_reap(&f);
	finish();
}

/* The system has no room for a process, or the host still owes it. */
static void test_unborn(void **state)
{
	(void)state;
	start_for_births(0);
	for (int i = 0; i < 3; i++) {
		pool_fake_exit(&f, f.last_id);
		pool_fake_pass_ms(&f, 1000);
		pool_fake_reap(&f);
		pool_fake_pass_ms(&f, 10000);
	}
	assert_int_equal(f.replacements, 0);
	finish();
}

static void test_spawned_unasked(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	assert_false(pool_on_spawned(f.pool, 2, 5));
	assert_false(pool_on_spawned(f.pool, 257, 5)); /* of the same bucket */
	assert_true(pool_on_spawned(f.pool, 1, 5));
	assert_false(pool_on_spawned(f.pool, 1, 6));
	pool_fake_check(&f);
	finish();
}

static void test_unknown_instances(void **state)
{
	const struct ipc_message m = { .type = IPC_READY };
	const struct error err = ERROR_INIT;
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg);
	pool_on_message(f.pool, 99, &m);
	pool_on_writable(f.pool, 99);
	pool_on_lost(f.pool, 99, LOSS_UNKNOWN, &err);
	pool_on_exited(f.pool, 99, 0, "ended");
	pool_fake_check(&f);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "nothing is born and no place given before the host is ready",
		    test_none_without_host, setup, NULL, NULL },
		{ "min are kept alive", test_min, setup, NULL, NULL },
		{ "spare ones are kept ahead of taken places", test_spare, setup, NULL, NULL },
		{ "never more than max and spare live", test_bound, setup, NULL, NULL },
		{ "the oldest idle one is lent", test_oldest_first, setup, NULL, NULL },
		{ "hundreds are kept apart", test_many_buckets, setup, NULL, NULL },
		{ "newborns that fail come ever more slowly", test_back_off, setup, NULL, NULL },
		{ "a new host starts without a pause", test_new_host_no_pause, setup, NULL, NULL },
		{ "a newborn not ready in time is killed and replaced", test_start_timeout, setup,
		    NULL, NULL },
		{ "after three newborns in a row that were never ready their host is replaced",
		    test_births_in_vain, setup, NULL, NULL },
		{ "one that is ready in between clears it", test_births_in_vain_not_in_a_row, setup,
		    NULL, NULL },
		{ "those that were on their way together count once", test_births_in_vain_together,
		    setup, NULL, NULL },
		{ "one without a process says nothing of its host", test_unborn, setup, NULL,
		    NULL },
		{ "who does not go when told is killed", test_who_will_not_go, setup, NULL, NULL },
		{ "only what was asked for may be born, once", test_spawned_unasked, setup, NULL,
		    NULL },
		{ "news of unknown instances is ignored", test_unknown_instances, setup, NULL,
		    NULL },
	};

	return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}
