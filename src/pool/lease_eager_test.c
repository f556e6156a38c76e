/* Eager finals of a lease: who waits for what, what crosses with what, and on which slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/metric.h"
#include "pool/compute.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { BLOCK = 1600 };

static struct pool_fake f;
static struct compute *slots;
static struct lease_fake a, b;
static const int16_t silence[BLOCK];

static const struct ipc_traits streams = {
	.eager = IPC_EAGER_FORKED, .decode_threads = 1, .quiet_factor = 1
};
static const struct ipc_traits whole = { .decoding = IPC_DECODES_WHOLE,
	.partials = IPC_PARTIALS_ANEW,
	.eager = IPC_EAGER_ANEW,
	.decode_threads = 1,
	.quiet_factor = 1 };

static uint64_t now_ns(void *arg)
{
	(void)arg;
	return f.now_ns;
}

/* Two clients are in the midst of an utterance, with a block each; there is one slot. */
static void start(const struct ipc_traits *traits, enum refresh refresh)
{
	struct pool_config cfg = pool_fake_config();

	cfg.refresh = refresh;
	cfg.early_finals = 1;
	cfg.begin_timeout_ms = 1000;
	cfg.final_timeout_ms = 2000;
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	a.priority = b.priority = PRIORITY_NORMAL;
	b.tenant = 1;
	pool_fake_init(&f, &cfg);
	slots = compute_new(1, &f.turn, now_ns, NULL);
	pool_use_compute(f.pool, slots);
	pool_set_traits(f.pool, traits);
	pool_fake_host_up(&f);
	assert_true(lease_fake_ask(&a, 1, f.pool) && lease_fake_ask(&b, 2, f.pool));
	pool_fake_born_all(&f);
	assert_true(lease_fake_begin(&a) && lease_fake_begin(&b));
	assert_int_equal(lease_audio(a.lease, silence, BLOCK), BLOCK);
	assert_int_equal(lease_audio(b.lease, silence, BLOCK), BLOCK);
}

static void finish(void)
{
	lease_fake_release(&a);
	lease_fake_release(&b);
	pool_fake_check(&f);
	assert_int_equal(compute_held(slots), 0);
	assert_int_equal(compute_waiting(slots), 0);
	pool_fake_done(&f);
	compute_free(&slots);
}

static uint64_t at(const struct lease_fake *c)
{
	return pool_fake_hearer(&f, lease_fake_utterance(c));
}

static struct pool_fake_instance *hears(const struct lease_fake *c)
{
	return pool_fake_at(&f, at(c));
}

/* Its block. */
static void decoded(const struct lease_fake *c)
{
	const struct ipc_message m = { .type = IPC_PROGRESS,
		.epoch = hears(c)->epoch,
		.progress = { .samples = BLOCK, .signs = 1 } };

	pool_on_message(f.pool, at(c), &m);
	turn_run(&f.turn);
}

static void ask(struct lease_fake *c)
{
	assert_true(lease_request_eager(c->lease));
	turn_run(&f.turn);
}

/* As a session does with what on_eager told. */
static void settle(struct lease_fake *c)
{
	lease_settle(c->lease);
	c->speaking = c->ended = false;
	turn_run(&f.turn);
}

static void check_settled(enum refresh refresh)
{
	uint64_t id;

	start(&streams, refresh);
	id = at(&a);
	ask(&a);
	assert_int_equal(hears(&a)->eager_requests, 1);
	pool_fake_eager(&f, id, "text");
	assert_int_equal(a.seen[LEASE_FAKE_EAGER], 1);
	assert_string_equal(a.text, "text");
	assert_false(lease_end(a.lease)); /* it has its final */
	settle(&a);
	assert_int_equal(a.seen[LEASE_FAKE_FINAL], 0);
	assert_int_equal(pool_fake_at(&f, id)->ends, 0);
	assert_int_equal(pool_fake_at(&f, id)->aborts, refresh == REFRESH_SESSION);
	pool_fake_born_all(&f);
	assert_true(lease_fake_begin(&a));
	assert_int_equal(at(&a) == id, refresh == REFRESH_SESSION);
	finish();
}

static void test_what_was_told_is_the_final_without_another_word(void **state)
{
	(void)state;
	check_settled(REFRESH_SESSION);
	check_settled(REFRESH_UTTERANCE);
}

static void check_final(const struct ipc_traits *traits)
{
	start(traits, REFRESH_UTTERANCE);
	ask(&a);
	assert_true(lease_fake_end(&a));
	turn_run(&f.turn);
	assert_int_equal(hears(&a)->ends, 0);
	pool_fake_eager(&f, at(&a), "text");
	assert_int_equal(a.seen[LEASE_FAKE_EAGER], 0);
	assert_int_equal(a.seen[LEASE_FAKE_FINAL], 1);
	assert_string_equal(a.text, "text");
	finish();
}

