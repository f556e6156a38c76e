/* A lease from the ask to the release, and the utterances that it carries. */
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

/* Begins, speaks and ends an utterance; the instance that hears it. */
static uint64_t speak(unsigned n)
{
	const int16_t samples[4] = { 1, 2, 3, 4 };
	uint64_t id;

	assert_true(lease_fake_begin(client(n)));
	id = pool_fake_hearer(&f, lease_fake_utterance(client(n)));
	assert_int_not_equal(id, 0);
	assert_int_equal(lease_audio(client(n)->lease, samples, 4), 4);
	assert_true(lease_fake_end(client(n)));
	return id;
}

/* Utterances. */

static void test_answers_reach_the_lease(void **state)
{
	struct pool_config cfg = pool_fake_config();
	uint64_t id;

	(void)state;
	start(&cfg, 2);
	id = speak(0);
	pool_fake_say(&f, id, IPC_PROGRESS);
	pool_fake_partial(&f, id, "one");
	assert_string_equal(client(0)->text, "one");
	pool_fake_pass_ms(&f, 250);
	pool_fake_final(&f, id, "one two");
	assert_string_equal(client(0)->text, "one two");
	assert_int_equal(client(0)->seen[LEASE_FAKE_FINAL], 1);
	assert_int_equal(client(1)->seen[LEASE_FAKE_FINAL], 0);
	assert_int_equal(pool_counts(f.pool)->final.count, 1);
	assert_int_equal(pool_counts(f.pool)->final.sum_ns, 250 * NS_PER_MS);
	assert_int_equal(lease_instance(client(0)->lease), id);
	finish();
}

static void test_begin_waits_for_a_newborn(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	assert_true(ask(0) && client(0)->granted);
	assert_int_equal(lease_instance(client(0)->lease), 0);
	assert_false(lease_fake_begin(client(0)));
	assert_false(lease_fake_begin(client(0)));
	pool_fake_pass_ms(&f, 30);
	pool_fake_born(&f, 1);
	assert_int_equal(client(0)->seen[LEASE_FAKE_WRITABLE], 1);
	assert_int_equal(speak(0), 1);
	assert_int_equal(pool_counts(f.pool)->begin.sum_ns, 30 * NS_PER_MS);
	finish();
}

static void test_nobody_is_told_who_did_not_ask(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	assert_true(ask(0));
	pool_fake_born(&f, 1);
	assert_int_equal(client(0)->seen[LEASE_FAKE_WRITABLE], 0);
	speak(0);
	finish();
}

static void test_audio_in_packets(void **state)
{
	enum { N = 3 * IPC_AUDIO_MAX_SAMPLES + 1 };
	static int16_t samples[N];
	struct pool_config cfg = pool_fake_config();

	(void)state;
	for (int i = 0; i < N; i++)
		samples[i] = (int16_t)i;
	start(&cfg, 1);
	assert_true(lease_fake_begin(client(0)));
	pool_fake_room(&f, 1, 2);
	assert_int_equal(lease_audio(client(0)->lease, samples, N), 2 * IPC_AUDIO_MAX_SAMPLES);
	assert_int_equal(lease_audio(client(0)->lease, samples, 1), 0);
	assert_false(lease_fake_end(client(0)));
	assert_false(lease_request_partial(client(0)->lease));
	pool_fake_room(&f, 1, 100);
	assert_int_equal(client(0)->seen[LEASE_FAKE_WRITABLE], 1);
	assert_int_equal(lease_audio(client(0)->lease, samples + 2 * IPC_AUDIO_MAX_SAMPLES,
			     IPC_AUDIO_MAX_SAMPLES + 1),
	    IPC_AUDIO_MAX_SAMPLES + 1);
	assert_int_equal(lease_audio(client(0)->lease, samples, 0), 0);
	assert_true(lease_request_partial(client(0)->lease));
	assert_true(lease_fake_end(client(0)));
	assert_int_equal(f.heard_n, N);
	assert_memory_equal(f.heard, samples, sizeof samples);
	assert_int_equal(pool_fake_at(&f, 1)->partial_requests, 1);
	finish();
}

static void test_begin_without_room(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 1);
	pool_fake_room(&f, 1, 0);
	assert_false(lease_fake_begin(client(0)));
	assert_int_equal(pool_counts(f.pool)->utterances_begun, 0);
	pool_fake_room(&f, 1, 10);
	assert_int_equal(client(0)->seen[LEASE_FAKE_WRITABLE], 1);
	assert_int_equal(speak(0), 1);
	finish();
}

