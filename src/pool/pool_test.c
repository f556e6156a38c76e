/* Newborns ahead of demand, hosts that come and go, and instances that speak when they should not. */
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

static void test_host_down(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 2;
	cfg.max = 3;
	start(&cfg);
	assert_true(ask(0));
	begin_and_end(0);
	assert_true(ask(1));
	assert_true(ask(2)); /* granted, its newborn is on the way */
	pool_fake_host_down(&f);
	assert_int_equal(pool_state(f.pool), POOL_STARTING);
	assert_string_equal(
	    pool_failure(f.pool), "pool en: its host was killed by signal 9 (Killed)");
	assert_int_equal(counts()->hosts_lost, 1);
	assert_int_equal(in(INSTANCE_STARTING), 0);
	pool_fake_check(&f);
	pool_fake_final(&f, 1, "still heard");
	assert_int_equal(clients[0].seen[LEASE_FAKE_FINAL], 1);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	assert_false(lease_fake_begin(&clients[0]));
	assert_int_equal(begin_and_end(1), 2);
	pool_fake_host_up(&f);
	assert_string_equal(pool_failure(f.pool), "");
	pool_fake_born_all(&f);
	assert_int_equal(clients[0].seen[LEASE_FAKE_WRITABLE], 1);
	assert_int_not_equal(begin(0), 0);
	assert_int_not_equal(begin(2), 0);
	finish();
}

static void test_idle_are_lent_without_host(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	start(&cfg);
	pool_fake_host_down(&f);
	assert_true(ask(0));
	assert_true(clients[0].granted);
	assert_true(ask(1));
	assert_false(clients[1].granted); /* a place without an instance is worth nothing now */
	pool_fake_host_up(&f);
	assert_true(clients[1].granted);
	finish();
}

static void test_host_failed(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	pool_fake_init(&f, &cfg);
	assert_true(ask(0) && ask(1));
	pool_fake_host_failed(&f, "there is no model at /m");
	pool_fake_host_down(&f);
	assert_int_equal(pool_state(f.pool), POOL_FAILED);
	assert_string_equal(pool_failure(f.pool), "pool en: there is no model at /m");
	for (unsigned i = 0; i < 2; i++) {
		assert_true(clients[i].refused);
		assert_int_equal(clients[i].why.code, ERROR_ENGINE);
		assert_string_equal(clients[i].why.text, "pool en: there is no model at /m");
	}
	assert_false(ask(2));
	assert_string_equal(clients[2].why.text, "pool en: there is no model at /m");
	assert_int_equal(counts()->refused_failed, 3);
	pool_fake_host_up(&f);
	assert_int_equal(pool_state(f.pool), POOL_READY);
	assert_string_equal(pool_failure(f.pool), "");
	assert_true(ask(2) && clients[2].granted);
	finish();
}

static void test_leases_outlive_a_failure(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.refresh = REFRESH_SESSION;
	start(&cfg);
	assert_true(ask(0));
	pool_fake_born_all(&f);
	begin_and_end(0);
	pool_fake_host_failed(&f, "broken");
	pool_fake_host_down(&f);
	pool_fake_final(&f, 1, "text");
	assert_int_equal(clients[0].seen[LEASE_FAKE_FINAL], 1);
	assert_int_equal(begin(0), 1);
	finish();
}

static void test_state_names(void **state)
{
	(void)state;
	assert_string_equal(pool_state_name(POOL_STARTING), "starting");
	assert_string_equal(pool_state_name(POOL_READY), "ready");
	assert_string_equal(pool_state_name(POOL_FAILED), "failed");
	assert_string_equal(pool_state_name(POOL_STOPPED), "stopped");
}

/* Instances that end, in each state. */

static void test_lost_while_starting(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	assert_true(pool_on_spawned(f.pool, 1, 77));
	pool_fake_lose(&f, 1, "gone");
	assert_int_equal(in(INSTANCE_RETIRING), 1);
	assert_int_equal(counts()->lost, 1);
	assert_int_equal(f.last_id, 1); /* pauses */
	pool_fake_exit(&f, 1);
	assert_int_equal(counts()->lost, 1);
	finish();
}

static void test_lost_while_idle(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	start(&cfg);
	pool_fake_lose(&f, 1, "gone");
	assert_int_equal(in(INSTANCE_IDLE), 0);
	assert_int_equal(f.last_id, 2); /* at once */
	assert_int_equal(counts()->lost, 1);
	finish();
}

static void test_lost_while_lent(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg);
	assert_true(ask(0));
	pool_fake_born_all(&f);
	pool_fake_lose(&f, 1, "gone");
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0); /* there was nothing to fail */
	assert_true(clients[0].granted);
	pool_fake_born_all(&f);
	assert_int_equal(begin(0), 2);
	finish();
}

