/* How places are shared out: leases for an utterance at a time, tenants and priorities. */
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
	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i].priority = PRIORITY_NORMAL;
	return 0;
}

static bool ask(unsigned n)
{
	return lease_fake_ask(&clients[n], n + 1, f.pool);
}

static void start(const struct pool_config *cfg, unsigned n)
{
	pool_fake_init(&f, cfg);
	pool_fake_host_up(&f);
	pool_fake_born_all(&f);
	for (unsigned i = 0; i < n; i++)
		assert_true(ask(i));
	pool_fake_born_all(&f);
	pool_fake_check(&f);
}

static void finish(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		lease_fake_release(&clients[i]);
	pool_fake_check(&f);
	pool_fake_done(&f);
}

static struct pool_config by_utterance(void)
{
	struct pool_config cfg = pool_fake_config();

	cfg.lease = LEASE_BY_UTTERANCE;
	cfg.max = cfg.spare = 1;
	return cfg;
}

static uint64_t hearer(unsigned n)
{
	uint64_t id = pool_fake_hearer(&f, lease_fake_utterance(&clients[n]));

	assert_int_not_equal(id, 0);
	return id;
}

static void answer(unsigned n)
{
	assert_true(lease_fake_end(&clients[n]));
	pool_fake_final(&f, hearer(n), "text");
	pool_fake_check(&f);
	pool_fake_born_all(&f);
}

/* By utterance. */

