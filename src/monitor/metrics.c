/* The metrics page: Prometheus text format 0.0.4. */
#include <inttypes.h>

#include "base/metric.h"
#include "base/util.h"
#include "monitor/monitor.h"
#include "monitor/page.h"
#include "pool/compute.h"
#include "pool/crew.h"
#include "pool/pool.h"

#define PREFIX "stenopool_"

struct pool_counter {
	const char *name, *help;
	size_t offset; /* of a uint64_t in struct pool_counts */
};

static const struct pool_counter pool_counters[] = {
	{ "pool_instances_spawned_total", "Instances asked of the host",
	    offsetof(struct pool_counts, spawned) },
	{ "pool_instances_exited_total", "Instances whose process has ended",
	    offsetof(struct pool_counts, exited) },
	{ "pool_instances_lost_total", "Instances that ended unasked",
	    offsetof(struct pool_counts, lost) },
	{ "pool_instances_stuck_total",
	    "Instances killed for making no progress (begin_timeout_ms, final_timeout_ms)",
	    offsetof(struct pool_counts, stuck) },
	{ "pool_instances_oversized_total", "Instances killed in an utterance over max_rss_mb",
	    offsetof(struct pool_counts, oversized) },
	{ "pool_instances_worn_total", "Instances replaced for their age, uses, memory or model",
	    offsetof(struct pool_counts, worn) },
	{ "pool_instances_surplus_total", "Instances retired after idle_ttl_ms",
	    offsetof(struct pool_counts, surplus) },
	{ "pool_canaries_total", "Canary clips given to idle instances",
	    offsetof(struct pool_counts, canaries) },
	{ "pool_canaries_lost_total", "Canary clips that an instance was lost to",
	    offsetof(struct pool_counts, canaries_lost) },
	{ "pool_instances_violations_total", "Instances killed for a system call they may not make",
	    offsetof(struct pool_counts, violations) },
	{ "pool_hosts_lost_total", "Hosts that ended unasked, or were killed",
	    offsetof(struct pool_counts, hosts_lost) },
	{ "pool_hosts_stuck_total",
	    "Hosts killed for standing still (host_timeout_ms, load_timeout_ms) or for newborns "
	    "that were never ready (start_timeout_ms)",
	    offsetof(struct pool_counts, hosts_stuck) },
	{ "pool_leases_granted_total", "Places given to sessions",
	    offsetof(struct pool_counts, leases_granted) },
	{ "pool_leases_ended_total", "Places given back",
	    offsetof(struct pool_counts, leases_ended) },
	{ "pool_refused_full_total", "Sessions refused because the queue was full (queue_max)",
	    offsetof(struct pool_counts, refused_full) },
	{ "pool_refused_timeout_total", "Sessions refused after waiting for queue_timeout_ms",
	    offsetof(struct pool_counts, refused_timeout) },
	{ "pool_refused_failed_total", "Sessions refused because the pool had failed",
	    offsetof(struct pool_counts, refused_failed) },
	{ "pool_queue_left_total", "Sessions that left while they waited",
	    offsetof(struct pool_counts, queue_left) },
	{ "pool_utterances_begun_total", "Utterances begun by an instance",
	    offsetof(struct pool_counts, utterances_begun) },
	{ "pool_utterances_ended_total",
	    "Utterances that an instance is done with, however they ended",
	    offsetof(struct pool_counts, utterances_ended) },
	{ "pool_stale_messages_total", "Late answers of instances, dropped by their epoch",
	    offsetof(struct pool_counts, stale_messages) },
	{ "pool_protocol_errors_total", "Instances killed for what they sent",
	    offsetof(struct pool_counts, protocol_errors) },
};

struct pool_histogram {
	const char *name, *help;
	size_t offset; /* of a struct histogram in struct pool_counts */
};

static const struct pool_histogram pool_histograms[] = {
	{ "pool_wait_seconds", "From the wish for a place to its grant",
	    offsetof(struct pool_counts, wait) },
	{ "pool_begin_seconds", "From the beginning of an utterance to its BEGIN being written",
	    offsetof(struct pool_counts, begin) },
	{ "pool_final_seconds", "From the end of an utterance being written to its final",
	    offsetof(struct pool_counts, final) },
};

static void head(struct page *p, const char *name, const char *help, const char *kind)
{
	page_add(p, "# HELP " PREFIX "%s %s.\n# TYPE " PREFIX "%s %s\n", name, help, name, kind);
}

static void add_value(struct page *p, const struct metric_info *m, uint64_t value)
{
	if (m->kind == METRIC_MILLISECONDS)
		page_add(p, PREFIX "%s %.3f\n", m->name, (double)value / 1e3);
	else if (m->kind == METRIC_MICROSECONDS)
		page_add(p, PREFIX "%s %.6f\n", m->name, (double)value / 1e6);
	else
		page_add(p, PREFIX "%s %" PRIu64 "\n", m->name, value);
}