static void test_one_that_is_under_way_at_the_end_is_the_final(void **state)
{
	(void)state;
	check_final(&streams);
	check_final(&whole);
}

static void test_what_goes_on_cancels_it_and_a_late_answer_is_dropped(void **state)
{
	uint64_t in_vain = metric_get(METRIC_eager_finals_taken_back_total);

	(void)state;
	start(&streams, REFRESH_UTTERANCE);
	ask(&a);
	lease_cancel_eager(a.lease);
	assert_int_equal(hears(&a)->cancels, 1);
	assert_int_equal(lease_audio(a.lease, silence, BLOCK), BLOCK);
	hears(&a)->samples -= BLOCK; /* it answered before it heard that */
	pool_fake_eager(&f, at(&a), "of the first block");
	hears(&a)->samples += BLOCK;
	assert_int_equal(a.seen[LEASE_FAKE_EAGER], 0);
	ask(&a);
	pool_fake_eager(&f, at(&a), "of both");
	assert_int_equal(a.seen[LEASE_FAKE_EAGER], 1);
	assert_string_equal(a.text, "of both");
	lease_cancel_eager(a.lease);
	assert_int_equal(hears(&a)->cancels, 1);
	assert_int_equal(metric_get(METRIC_eager_finals_taken_back_total), in_vain + 2);
	assert_true(lease_fake_end(&a));
	assert_int_equal(hears(&a)->ends, 1);
	pool_fake_final(&f, at(&a), "text");
	finish();
}

/* The answer to the last one crosses with what is asked for next. */
static void test_a_late_answer_is_not_that_to_the_next_one(void **state)
{
	(void)state;
	start(&streams, REFRESH_UTTERANCE);
	ask(&a);
	lease_cancel_eager(a.lease);
	assert_int_equal(lease_audio(a.lease, silence, BLOCK), BLOCK);
	ask(&a);
	hears(&a)->samples -= BLOCK;
	pool_fake_eager(&f, at(&a), "of the first block");
	hears(&a)->samples += BLOCK;
	assert_int_equal(a.seen[LEASE_FAKE_EAGER], 0);
	pool_fake_eager(&f, at(&a), "of both");
	assert_int_equal(a.seen[LEASE_FAKE_EAGER], 1);
	assert_string_equal(a.text, "of both");
	settle(&a);
	finish();
}

/* The next pause comes before the instance has said that it stopped. */
static void check_asked_again(const struct ipc_traits *traits)
{
	start(traits, REFRESH_UTTERANCE);
	ask(&a);
	lease_cancel_eager(a.lease);
	assert_false(lease_request_partial(a.lease)); /* not now */
	assert_int_equal(lease_audio(a.lease, silence, BLOCK), BLOCK);
	ask(&a);
	assert_int_equal(hears(&a)->eager_requests, 2);
	pool_fake_say(&f, at(&a), IPC_CANCELLED);
	assert_int_equal(a.seen[LEASE_FAKE_EAGER], 0);
	pool_fake_eager(&f, at(&a), "of both");
	assert_int_equal(a.seen[LEASE_FAKE_EAGER], 1);
	settle(&a);
	finish();
}

static void test_one_may_be_asked_for_while_the_last_is_being_broken_off(void **state)
{
	(void)state;
	check_asked_again(&streams);
	check_asked_again(&whole);
}

static void test_the_end_may_come_while_one_is_being_broken_off(void **state)
{
	(void)state;
	start(&whole, REFRESH_UTTERANCE);
	ask(&a);
	lease_cancel_eager(a.lease);
	assert_true(lease_fake_end(&a));
	turn_run(&f.turn);
	assert_int_equal(hears(&a)->ends, 1);
	pool_fake_say(&f, at(&a), IPC_CANCELLED);
	assert_int_equal(compute_held(slots), 1);
	pool_fake_final(&f, at(&a), "text");
	assert_int_equal(compute_held(slots), 0);
	finish();
}

static void test_it_takes_a_slot_until_it_is_told(void **state)
{
	(void)state;
	start(&whole, REFRESH_UTTERANCE);
	ask(&a);
	ask(&b);
	assert_int_equal(hears(&a)->eager_requests, 1);
	assert_int_equal(hears(&b)->eager_requests, 0);
	pool_fake_eager(&f, at(&a), "text");
	assert_int_equal(hears(&b)->eager_requests, 1);
	lease_cancel_eager(b.lease);
	assert_int_equal(compute_held(slots), 1); /* it has not stopped */
	pool_fake_say(&f, at(&b), IPC_CANCELLED);
	assert_int_equal(compute_held(slots), 0);
	settle(&a);
	finish();
}

