#include "base/metric.h"

#include <assert.h>

#define METRIC_ROW(kind, name, help) [METRIC_##name] = { #name, help, METRIC_##kind },
const struct metric_info metric_table[METRIC_COUNT] = { METRICS(METRIC_ROW) };
#undef METRIC_ROW

static uint64_t values[METRIC_COUNT];

#define US 1000ull
#define MS 1000000ull
const uint64_t histogram_bounds_ns[HISTOGRAM_BUCKETS] = { 100 * US, 200 * US, 500 * US, 1 * MS,
	2 * MS, 5 * MS, 10 * MS, 20 * MS, 50 * MS, 100 * MS, 200 * MS, 350 * MS, 500 * MS, 750 * MS,
	1000 * MS, 2000 * MS, 5000 * MS, 10000 * MS, 30000 * MS, 60000 * MS };

void metric_add(enum metric m, uint64_t n)
{
	values[m] += n;
}

void metric_sub(enum metric m, uint64_t n)
{
	assert(metric_table[m].kind == METRIC_GAUGE && values[m] >= n);
	values[m] -= n;
}

uint64_t metric_get(enum metric m)
{
	return values[m];
}

void histogram_observe(struct histogram *h, uint64_t duration_ns)
{
	int i = 0;

	while (i < HISTOGRAM_BUCKETS && duration_ns > histogram_bounds_ns[i])
		i++;
	h->counts[i]++;
	h->count++;
	h->sum_ns += duration_ns;
}

uint64_t histogram_quantile_ns(const struct histogram *h, double share)
{
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if ((double)seen >= share * (double)h->count)
			return histogram_bounds_ns[i];
	}
	return histogram_bounds_ns[HISTOGRAM_BUCKETS - 1];
}