static void add_server(struct page *p)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *m = &metric_table[i];

		head(p, m->name, m->help, m->kind == METRIC_GAUGE ? "gauge" : "counter");
		add_value(p, m, metric_get((enum metric)i));
	}
}

static const struct pool *pool_at(const struct monitor *m, unsigned i)
{
	return crew_pool(m->crews[i]);
}

static void add_gauge(struct page *p, const struct monitor *m, const char *name, const char *help,
    unsigned (*read)(const struct pool *))
{
	head(p, name, help, "gauge");
	for (unsigned i = 0; i < m->crews_n; i++)
		page_add(p, PREFIX "%s{pool=\"%s\"} %u\n", name, pool_name(pool_at(m, i)),
		    read(pool_at(m, i)));
}

static unsigned places(const struct pool *pool)
{
	return pool_config_of(pool)->max;
}

static unsigned is_ready(const struct pool *pool)
{
	return pool_state(pool) == POOL_READY;
}

static void add_instances(struct page *p, const struct monitor *m)
{
	head(p, "pool_instances", "Instances in each state", "gauge");
	for (unsigned i = 0; i < m->crews_n; i++)
		for (int s = INSTANCE_STARTING; s <= INSTANCE_RETIRING; s++)
			page_add(p, PREFIX "pool_instances{pool=\"%s\",state=\"%s\"} %u\n",
			    pool_name(pool_at(m, i)), instance_state_name((enum instance_state)s),
			    pool_instances_in(pool_at(m, i), (enum instance_state)s));
}

static void add_counter(struct page *p, const struct monitor *m, const struct pool_counter *c)
{
	head(p, c->name, c->help, "counter");
	for (unsigned i = 0; i < m->crews_n; i++) {
		const char *counts = (const char *)pool_counts(pool_at(m, i));

		page_add(p, PREFIX "%s{pool=\"%s\"} %" PRIu64 "\n", c->name,
		    pool_name(pool_at(m, i)),
		    *(const uint64_t *)(const void *)(counts + c->offset));
	}
}

static void add_buckets(
    struct page *p, const char *name, const char *pool, const struct histogram *h)
{
	uint64_t below = 0;

	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += h->counts[i];
		page_add(p, PREFIX "%s_bucket{pool=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, pool,
		    (double)histogram_bounds_ns[i] / 1e9, below);
	}
	page_add(
	    p, PREFIX "%s_bucket{pool=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, pool, h->count);
	page_add(p, PREFIX "%s_sum{pool=\"%s\"} %.9f\n", name, pool, (double)h->sum_ns / 1e9);
	page_add(p, PREFIX "%s_count{pool=\"%s\"} %" PRIu64 "\n", name, pool, h->count);
}

static void add_histogram(struct page *p, const struct monitor *m, const struct pool_histogram *row)
{
	head(p, row->name, row->help, "histogram");
	for (unsigned i = 0; i < m->crews_n; i++) {
		const char *counts = (const char *)pool_counts(pool_at(m, i));

		add_buckets(p, row->name, pool_name(pool_at(m, i)),
		    (const struct histogram *)(const void *)(counts + row->offset));
	}
}

static void add_number(struct page *p, const char *name, const char *help, unsigned value)
{
	head(p, name, help, "gauge");
	page_add(p, PREFIX "%s %u\n", name, value);
}

static void add_compute(struct page *p, const struct compute *c)
{
	if (c == NULL)
		return;
	add_number(p, "compute_slots",
	    "Decodes of engines that decode whole that may run at once (server.compute_slots)",
	    compute_slots(c));
	add_number(p, "compute_slots_held", "Those that run now", compute_held(c));
	add_number(p, "compute_waiting", "Those that wait for a slot now", compute_waiting(c));
	add_number(p, "compute_partials_level",
	    "How often the interval of partials is doubled now for want of slots: 0 to 3",
	    compute_level(c));
}

char *monitor_metrics(const struct monitor *m)
{
	struct page p = { 0 };

	head(&p, "build_info", "The version that runs", "gauge");
	page_add(&p, PREFIX "build_info{version=\"%s\"} 1\n", STENOPOOL_VERSION);
	add_server(&p);
	add_compute(&p, m->compute);
	add_gauge(&p, m, "pool_ready", "Whether the pool's host has its model loaded", is_ready);
	add_gauge(&p, m, "pool_places", "Places (max)", places);
	add_gauge(&p, m, "pool_places_taken", "Places lent to sessions now", pool_places_taken);
	add_gauge(
	    &p, m, "pool_queue_length", "Sessions that wait for a place now", pool_queue_length);
	add_instances(&p, m);
	for (size_t i = 0; i < ARRAY_SIZE(pool_counters); i++)
		add_counter(&p, m, &pool_counters[i]);
	for (size_t i = 0; i < ARRAY_SIZE(pool_histograms); i++)
		add_histogram(&p, m, &pool_histograms[i]);
	return page_take(&p);
}
