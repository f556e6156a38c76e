#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "monitor/crew_fake.h"
#include "monitor/memory.h"
#include "monitor/monitor.h"
#include "session/roster.h"
#include "session/session_fake.h"

static struct crew en, fr;
static struct crew *const crews[] = { &en, &fr };
static struct session_fake *clients[3];
static struct work_fake work;
static struct roster *roster;
static struct monitor monitor = { .crews = crews, .crews_n = 2 };

static int setup(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	pool_fake_init_as(&en.pool, "en", &cfg);
	pool_fake_init_as(&fr.pool, "fr", &cfg);
	en.host_pid = 4711;
	fr.host_pid = 0;
	work_fake_init(&work);
	monitor.roster = roster = roster_new(10);
	monitor.started_ns = clock_now_ns();
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		clients[i] = xcalloc(1, sizeof *clients[i]);
		clients[i]->limits = (struct session_limits){
			.buffer_ms = 1000, .partial_interval_ms = 300, .losses_max = 8
		};
	}
	return 0;
}

static void leave(struct session_fake *c)
{
	if (c->session != NULL)
		roster_remove(roster, c->session);
	session_fake_close(c);
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		leave(clients[i]);
		free(clients[i]);
	}
	work_fake_run(&work);
	roster_free(&roster);
	pool_fake_done(&en.pool);
	pool_fake_done(&fr.pool);
	return 0;
}

static void enter(int n)
{
	const struct session_config cfg = session_fake_config();

	assert_true(session_fake_open(clients[n], &en.pool, &work, &cfg));
	roster_add(roster, clients[n]->session);
	pool_fake_born_all(&en.pool);
}

static json_t *page(void)
{
	struct memory *memory = memory_new(&monitor);
	json_t *status;
	char *text;

	memory_read(memory);
	text = monitor_status(&monitor, memory);
	memory_free(&memory);
	assert_non_null(text);
	status = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(status);
	free(text);
	return status;
}

static const json_t *pool_of(const json_t *status, size_t n)
{
	return json_array_get(json_object_get(status, "pools"), n);
}