static void test_place_for_an_utterance(void **state)
{
	const struct pool_config cfg = by_utterance();

	(void)state;
	start(&cfg, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(clients[i].granted); /* all may speak */
	assert_int_equal(pool_places_taken(f.pool), 0);
	assert_true(lease_fake_begin(&clients[0]));
	assert_int_equal(pool_places_taken(f.pool), 1);
	assert_false(lease_fake_begin(&clients[1]));
	assert_false(lease_fake_begin(&clients[2]));
	assert_int_equal(pool_queue_length(f.pool), 2);
	answer(0);
	assert_int_equal(clients[1].seen[LEASE_FAKE_WRITABLE], 1);
	assert_int_equal(clients[2].seen[LEASE_FAKE_WRITABLE], 0);
	assert_true(lease_fake_begin(&clients[1]));
	answer(1);
	assert_true(lease_fake_begin(&clients[2]));
	answer(2);
	assert_int_equal(pool_places_taken(f.pool), 0);
	assert_int_equal(pool_counts(f.pool)->leases_granted, 3);
	assert_int_equal(clients[2].seen[LEASE_FAKE_QUEUED], 0);
	finish();
}

static void test_place_kept_when_lost(void **state)
{
	const struct pool_config cfg = by_utterance();

	(void)state;
	start(&cfg, 2);
	assert_true(lease_fake_begin(&clients[0]));
	assert_false(lease_fake_begin(&clients[1]));
	pool_fake_lose(&f, hearer(0), "gone");
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	pool_fake_born_all(&f);
	assert_int_equal(clients[1].seen[LEASE_FAKE_WRITABLE], 0);
	assert_true(lease_fake_begin(&clients[0])); /* again, before those who wait */
	answer(0);
	assert_int_equal(clients[1].seen[LEASE_FAKE_WRITABLE], 1);
	finish();
}

static void test_abort_gives_up(void **state)
{
	const struct pool_config cfg = by_utterance();

	(void)state;
	start(&cfg, 3);
	assert_true(lease_fake_begin(&clients[0]));
	assert_false(lease_fake_begin(&clients[1]));
	lease_fake_abort(&clients[1]); /* while it waits */
	assert_int_equal(pool_queue_length(f.pool), 0);
	assert_false(lease_fake_begin(&clients[2]));
	lease_fake_abort(&clients[0]); /* while it speaks */
	pool_fake_born_all(&f);
	assert_int_equal(clients[2].seen[LEASE_FAKE_WRITABLE], 1);
	assert_true(lease_fake_begin(&clients[2]));
	pool_fake_lose(&f, hearer(2), "gone");
	lease_fake_abort(&clients[2]); /* when its instance is lost */
	assert_int_equal(pool_places_taken(f.pool), 0);
	finish();
}

static void test_wait_too_long(void **state)
{
	struct pool_config cfg = by_utterance();

	(void)state;
	cfg.queue_timeout_ms = 1000;
	start(&cfg, 2);
	assert_true(lease_fake_begin(&clients[0]));
	assert_false(lease_fake_begin(&clients[1]));
	pool_fake_pass_ms(&f, 1000);
	assert_int_equal(clients[1].seen[LEASE_FAKE_FAILED], 1);
	assert_string_equal(
	    clients[1].why.text, "pool en: no place came free within queue_timeout_ms 1000");
	answer(0);
	assert_true(lease_fake_begin(&clients[1])); /* the next one may have better luck */
	finish();
}

static void test_full_queue(void **state)
{
	struct pool_config cfg = by_utterance();

	(void)state;
	cfg.queue_max = 1;
	start(&cfg, 3);
	assert_true(lease_fake_begin(&clients[0]));
	assert_false(lease_fake_begin(&clients[1]));
	assert_false(ask(3));
	assert_non_null(strstr(clients[3].why.text, "queue_max 1"));
	finish();
}

static void test_reset_between_utterances(void **state)
{
	struct pool_config cfg = by_utterance();

	(void)state;
	cfg.refresh = REFRESH_RESET;
	cfg.spare = 0;
	cfg.min = 1;
	start(&cfg, 2);
	assert_true(lease_fake_begin(&clients[0]));
	assert_int_equal(hearer(0), 1);
	assert_false(lease_fake_begin(&clients[1]));
	answer(0);
	pool_fake_say(&f, 1, IPC_READY);
	assert_int_equal(pool_fake_at(&f, 1)->resets, 1);
	assert_true(lease_fake_begin(&clients[1]));
	assert_int_equal(hearer(1), 1);
	answer(1);
	finish();
}

static void test_failed_pool(void **state)
{
	struct pool_config cfg = by_utterance();
	const struct ipc_begin begin = { .utterance = 1 };

	(void)state;
	cfg.spare = 0;
	start(&cfg, 1);
	pool_fake_host_failed(&f, "there is no model");
	assert_false(lease_begin(clients[0].lease, &begin));
	assert_int_equal(clients[0].seen[LEASE_FAKE_FAILED], 0); /* not from inside */
	turn_run(&f.turn);
	assert_int_equal(clients[0].seen[LEASE_FAKE_FAILED], 1);
	assert_string_equal(clients[0].why.text, "pool en: there is no model");
	finish();
}

/* A place without an instance is no comfort for ever. */
static void check_no_instance(enum lease_kind kind)
{
	struct pool_config cfg = by_utterance();

	setup(NULL);
	cfg.lease = kind;
	cfg.spare = 0;
	cfg.queue_timeout_ms = 5000;
	start(&cfg, 1);
	assert_int_equal(lease_fake_begin(&clients[0]), kind == LEASE_BY_SESSION);
	pool_fake_born_all(&f);
	if (kind == LEASE_BY_UTTERANCE)
		assert_true(lease_fake_begin(&clients[0]));
	pool_fake_host_failed(&f, "there is no model");
	pool_fake_lose(&f, hearer(0), "gone");
	assert_false(lease_fake_begin(&clients[0]));
	pool_fake_pass_ms(&f, 4999);
	assert_int_equal(clients[0].seen[LEASE_FAKE_FAILED], 0);
	pool_fake_pass_ms(&f, 1);
	assert_int_equal(clients[0].seen[LEASE_FAKE_FAILED], 1);
	assert_string_equal(clients[0].why.text,
	    "pool en: no instance came within queue_timeout_ms 5000, because of: pool en: there is "
	    "no model");
	assert_int_equal(pool_places_taken(f.pool), kind == LEASE_BY_SESSION);
	finish();
}

static void test_no_instance(void **state)
{
	(void)state;
	check_no_instance(LEASE_BY_SESSION);
	check_no_instance(LEASE_BY_UTTERANCE);
}

/* The machine has no room for a process more. */
static void test_unborn(void **state)
{
	struct pool_config cfg = by_utterance();
	struct error why;

	(void)state;
	(void)error_set(&why, ERROR_SYSTEM, "cannot fork: no room");
	setup(NULL);
	cfg.spare = 0;
	cfg.max = 2;
	cfg.queue_timeout_ms = 5000;
	start(&cfg, 2);
	assert_false(lease_fake_begin(&clients[0]));
	pool_fake_born_all(&f);
	assert_true(lease_fake_begin(&clients[0]));
	assert_false(lease_fake_begin(&clients[1]));
	pool_on_unborn(f.pool, f.last_id, &why);
	turn_run(&f.turn);
	pool_fake_at(&f, f.last_id)->exited = true;
	assert_int_equal(pool_fake_alive(&f), 1); /* a pause */
	pool_fake_exit(&f, hearer(0));
	assert_int_equal(pool_fake_alive(&f), 2); /* one has gone: tried at once, for both */
	for (uint64_t id = f.last_id - 1; pool_fake_alive(&f) > 0; id++) {
		pool_fake_at(&f, id)->exited = true;
		pool_on_unborn(f.pool, id, &why);
	}
	pool_fake_pass_ms(&f, 5000);
	assert_int_equal(clients[1].seen[LEASE_FAKE_FAILED], 1);
	assert_string_equal(clients[1].why.text,
	    "pool en: no instance came within queue_timeout_ms 5000, because of: cannot fork: no "
	    "room");
	finish();
}

/* Tenants and priorities, in both kinds of lease. */

static struct pool_config one_place(void)
{
	struct pool_config cfg = pool_fake_config();

	cfg.max = 1;
	cfg.queue_max = CLIENTS;
	return cfg;
}

static unsigned who_is_next(unsigned holder)
{
	lease_fake_release(&clients[holder]);
	pool_fake_born_all(&f);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].granted)
			return i;
	return CLIENTS;
}

