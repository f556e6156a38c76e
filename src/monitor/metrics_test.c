#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "monitor/crew_fake.h"
#include "monitor/exposition.h"
#include "monitor/monitor.h"
#include "pool/lease_fake.h"
#include "session/roster.h"

static struct crew en, fr;
static struct crew *const crews[] = { &en, &fr };
static struct lease_fake clients[4];
static struct monitor monitor = { .crews = crews, .crews_n = 2 };

static int setup(void **state)
{
	struct pool_config cfg = pool_fake_config();

	(void)state;
	memset(clients, 0, sizeof clients);
	pool_fake_init_as(&en.pool, "en", &cfg);
	pool_fake_init_as(&fr.pool, "fr-small_2", &cfg);
	monitor.roster = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		lease_fake_release(&clients[i]);
	pool_fake_done(&en.pool);
	pool_fake_done(&fr.pool);
	return 0;
}

static void check_page(const char *page)
{
	const char *wrong = exposition_check(page);

	if (wrong != NULL)
		fail_msg("%s", wrong);
}

static void test_empty(void **state)
{
	char *page = monitor_metrics(&monitor);

	(void)state;
	assert_non_null(page);
	check_page(page);
	assert_true(exposition_value(page, "stenopool_pool_ready{pool=\"en\"}") == 0);
	assert_true(exposition_value(page, "stenopool_pool_places{pool=\"fr-small_2\"}") == 2);
	assert_true(exposition_value(page, "stenopool_pool_wait_seconds_count{pool=\"en\"}") == 0);
	assert_true(
	    exposition_value(page, "stenopool_build_info{version=\"" STENOPOOL_VERSION "\"}") == 1);
	free(page);
}

static void test_no_pools(void **state)
{
	const struct monitor none = { .crews = crews, .crews_n = 0 };
	char *page = monitor_metrics(&none);

	(void)state;
	assert_non_null(page);
	assert_true(exposition_value(page, "stenopool_sessions") >= 0);
	free(page);
}

/* Two places, one client that waits, one instance that died. */
static void make_traffic(void)
{
	struct pool_fake *f = &en.pool;

	pool_fake_host_up(f);
	for (unsigned i = 0; i < 3; i++)
		assert_true(lease_fake_ask(&clients[i], i + 1, f->pool));
	pool_fake_born_all(f);
	assert_true(lease_fake_begin(&clients[0]));
	assert_true(lease_fake_end(&clients[0]));
	pool_fake_pass_ms(f, 300);
	pool_fake_final(f, 1, "text");
	pool_fake_exit(f, 2);
	pool_fake_born_all(f);
}

static void test_traffic(void **state)
{
	char *page;

	(void)state;
	make_traffic();
	page = monitor_metrics(&monitor);
	check_page(page);
	assert_true(exposition_value(page, "stenopool_pool_ready{pool=\"en\"}") == 1);
	assert_true(exposition_value(page, "stenopool_pool_ready{pool=\"fr-small_2\"}") == 0);
	assert_true(exposition_value(page, "stenopool_pool_places_taken{pool=\"en\"}") == 2);
	assert_true(exposition_value(page, "stenopool_pool_queue_length{pool=\"en\"}") == 1);
	assert_true(
	    exposition_value(page, "stenopool_pool_instances{pool=\"en\",state=\"leased\"}") == 2);
	assert_true(exposition_value(
			page, "stenopool_pool_instances{pool=\"en\",state=\"retiring\"}") == 1);
	assert_true(
	    exposition_value(page, "stenopool_pool_instances_spawned_total{pool=\"en\"}") == 4);
	assert_true(
	    exposition_value(page, "stenopool_pool_instances_exited_total{pool=\"en\"}") == 1);
	assert_true(
	    exposition_value(page, "stenopool_pool_instances_lost_total{pool=\"en\"}") == 1);
	assert_true(
	    exposition_value(page, "stenopool_pool_leases_granted_total{pool=\"en\"}") == 2);
	assert_true(
	    exposition_value(page, "stenopool_pool_utterances_begun_total{pool=\"en\"}") == 1);
	assert_true(
	    exposition_value(page, "stenopool_pool_utterances_ended_total{pool=\"en\"}") == 1);
	assert_true(exposition_value(
			page, "stenopool_pool_utterances_begun_total{pool=\"fr-small_2\"}") == 0);
	assert_true(exposition_value(page, "stenopool_pool_final_seconds_count{pool=\"en\"}") == 1);
	assert_true(exposition_value(page, "stenopool_pool_final_seconds_sum{pool=\"en\"}") == 0.3);
	assert_true(exposition_value(
			page, "stenopool_pool_final_seconds_bucket{pool=\"en\",le=\"0.2\"}") == 0);
	assert_true(exposition_value(
			page, "stenopool_pool_final_seconds_bucket{pool=\"en\",le=\"0.35\"}") == 1);
	free(page);
}

