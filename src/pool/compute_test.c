/* Leases of a pool whose engine decodes whole, and the slots in which it computes: who may, who makes room, and that nobody waits for
 * ever. The instances answer when the test says so. */
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

enum { CLIENTS = 8, SLOTS = 2, SECOND = 16000 };

static struct pool_fake f;
static struct compute *compute;
static struct lease_fake clients[CLIENTS];

static uint64_t fake_now(void *arg)
{
	return ((struct pool_fake *)arg)->now_ns;
}

static int setup(void **state)
{
	const struct ipc_traits whole = { .decoding = IPC_DECODES_WHOLE,
		.partials = IPC_PARTIALS_ANEW,
		.decode_threads = 1,
		.quiet_factor = 1 };
	struct pool_config cfg = pool_fake_config();

	(void)state;
	memset(clients, 0, sizeof clients);
	cfg.max = CLIENTS;
	cfg.refresh = REFRESH_SESSION;
	cfg.begin_timeout_ms = 1000;
	cfg.final_timeout_ms = 2000;
	cfg.slowest_factor = 3;
	pool_fake_init(&f, &cfg);
	compute = compute_new(SLOTS, &f.turn, fake_now, &f);
	pool_use_compute(f.pool, compute);
	pool_set_traits(f.pool, &whole);
	pool_fake_host_up(&f);
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i].tenant = i;
		assert_true(lease_fake_ask(&clients[i], i + 1, f.pool));
		pool_fake_born_all(&f);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CLIENTS; i++)
		lease_fake_release(&clients[i]);
	assert_int_equal(compute_held(compute) + compute_waiting(compute), 0);
	pool_fake_done(&f);
	compute_free(&compute);
	return 0;
}

static struct pool_fake_instance *instance_of(unsigned i)
{
	uint64_t id = pool_fake_hearer(&f, lease_fake_utterance(&clients[i]));

	assert_int_not_equal(id, 0);
	return pool_fake_at(&f, id);
}

static uint64_t id_of(unsigned i)
{
	return pool_fake_hearer(&f, lease_fake_utterance(&clients[i]));
}

/* An utterance is begun, and a second of it is there. */
static void speak(unsigned i)
{
	static int16_t samples[SECOND];
	const struct ipc_message m = { .type = IPC_PROGRESS, .progress = { .samples = SECOND } };
	struct ipc_message kept = m;

	assert_true(lease_fake_begin(&clients[i]));
	assert_int_equal(lease_audio(clients[i].lease, samples, SECOND), SECOND);
	kept.epoch = instance_of(i)->epoch;
	pool_on_message(f.pool, id_of(i), &kept);
	turn_run(&f.turn);
}

static void want_partial(unsigned i)
{
	assert_true(lease_request_partial(clients[i].lease));
	turn_run(&f.turn);
}

static void say_cancelled(unsigned i)
{
	const struct ipc_message m = { .type = IPC_CANCELLED, .epoch = instance_of(i)->epoch };

	pool_on_message(f.pool, id_of(i), &m);
	turn_run(&f.turn);
}

static unsigned asked_of(unsigned i)
{
	return instance_of(i)->partial_requests;
}

static void test_eight_on_two_slots(void **state)
{
	unsigned at_work = 0;

	(void)state;
	for (unsigned i = 0; i < CLIENTS; i++)
		speak(i);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_true(lease_fake_end(&clients[i]));
	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_equal(lease_attempt(clients[i].lease), ATTEMPT_ENDED);
		at_work += instance_of(i)->ended;
	}
	assert_int_equal(at_work, SLOTS);
	assert_int_equal(compute_held(compute), SLOTS);
	assert_int_equal(compute_waiting(compute), CLIENTS - SLOTS);
	for (unsigned i = 0; i < CLIENTS; i++) { /* in the order in which they asked */
		assert_true(instance_of(i)->ended);
		pool_fake_final(&f, id_of(i), "text");
		assert_int_equal(clients[i].seen[LEASE_FAKE_FINAL], 1);
	}
	assert_int_equal(compute_held(compute), 0);
}

