/* Signs of life of an instance that computes for long: they keep it from being taken for stuck, whatever has come of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { SECOND = 16000 };

static struct pool_fake f;
static struct lease_fake client;

static const struct ipc_traits whole = { .decoding = IPC_DECODES_WHOLE,
	.partials = IPC_PARTIALS_ANEW };

/* A second of an utterance is with the instance, which has 1 s and three times the audio for a partial, 2 s and that for the
 * final. */
static int setup(void **state)
{
	struct pool_config cfg = pool_fake_config();
	int16_t samples[SECOND] = { 0 };

	(void)state;
	cfg.max = 1;
	cfg.begin_timeout_ms = 1000;
	cfg.final_timeout_ms = 2000;
	cfg.slowest_factor = 3;
	memset(&client, 0, sizeof client);
	client.priority = PRIORITY_NORMAL;
	pool_fake_init(&f, &cfg);
	pool_set_traits(f.pool, &whole);
	pool_fake_host_up(&f);
	pool_fake_born_all(&f);
	assert_true(lease_fake_ask(&client, 1, f.pool));
	pool_fake_born_all(&f);
	assert_true(lease_fake_begin(&client));
	assert_int_equal(lease_audio(client.lease, samples, SECOND), SECOND);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lease_fake_release(&client);
	pool_fake_check(&f);
	pool_fake_done(&f);
	return 0;
}

static void progress(uint64_t samples, uint64_t signs)
{
	const struct ipc_message m = { .type = IPC_PROGRESS,
		.epoch = pool_fake_at(&f, 1)->epoch,
		.progress = { .samples = samples, .signs = signs } };

	pool_on_message(f.pool, 1, &m);
}

static void test_signs_are_progress(void **state)
{
	(void)state;
	progress(SECOND, 10);
	assert_true(lease_request_partial(client.lease));
	for (uint64_t sign = 11; sign < 20; sign++) {
		pool_fake_pass_ms(&f, 3900);
		assert_int_equal(client.seen[LEASE_FAKE_LOST], 0);
		progress(SECOND, sign);
	}
	pool_fake_pass_ms(&f, 3900);
	progress(SECOND, 19); /* which is the last one again */
	pool_fake_pass_ms(&f, 400);
	assert_int_equal(client.seen[LEASE_FAKE_LOST], 1);
}

/* It computes in a circle, perhaps: ten times its patience of 4 s is enough. */
static void test_signs_alone_do_not_keep_it_for_ever(void **state)
{
	uint64_t sign = 10;

	(void)state;
	progress(SECOND, sign);
	assert_true(lease_request_partial(client.lease));
	for (unsigned s = 0; s < 39; s++) {
		pool_fake_pass_ms(&f, 1000);
		progress(SECOND, ++sign);
	}
	assert_int_equal(client.seen[LEASE_FAKE_LOST], 0);
	pool_fake_pass_ms(&f, 900);
	progress(SECOND, ++sign);
	pool_fake_pass_ms(&f, 400);
	assert_int_equal(client.seen[LEASE_FAKE_LOST], 1);
	assert_int_equal(client.loss.cause.kind, LOSS_STUCK);
}

static void test_an_engine_that_decodes_whole_owes_all_of_it_at_the_end(void **state)
{
	(void)state;
	progress(SECOND, 10);
	assert_true(lease_fake_end(&client));
	pool_fake_pass_ms(&f, 4900); /* 2 s, and three times the second, although it was taken */
	assert_int_equal(client.seen[LEASE_FAKE_LOST], 0);
	progress(SECOND, 11);
	pool_fake_pass_ms(&f, 4900);
	assert_int_equal(client.seen[LEASE_FAKE_LOST], 0);
	pool_fake_pass_ms(&f, 400);
	assert_int_equal(client.seen[LEASE_FAKE_LOST], 1);
}

static void test_a_cancelled_partial_is_owed_no_more(void **state)
{
	(void)state;
	progress(SECOND, 10);
	assert_true(lease_request_partial(client.lease));
	pool_fake_say(&f, 1, IPC_CANCELLED);
	pool_fake_pass_ms(&f, 60000);
	assert_int_equal(client.seen[LEASE_FAKE_LOST], 0);
	assert_int_equal(client.seen[LEASE_FAKE_PARTIAL], 0);
	assert_int_equal(pool_counts(f.pool)->protocol_errors, 0);
	assert_true(lease_fake_end(&client));
	pool_fake_final(&f, 1, "text");
	assert_int_equal(client.seen[LEASE_FAKE_FINAL], 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_signs_are_progress),
		T(test_signs_alone_do_not_keep_it_for_ever),
		T(test_an_engine_that_decodes_whole_owes_all_of_it_at_the_end),
		T(test_a_cancelled_partial_is_owed_no_more),
	};
#undef T

	return cmocka_run_group_tests_name("signs", tests, NULL, NULL);
}