static long long number(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

static const char *word(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s == NULL ? "" : s;
}

static void check_sum(const json_t *status, const char *name, long long open)
{
	const json_t *sum = json_object_get(json_object_get(status, "sums"), name);

	assert_int_equal(number(sum, "open"), open);
	assert_int_equal(number(sum, "begun"), number(sum, "ended") + open);
	assert_true(json_is_true(json_object_get(sum, "balanced")));
}

static void check_sums(long long sessions, long long leases, long long utterances)
{
	json_t *status = page();

	check_sum(status, "sessions", sessions);
	check_sum(status, "leases", leases);
	check_sum(status, "utterances", utterances);
	check_sum(status, "instances", pool_fake_alive(&en.pool) + pool_fake_alive(&fr.pool));
	json_decref(status);
}

static void test_sums(void **state)
{
	(void)state;
	check_sums(0, 0, 0);
	pool_fake_host_up(&en.pool);
	for (int i = 0; i < 3; i++)
		enter(i);
	check_sums(3, 2, 0);
	for (int i = 0; i < 3; i++)
		(void)session_fake_hear(clients[i], 200);
	work_fake_run(&work);
	check_sums(3, 2, 2);
	session_commit(clients[0]->session);
	work_fake_run(&work);
	check_sums(3, 2, 2);
	pool_fake_failed(&en.pool, 2, "no");
	pool_fake_born_all(&en.pool);
	pool_fake_failed(&en.pool, 3, "no"); /* open: its stump is there, and counted as failed */
	check_sums(3, 2, 1);
	pool_fake_final(&en.pool, 1, "text");
	check_sums(3, 2, 0);
	pool_fake_born_all(&en.pool);
	(void)session_fake_hear(clients[0], 200);
	work_fake_run(&work);
	check_sums(3, 2, 1);
	leave(clients[0]); /* in mid-utterance; the third one gets its place */
	check_sums(2, 2, 0);
	work_fake_run(&work);
	check_sums(2, 2, 1);
	pool_fake_reap(&en.pool);
	check_sums(2, 2, 1);
}

static void test_an_unbalanced_sum_is_told(void **state)
{
	struct pool_counts *c = (struct pool_counts *)(uintptr_t)pool_counts(en.pool.pool);
	json_t *status;

	(void)state;
	c->leases_granted++;
	status = page();
	assert_true(json_is_false(json_object_get(
	    json_object_get(json_object_get(status, "sums"), "leases"), "balanced")));
	json_decref(status);
	c->leases_granted--;
}

static void check_instances(const json_t *pool)
{
	const json_t *instances = json_object_get(pool, "instances"),
		     *i = json_array_get(instances, 0);

	assert_int_equal(json_array_size(instances), 2);
	if (number(i, "id") != 1)
		i = json_array_get(instances, 1);
	assert_int_equal(number(i, "id"), 1);
	assert_int_equal(number(i, "pid"), 1001);
	assert_string_equal(word(i, "state"), "leased");
	assert_int_equal(number(i, "session"), session_id(clients[0]->session));
	assert_int_equal(number(i, "uses"), 1);
	assert_int_equal(number(i, "age_ms"), 700);
	assert_int_equal(number(i, "private_kb"), 2002);
}

static void check_queue(const json_t *pool)
{
	const json_t *queue = json_object_get(pool, "queue"), *w = json_array_get(queue, 0);

	assert_int_equal(json_array_size(queue), 1);
	assert_int_equal(number(w, "session"), session_id(clients[2]->session));
	assert_int_equal(number(w, "position"), 1);
	assert_int_equal(number(w, "waited_ms"), 700);
	assert_int_equal(number(w, "estimated_wait_ms"), 5000);
}

static void check_counts(const json_t *pool)
{
	const json_t *counts = json_object_get(pool, "counts");

	assert_int_equal(number(counts, "places"), 2);
	assert_int_equal(number(counts, "places_taken"), 2);
	assert_int_equal(number(counts, "waiting"), 1);
	assert_int_equal(number(counts, "leased"), 2);
	assert_int_equal(number(counts, "starting"), 0);
	assert_int_equal(number(counts, "idle"), 0);
	assert_int_equal(number(counts, "retiring"), 0);
}

static void test_pools(void **state)
{
	json_t *status;

	(void)state;
	pool_fake_host_up(&en.pool);
	for (int i = 0; i < 3; i++)
		enter(i);
	(void)session_fake_hear(clients[0], 200);
	work_fake_run(&work);
	pool_fake_pass_ms(&en.pool, 700);
	pool_fake_host_failed(&fr.pool, "there is no model");
	status = page();
	assert_string_equal(word(status, "version"), STENOPOOL_VERSION);
	assert_true(number(status, "uptime_ms") >= 0);
	assert_string_equal(word(pool_of(status, 0), "name"), "en");
	assert_string_equal(word(pool_of(status, 0), "state"), "ready");
	assert_null(json_object_get(pool_of(status, 0), "failure"));
	assert_int_equal(number(pool_of(status, 0), "host_pid"), 4711);
	check_counts(pool_of(status, 0));
	check_instances(pool_of(status, 0));
	check_queue(pool_of(status, 0));
	assert_string_equal(word(pool_of(status, 1), "name"), "fr");
	assert_string_equal(word(pool_of(status, 1), "state"), "failed");
	assert_string_equal(word(pool_of(status, 1), "failure"), "pool fr: there is no model");
	json_decref(status);
}

static void test_sessions(void **state)
{
	json_t *status;
	const json_t *sessions;
	unsigned seen = 0;

	(void)state;
	pool_fake_host_up(&en.pool);
	for (int i = 0; i < 3; i++)
		enter(i);
	status = page();
	sessions = json_object_get(status, "sessions");
	assert_int_equal(json_array_size(sessions), 3);
	for (size_t i = 0; i < 3; i++) {
		const json_t *s = json_array_get(sessions, i);
		bool waits = number(s, "id") == (long long)session_id(clients[2]->session);

		assert_string_equal(word(s, "pool"), "en");
		assert_string_equal(word(s, "state"), waits ? "queued" : "ready");
		assert_int_equal(json_is_null(json_object_get(s, "instance")), waits);
		seen += waits;
	}
	assert_int_equal(seen, 1);
	json_decref(status);
}

/* The third has a key, the second has none, and of the first nothing is known. */
static bool client_of(void *arg, uint64_t session, struct monitor_client *out)
{
	assert_ptr_equal(arg, clients);
	if (session == session_id(clients[2]->session))
		*out = (struct monitor_client){ "alice", PRIORITY_HIGH };
	else if (session == session_id(clients[1]->session))
		*out = (struct monitor_client){ NULL, PRIORITY_LOW };
	else
		return false;
	return true;
}

static void check_client(const json_t *s)
{
	const json_t *key = json_object_get(s, "key");
	long long id = number(s, "id");

	if (id == (long long)session_id(clients[2]->session)) {
		assert_string_equal(word(s, "key"), "alice");
		assert_string_equal(word(s, "priority"), "high");
	} else if (id == (long long)session_id(clients[1]->session)) {
		assert_true(json_is_null(key));
		assert_string_equal(word(s, "priority"), "low");
	} else {
		assert_null(key);
		assert_null(json_object_get(s, "priority"));
	}
}

static void test_clients_of_sessions(void **state)
{
	json_t *status;

	(void)state;
	pool_fake_host_up(&en.pool);
	for (int i = 0; i < 3; i++)
		enter(i);
	monitor.client_of = client_of;
	monitor.client_arg = clients;
	status = page();
	monitor.client_of = NULL;
	for (size_t i = 0; i < 3; i++)
		check_client(json_array_get(json_object_get(status, "sessions"), i));
	json_decref(status);
}

/* What an engine says of itself need not be UTF-8; the page is there all the same. */
static void test_failure_that_is_not_utf8(void **state)
{
	json_t *status;
	char *text;
	bool ready;

	(void)state;
	pool_fake_host_failed(&fr.pool, "mod\xe8le absent");
	status = page();
	assert_string_equal(word(pool_of(status, 1), "state"), "failed");
	assert_string_equal(word(pool_of(status, 1), "failure"), "pool fr: mod?le absent");
	json_decref(status);
	text = monitor_ready(&monitor, &ready);
	assert_non_null(text);
	assert_non_null(strstr(text, "pool fr: mod?le absent"));
	free(text);
}

static void check_ready(bool want, const char *en_state, const char *fr_state)
{
	bool ready = !want;
	char *text = monitor_ready(&monitor, &ready);
	json_t *status = json_loads(text, 0, NULL);

	assert_non_null(status);
	assert_int_equal(ready, want);
	assert_int_equal(json_is_true(json_object_get(status, "ready")), want);
	assert_string_equal(word(json_object_get(status, "pools"), "en"), en_state);
	assert_string_equal(word(json_object_get(status, "pools"), "fr"), fr_state);
	json_decref(status);
	free(text);
}

static void test_ready(void **state)
{
	(void)state;
	check_ready(false, "starting", "starting");
	pool_fake_host_failed(&fr.pool, "no");
	check_ready(false, "starting", "pool fr: no");
	pool_fake_host_up(&en.pool);
	check_ready(true, "ready", "pool fr: no");
	pool_fake_host_down(&en.pool);
	check_ready(false, "pool en: its host was killed by signal 9 (Killed)", "pool fr: no");
	pool_stop(en.pool.pool);
	check_ready(false, "stopped", "pool fr: no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "what has begun has ended or is open, at every step", test_sums, setup, teardown,
		    NULL },
		{ "a sum that is not balanced is told", test_an_unbalanced_sum_is_told, setup,
		    teardown, NULL },
		{ "pools, their instances and who waits", test_pools, setup, teardown, NULL },
		{ "sessions", test_sessions, setup, teardown, NULL },
		{ "the clients of sessions", test_clients_of_sessions, setup, teardown, NULL },
		{ "a failure in words that are not UTF-8", test_failure_that_is_not_utf8, setup,
		    teardown, NULL },
		{ "ready when some pool is", test_ready, setup, teardown, NULL },
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