static void test_a_final_breaks_a_partial_off(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		speak(i);
	want_partial(0);
	want_partial(1);
	assert_int_equal(asked_of(0) + asked_of(1), 2);
	assert_true(lease_fake_end(&clients[2]));
	assert_false(instance_of(2)->ended);
	assert_int_equal(instance_of(0)->cancels, 0);
	assert_int_equal(instance_of(1)->cancels, 1);
	say_cancelled(1);
	assert_true(instance_of(2)->ended);
	assert_int_equal(asked_of(1), 1);
	pool_fake_final(&f, id_of(2), "text");
	assert_int_equal(asked_of(1), 2); /* it is wanted still */
	pool_fake_partial(&f, id_of(1), "text");
	assert_int_equal(clients[1].seen[LEASE_FAKE_PARTIAL], 1);
	pool_fake_partial(&f, id_of(0), "text");
	assert_int_equal(compute_held(compute), 0);
}

static void test_a_partial_that_came_all_the_same(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		speak(i);
	want_partial(0);
	want_partial(1);
	assert_true(lease_fake_end(&clients[2]));
	pool_fake_partial(&f, id_of(1), "text"); /* crossed by the CANCEL */
	assert_true(instance_of(2)->ended);
	assert_int_equal(clients[1].seen[LEASE_FAKE_PARTIAL], 1);
	pool_fake_final(&f, id_of(2), "text");
	assert_int_equal(asked_of(1), 1);
	assert_int_equal(compute_held(compute), 1);
}

static void test_its_own_final_needs_no_other_slot(void **state)
{
	(void)state;
	speak(0);
	want_partial(0);
	assert_true(lease_fake_end(&clients[0]));
	assert_true(instance_of(0)->ended);
	assert_int_equal(compute_held(compute), 1);
	pool_fake_partial(&f, id_of(0), "late"); /* it does not give the slot back */
	assert_int_equal(compute_held(compute), 1);
	pool_fake_final(&f, id_of(0), "text");
	assert_int_equal(compute_held(compute), 0);
}

/* However it ends, somebody else may compute then. */
static void take_both_slots(void)
{
	for (unsigned i = 0; i < 3; i++) {
		speak(i);
		assert_true(lease_fake_end(&clients[i]));
	}
	assert_false(instance_of(2)->ended);
}

static void expect_third_at_work(void)
{
	turn_run(&f.turn);
	assert_true(instance_of(2)->ended);
	assert_int_equal(compute_held(compute), SLOTS);
}

static void test_killed_in_the_middle(void **state)
{
	(void)state;
	take_both_slots();
	pool_fake_exit(&f, id_of(0));
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	expect_third_at_work();
	pool_fake_born_all(&f);
	clients[0].speaking = clients[0].ended = false;
	speak(0); /* it is heard again */
	assert_true(lease_fake_end(&clients[0]));
	pool_fake_final(&f, id_of(1), "text");
	assert_true(instance_of(0)->ended);
	pool_fake_final(&f, id_of(0), "text");
	assert_int_equal(clients[0].seen[LEASE_FAKE_FINAL], 1);
}

static void test_aborted(void **state)
{
	(void)state;
	take_both_slots();
	lease_fake_abort(&clients[1]);
	expect_third_at_work();
}

static void test_released(void **state)
{
	(void)state;
	take_both_slots();
	lease_fake_release(&clients[0]);
	expect_third_at_work();
}

static void test_failed(void **state)
{
	(void)state;
	take_both_slots();
	pool_fake_failed(&f, id_of(0), "I cannot");
	expect_third_at_work();
}

static void test_left_while_it_waits(void **state)
{
	(void)state;
	take_both_slots();
	lease_fake_release(&clients[2]);
	assert_int_equal(compute_waiting(compute), 0);
}

static void test_the_clock_runs_while_it_computes(void **state)
{
	(void)state;
	take_both_slots();
	pool_fake_pass_ms(&f, 4900); /* 2 s, and three times the second that it decodes */
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	pool_fake_final(&f, id_of(0), "text");
	pool_fake_pass_ms(&f, 4000);
	assert_int_equal(clients[1].seen[LEASE_FAKE_LOST], 1); /* it was asked with the first */
	assert_int_equal(clients[2].seen[LEASE_FAKE_LOST], 0); /* it was asked just now */
	pool_fake_pass_ms(&f, 1600);
	assert_int_equal(clients[2].seen[LEASE_FAKE_LOST], 1);
}