static void test_one_of_each_tenant(void **state)
{
	const struct pool_config cfg = one_place();
	static const uint64_t tenants[] = { 1, 1, 1, 1, 2, 1, 3, 2 };
	static const unsigned order[] = { 4, 6, 1, 7, 2, 3, 5 };
	unsigned holder = 0;

	(void)state;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	for (unsigned i = 0; i < ARRAY_SIZE(tenants); i++) {
		clients[i].tenant = tenants[i];
		clients[i].may_fall_back = true;
		assert_true(ask(i));
		pool_fake_born_all(&f);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		unsigned next = who_is_next(holder);

		assert_int_equal(next, order[i]);
		holder = next;
	}
	finish();
}

static void test_fewest_places_first(void **state)
{
	struct pool_config cfg = one_place();

	(void)state;
	cfg.max = 3;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	for (unsigned i = 0; i < 6; i++) {
		clients[i].tenant = i == 5 ? 2 : 1;
		clients[i].may_fall_back = true;
		assert_true(ask(i));
	}
	pool_fake_born_all(&f);
	assert_int_equal(clients[3].position, 2); /* behind the other one, who has none yet */
	lease_fake_release(&clients[0]);
	assert_true(clients[5].granted); /* the other one has two places still */
	assert_false(clients[3].granted);
	finish();
}

static void test_priorities(void **state)
{
	const struct pool_config cfg = one_place();
	static const enum priority priorities[] = { PRIORITY_LOW, PRIORITY_LOW, PRIORITY_NORMAL,
		PRIORITY_HIGH, PRIORITY_NORMAL };
	static const unsigned order[] = { 3, 2, 4, 1 };
	unsigned holder = 0;

	(void)state;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	for (unsigned i = 0; i < ARRAY_SIZE(priorities); i++) {
		clients[i].priority = priorities[i];
		clients[i].may_fall_back = true;
		assert_true(ask(i));
		pool_fake_born_all(&f);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		holder = who_is_next(holder);
		assert_int_equal(holder, order[i]);
	}
	finish();
}

/* One with many sessions that all speak, and one with one: it waits for the utterance in work and no other. */
static void test_flooder(void **state)
{
	struct pool_config cfg = by_utterance();

	(void)state;
	start(&cfg, 0);
	for (unsigned i = 0; i < 10; i++) {
		clients[i].tenant = i < 9 ? 1 : 2;
		assert_true(ask(i));
	}
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(lease_fake_begin(&clients[i]), i == 0);
	answer(0);
	assert_int_equal(clients[9].seen[LEASE_FAKE_WRITABLE], 1);
	assert_true(lease_fake_begin(&clients[9]));
	finish();
}

#define T(name, f)                                                                                 \
	{                                                                                          \
		name, f, setup, NULL, NULL                                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T("by utterance: a place is lent from its begin to its final",
		    test_place_for_an_utterance),
		T("by utterance: it is kept for another try", test_place_kept_when_lost),
		T("by utterance: who gives up gives it back", test_abort_gives_up),
		T("by utterance: who waits too long fails that utterance", test_wait_too_long),
		T("by utterance: who comes to a full queue is refused", test_full_queue),
		T("by utterance: an instance is reset between two", test_reset_between_utterances),
		T("by utterance: a pool that failed fails them, not from inside", test_failed_pool),
		T("a place that gets no instance fails the utterance in the end", test_no_instance),
		T("a process that ends leaves room for a newborn that could not be made",
		    test_unborn),
		T("tenants take turns, each first come, first served", test_one_of_each_tenant),
		T("who holds fewer places is first", test_fewest_places_first),
		T("priorities", test_priorities),
		T("a flooder waits behind its own", test_flooder),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
