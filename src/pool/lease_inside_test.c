/* What the holder of a lease does from inside of what he is told: he may release any lease, ask for another one, and speak. */
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
	struct pool_config eager = *cfg;

	eager.early_finals = 1;
	pool_fake_init(&f, &eager);
	pool_set_traits(
	    f.pool, &(struct ipc_traits){ .eager = IPC_EAGER_FORKED, .quiet_factor = 1 });
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

/* Begins and speaks an utterance, and ends it or asks for its eager final; the instance that hears it. */
static uint64_t speak(unsigned n, bool ends)
{
	const int16_t samples[4] = { 1, 2, 3, 4 };
	uint64_t id;

	assert_true(lease_fake_begin(client(n)));
	id = pool_fake_hearer(&f, lease_fake_utterance(client(n)));
	assert_int_not_equal(id, 0);
	assert_int_equal(lease_audio(client(n)->lease, samples, 4), 4);
	assert_true(ends ? lease_fake_end(client(n)) : lease_request_eager(client(n)->lease));
	return id;
}

static void then_release_own(struct lease_fake *c, enum lease_fake_event e)
{
	if (e == *(enum lease_fake_event *)c->then_arg) {
		c->then = NULL;
		lease_fake_release(c);
	}
}

/* Two clients in two places, three that wait; client 3 waits behind client 2. */
static void provoke(enum lease_fake_event e)
{
	uint64_t id = 0;

	if (e == LEASE_FAKE_WRITABLE) {
		pool_fake_room(&f, 1, 0);
		assert_false(lease_fake_begin(client(0)));
		pool_fake_room(&f, 1, 100);
		return;
	}
	if (e == LEASE_FAKE_GRANTED)
		lease_fake_release(client(1));
	else if (e == LEASE_FAKE_QUEUED)
		lease_fake_release(client(2));
	else if (e == LEASE_FAKE_REFUSED)
		pool_fake_pass_ms(&f, 60000);
	else
		id = speak(0, e != LEASE_FAKE_EAGER);
	if (e == LEASE_FAKE_PARTIAL)
		pool_fake_partial(&f, id, "text");
	else if (e == LEASE_FAKE_EAGER)
		pool_fake_eager(&f, id, "text");
	else if (e == LEASE_FAKE_FINAL)
		pool_fake_final(&f, id, "text");
	else if (e == LEASE_FAKE_LOST)
		pool_fake_lose(&f, id, "gone");
}

static unsigned who_sees(enum lease_fake_event e)
{
	if (e == LEASE_FAKE_QUEUED)
		return 3;
	return e == LEASE_FAKE_GRANTED || e == LEASE_FAKE_REFUSED ? 2 : 0;
}

static void test_release_from_inside(void **state)
{
	(void)state;
	for (int refresh = REFRESH_UTTERANCE; refresh <= REFRESH_RESET; refresh++) {
		for (int e = 0; e < LEASE_FAKE_FAILED; e++) { /* which is for leases by utterance */
			enum lease_fake_event event = (enum lease_fake_event)e;
			struct pool_config cfg = pool_fake_config();
			struct lease_fake *c = client(who_sees(event));

			setup(NULL);
			cfg.refresh = (enum refresh)refresh;
			start(&cfg, 5);
			c->then = then_release_own;
			c->then_arg = &event;
			provoke(event);
			assert_null(c->lease);
			pool_fake_check(&f);
			pool_fake_reap(&f);
			pool_fake_born_all(&f);
			pool_fake_check(&f);
			finish();
		}
	}
}

static void then_release_all(struct lease_fake *c, enum lease_fake_event e)
{
	if (e == *(enum lease_fake_event *)c->then_arg)
		for (unsigned i = 0; i < CLIENTS; i++)
			lease_fake_release(client(i));
}

static void test_release_all_from_inside(void **state)
{
	(void)state;
	for (int refresh = REFRESH_UTTERANCE; refresh <= REFRESH_RESET; refresh++) {
		for (int e = 0; e < LEASE_FAKE_FAILED; e++) { /* which is for leases by utterance */
			enum lease_fake_event event = (enum lease_fake_event)e;
			struct pool_config cfg = pool_fake_config();

			setup(NULL);
			cfg.refresh = (enum refresh)refresh;
			start(&cfg, 5);
			client(who_sees(event))->then = then_release_all;
			client(who_sees(event))->then_arg = &event;
			provoke(event);
			assert_int_equal(pool_places_taken(f.pool), 0);
			assert_int_equal(pool_queue_length(f.pool), 0);
			finish();
		}
	}
}

static void then_ask_again(struct lease_fake *c, enum lease_fake_event e)
{
	if (e == LEASE_FAKE_FINAL) {
		lease_fake_release(c);
		assert_true(ask(6));
	}
}

static void test_ask_from_inside(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 4);
	client(0)->then = then_ask_again;
	pool_fake_final(&f, speak(0, true), "text");
	assert_true(client(2)->granted);
	assert_int_equal(client(3)->position, 1);
	assert_int_equal(client(6)->position, 2);
	finish();
}

static void then_begin(struct lease_fake *c, enum lease_fake_event e)
{
	if (e == LEASE_FAKE_GRANTED || e == LEASE_FAKE_WRITABLE || e == LEASE_FAKE_FINAL)
		(void)lease_fake_begin(c);
}

static void test_begin_from_inside(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	client(0)->then = then_begin;
	start(&cfg, 1);
	assert_true(client(0)->speaking);
	assert_true(lease_fake_end(client(0)));
	pool_fake_final(&f, 1, "text");
	assert_false(client(0)->speaking);
	pool_fake_born_all(&f);
	assert_true(client(0)->speaking);
	assert_int_equal(client(0)->utterances, 2);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a lease is released from inside each event", test_release_from_inside, setup,
		    NULL, NULL },
		{ "all are released from inside each event", test_release_all_from_inside, setup,
		    NULL, NULL },
		{ "a place is asked for from inside an event", test_ask_from_inside, setup, NULL,
		    NULL },
		{ "an utterance is begun from inside an event", test_begin_from_inside, setup, NULL,
		    NULL },
	};

	return cmocka_run_group_tests_name("lease_inside", tests, NULL, NULL);
}