/* Every bucket in use, and one beyond them all. */
static void test_histogram(void **state)
{
	struct histogram *h = (struct histogram *)(uintptr_t)&pool_counts(fr.pool.pool)->begin;
	char *page;

	(void)state;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram_observe(h, histogram_bounds_ns[i]);
	histogram_observe(h, 3600 * NS_PER_S);
	page = monitor_metrics(&monitor);
	check_page(page);
	assert_true(
	    exposition_value(page,
		"stenopool_pool_begin_seconds_bucket{pool=\"fr-small_2\",le=\"0.0001\"}") == 1);
	assert_true(exposition_value(page,
			"stenopool_pool_begin_seconds_bucket{pool=\"fr-small_2\",le=\"60\"}") ==
	    HISTOGRAM_BUCKETS);
	assert_true(exposition_value(page,
			"stenopool_pool_begin_seconds_bucket{pool=\"fr-small_2\",le=\"+Inf\"}") ==
	    HISTOGRAM_BUCKETS + 1);
	assert_true(
	    exposition_value(page, "stenopool_pool_begin_seconds_count{pool=\"fr-small_2\"}") ==
	    HISTOGRAM_BUCKETS + 1);
	assert_true(exposition_value(
			page, "stenopool_pool_begin_seconds_bucket{pool=\"en\",le=\"+Inf\"}") == 0);
	free(page);
	memset(h, 0, sizeof *h);
}

/* Durations are counted in a small unit and shown in seconds. */
static double shown(const struct metric_info *m, uint64_t value)
{
	if (m->kind == METRIC_MILLISECONDS)
		return (double)value / 1e3;
	return m->kind == METRIC_MICROSECONDS ? (double)value / 1e6 : (double)value;
}

static void test_server_metrics(void **state)
{
	char *page, series[100];

	(void)state;
	for (unsigned i = 0; i < METRIC_COUNT; i++)
		metric_add((enum metric)i, 1000 + i);
	metric_add(METRIC_words_total, (UINT64_C(1) << 60) - metric_get(METRIC_words_total));
	page = monitor_metrics(&monitor);
	check_page(page);
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		(void)snprintf(series, sizeof series, "stenopool_%s", metric_table[i].name);
		if (exposition_value(page, series) !=
		    shown(&metric_table[i], metric_get((enum metric)i)))
			fail_msg("%s", series);
	}
	assert_non_null(strstr(page, "stenopool_words_total 1152921504606846976"));
	free(page);
}

/* The checker itself: each of these must be found. */
#define GOOD    "# HELP a_total One.\n# TYPE a_total counter\na_total{pool=\"x\"} 1\n"
#define HEAD    "# HELP h H.\n# TYPE h histogram\n"
#define BUCKETS "h_bucket{p=\"1\",le=\"1\"} 2\nh_bucket{p=\"1\",le=\"+Inf\"} 3\n"

