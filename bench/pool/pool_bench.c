/* pool_bench: what it costs the pool that a client comes, or begins an utterance, with few and with many others there.
 *
 *   pool_bench [MS]        each figure is measured for so long; 400 by default
 *
 * The pool decides and touches no process, so those are not there: newborns are ready at once, each message is taken.
 * Measured are, one call at a time:
 *   open    lease_new, lease_start and the telling of the place, behind so many that wait for the only place
 *   begin   lease_begin with so many sessions that share 64 places by utterance, none at work: it gets one
 *   wait    the same, where no place is free and three quarters of the sessions wait already
 * What is undone after each call (the client leaves, gets its final, gives up) has its mean in a column of its own. Announcements
 * to those that wait fall into either, as they come. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/turn.h"
#include "base/util.h"
#include "pool/pool.h"

enum { SESSIONS_MAX = 10000, PLACES = 64, SAMPLES_MAX = 1 << 20, MS = 400, IDS = 1 << 12 };

static struct pool *pool;
static struct turn turn;
static uint64_t asked_to, born_to, exits[4 * PLACES], epochs[IDS];
static unsigned exits_n;
static struct lease *leases[SESSIONS_MAX];
static unsigned sessions, tenants;
static uint64_t window_ns = MS * NS_PER_MS;

static uint64_t op_now_ns(void *arg)
{
	(void)arg;
	return clock_now_ns();
}

static int op_spawn(void *arg, uint64_t id)
{
	(void)arg;
	asked_to = id;
	return 0;
}

static int op_send(void *arg, uint64_t id, const struct ipc_message *m)
{
	(void)arg;
	if (m->type == IPC_BEGIN)
		epochs[id % IDS] = m->epoch;
	return 1;
}

static void op_retire(void *arg, uint64_t id)
{
	(void)arg;
	if (exits_n < ARRAY_SIZE(exits))
		exits[exits_n++] = id;
}

static void op_replace_host(void *arg, const struct error *why)
{
	(void)arg;
	(void)why;
}

static void op_wake_at(void *arg, uint64_t at_ns)
{
	(void)arg;
	(void)at_ns;
}

static const struct pool_ops ops = { .now_ns = op_now_ns,
	.spawn = op_spawn,
	.send = op_send,
	.retire = op_retire,
	.kill = op_retire,
	.replace_host = op_replace_host,
	.wake_at = op_wake_at };

/* What was asked of processes has been done. */
static void attend(void)
{
	const struct ipc_message ready = { .type = IPC_READY };

	turn_run(&turn);
	while (born_to < asked_to || exits_n > 0) {
		if (exits_n > 0) {
			pool_on_exited(pool, exits[--exits_n], 0, "ended");
			continue;
		}
		if (pool_on_spawned(pool, ++born_to, 1))
			pool_on_message(pool, born_to, &ready);
	}
	turn_run(&turn);
}

/* The lease's holder. */

static void on_queued(void *arg, unsigned position, uint64_t estimated_wait_ms)
{
	(void)arg;
	(void)position;
	(void)estimated_wait_ms;
}

static void on_event(void *arg)
{
	(void)arg;
}

static void on_refused(void *arg, const struct error *why, unsigned retry_after_ms)
{
	(void)arg;
	(void)why;
	(void)retry_after_ms;
}

static void on_result(void *arg, const struct ipc_result *r)
{
	(void)arg;
	(void)r;
}

static void on_failed(void *arg, const struct error *why)
{
	(void)arg;
	(void)why;
}

static const struct lease_events events = { .on_queued = on_queued,
	.on_granted = on_event,
	.on_refused = on_refused,
	.on_writable = on_event,
	.on_partial = on_result,
	.on_final = on_result,
	.on_failed = on_failed };

static struct lease *open_for(uint64_t tenant)
{
	const struct lease_owner owner = { .tenant = tenant, .priority = PRIORITY_NORMAL };
	struct error err;
	struct lease *l = lease_new(pool, &owner, &events, NULL, &err, NULL);

	if (l == NULL) {
		fprintf(stderr, "pool_bench: %s\n", err.text);
		exit(1);
	}
	lease_start(l);
	turn_run(&turn);
	return l;
}

static void start(enum lease_kind kind, unsigned places)
{
	const struct pool_config cfg = { .max = places,
		.spare = 2,
		.lease = kind,
		.queue_max = 100000,
		.queue_timeout_ms = 3600000,
		.start_timeout_ms = 60000,
		.begin_timeout_ms = 60000,
		.final_timeout_ms = 60000,
		.slowest_factor = 5 };

	asked_to = born_to = 0;
	pool = pool_new("bench", &cfg, &turn, &ops, NULL);
	pool_on_host_ready(pool);
	attend();
}

