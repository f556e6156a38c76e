/* Time is spent in slices, with a call of on_progress after each. */
#define _GNU_SOURCE
#include "engine/fake_time.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"

void fake_time_sleep(unsigned ms)
{
	struct timespec left = { ms / 1000, (long)(ms % 1000) * (long)NS_PER_MS };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

void fake_time_burn(unsigned ms)
{
	uint64_t until = clock_process_cpu_ns() + ms * NS_PER_MS;

	while (clock_process_cpu_ns() < until)
		continue;
}

int fake_time_take(
    const struct fake_time_taker *t, double ms, fake_time_f *spend, struct error *err)
{
	for (; ms >= 1; ms -= t->slice_ms) {
		spend((unsigned)MIN(ms, t->slice_ms));
		if (t->on_progress != NULL && !t->on_progress(t->arg, t->decoded_samples))
			return error_set(err, ERROR_ENGINE, "given up on request");
	}
	return 0;
}
