/* Instances that are programs of somebody's: they greet, they may be rows of one process, and they may say only so much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/util.h"
#include "pool/lease_fake.h"
#include "pool/pool_fake.h"

enum { CLIENTS = 6, SECOND = 16000 };

static const struct ipc_traits process = { .partials = IPC_PARTIALS_OWN,
	.decode_threads = 1,
	.isolation = IPC_BEARS_PROCESS,
	.quiet_factor = 1 };

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

static void start(const struct pool_config *cfg, const struct ipc_traits *traits)
{
	pool_fake_init(&f, cfg);
	pool_set_traits(f.pool, traits);
	pool_fake_host_up(&f);
}

static void finish(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		lease_fake_release(&clients[i]);
	pool_fake_check(&f);
	pool_fake_done(&f);
}

static struct pool_config few(void)
{
	struct pool_config cfg = pool_fake_config();

	cfg.min = cfg.max = 1;
	cfg.spare = 0;
	return cfg;
}

static void hello(uint64_t id, uint32_t version, const struct ipc_traits *traits)
{
	const struct ipc_message m = { .type = IPC_HELLO,
		.hello = { .version = version, .traits = *traits } };

	pool_on_message(f.pool, id, &m);
	turn_run(&f.turn);
}

/* Its process is there and has said nothing. */
static void come(uint64_t id)
{
	pool_fake_at(&f, id)->born = true;
	assert_true(pool_on_spawned(f.pool, id, (int)(1000 + id)));
}

static void expect_killed(uint64_t id)
{
	assert_true(pool_fake_at(&f, id)->killed);
	assert_int_equal(pool_counts(f.pool)->protocol_errors, 1);
}

static void test_greets_and_is_ready(void **state)
{
	const struct pool_config cfg = few();

	(void)state;
	start(&cfg, &process);
	come(1);
	hello(1, IPC_VERSION, &process);
	assert_int_equal(pool_instances_in(f.pool, INSTANCE_STARTING), 1);
	pool_fake_say(&f, 1, IPC_READY);
	assert_int_equal(pool_instances_in(f.pool, INSTANCE_IDLE), 1);
	assert_int_equal(pool_counts(f.pool)->protocol_errors, 0);
	finish();
}

static void test_ready_before_hello(void **state)
{
	const struct pool_config cfg = few();

	(void)state;
	start(&cfg, &process);
	come(1);
	pool_fake_say(&f, 1, IPC_READY);
	expect_killed(1);
	finish();
}

static void test_greets_twice(void **state)
{
	const struct pool_config cfg = few();

	(void)state;
	start(&cfg, &process);
	come(1);
	hello(1, IPC_VERSION, &process);
	hello(1, IPC_VERSION, &process);
	expect_killed(1);
	finish();
}

static void test_another_version(void **state)
{
	const struct pool_config cfg = few();

	(void)state;
	start(&cfg, &process);
	come(1);
	hello(1, IPC_VERSION + 1, &process);
	expect_killed(1);
	finish();
}

static void test_another_engine(void **state)
{
	struct ipc_traits other = process;
	const struct pool_config cfg = few();

	(void)state;
	other.tells = IPC_TELLS_LANGUAGE;
	start(&cfg, &process);
	come(1);
	hello(1, IPC_VERSION, &other);
	expect_killed(1);
	finish();
}

/* Those that were forked are what their host said. */
static void test_a_fork_does_not_greet(void **state)
{
	struct ipc_traits fork = process;
	const struct pool_config cfg = few();

	(void)state;
	fork.isolation = IPC_BEARS_FORK;
	start(&cfg, &fork);
	come(1);
	hello(1, IPC_VERSION, &fork);
	expect_killed(1);
	finish();
}

static void test_a_row_that_is_none(void **state)
{
	const struct ipc_message m = { .type = IPC_PROGRESS, .row = 1 };
	const struct pool_config cfg = few();

	(void)state;
	start(&cfg, &process);
	come(1);
	hello(1, IPC_VERSION, &process);
	pool_on_message(f.pool, 1, &m);
	turn_run(&f.turn);
	expect_killed(1);
	finish();
}

static struct ipc_traits of_rows(uint16_t n)
{
	struct ipc_traits t = process;

	t.isolation = IPC_BEARS_BATCH;
	t.rows = n;
	return t;
}