static void test_lost_in_speech(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	for (int refresh = REFRESH_UTTERANCE; refresh <= REFRESH_RESET; refresh++) {
		for (int ended = 0; ended < 2; ended++) {
			uint64_t id;

			setup(NULL);
			cfg.refresh = (enum refresh)refresh;
			start(&cfg);
			assert_true(ask(0));
			pool_fake_born_all(&f);
			id = ended ? begin_and_end(0) : begin(0);
			pool_fake_lose(&f, id, "instance en/1 died");
			assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
			assert_string_equal(clients[0].why.text, "instance en/1 died");
			assert_int_equal(counts()->utterances_ended, 1);
			pool_fake_check(&f);
			pool_fake_born_all(&f);
			assert_int_equal(
			    clients[0].seen[LEASE_FAKE_WRITABLE], 0); /* it was not asked for */
			assert_int_not_equal(begin(0), id);
			finish();
		}
	}
}

static void test_lost_while_going(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg);
	assert_true(ask(0));
	pool_fake_born_all(&f);
	pool_fake_final(&f, begin_and_end(0), "text");
	pool_fake_lose(&f, 1, "gone");
	pool_fake_exit(&f, 1);
	assert_int_equal(counts()->lost, 0);
	assert_int_equal(counts()->exited, 1);
	finish();
}

static void test_exit_without_loss(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg);
	assert_true(ask(0));
	pool_fake_born_all(&f);
	begin(0);
	pool_fake_exit(&f, 1);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	assert_string_equal(clients[0].why.text, "instance en/1 was killed by signal 9");
	assert_int_equal(counts()->lost, 1);
	assert_int_equal(counts()->exited, 1);
	finish();
}

static void test_death_found_by_sending(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	start(&cfg);
	assert_true(ask(0));
	pool_fake_born_all(&f);
	pool_fake_room(&f, 1, -1);
	assert_false(lease_fake_begin(&clients[0]));
	pool_fake_lose(&f, 1, "gone");
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 0);
	pool_fake_born_all(&f);
	assert_int_equal(clients[0].seen[LEASE_FAKE_WRITABLE], 1);
	assert_int_equal(begin(0), 2);
	finish();
}

/* Instances that say what they may not. */

static void check_violation(
    const struct pool_config *cfg, bool lend, bool speak, enum ipc_type type, const char *sentence)
{
	setup(NULL);
	start(cfg);
	if (lend)
		assert_true(ask(0));
	pool_fake_born_all(&f);
	if (speak)
		begin(0);
	pool_fake_say(&f, 1, type);
	assert_true(pool_fake_at(&f, 1)->killed);
	assert_int_equal(counts()->protocol_errors, 1);
	assert_int_equal(counts()->utterances_ended, speak);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], speak);
	if (speak)
		assert_string_equal(clients[0].why.text, sentence);
	pool_fake_exit(&f, 1);
	pool_fake_check(&f);
	pool_fake_born_all(&f);
	assert_int_equal(in(INSTANCE_IDLE) + in(INSTANCE_LEASED), 1);
	finish();
}

static void test_violations(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	check_violation(&cfg, false, false, IPC_READY, NULL);
	check_violation(&cfg, false, false, IPC_HELLO, NULL);
	check_violation(&cfg, true, false, IPC_READY, NULL);
	check_violation(&cfg, true, false, IPC_AUDIO, NULL);
	check_violation(&cfg, true, true, IPC_READY, "instance en/1 sent READY while leased");
	check_violation(&cfg, true, true, IPC_BEGIN, "instance en/1 sent BEGIN while leased");
	check_violation(&cfg, true, true, IPC_RESET, "instance en/1 sent RESET while leased");
}

static void test_talk_before_ready(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.min = 1;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	assert_true(pool_on_spawned(f.pool, 1, 77));
	pool_fake_say(&f, 1, IPC_FINAL);
	assert_int_equal(counts()->stale_messages, 1);
	pool_fake_say(&f, 1, IPC_HELLO);
	assert_int_equal(counts()->protocol_errors, 1);
	assert_true(pool_fake_at(&f, 1)->killed);
	finish();
}

/* The end. */

