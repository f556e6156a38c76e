/* Leases that want a place for each utterance, whatever the pool lends by, and utterances that are given up for what they lack: a place,
 * an instance, a slot; and for nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "pool/compute.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { SECOND = 16000, BEARS_MS = 2000 };

static struct pool_fake f;
static struct compute *compute;
static struct lease_fake holder, limited, other; /* holder has a place for its session */

static uint64_t fake_now(void *arg)
{
	return ((struct pool_fake *)arg)->now_ns;
}

static void start(unsigned max, unsigned queue_max, bool whole)
{
	const struct ipc_traits traits = { .decoding =
					       whole ? IPC_DECODES_WHOLE : IPC_DECODES_AS_IT_COMES,
		.partials = IPC_PARTIALS_ANEW,
		.decode_threads = 1,
		.quiet_factor = 1 };
	struct pool_config cfg = pool_fake_config();

	cfg.max = max;
	cfg.queue_max = queue_max;
	pool_fake_init(&f, &cfg);
	compute = compute_new(1, &f.turn, fake_now, &f);
	pool_use_compute(f.pool, compute);
	pool_set_traits(f.pool, &traits);
	memset(&holder, 0, sizeof holder);
	memset(&limited, 0, sizeof limited);
	memset(&other, 0, sizeof other);
	limited.by_utterance = true;
}

static void finish(void)
{
	lease_fake_release(&limited);
	lease_fake_release(&holder);
	lease_fake_release(&other);
	assert_int_equal(pool_places_taken(f.pool), 0);
	assert_int_equal(compute_held(compute) + compute_waiting(compute), 0);
	pool_fake_done(&f);
	compute_free(&compute);
}

static void hold(struct lease_fake *c, uint64_t id)
{
	assert_true(lease_fake_ask(c, id, f.pool));
	pool_fake_born_all(&f);
	assert_true(c->granted);
}

/* One place, and it is taken. */
static void start_full(void)
{
	start(1, 8, false);
	pool_fake_host_up(&f);
	hold(&holder, 1);
	assert_true(lease_fake_ask(&limited, 2, f.pool));
}

static void bear_from(uint64_t from_ns)
{
	lease_give_up_in(limited.lease, from_ns, BEARS_MS);
	turn_run(&f.turn);
}

static uint64_t hearer_of(const struct lease_fake *c)
{
	return pool_fake_hearer(&f, lease_fake_utterance(c));
}

static void begin(struct lease_fake *c)
{
	if (lease_fake_begin(c))
		return;
	pool_fake_born_all(&f);
	assert_true(lease_fake_begin(c));
}

static unsigned failures(void)
{
	return limited.seen[LEASE_FAKE_FAILED];
}

static void test_granted_whatever_the_pool_is_at(void **state)
{
	(void)state;
	start_full();
	assert_true(limited.granted);
	assert_int_equal(pool_queue_length(f.pool), 0);
	assert_int_equal(pool_places_taken(f.pool), 1);
	lease_fake_release(&limited);
	pool_fake_host_failed(&f, "no model");
	assert_true(lease_fake_ask(&limited, 3, f.pool));
	assert_true(limited.granted);
	finish();
}

static void test_a_place_by_the_utterance(void **state)
{
	(void)state;
	start(1, 8, false);
	pool_fake_host_up(&f);
	assert_true(lease_fake_ask(&limited, 2, f.pool));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pool_places_taken(f.pool), 0);
		begin(&limited);
		assert_int_equal(pool_places_taken(f.pool), 1);
		assert_true(lease_fake_end(&limited));
		pool_fake_final(&f, hearer_of(&limited), "text");
	}
	assert_int_equal(limited.seen[LEASE_FAKE_FINAL], 2);
	finish();
}

/* Those who wait for a place for their session are told where they stand; who waits with an utterance is not. */
static void test_only_sessions_are_told_their_place(void **state)
{
	(void)state;
	start_full();
	assert_false(lease_fake_begin(&limited));
	other.may_fall_back = true;
	assert_true(lease_fake_ask(&other, 3, f.pool));
	assert_int_equal(other.position, 2);
	assert_int_equal(limited.seen[LEASE_FAKE_QUEUED], 0);
	lease_fake_abort(&limited);
	assert_int_equal(other.position, 1);
	lease_fake_release(&holder);
	pool_fake_born_all(&f);
	assert_true(other.granted);
	finish();
}