static struct row {
	const char *name, *page, *wrong; /* NULL: nothing is */
} rows[] = {
	{ "checker: a good page", GOOD HEAD BUCKETS "h_sum{p=\"1\"} 0.5\nh_count{p=\"1\"} 3\n",
	    NULL },
	{ "checker: escapes in a label",
	    "# HELP a A \\\\ \\n.\n# TYPE a gauge\na{l=\"\\\\ \\\" \\n ,}\"} -1.5e3\n", NULL },
	{ "checker: no end of line", "# HELP a A.\n# TYPE a gauge\na 1",
	    "line 3: the last line does not end" },
	{ "checker: an empty line", GOOD "\n", "line 4: a sample without a legal name" },
	{ "checker: no TYPE", "# HELP a A.\na 1\n", "line 2: a stands below a" },
	{ "checker: no HELP", "# TYPE a gauge\na 1\n",
	    "line 1: TYPE that does not follow its HELP" },
	{ "checker: TYPE of another", "# HELP a A.\n# TYPE b gauge\nb 1\n",
	    "line 2: TYPE that does not follow its HELP" },
	{ "checker: TYPE twice", "# HELP a A.\n# TYPE a gauge\n# TYPE a gauge\na 1\n",
	    "line 3: TYPE that does not follow its HELP" },
	{ "checker: an unknown kind", "# HELP a A.\n# TYPE a number\na 1\n",
	    "line 2: a kind that is not known: number" },
	{ "checker: a family twice", GOOD "# HELP b B.\n# TYPE b gauge\nb 1\n" GOOD,
	    "line 7: a_total a second time" },
	{ "checker: a series twice", GOOD "a_total{pool=\"x\"} 1\n",
	    "line 4: a_total{pool=\"x\"} a second time" },
	{ "checker: a sample of another family", GOOD "b 1\n", "line 4: b stands below a_total" },
	{ "checker: a family without samples", "# HELP a A.\n# TYPE a gauge\n" GOOD,
	    "line 3: a has no sample" },
	{ "checker: a counter without _total", "# HELP a A.\n# TYPE a counter\na 1\n",
	    "line 2: a counter must end in _total" },
	{ "checker: a counter below 0", "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
	    "line 3: less than nothing was counted" },
	{ "checker: a name with a hyphen", "# HELP a-b A.\n# TYPE a-b gauge\na-b 1\n",
	    "line 1: HELP without a legal name and a text" },
	{ "checker: a label name with a hyphen", "# HELP a A.\n# TYPE a gauge\na{b-c=\"1\"} 1\n",
	    "line 3: labels that are not legal" },
	{ "checker: a quote in a label", "# HELP a A.\n# TYPE a gauge\na{b=\"c\"d\"} 1\n",
	    "line 3: labels that are not legal" },
	{ "checker: a bad escape", "# HELP a A.\n# TYPE a gauge\na{b=\"\\t\"} 1\n",
	    "line 3: labels that are not legal" },
	{ "checker: no value", "# HELP a A.\n# TYPE a gauge\na{b=\"c\"}\n",
	    "line 3: a sample without just one value" },
	{ "checker: a word for a value", "# HELP a A.\n# TYPE a gauge\na one\n",
	    "line 3: a sample without just one value" },
	{ "checker: two values", "# HELP a A.\n# TYPE a gauge\na 1 2\n",
	    "line 3: a sample without just one value" },
	{ "checker: buckets that fall", HEAD "h_bucket{le=\"1\"} 2\nh_bucket{le=\"2\"} 1\n",
	    "line 4: buckets must rise" },
	{ "checker: bounds that fall", HEAD "h_bucket{le=\"2\"} 2\nh_bucket{le=\"1\"} 2\n",
	    "line 4: buckets must rise" },
	{ "checker: no bucket +Inf", HEAD "h_bucket{le=\"1\"} 2\nh_sum 1\n",
	    "line 4: _sum or _count without buckets up to +Inf before it" },
	{ "checker: a count that differs", HEAD BUCKETS "h_sum{p=\"1\"} 1\nh_count{p=\"1\"} 4\n",
	    "line 6: _count must be that of the bucket +Inf and follow _sum" },
	{ "checker: no sum", HEAD BUCKETS "h_count{p=\"1\"} 3\n",
	    "line 5: _count must be that of the bucket +Inf and follow _sum" },
	{ "checker: neither sum nor count", HEAD BUCKETS,
	    "line 4: h: the buckets have no _sum and _count" },
	{ "checker: a bucket without le", HEAD "h_bucket{p=\"1\"} 2\n",
	    "line 3: a bucket without le" },
	{ "checker: buckets of two series mixed",
	    HEAD "h_bucket{p=\"1\",le=\"1\"} 2\nh_bucket{p=\"2\",le=\"2\"} 2\n",
	    "line 4: buckets of two series mixed" },
};

static void test_checker(void **state)
{
	const struct row *r = *state;
	const char *wrong = exposition_check(r->page);

	if (r->wrong == NULL)
		assert_null(wrong);
	else
		assert_string_equal(wrong == NULL ? "nothing" : wrong, r->wrong);
}

int main(void)
{
	const struct CMUnitTest plain[] = {
		{ "a server that has done nothing yet", test_empty, setup, teardown, NULL },
		{ "a server without pools", test_no_pools, setup, teardown, NULL },
		{ "pools with clients", test_traffic, setup, teardown, NULL },
		{ "a histogram with every bucket in use", test_histogram, setup, teardown, NULL },
		{ "each metric of the table is there, large ones to the digit", test_server_metrics,
		    setup, teardown, NULL },
	};
	struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(rows)];

	log_set_level(LOG_ERROR);
	memcpy(tests, plain, sizeof plain);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[ARRAY_SIZE(plain) + i] =
		    (struct CMUnitTest){ rows[i].name, test_checker, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