static void test_stop(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	cfg.max = 2;
	cfg.spare = 1;
	start(&cfg);
	for (unsigned i = 0; i < 3; i++)
		assert_true(ask(i));
	pool_fake_born_all(&f);
	begin_and_end(0);
	pool_stop(f.pool);
	turn_run(&f.turn);
	assert_int_equal(pool_state(f.pool), POOL_STOPPED);
	assert_true(clients[2].refused);
	assert_string_equal(clients[2].why.text, "pool en: the server is shutting down");
	assert_int_equal(in(INSTANCE_IDLE) + in(INSTANCE_STARTING), 0);
	assert_false(ask(3));
	assert_string_equal(clients[3].why.text, "pool en: the server is shutting down");
	assert_int_equal(clients[3].why.code, ERROR_RESTARTING);
	pool_fake_final(&f, 1, "heard out");
	assert_int_equal(clients[0].seen[LEASE_FAKE_FINAL], 1);
	lease_fake_release(&clients[0]);
	lease_fake_release(&clients[1]);
	assert_int_equal(
	    in(INSTANCE_IDLE) + in(INSTANCE_STARTING), 0); /* the unused one goes too */
	pool_fake_host_down(&f);
	pool_fake_host_up(&f);
	assert_int_equal(pool_state(f.pool), POOL_STOPPED);
	assert_int_equal(counts()->spawned, 3);
	finish();
}

static void test_stop_twice_and_free(void **state)
{
	struct pool_config cfg = pool_fake_config();
	struct pool *none = NULL;

	(void)state;
	cfg.min = 2;
	pool_fake_init(&f, &cfg);
	pool_fake_host_up(&f);
	pool_fake_born(&f, 1);
	pool_stop(f.pool);
	pool_stop(f.pool);
	pool_fake_born(&f, 2); /* its host had forked it already */
	assert_int_equal(in(INSTANCE_RETIRING), 2);
	pool_free(&none);
	finish();
}

/* What others may see. */

static void note_instance(void *arg, const struct instance_view *v)
{
	struct instance_view *views = arg;

	views[v->id] = *v;
}

static void note_waiter(void *arg, const struct waiter_view *v)
{
	struct waiter_view *views = arg;

	views[v->position] = *v;
}

static void test_views(void **state)
{
	struct pool_config cfg = pool_fake_config();
	struct instance_view instances[4];
	struct waiter_view waiters[3];

	(void)state;
	cfg.max = 1;
	cfg.spare = 1;
	start(&cfg);
	assert_true(ask(0) && ask(1) && ask(2));
	pool_fake_born_all(&f);
	begin(0);
	pool_fake_pass_ms(&f, 1234);
	memset(instances, 0, sizeof instances);
	pool_each_instance(f.pool, note_instance, instances);
	assert_int_equal(instances[1].session, 1);
	assert_int_equal(instances[1].state, INSTANCE_LEASED);
	assert_int_equal(instances[1].pid, 1001);
	assert_int_equal(instances[1].uses, 1);
	assert_int_equal(instances[1].age_ms, 1234);
	assert_int_equal(instances[2].session, 0);
	assert_int_equal(instances[2].state, INSTANCE_IDLE);
	assert_int_equal(instances[3].id, 0);
	memset(waiters, 0, sizeof waiters);
	pool_each_waiter(f.pool, note_waiter, waiters);
	assert_int_equal(waiters[1].session, 2);
	assert_int_equal(waiters[2].session, 3);
	assert_int_equal(waiters[2].waited_ms, 1234);
	assert_int_equal(waiters[2].estimated_wait_ms, 20000);
	assert_int_equal(pool_queue_length(f.pool), 2);
	assert_string_equal(pool_name(f.pool), "en");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a host that dies takes only the unborn with it", test_host_down, setup, NULL,
		    NULL },
		{ "idle ones are lent while the host is away", test_idle_are_lent_without_host,
		    setup, NULL, NULL },
		{ "a host that fails refuses all with its reason", test_host_failed, setup, NULL,
		    NULL },
		{ "leases go on when the host fails", test_leases_outlive_a_failure, setup, NULL,
		    NULL },
		{ "states have names", test_state_names, setup, NULL, NULL },
		{ "an instance lost while starting", test_lost_while_starting, setup, NULL, NULL },
		{ "an instance lost while idle", test_lost_while_idle, setup, NULL, NULL },
		{ "an instance lost while lent, with nothing begun", test_lost_while_lent, setup,
		    NULL, NULL },
		{ "an instance lost in an utterance fails it", test_lost_in_speech, setup, NULL,
		    NULL },
		{ "an instance lost while it goes is not counted", test_lost_while_going, setup,
		    NULL, NULL },
		{ "an exit without a closed socket is a loss", test_exit_without_loss, setup, NULL,
		    NULL },
		{ "a death found by sending is told later", test_death_found_by_sending, setup,
		    NULL, NULL },
		{ "an instance that breaks the protocol is killed", test_violations, setup, NULL,
		    NULL },
		{ "an instance that talks before it is ready", test_talk_before_ready, setup, NULL,
		    NULL },
		{ "stop refuses who waits and lets leases go on", test_stop, setup, NULL, NULL },
		{ "stop may come twice, and with newborns on the way", test_stop_twice_and_free,
		    setup, NULL, NULL },
		{ "status sees instances and waiters", test_views, setup, NULL, NULL },
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
