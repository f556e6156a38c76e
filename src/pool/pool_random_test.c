/* Long runs of random clients, deaths, refused sends, host failures and time. What may never happen is checked by
 * pool_fake (an instance that hears more than it may, a message to one that was let go) and by lease_fake
 * (answers of somebody else's utterance); what must hold all the time, and at the end, is checked here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { CLIENTS = 9, OPERATIONS = 3000, SEEDS = 8 };

static struct pool_fake f;
static struct lease_fake clients[CLIENTS];
static uint64_t last_client;
static uint64_t seed;
static bool mixed; /* some clients want places by utterance, and do not bear all */
static uint64_t asked, refused_at_once; /* by us, to be compared with what the pool counted */

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

/* Some random instance of which `wanted` is true; 0: there is none. */
typedef bool wanted_f(const struct pool_fake_instance *i);

static uint64_t pick(wanted_f *wanted)
{
	unsigned n = 0;
	uint64_t got = 0;

	for (uint64_t id = 1; id <= f.last_id; id++)
		if (wanted(&f.instances[id]) && rnd(++n) == 0)
			got = id;
	return got;
}

static bool is_unborn(const struct pool_fake_instance *i)
{
	return !i->born && !i->exited;
}

static bool is_answering(const struct pool_fake_instance *i)
{
	return i->open && i->ended && !i->exited;
}

static bool is_talking(const struct pool_fake_instance *i)
{
	return i->epoch != 0 && i->ready && !i->exited;
}

static bool is_resetting(const struct pool_fake_instance *i)
{
	return i->born && !i->ready && !i->let_go && !i->exited;
}

static bool is_alive(const struct pool_fake_instance *i)
{
	return i->born && !i->let_go && !i->exited;
}

static bool is_going(const struct pool_fake_instance *i)
{
	return i->let_go && i->born && !i->exited;
}

static void then_maybe_release(struct lease_fake *c, enum lease_fake_event e)
{
	struct lease_fake *other = &clients[rnd(CLIENTS)];

	if (rnd(12) == 0)
		lease_fake_release(other);
	if (c->lease != NULL && e == LEASE_FAKE_REFUSED && rnd(2) == 0)
		lease_fake_release(c);
	else if (c->lease != NULL && c->granted && !c->speaking && rnd(3) == 0)
		(void)lease_fake_begin(c);
}

static void client_comes(struct lease_fake *c)
{
	if (c->lease != NULL)
		return;
	c->then = then_maybe_release;
	c->tenant = rnd(3);
	c->priority = (enum priority)rnd(PRIORITIES);
	c->may_fall_back = true;
	c->by_utterance = mixed && rnd(2) == 0;
	asked++;
	if (!lease_fake_ask(c, ++last_client, f.pool)) {
		refused_at_once++;
		assert_true(c->why.text[0] != '\0' && c->retry_after_ms >= 1000);
	}
}

static void client_speaks(struct lease_fake *c)
{
	static const int16_t samples[9000];

	if (c->lease == NULL || !c->granted)
		return;
	if (!c->speaking)
		(void)lease_fake_begin(c);
	else if (!c->ended && rnd(3) > 0)
		(void)lease_audio(c->lease, samples, 1 + rnd(ARRAY_SIZE(samples)));
	else if (!c->ended && rnd(2) == 0)
		(void)lease_request_partial(c->lease);
	else if (!c->ended)
		(void)lease_fake_end(c);
	else if (rnd(10) == 0)
		lease_fake_abort(c);
	if (c->by_utterance && c->lease != NULL && rnd(4) == 0) {
		lease_give_up_in(c->lease, f.now_ns - rnd(2) * f.now_ns / 2, rnd(400));
		turn_run(&f.turn);
	}
}

static void client_does(void)
{
	struct lease_fake *c = &clients[rnd(CLIENTS)];

	if (rnd(3) == 0)
		client_comes(c);
	else if (rnd(12) == 0)
		lease_fake_release(c);
	else
		client_speaks(c);
}

