#include "server/delays.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

void delays_add(struct delays *d, uint64_t ns)
{
	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 1024 : 2 * d->cap;
		d->ns = realloc(d->ns, d->cap * sizeof *d->ns);
		if (d->ns == NULL)
			abort();
	}
	d->ns[d->n++] = ns;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

double delays_quantile_ms(struct delays *d, double share)
{
	if (d->n == 0)
		return 0;
	qsort(d->ns, d->n, sizeof *d->ns, compare);
	return (double)d->ns[(size_t)(share * (double)(d->n - 1) + 0.5)] / (double)NS_PER_MS;
}

void delays_print(struct delays *d, const char *name)
{
	(void)printf("\"%s\":{\"n\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}", name,
	    d->n, delays_quantile_ms(d, 0.5), delays_quantile_ms(d, 0.99),
	    delays_quantile_ms(d, 1));
}

void delays_done(struct delays *d)
{
	free(d->ns);
	*d = (struct delays){ 0 };
}