static void test_it_goes_before_partials_and_after_finals(void **state)
{
	(void)state;
	start(&whole, REFRESH_UTTERANCE);
	assert_true(lease_request_partial(a.lease));
	turn_run(&f.turn);
	assert_int_equal(hears(&a)->partial_requests, 1);
	ask(&b);
	assert_int_equal(hears(&a)->cancels, 1); /* the partial is overtaken */
	ask(&a);                                 /* ... and its slot is taken over */
	assert_int_equal(hears(&a)->eager_requests, 1);
	assert_int_equal(hears(&b)->eager_requests, 0);
	assert_true(lease_fake_end(&b)); /* it waits still: then for the final itself */
	pool_fake_say(&f, at(&a), IPC_CANCELLED);
	pool_fake_eager(&f, at(&a), "text");
	assert_int_equal(hears(&b)->eager_requests, 0);
	assert_int_equal(hears(&b)->ends, 1);
	pool_fake_final(&f, at(&b), "text");
	settle(&a);
	finish();
}

static void test_who_waits_for_a_slot_withdraws(void **state)
{
	(void)state;
	start(&whole, REFRESH_UTTERANCE);
	ask(&a);
	ask(&b);
	lease_cancel_eager(b.lease);
	assert_int_equal(compute_waiting(slots), 0);
	assert_int_equal(hears(&b)->cancels, 0);
	finish();
}

static void test_one_that_never_comes_is_the_instance_stuck(void **state)
{
	(void)state;
	start(&streams, REFRESH_UTTERANCE);
	decoded(&a);
	decoded(&b);
	pool_fake_pass_ms(&f, 60000);
	ask(&a);
	pool_fake_pass_ms(&f, 1900);
	assert_int_equal(a.seen[LEASE_FAKE_LOST], 0);
	pool_fake_pass_ms(&f, 700);
	assert_int_equal(a.seen[LEASE_FAKE_LOST], 1);
	assert_int_equal(a.loss.cause.kind, LOSS_STUCK);
	assert_non_null(strstr(a.why.text, "final_timeout_ms 2000"));
	assert_int_equal(b.seen[LEASE_FAKE_LOST], 0);
	finish();
}

static void test_one_that_nobody_asked_for_is_garbage(void **state)
{
	(void)state;
	start(&streams, REFRESH_UTTERANCE);
	pool_fake_eager(&f, at(&a), "text");
	assert_int_equal(a.seen[LEASE_FAKE_LOST], 1);
	assert_int_equal(a.loss.cause.kind, LOSS_GARBAGE);
	assert_int_equal(pool_counts(f.pool)->protocol_errors, 1);
	finish();
}

static void test_who_wants_none_gets_none(void **state)
{
	struct pool_config cfg;

	(void)state;
	start(&streams, REFRESH_UTTERANCE);
	cfg = *pool_config_of(f.pool);
	cfg.early_finals = 0;
	pool_reconfigure(f.pool, &cfg);
	assert_false(lease_request_eager(a.lease));
	cfg.early_finals = 1;
	pool_reconfigure(f.pool, &cfg);
	pool_set_traits(f.pool, &(struct ipc_traits){ .quiet_factor = 1 });
	assert_false(lease_request_eager(a.lease));
	assert_int_equal(hears(&a)->eager_requests, 0);
	finish();
}

static void test_without_room_it_is_asked_for_later(void **state)
{
	(void)state;
	start(&streams, REFRESH_UTTERANCE);
	pool_fake_room(&f, at(&a), 0);
	assert_false(lease_request_eager(a.lease));
	pool_fake_room(&f, at(&a), 10);
	assert_int_equal(a.seen[LEASE_FAKE_WRITABLE], 1);
	ask(&a);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_told_is_the_final_without_another_word),
		cmocka_unit_test(test_one_that_is_under_way_at_the_end_is_the_final),
		cmocka_unit_test(test_what_goes_on_cancels_it_and_a_late_answer_is_dropped),
		cmocka_unit_test(test_a_late_answer_is_not_that_to_the_next_one),
		cmocka_unit_test(test_one_may_be_asked_for_while_the_last_is_being_broken_off),
		cmocka_unit_test(test_the_end_may_come_while_one_is_being_broken_off),
		cmocka_unit_test(test_it_takes_a_slot_until_it_is_told),
		cmocka_unit_test(test_it_goes_before_partials_and_after_finals),
		cmocka_unit_test(test_who_waits_for_a_slot_withdraws),
		cmocka_unit_test(test_one_that_never_comes_is_the_instance_stuck),
		cmocka_unit_test(test_one_that_nobody_asked_for_is_garbage),
		cmocka_unit_test(test_who_wants_none_gets_none),
		cmocka_unit_test(test_without_room_it_is_asked_for_later),
	};

	return cmocka_run_group_tests_name("lease_eager", tests, NULL, NULL);
}
