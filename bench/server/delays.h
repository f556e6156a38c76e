/* delays: durations that were measured, all kept, for exact quantiles. Plain data, zeroed is empty. */
#ifndef SERVER_DELAYS_H
#define SERVER_DELAYS_H

#include <stddef.h>
#include <stdint.h>

struct delays {
	uint64_t *ns; /* owned */
	size_t n, cap;
};

void delays_add(struct delays *d, uint64_t ns);
/* In ms; 0 when empty. Sorts. */
double delays_quantile_ms(struct delays *d, double share);
/* Prints "name":{"n":..,"p50_ms":..,"p99_ms":..,"max_ms":..} */
void delays_print(struct delays *d, const char *name);
void delays_done(struct delays *d);

#endif