static void test_stale(void **state)
{
	struct pool_config cfg = pool_fake_config();
	uint64_t id;

	(void)state;
	cfg.refresh = REFRESH_SESSION;
	start(&cfg, 1);
	id = speak(0);
	lease_fake_abort(client(0));
	pool_fake_partial(&f, id, "late");
	pool_fake_final(&f, id, "late");
	assert_int_equal(pool_counts(f.pool)->stale_messages, 2);
	speak(0);
	pool_fake_at(&f, id)->epoch -= 1;
	pool_fake_partial(&f, id, "late");
	pool_fake_at(&f, id)->epoch += 1;
	assert_int_equal(pool_counts(f.pool)->stale_messages, 3);
	assert_int_equal(client(0)->seen[LEASE_FAKE_PARTIAL], 0);
	assert_int_equal(client(0)->seen[LEASE_FAKE_FINAL], 0);
	pool_fake_final(&f, id, "in time");
	assert_string_equal(client(0)->text, "in time");
	pool_fake_final(&f, id, "twice");
	assert_int_equal(pool_counts(f.pool)->stale_messages, 4);
	finish();
}

static void test_final_before_end(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 1);
	assert_true(lease_fake_begin(client(0)));
	pool_fake_final(&f, 1, "too soon");
	assert_int_equal(client(0)->seen[LEASE_FAKE_LOST], 1);
	assert_int_equal(client(0)->why.code, ERROR_PEER);
	assert_string_equal(
	    client(0)->why.text, "instance en/1 sent a final before the utterance's end");
	assert_true(pool_fake_at(&f, 1)->killed);
	assert_int_equal(pool_counts(f.pool)->protocol_errors, 1);
	pool_fake_reap(&f);
	pool_fake_born_all(&f);
	assert_int_not_equal(speak(0), 1);
	finish();
}

static void test_engine_failure(void **state)
{
	struct pool_config cfg = pool_fake_config();
	uint64_t id;

	(void)state;
	start(&cfg, 1);
	id = speak(0);
	pool_fake_failed(&f, id, "no word fits");
	assert_int_equal(client(0)->why.code, ERROR_ENGINE);
	assert_string_equal(client(0)->why.text, "no word fits");
	pool_fake_check(&f);
	pool_fake_born_all(&f);
	speak(0);
	finish();
}

/* Refresh. */

enum ending { FINAL, FAILED, ABORT };

static void end_by(unsigned n, uint64_t id, enum ending e)
{
	if (e == FINAL)
		pool_fake_final(&f, id, "text");
	else if (e == FAILED)
		pool_fake_failed(&f, id, "why");
	else
		lease_fake_abort(client(n));
	pool_fake_check(&f);
}

static void test_newborn_each_utterance(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 1);
	for (int e = FINAL; e <= ABORT; e++) {
		uint64_t id = speak(0);

		end_by(0, id, (enum ending)e);
		assert_true(pool_fake_at(&f, id)->let_go);
		assert_false(pool_fake_at(&f, id)->killed);
		assert_int_equal(pool_fake_at(&f, id)->aborts, 0);
		assert_true(client(0)->granted);
		assert_int_equal(f.last_id, id + 1); /* one for one */
		pool_fake_born_all(&f);
	}
	assert_int_equal(pool_counts(f.pool)->utterances_ended, 3);
	assert_int_equal(pool_places_taken(f.pool), 1);
	finish();
}

static void test_newborn_each_session(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.refresh = REFRESH_SESSION;
	cfg.max = 1;
	start(&cfg, 2);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(speak(0), 1);
		end_by(0, 1, i % 2 == 0 ? FINAL : ABORT);
		assert_false(pool_fake_at(&f, 1)->let_go);
	}
	assert_int_equal(pool_fake_at(&f, 1)->aborts, 2);
	lease_fake_release(client(0));
	assert_true(pool_fake_at(&f, 1)->let_go);
	pool_fake_born_all(&f);
	assert_int_equal(speak(1), 2);
	finish();
}

static void test_reset_each_session(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.refresh = REFRESH_RESET;
	cfg.max = 1;
	start(&cfg, 2);
	end_by(0, speak(0), FINAL);
	assert_int_equal(speak(0), 1);
	lease_fake_release(client(0));
	assert_int_equal(pool_fake_at(&f, 1)->aborts, 1);
	assert_int_equal(pool_fake_at(&f, 1)->resets, 1);
	assert_true(client(1)->granted);
	assert_false(lease_fake_begin(client(1)));
	pool_fake_say(&f, 1, IPC_READY);
	lease_fake_release(client(1)); /* who said nothing: no reason for another reset */
	assert_int_equal(pool_fake_at(&f, 1)->resets, 1);
	assert_true(ask(2));
	assert_int_equal(speak(2), 1);
	assert_int_equal(f.last_id, 1); /* nobody else was born */
	finish();
}

