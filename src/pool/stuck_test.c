/* What happens to instances that do not get on with an utterance, or end, and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "base/util.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { CLIENTS = 1, SECOND = 16000 };

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

static uint64_t hearer(unsigned n)
{
	uint64_t id = pool_fake_hearer(&f, lease_fake_utterance(&clients[n]));

	assert_int_not_equal(id, 0);
	return id;
}

static void hear(unsigned n, size_t samples)
{
	static const int16_t silence[SECOND];

	assert_int_equal(lease_audio(clients[n].lease, silence, samples), samples);
}

static struct pool_config impatient(void)
{
	struct pool_config cfg = pool_fake_config();

	cfg.max = 1;
	cfg.begin_timeout_ms = 1000;
	cfg.final_timeout_ms = 2000;
	cfg.slowest_factor = 3;
	return cfg;
}

static void progress(uint64_t id, uint64_t samples, uint32_t rss_kb)
{
	const struct ipc_message m = { .type = IPC_PROGRESS,
		.epoch = pool_fake_at(&f, id)->epoch,
		.progress = { samples, rss_kb, 0 } };

	pool_on_message(f.pool, id, &m);
	turn_run(&f.turn);
}

static void test_stuck_while_open(void **state)
{
	const struct pool_config cfg = impatient();

	(void)state;
	start(&cfg, 1);
	assert_true(lease_fake_begin(&clients[0]));
	pool_fake_pass_ms(&f, 60000); /* it was given nothing yet, so it owes nothing */
	hear(0, SECOND);
	pool_fake_pass_ms(&f, 3900); /* 1 s, and three times the one second it was given */
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	progress(1, SECOND / 2, 0);
	pool_fake_pass_ms(&f, 2400); /* half a second is still owed */
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	progress(1, SECOND / 2, 0); /* which is none */
	pool_fake_pass_ms(&f, 400);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	assert_int_equal(clients[0].loss.cause.kind, LOSS_STUCK);
	assert_string_equal(clients[0].why.text,
	    "instance en/1 made no progress within begin_timeout_ms 1000 and 3 times the audio it "
	    "was given");
	assert_true(pool_fake_at(&f, 1)->killed);
	assert_int_equal(pool_counts(f.pool)->stuck, 1);
	finish();
}

static void test_stuck_before_a_partial(void **state)
{
	const struct ipc_traits anew = { .partials = IPC_PARTIALS_ANEW };
	const struct ipc_traits quiet = { .partials = IPC_PARTIALS_ANEW, .quiet_factor = 8 };
	const struct ipc_traits own = { .partials = IPC_PARTIALS_OWN };
	const struct pool_config cfg = impatient();

	(void)state;
	start(&cfg, 1);
	assert_true(lease_fake_begin(&clients[0]));
	hear(0, SECOND);
	progress(1, SECOND, 0); /* so it owes nothing but what it is asked for now */
	pool_fake_pass_ms(&f, 60000);
	pool_set_traits(f.pool, &anew);
	assert_true(lease_request_partial(clients[0].lease));
	pool_fake_pass_ms(&f, 3900); /* an engine may decode the whole second anew for it */
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	pool_fake_partial(&f, 1, "text");
	pool_fake_pass_ms(&f, 60000);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	pool_set_traits(f.pool, &quiet);
	assert_true(lease_request_partial(clients[0].lease));
	pool_fake_pass_ms(&f, 8900);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	pool_fake_partial(&f, 1, "text");
	pool_set_traits(f.pool, &own);
	assert_true(lease_request_partial(clients[0].lease));
	pool_fake_pass_ms(&f, 1400); /* there is nothing to be decoded for it */
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	assert_non_null(strstr(clients[0].why.text, "begin_timeout_ms 1000"));
	finish();
}

static void test_stuck_before_its_final(void **state)
{
	const struct pool_config cfg = impatient();

	(void)state;
	start(&cfg, 1);
	assert_true(lease_fake_begin(&clients[0]));
	hear(0, SECOND);
	progress(1, SECOND, 0);
	pool_fake_pass_ms(&f, 60000);
	assert_true(lease_fake_end(&clients[0]));
	pool_fake_pass_ms(&f, 1900);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	pool_fake_pass_ms(&f, 400);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	assert_non_null(strstr(clients[0].why.text, "final_timeout_ms 2000"));
	finish();
}