static void instance_answers(void)
{
	uint64_t id = pick(is_answering), talker = pick(is_talking), resetting = pick(is_resetting);

	if (id != 0 && rnd(2) == 0)
		pool_fake_final(&f, id, "text");
	else if (id != 0 && rnd(8) == 0)
		pool_fake_failed(&f, id, "why");
	else if (resetting != 0 && rnd(2) == 0)
		pool_fake_say(&f, resetting, IPC_READY);
	else if (talker != 0 && rnd(2) == 0)
		pool_fake_partial(&f, talker, "text"); /* late ones too */
	else if (talker != 0 && rnd(60) == 0)
		pool_fake_say(&f, talker, IPC_HELLO);
}

static void instance_suffers(void)
{
	uint64_t id = pick(is_alive), going = pick(is_going), unborn = pick(is_unborn);

	switch (rnd(10)) {
	case 0:
		if (id != 0 && rnd(4) == 0)
			pool_fake_lose(&f, id, "lost");
		break;
	case 1:
		if (id != 0 && rnd(4) == 0)
			pool_fake_exit(&f, id);
		break;
	case 2:
		if (unborn != 0 && rnd(4) == 0)
			pool_fake_exit(&f, unborn);
		break;
	case 3:
		if (id != 0)
			pool_fake_room(&f, id, rnd(20) == 0 ? -1 : (int)rnd(4));
		break;
	case 4:
		if (id != 0 && f.instances[id].room >= 0)
			pool_fake_room(&f, id, POOL_FAKE_EVERYTHING);
		break;
	case 5:
	case 6:
		if (going != 0)
			pool_fake_exit(&f, going);
		break;
	default:
		if (unborn != 0)
			pool_fake_born(&f, unborn);
	}
}

static void host_suffers(void)
{
	if (f.host && rnd(4) == 0)
		pool_fake_host_failed(&f, "broken");
	if (f.host || rnd(2) == 0)
		pool_fake_host_down(&f);
	if (rnd(3) > 0)
		pool_fake_host_up(&f);
}

static void step(void)
{
	unsigned what = rnd(100);

	if (what < 45)
		client_does();
	else if (what < 65)
		instance_answers();
	else if (what < 93)
		instance_suffers();
	else if (what < 99)
		pool_fake_pass_ms(&f, rnd(900));
	else
		host_suffers();
}

static unsigned speaking(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		n += clients[i].speaking;
	return n;
}

static void check(void)
{
	const struct pool_counts *c = pool_counts(f.pool);
	unsigned waiting = 0, taken = 0;

	pool_fake_check(&f);
	for (unsigned i = 0; i < CLIENTS; i++) {
		taken += clients[i].granted;
		waiting += clients[i].lease != NULL && !clients[i].granted && !clients[i].refused;
	}
	assert_int_equal(c->utterances_begun - c->utterances_ended, speaking());
	if (mixed || pool_config_of(f.pool)->lease == LEASE_BY_UTTERANCE)
		return; /* places come and go with utterances */
	assert_int_equal(taken, pool_places_taken(f.pool));
	assert_int_equal(waiting, pool_queue_length(f.pool));
	assert_int_equal(asked,
	    c->leases_granted + c->refused_full + c->refused_timeout + c->refused_failed +
		c->queue_left + waiting);
	assert_true(refused_at_once <= c->refused_full + c->refused_failed);
}

static void all_get_ready(void)
{
	for (int round = 0; round < 3; round++) {
		uint64_t id;

		while ((id = pick(is_resetting)) != 0)
			pool_fake_say(&f, id, IPC_READY);
		pool_fake_born_all(&f);
	}
}

/* After everything went wrong: the host is back, nothing is stuck, and each place can be used. */
static void check_still_serves(void)
{
	unsigned max = pool_config_of(f.pool)->max;

	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i].then = NULL;
		clients[i].by_utterance = false;
		lease_fake_release(&clients[i]);
	}
	for (uint64_t id = 1; id <= f.last_id; id++)
		if (is_alive(&f.instances[id]) && f.instances[id].room != POOL_FAKE_EVERYTHING)
			pool_fake_lose(&f, id, "no room");
	pool_fake_host_up(&f);
	pool_fake_reap(&f);
	for (unsigned i = 0; i < max; i++)
		assert_true(lease_fake_ask(&clients[i], ++last_client, f.pool));
	asked += max;
	all_get_ready();
	for (unsigned i = 0; i < max; i++) {
		assert_true(clients[i].granted);
		if (!lease_fake_begin(&clients[i])) { /* by utterance, with nobody ahead */
			all_get_ready();
			assert_true(lease_fake_begin(&clients[i]));
		}
		assert_true(lease_fake_end(&clients[i]));
		pool_fake_final(
		    &f, pool_fake_hearer(&f, lease_fake_utterance(&clients[i])), "text");
		assert_int_equal(clients[i].seen[LEASE_FAKE_FINAL], 1);
	}
}

