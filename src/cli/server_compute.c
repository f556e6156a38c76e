/* How many decodes may run at once: what is set, or as many as the machine has cores for, by the threads that the engines there are
 * take for one. What they are is known when their hosts have loaded them, so it is counted anew then. */
#define _GNU_SOURCE
#include "base/clock.h"
#include "base/util.h"
#include "cli/config_value.h"
#include "cli/server_internal.h"
#include "ipc/traits.h"
#include "pool/compute.h"
#include "pool/pool.h"

static uint64_t now_ns(void *arg)
{
	(void)arg;
	return clock_now_ns();
}

static unsigned threads_of_a_decode(const struct server *s)
{
	unsigned threads = 1;

	for (unsigned i = 0; i < s->crews_n; i++) {
		const struct ipc_traits *t = pool_traits(s->pools[i]);

		if (t->decoding == IPC_DECODES_WHOLE && t->rows == 0)
			threads = MAX(threads, t->decode_threads);
	}
	return threads;
}

static unsigned slots(const struct server *s)
{
	unsigned set = s->cfg->compute_slots;

	return set > 0 ? set : MAX(config_value_cores() / threads_of_a_decode(s), 1u);
}

void server_compute_make(struct server *s)
{
	s->compute = compute_new(slots(s), &s->turn, now_ns, NULL);
}

void server_compute_size(struct server *s)
{
	compute_resize(s->compute, slots(s));
}