/* Where the instance of client 0 was. */
static void expect_loss(
    enum loss_kind kind, int number, uint64_t done, uint64_t given, bool busy, bool ended)
{
	const struct loss *l = &clients[0].loss;

	assert_int_equal(l->cause.kind, kind);
	assert_int_equal(l->cause.number, number);
	assert_int_equal(l->done, done);
	assert_int_equal(l->given, given);
	assert_int_equal(l->busy, busy);
	assert_int_equal(l->ended, ended);
	pool_fake_born_all(&f);
	assert_true(lease_fake_begin(&clients[0]));
}

static void test_where_it_was(void **state)
{
	const struct pool_config cfg = impatient();

	(void)state;
	start(&cfg, 1);
	assert_true(lease_fake_begin(&clients[0]));
	hear(0, SECOND);
	pool_fake_lose(&f, hearer(0), "gone");
	expect_loss(LOSS_GARBAGE, 0, 0, SECOND, true, false);
	hear(0, SECOND);
	progress(hearer(0), SECOND, 0);
	pool_fake_exit(&f, hearer(0));
	expect_loss(LOSS_KILLED, SIGKILL, SECOND, SECOND, false, false);
	assert_true(lease_fake_end(&clients[0]));
	pool_fake_exit_with(&f, hearer(0), SIGSEGV);
	expect_loss(LOSS_CRASHED, SIGSEGV, 0, 0, true, true);
	pool_fake_failed(&f, hearer(0), "no word fits");
	expect_loss(LOSS_FAILED, 0, 0, 0, false, false);
	lease_fake_abort(&clients[0]);
	finish();
}

/* Its socket ends before its host has told what became of it. */
static void test_reason_is_waited_for(void **state)
{
	const struct pool_config cfg = impatient();
	uint64_t id;

	(void)state;
	start(&cfg, 1);
	assert_true(lease_fake_begin(&clients[0]));
	hear(0, SECOND);
	id = hearer(0);
	pool_fake_close(&f, id);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	pool_fake_exit_with(&f, id, SIGABRT);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	expect_loss(LOSS_CRASHED, SIGABRT, 0, SECOND, true, false);
	lease_fake_abort(&clients[0]);
	finish();
}

static void test_reason_does_not_come(void **state)
{
	const struct pool_config cfg = impatient();
	uint64_t id;

	(void)state;
	start(&cfg, 1);
	assert_true(lease_fake_begin(&clients[0]));
	id = hearer(0);
	pool_fake_close(&f, id);
	pool_fake_pass_ms(&f, 1000);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	assert_string_equal(clients[0].why.text, "instance en/1 closed its socket");
	expect_loss(LOSS_UNKNOWN, 0, 0, 0, false, false);
	assert_int_equal(pool_counts(f.pool)->stuck, 0);
	pool_fake_exit(&f, id); /* late, and nobody's business any more */
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	lease_fake_abort(&clients[0]);
	finish();
}

static void test_oversized(void **state)
{
	struct pool_config cfg = impatient();

	(void)state;
	cfg.max_rss_mb = 100;
	start(&cfg, 1);
	assert_true(lease_fake_begin(&clients[0]));
	hear(0, SECOND);
	progress(1, 1600, 100 * 1024);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	progress(1, 3200, 101 * 1024);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	assert_string_equal(clients[0].why.text, "instance en/1 uses 101 MB (max_rss_mb 100)");
	assert_int_equal(pool_counts(f.pool)->oversized, 1);
	finish();
}

#define T(name, f)                                                                                 \
	{                                                                                          \
		name, f, setup, NULL, NULL                                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T("stuck in an open utterance", test_stuck_while_open),
		T("a loss says what ended it, and where in the audio", test_where_it_was),
		T("why a socket ended is waited for", test_reason_is_waited_for),
		T("but not for long", test_reason_does_not_come),
		T("stuck before a partial it was asked for", test_stuck_before_a_partial),
		T("stuck before the final", test_stuck_before_its_final),
		T("grown too large in an utterance", test_oversized),
	};

	return cmocka_run_group_tests_name("stuck", tests, NULL, NULL);
}