struct row {
	const char *name;
	struct pool_config cfg;
	bool mixed;
};

#define CONFIG(min_, max_, spare_, lease_, refresh_, queue_, wait_, start_)                        \
	{                                                                                          \
		.min = min_, .max = max_, .spare = spare_, .lease = lease_, .refresh = refresh_,   \
		.queue_max = queue_, .queue_timeout_ms = wait_, .start_timeout_ms = start_,        \
		.begin_timeout_ms = 5000, .final_timeout_ms = 30000, .slowest_factor = 5,          \
		.idle_ttl_ms = 3000                                                                \
	}

static struct row rows[] = {
	{ "refresh utterance", CONFIG(1, 3, 1, LEASE_BY_SESSION, REFRESH_UTTERANCE, 3, 4000, 3000),
	    false },
	{ "refresh utterance, nobody ahead, no queue",
	    CONFIG(0, 2, 0, LEASE_BY_SESSION, REFRESH_UTTERANCE, 0, 4000, 3000), false },
	{ "refresh utterance, many ahead",
	    CONFIG(4, 5, 6, LEASE_BY_SESSION, REFRESH_UTTERANCE, 100, 300, 3000), false },
	{ "refresh session", CONFIG(1, 3, 1, LEASE_BY_SESSION, REFRESH_SESSION, 3, 4000, 3000),
	    false },
	{ "refresh session, nobody ahead",
	    CONFIG(0, 1, 0, LEASE_BY_SESSION, REFRESH_SESSION, 100, 2000, 500), false },
	{ "refresh reset", CONFIG(1, 3, 1, LEASE_BY_SESSION, REFRESH_RESET, 3, 4000, 3000), false },
	{ "by utterance", CONFIG(1, 3, 1, LEASE_BY_UTTERANCE, REFRESH_UTTERANCE, 100, 4000, 3000),
	    false },
	{ "by utterance, nobody ahead",
	    CONFIG(0, 2, 0, LEASE_BY_UTTERANCE, REFRESH_UTTERANCE, 100, 300, 500), false },
	{ "by utterance, refresh reset",
	    CONFIG(1, 3, 1, LEASE_BY_UTTERANCE, REFRESH_RESET, 100, 4000, 3000), false },
	{ "refresh reset, nobody ahead",
	    CONFIG(0, 1, 0, LEASE_BY_SESSION, REFRESH_RESET, 100, 2000, 500), false },
	{ "by session and by utterance",
	    CONFIG(1, 3, 1, LEASE_BY_SESSION, REFRESH_UTTERANCE, 3, 4000, 3000), true },
	{ "by session and by utterance, refresh session, nobody ahead",
	    CONFIG(0, 2, 0, LEASE_BY_SESSION, REFRESH_SESSION, 100, 2000, 500), true },
	{ "by utterance, and some do not bear all",
	    CONFIG(1, 2, 1, LEASE_BY_UTTERANCE, REFRESH_RESET, 2, 4000, 3000), true },
};

static void run(const struct row *r, uint64_t n)
{
	const struct pool_config *cfg = &r->cfg;

	mixed = r->mixed;
	seed = 0x9e3779b97f4a7c15ull * n;
	asked = refused_at_once = 0;
	memset(clients, 0, sizeof clients);
	pool_fake_init(&f, cfg);
	for (int i = 0; i < OPERATIONS && f.last_id < POOL_FAKE_INSTANCES - 64; i++) {
		step();
		check();
	}
	check_still_serves();
	check();
	for (unsigned i = 0; i < CLIENTS; i++)
		lease_fake_release(&clients[i]);
	check();
	pool_fake_done(&f);
}

static void test_random(void **state)
{
	const struct row *r = *state;

	for (uint64_t n = 1; n <= SEEDS; n++)
		run(r, n);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_random, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("pool_random", tests, NULL, NULL);
}