static void show_alive(unsigned i, uint64_t signs)
{
	const struct ipc_message m = { .type = IPC_PROGRESS,
		.epoch = instance_of(i)->epoch,
		.progress = { .samples = SECOND, .signs = signs } };

	pool_on_message(f.pool, id_of(i), &m);
}

static void test_no_clock_while_it_waits(void **state)
{
	(void)state;
	take_both_slots();
	for (uint64_t signs = 1; signs < 8; signs++) {
		pool_fake_pass_ms(&f, 3000);
		show_alive(0, signs);
		show_alive(1, signs);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(clients[i].seen[LEASE_FAKE_LOST], 0);
	assert_int_equal(compute_waiting(compute), 1);
}

static void test_cancelled_without_being_asked(void **state)
{
	(void)state;
	speak(0);
	say_cancelled(0);
	assert_int_equal(compute_held(compute), 0);
	assert_int_equal(asked_of(0), 0);
}

static void test_no_room_to_be_asked(void **state)
{
	uint64_t id;

	(void)state;
	speak(0);
	id = id_of(0);
	pool_fake_room(&f, id, 0);
	assert_true(lease_fake_end(&clients[0]));
	assert_false(instance_of(0)->ended);
	pool_fake_room(&f, id, POOL_FAKE_EVERYTHING);
	assert_true(instance_of(0)->ended);
	pool_fake_final(&f, id, "text");
	assert_int_equal(clients[0].seen[LEASE_FAKE_FINAL], 1);
}

static void test_more_slots_while_some_wait(void **state)
{
	(void)state;
	take_both_slots();
	compute_resize(compute, SLOTS + 1);
	turn_run(&f.turn);
	assert_true(instance_of(2)->ended);
	assert_int_equal(compute_slots(compute), SLOTS + 1);
}

static void test_partials_are_stretched_while_many_wait(void **state)
{
	(void)state;
	assert_int_equal(lease_partials_level(clients[7].lease), 0);
	take_both_slots();
	pool_fake_pass_ms(&f, 1000);
	assert_int_equal(lease_partials_level(clients[7].lease), SLOTS_LOAD_MAX);
}

static void test_an_engine_that_streams_needs_none(void **state)
{
	const struct ipc_traits streams = { .partials = IPC_PARTIALS_OWN };

	(void)state;
	pool_set_traits(f.pool, &streams);
	for (unsigned i = 0; i < CLIENTS; i++) {
		speak(i);
		assert_true(lease_fake_end(&clients[i]));
		assert_true(instance_of(i)->ended);
	}
	assert_int_equal(compute_held(compute), 0);
}

#define T(name, test)                                                                              \
	{                                                                                          \
		name, test, setup, teardown, NULL                                                  \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T("eight finals on two slots, in the order of their ends", test_eight_on_two_slots),
		T("a final breaks a partial off, which is computed later",
		    test_a_final_breaks_a_partial_off),
		T("a partial that was ready before that is told",
		    test_a_partial_that_came_all_the_same),
		T("a partial's slot is that of its own final",
		    test_its_own_final_needs_no_other_slot),
		T("one that is killed in the middle is heard again", test_killed_in_the_middle),
		T("an abort gives the slot back", test_aborted),
		T("so does a release", test_released),
		T("and an engine that cannot", test_failed),
		T("who leaves while it waits waits no more", test_left_while_it_waits),
		T("the clock of who is stuck runs while it computes",
		    test_the_clock_runs_while_it_computes),
		T("and not while it waits", test_no_clock_while_it_waits),
		T("what nobody asked for is not asked for again",
		    test_cancelled_without_being_asked),
		T("an instance without room is asked later", test_no_room_to_be_asked),
		T("more slots are used at once", test_more_slots_while_some_wait),
		T("partials come at longer intervals while many wait",
		    test_partials_are_stretched_while_many_wait),
		T("an engine that streams needs no slot", test_an_engine_that_streams_needs_none),
	};

	return cmocka_run_group_tests_name("compute", tests, NULL, NULL);
}