/* A row is had again when whoever had it is over, and not before. */
static void test_no_more_than_there_are_rows(void **state)
{
	const struct ipc_traits rows = of_rows(3);
	struct pool_config cfg = few();

	(void)state;
	cfg.max = CLIENTS;
	cfg.spare = 2;
	start(&cfg, &rows);
	assert_int_equal(pool_config_of(f.pool)->max, 3);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_true(lease_fake_ask(&clients[i], i + 1, f.pool));
	pool_fake_born_all(&f);
	assert_int_equal(pool_places_taken(f.pool), 3);
	assert_int_equal(pool_fake_alive(&f), 3);
	assert_true(lease_fake_begin(&clients[0]));
	lease_fake_release(&clients[0]); /* its instance is told to go, and has not gone */
	pool_fake_born_all(&f);
	assert_int_equal(pool_places_taken(f.pool), 3);
	assert_int_equal(pool_fake_alive(&f), 3);
	pool_fake_reap(&f);
	pool_fake_born_all(&f);
	assert_int_equal(pool_instances_in(f.pool, INSTANCE_LEASED), 3);
	finish();
}

static void test_more_rows_are_more_places(void **state)
{
	const struct ipc_traits two = of_rows(2), four = of_rows(4);
	struct pool_config cfg = few();

	(void)state;
	cfg.max = 3;
	start(&cfg, &two);
	assert_int_equal(pool_config_of(f.pool)->max, 2);
	pool_set_traits(f.pool, &four);
	assert_int_equal(pool_config_of(f.pool)->max, 3);
	pool_set_traits(f.pool, &two);
	cfg.max = 5;
	cfg.min = 5;
	pool_reconfigure(f.pool, &cfg);
	turn_run(&f.turn);
	assert_int_equal(pool_config_of(f.pool)->max, 2);
	assert_int_equal(pool_config_of(f.pool)->min, 2);
	finish();
}

static void say(uint64_t id, enum ipc_type type, unsigned n)
{
	struct ipc_message m = { .type = type, .epoch = pool_fake_at(&f, id)->epoch };

	if (type == IPC_PARTIAL)
		m.result = (struct ipc_result){ .utterance = pool_fake_at(&f, id)->utterance };
	for (unsigned i = 0; i < n && !pool_fake_at(&f, id)->killed; i++)
		pool_on_message(f.pool, id, &m);
	turn_run(&f.turn);
}

static void begin(void)
{
	const struct pool_config cfg = few();

	start(&cfg, &process);
	come(1);
	hello(1, IPC_VERSION, &process);
	pool_fake_say(&f, 1, IPC_READY);
	assert_true(lease_fake_ask(&clients[0], 1, f.pool));
	assert_true(lease_fake_begin(&clients[0]));
}

static void test_who_speaks_without_end_is_killed(void **state)
{
	(void)state;
	begin();
	say(1, IPC_PROGRESS, 5000);
	expect_killed(1);
	assert_int_equal(clients[0].seen[LEASE_FAKE_LOST], 1);
	assert_int_equal(clients[0].loss.cause.kind, LOSS_GARBAGE);
	assert_string_equal(
	    clients[0].why.text, "instance en/1 says far more than it is asked for");
	finish();
}

static void test_and_sooner_who_tells_texts(void **state)
{
	(void)state;
	begin();
	say(1, IPC_PARTIAL, 500);
	expect_killed(1);
	finish();
}

static void test_and_who_has_nothing_to_say(void **state)
{
	const struct pool_config cfg = few();

	(void)state;
	start(&cfg, &process);
	come(1);
	hello(1, IPC_VERSION, &process);
	pool_fake_say(&f, 1, IPC_READY);
	say(1, IPC_PROGRESS, 5000);
	expect_killed(1);
	finish();
}

/* As much as is heard may be told, however fast it comes, and signs of life for as long as somebody computes. */
static void test_who_is_asked_may_answer(void **state)
{
	static const int16_t silence[IPC_AUDIO_MAX_SAMPLES];

	(void)state;
	begin();
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(lease_audio(clients[0].lease, silence, ARRAY_SIZE(silence)),
		    ARRAY_SIZE(silence));
		say(1, IPC_PROGRESS, IPC_AUDIO_MAX_SAMPLES / IPC_BLOCK_SAMPLES);
	}
	for (unsigned i = 0; i < 5000; i++) {
		pool_fake_pass_ms(&f, 100);
		say(1, IPC_PROGRESS, 1);
		if (pool_fake_at(&f, 1)->killed)
			break;
	}
	assert_int_equal(pool_counts(f.pool)->protocol_errors, 0);
	finish();
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_greets_and_is_ready), T(test_ready_before_hello),
		T(test_greets_twice), T(test_another_version), T(test_another_engine),
		T(test_a_fork_does_not_greet), T(test_a_row_that_is_none),
		T(test_no_more_than_there_are_rows), T(test_more_rows_are_more_places),
		T(test_who_speaks_without_end_is_killed), T(test_and_sooner_who_tells_texts),
		T(test_and_who_has_nothing_to_say), T(test_who_is_asked_may_answer) };

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