static void test_refused_by_the_utterance(void **state)
{
	(void)state;
	start(1, 0, false);
	pool_fake_host_up(&f);
	hold(&holder, 1);
	assert_true(lease_fake_ask(&limited, 2, f.pool));
	assert_false(lease_fake_begin(&limited));
	assert_int_equal(failures(), 1);
	assert_string_equal(limited.why.text,
	    "pool en: all places are taken (max 1) and the queue is full (queue_max 0)");
	assert_int_equal(pool_counts(f.pool)->refused_full, 1);
	lease_fake_release(&holder);
	begin(&limited); /* the next one has a place */
	finish();
}

static void test_refused_by_a_pool_that_failed(void **state)
{
	(void)state;
	start(1, 8, false);
	pool_fake_host_failed(&f, "no model");
	assert_true(lease_fake_ask(&limited, 2, f.pool));
	assert_false(lease_fake_begin(&limited));
	assert_int_equal(failures(), 1);
	assert_string_equal(limited.why.text, "pool en: no model");
	finish();
}

static void test_no_place(void **state)
{
	(void)state;
	start_full();
	assert_false(lease_fake_begin(&limited));
	pool_fake_pass_ms(&f, 10000);
	assert_int_equal(failures(), 0); /* nothing was said of how long it bears that */
	bear_from(f.now_ns);
	pool_fake_pass_ms(&f, BEARS_MS - 1);
	assert_int_equal(failures(), 0);
	pool_fake_pass_ms(&f, 1);
	assert_int_equal(failures(), 1);
	assert_string_equal(
	    limited.why.text, "pool en: no place came free within finals_wait_ms 2000");
	assert_int_equal(lease_attempt(limited.lease), ATTEMPT_GIVEN_UP);
	assert_int_equal(pool_queue_length(f.pool), 0);
	finish();
}

/* Or each of many utterances would make its session wait anew. */
static void test_what_was_lacked_is_lacked_still(void **state)
{
	uint64_t ended_ns;

	(void)state;
	start_full();
	assert_false(lease_fake_begin(&limited));
	bear_from(f.now_ns);
	pool_fake_pass_ms(&f, BEARS_MS - 500);
	ended_ns = f.now_ns; /* of the next one, which is not asked for yet */
	pool_fake_pass_ms(&f, 500);
	assert_int_equal(failures(), 1);
	assert_false(lease_fake_begin(&limited));
	bear_from(ended_ns);
	pool_fake_pass_ms(&f, BEARS_MS - 501);
	assert_int_equal(failures(), 1);
	pool_fake_pass_ms(&f, 1);
	assert_int_equal(failures(), 2);
	lease_fake_release(&holder);
	begin(&limited); /* it lacks nothing any more */
	pool_fake_host_down(&f);
	pool_fake_exit(&f, hearer_of(&limited));
	assert_false(lease_fake_begin(&limited));
	bear_from(ended_ns);
	pool_fake_pass_ms(&f, BEARS_MS - 1);
	assert_int_equal(failures(), 2);
	pool_fake_pass_ms(&f, 1);
	assert_int_equal(failures(), 3);
	finish();
}

static void test_one_that_is_heard_may_take_its_time(void **state)
{
	(void)state;
	start(1, 8, false);
	pool_fake_host_up(&f);
	assert_true(lease_fake_ask(&limited, 2, f.pool));
	begin(&limited);
	bear_from(f.now_ns);
	pool_fake_pass_ms(&f, 2 * BEARS_MS);
	assert_true(lease_fake_end(&limited));
	pool_fake_pass_ms(&f, 2 * BEARS_MS);
	assert_int_equal(failures(), 0);
	pool_fake_final(&f, hearer_of(&limited), "text");
	assert_int_equal(limited.seen[LEASE_FAKE_FINAL], 1);
	finish();
}