static void test_reset_without_room(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.refresh = REFRESH_RESET;
	start(&cfg, 1);
	end_by(0, speak(0), FINAL);
	pool_fake_room(&f, 1, 0);
	lease_fake_release(client(0));
	assert_true(pool_fake_at(&f, 1)->let_go);
	finish();
}

static void test_reset_that_never_ends(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.refresh = REFRESH_RESET;
	start(&cfg, 1);
	pool_fake_pass_ms(&f, 60000);
	end_by(0, speak(0), FINAL);
	lease_fake_release(client(0));
	pool_fake_pass_ms(&f, 4999);
	assert_false(pool_fake_at(&f, 1)->killed);
	pool_fake_pass_ms(&f, 1);
	assert_true(pool_fake_at(&f, 1)->killed);
	finish();
}

static void test_abort_without_room(void **state)
{
	struct pool_config cfg = pool_fake_config();
	uint64_t id;

	(void)state;
	cfg.refresh = REFRESH_SESSION;
	start(&cfg, 1);
	id = speak(0);
	pool_fake_room(&f, id, 0);
	lease_fake_abort(client(0));
	assert_true(pool_fake_at(&f, id)->let_go);
	pool_fake_born_all(&f);
	assert_int_not_equal(speak(0), id);
	finish();
}

static void test_abort_of_nothing(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 1);
	lease_fake_abort(client(0));
	assert_false(pool_fake_at(&f, 1)->let_go);
	end_by(0, speak(0), FINAL);
	assert_false(lease_fake_begin(client(0)));
	lease_fake_abort(client(0)); /* takes the wish back */
	pool_fake_born_all(&f);
	assert_int_equal(client(0)->seen[LEASE_FAKE_WRITABLE], 0);
	finish();
}

static void test_unused_stays(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 1);
	lease_fake_release(client(0));
	assert_int_equal(pool_instances_in(f.pool, INSTANCE_IDLE), 1);
	assert_true(ask(1));
	assert_int_equal(speak(1), 1);
	assert_int_equal(f.last_id, 1);
	finish();
}

static void test_leaving_in_speech(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg, 1);
	speak(0);
	lease_fake_release(client(0));
	assert_true(pool_fake_at(&f, 1)->let_go);
	assert_int_equal(pool_counts(f.pool)->utterances_ended, 1);
	assert_int_equal(f.last_id, 1); /* nothing is born for a place that is given back */
	pool_fake_final(&f, 1, "late");
	pool_fake_say(&f, 1, IPC_READY);
	assert_int_equal(pool_counts(f.pool)->stale_messages, 0);
	assert_int_equal(pool_counts(f.pool)->protocol_errors, 0);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "answers reach the lease that asked", test_answers_reach_the_lease, setup, NULL,
		    NULL },
		{ "begin waits for a newborn", test_begin_waits_for_a_newborn, setup, NULL, NULL },
		{ "nobody hears of room who did not ask", test_nobody_is_told_who_did_not_ask,
		    setup, NULL, NULL },
		{ "audio goes in packets, as far as there is room", test_audio_in_packets, setup,
		    NULL, NULL },
		{ "a begin without room is tried again", test_begin_without_room, setup, NULL,
		    NULL },
		{ "late answers are dropped by their epoch", test_stale, setup, NULL, NULL },
		{ "a final before the end kills the instance", test_final_before_end, setup, NULL,
		    NULL },
		{ "what the engine cannot do fails the utterance", test_engine_failure, setup, NULL,
		    NULL },
		{ "refresh utterance: a newborn hears each", test_newborn_each_utterance, setup,
		    NULL, NULL },
		{ "refresh session: one instance hears a client", test_newborn_each_session, setup,
		    NULL, NULL },
		{ "refresh reset: reset, then ready, then lent", test_reset_each_session, setup,
		    NULL, NULL },
		{ "an instance that cannot be told to reset goes", test_reset_without_room, setup,
		    NULL, NULL },
		{ "a reset may take start_timeout_ms, no longer", test_reset_that_never_ends, setup,
		    NULL, NULL },
		{ "an instance that cannot be told to abort goes", test_abort_without_room, setup,
		    NULL, NULL },
		{ "an abort of nothing changes nothing", test_abort_of_nothing, setup, NULL, NULL },
		{ "an instance that heard nothing is lent again", test_unused_stays, setup, NULL,
		    NULL },
		{ "who leaves in speech costs no newborn", test_leaving_in_speech, setup, NULL,
		    NULL },
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