static void stop(void)
{
	for (unsigned i = 0; i < sessions; i++)
		lease_release(&leases[i]);
	pool_stop(pool);
	attend();
	pool_free(&pool);
}

/* One figure. */
struct figure {
	uint64_t *ns; /* SAMPLES_MAX, shared by all */
	unsigned n;
	uint64_t sum_ns, undo_ns;
};

typedef void do_f(unsigned i);

static void measure(struct figure *f, do_f *act, do_f *undo)
{
	uint64_t until_ns = clock_now_ns() + window_ns, from_ns, done_ns, end_ns;

	f->n = 0;
	f->sum_ns = f->undo_ns = 0;
	do {
		from_ns = clock_now_ns();
		act(f->n);
		done_ns = clock_now_ns();
		undo(f->n);
		end_ns = clock_now_ns();
		f->ns[f->n++] = done_ns - from_ns;
		f->sum_ns += done_ns - from_ns;
		f->undo_ns += end_ns - done_ns;
	} while (end_ns < until_ns && f->n < SAMPLES_MAX);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *what, struct figure *f)
{
	qsort(f->ns, f->n, sizeof *f->ns, compare);
	printf("%-6s %8u %8u %8.2f %8.2f %8.2f %8.2f %9u\n", what, sessions, tenants,
	    (double)f->ns[f->n / 2] / 1e3, (double)f->ns[(size_t)f->n * 99 / 100] / 1e3,
	    (double)f->sum_ns / f->n / 1e3, (double)f->undo_ns / f->n / 1e3, f->n);
	(void)fflush(stdout);
}

static struct lease *comer;

static uint64_t tenant_of(unsigned i)
{
	return tenants == 1 ? 0 : i;
}

static void come(unsigned i)
{
	comer = open_for(tenants == 1 ? 0 : sessions + 1 + i % 1000);
}

static void go(unsigned i)
{
	(void)i;
	lease_release(&comer);
	turn_run(&turn);
}

static void begin(unsigned i)
{
	const struct ipc_begin what = { .utterance = i + 1 };

	(void)lease_begin(leases[i % sessions], &what);
}

static void get_final(unsigned i)
{
	struct lease *l = leases[i % sessions];
	uint64_t id = lease_instance(l);
	const struct ipc_message final = { .type = IPC_FINAL, .epoch = epochs[id % IDS] };

	if (!lease_end(l)) {
		fprintf(stderr, "pool_bench: an utterance was not begun\n");
		exit(1);
	}
	pool_on_message(pool, id, &final);
	attend();
}

/* One of the first quarter, which holds no place and does not wait. */
static void begin_late(unsigned i)
{
	begin(i % (sessions / 4));
}

static void abort_late(unsigned i)
{
	lease_abort(leases[i % (sessions / 4)]);
	turn_run(&turn);
}

static void open_all(void)
{
	for (unsigned i = 0; i < sessions; i++)
		leases[i] = open_for(tenant_of(i));
}

static void measure_open(struct figure *f)
{
	struct lease *holder;

	start(LEASE_BY_SESSION, 1);
	holder = open_for(SESSIONS_MAX * 2);
	open_all();
	measure(f, come, go);
	print("open", f);
	lease_release(&holder);
	stop();
}

static void measure_begin(struct figure *f)
{
	start(LEASE_BY_UTTERANCE, PLACES);
	open_all();
	measure(f, begin, get_final);
	print("begin", f);
	stop();
}

static void measure_wait(struct figure *f)
{
	start(LEASE_BY_UTTERANCE, 1);
	open_all();
	for (unsigned i = sessions / 4; i < sessions; i++)
		begin(i);
	attend();
	measure(f, begin_late, abort_late);
	print("wait", f);
	stop();
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = { 100, 1000, SESSIONS_MAX };
	struct figure f = { .ns = xcalloc(SAMPLES_MAX, sizeof *f.ns) };

	if (argc > 1)
		window_ns = (uint64_t)atoi(argv[1]) * NS_PER_MS;
	log_set_level(LOG_ERROR);
	printf("%-6s %8s %8s %8s %8s %8s %8s %9s\n", "what", "sessions", "tenants", "p50 us",
	    "p99 us", "mean us", "undo us", "calls");
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		sessions = sizes[i / 2];
		tenants = i % 2 == 0 ? 1 : sessions;
		measure_open(&f);
		measure_begin(&f);
		measure_wait(&f);
	}
	free(f.ns);
	return 0;
}