static void test_it_may_be_borne_after_all(void **state)
{
	(void)state;
	start_full();
	assert_false(lease_fake_begin(&limited));
	bear_from(f.now_ns);
	pool_fake_pass_ms(&f, BEARS_MS - 1);
	lease_give_up_in(limited.lease, f.now_ns, LEASE_BEARS_ALL);
	pool_fake_pass_ms(&f, 2 * BEARS_MS);
	assert_int_equal(failures(), 0);
	finish();
}

static void test_no_instance(void **state)
{
	(void)state;
	start(1, 8, false);
	pool_fake_host_up(&f);
	assert_true(lease_fake_ask(&limited, 2, f.pool));
	assert_false(lease_fake_begin(&limited));
	bear_from(f.now_ns);
	assert_int_equal(pool_places_taken(f.pool), 1); /* nobody is born in it */
	pool_fake_pass_ms(&f, BEARS_MS);
	assert_int_equal(failures(), 1);
	assert_string_equal(
	    limited.why.text, "pool en: no instance came within finals_wait_ms 2000");
	assert_int_equal(pool_places_taken(f.pool), 0);
	finish();
}

static void speak(struct lease_fake *c)
{
	static int16_t samples[SECOND];

	begin(c);
	assert_int_equal(lease_audio(c->lease, samples, SECOND), SECOND);
}

/* Two places, and the only slot is taken. */
static void start_computing(void)
{
	start(2, 8, true);
	pool_fake_host_up(&f);
	hold(&holder, 1);
	speak(&holder);
	assert_true(lease_fake_end(&holder));
	assert_int_equal(compute_held(compute), 1);
	assert_true(lease_fake_ask(&limited, 2, f.pool));
	speak(&limited);
}

static void test_no_slot(void **state)
{
	uint64_t id;

	(void)state;
	start_computing();
	id = hearer_of(&limited);
	bear_from(f.now_ns);
	assert_true(lease_fake_end(&limited));
	pool_fake_pass_ms(&f, BEARS_MS - 1);
	assert_int_equal(failures(), 0);
	pool_fake_pass_ms(&f, 1);
	assert_int_equal(failures(), 1);
	assert_string_equal(
	    limited.why.text, "pool en: no compute slot came free within finals_wait_ms 2000");
	assert_true(pool_fake_at(&f, id)->let_go);
	assert_int_equal(compute_waiting(compute), 0);
	assert_int_equal(pool_places_taken(f.pool), 1);
	pool_fake_final(&f, hearer_of(&holder), "text");
	assert_int_equal(compute_held(compute), 0);
	finish();
}

static void test_a_slot_in_time(void **state)
{
	(void)state;
	start_computing();
	bear_from(f.now_ns);
	assert_true(lease_fake_end(&limited));
	pool_fake_pass_ms(&f, BEARS_MS - 1);
	pool_fake_final(&f, hearer_of(&holder), "text");
	turn_run(&f.turn);
	pool_fake_pass_ms(&f, 2 * BEARS_MS);
	assert_int_equal(failures(), 0);
	pool_fake_final(&f, hearer_of(&limited), "text");
	assert_int_equal(limited.seen[LEASE_FAKE_FINAL], 1);
	finish();
}

/* It is asked for its final before anything is said of what it bears. */
static void test_said_late(void **state)
{
	(void)state;
	start_computing();
	assert_true(lease_fake_end(&limited));
	pool_fake_pass_ms(&f, BEARS_MS);
	bear_from(f.now_ns - 2 * BEARS_MS * NS_PER_MS);
	assert_int_equal(failures(), 1);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_granted_whatever_the_pool_is_at),
		cmocka_unit_test(test_a_place_by_the_utterance),
		cmocka_unit_test(test_only_sessions_are_told_their_place),
		cmocka_unit_test(test_refused_by_the_utterance),
		cmocka_unit_test(test_refused_by_a_pool_that_failed),
		cmocka_unit_test(test_no_place),
		cmocka_unit_test(test_what_was_lacked_is_lacked_still),
		cmocka_unit_test(test_one_that_is_heard_may_take_its_time),
		cmocka_unit_test(test_it_may_be_borne_after_all),
		cmocka_unit_test(test_no_instance),
		cmocka_unit_test(test_no_slot),
		cmocka_unit_test(test_a_slot_in_time),
		cmocka_unit_test(test_said_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
