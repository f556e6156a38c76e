/* What instances, hosts, clients and time may do to a pool, in any order: the sums hold after each step, nobody is called
 * back who must not be, and all ends. Instances say whatever ipc_decode lets through. The input is a list of steps: a byte
 * that says what, one that says to whom, one that says how. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/turn.h"
#include "base/util.h"
#include "clients.h"
#include "pool/compute.h"
#include "pool/loss.h"
#include "pool/pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INSTANCES = 512, STEPS_MAX = 400 };

struct process {
	bool asked, born, closed, exited; /* closed: the server's end of its socket */
	uint64_t epoch;                   /* of its last BEGIN */
	bool full;                        /* takes no message now */
	bool lost;                        /* its socket ended by itself, which the pool was told */
};

static struct process processes[INSTANCES];
static uint64_t last_id, now_ns, wake_at_ns;
static bool host;
static struct turn turn;
static struct pool *pool;
static struct compute *compute; /* NULL: the engine streams */

static uint64_t op_now_ns(void *arg)
{
	(void)arg;
	return now_ns;
}

static struct process *at(uint64_t id)
{
	if (id == 0 || id > last_id || processes[id].exited)
		abort();
	return &processes[id];
}

static int op_spawn(void *arg, uint64_t id)
{
	(void)arg;
	if (!host || id >= INSTANCES)
		return -1;
	if (id != last_id + 1)
		abort();
	last_id = id;
	processes[id] = (struct process){ .asked = true };
	return 0;
}

static int op_send(void *arg, uint64_t id, const struct ipc_message *m)
{
	static uint8_t packet[IPC_PACKET_MAX];
	struct process *p = at(id);
	struct error err;

	(void)arg;
	if (p->lost)
		return -1;
	if (!p->born || p->closed || ipc_encode(m, packet, sizeof packet, &err) < 0)
		abort();
	if (p->full)
		return 0;
	if (m->type == IPC_BEGIN) {
		if (m->epoch <= p->epoch)
			abort();
		p->epoch = m->epoch;
	}
	return 1;
}

static void op_retire(void *arg, uint64_t id)
{
	(void)arg;
	at(id)->closed = true;
}

static void op_replace_host(void *arg, const struct error *why)
{
	(void)arg;
	if (!host || why->text[0] == '\0')
		abort();
}

static void op_wake_at(void *arg, uint64_t at_ns)
{
	(void)arg;
	wake_at_ns = at_ns;
}

static const struct pool_ops ops = {
	.now_ns = op_now_ns,
	.spawn = op_spawn,
	.send = op_send,
	.retire = op_retire,
	.kill = op_retire,
	.replace_host = op_replace_host,
	.wake_at = op_wake_at,
};

/* No more compute than may, and nobody waits where one could. */
static void check_slots(void)
{
	if (compute_held(compute) > 1 ||
	    (compute_waiting(compute) > 0 && compute_held(compute) == 0))
		abort();
}

static void check_sums(void)
{
	const struct pool_counts *c = pool_counts(pool);
	uint64_t states = 0, alive = 0;

	for (int s = INSTANCE_STARTING; s <= INSTANCE_RETIRING; s++)
		states += pool_instances_in(pool, (enum instance_state)s);
	for (uint64_t id = 1; id <= last_id; id++)
		alive += !processes[id].exited;
	if (states != alive || c->spawned != c->exited + states)
		abort();
	if (c->leases_granted != c->leases_ended + pool_places_taken(pool))
		abort();
	if (c->utterances_begun - c->utterances_ended > pool_places_taken(pool))
		abort();
	if (pool_instances_in(pool, INSTANCE_LEASED) > pool_places_taken(pool))
		abort();
	if (compute != NULL)
		check_slots();
}

static void set_host(uint8_t how)
{
	struct error err;

	if (how % 8 < 4) {
		host = true;
		pool_on_host_ready(pool);
		return;
	}
	host = false;
	for (uint64_t id = 1; id <= last_id; id++)
		processes[id].exited = processes[id].exited || !processes[id].born;
	(void)error_set(&err, ERROR_ENGINE, "no model");
	pool_on_host_down(pool, how % 8 == 5 ? NULL : &err);
	if (how % 8 == 7)
		pool_on_host_failed(pool, &err);
}

static void be_born(uint64_t id)
{
	struct process *p = &processes[id];
	const struct ipc_message ready = { .type = IPC_READY };

	p->born = true;
	if (!pool_on_spawned(pool, id, (int)(1000 + id)))
		p->closed = true;
	if (!p->closed)
		pool_on_message(pool, id, &ready);
}

static void lose(uint64_t id, enum loss_kind kind)
{
	struct error err;

	processes[id].closed = processes[id].lost = true;
	(void)error_set(&err, ERROR_PEER, "instance died");
	pool_on_lost(pool, id, kind, &err);
}

/* A message of the kind asked for, with this epoch or another one. */
static void say(uint64_t id, uint8_t how)
{
	static const enum ipc_type types[] = { IPC_READY, IPC_PROGRESS, IPC_PARTIAL, IPC_FINAL,
		IPC_FAILED, IPC_FINAL, IPC_CANCELLED, IPC_BEGIN };
	const struct process *p = &processes[id];
	struct ipc_message m = { .type = types[how % 8] };

	m.epoch = how >= 232 ? p->epoch + 1 : how >= 216 ? p->epoch - 1 : p->epoch;
	if (m.type == IPC_PROGRESS)
		m.progress = (struct ipc_progress){ how * 1600u, how >= 128 ? 9000 : 90000, how };
	else if (m.type == IPC_FAILED)
		m.failure = (struct ipc_failure){ ERROR_ENGINE, { "cannot", 6 } };
	else if (m.type == IPC_PARTIAL || m.type == IPC_FINAL)
		m.result = (struct ipc_result){ .text = { "text", 4 }, .rss_kb = how * 1000u };
	pool_on_message(pool, id, &m);
}

/* Any bytes that are a message. */
static void say_bytes(uint64_t id, const uint8_t *bytes, size_t n)
{
	static struct ipc_word words[IPC_WORDS_MAX];
	struct ipc_message m;
	struct error err;

	if (ipc_decode(bytes, n, words, &m, &err) == 0)
		pool_on_message(pool, id, &m);
	else
		lose(id, LOSS_GARBAGE);
}

static void not_be_born(uint64_t id)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "cannot fork");
	processes[id].exited = true;
	pool_on_unborn(pool, id, &err);
}

static void happen_to(uint64_t id, uint8_t what, uint8_t how)
{
	struct process *p = &processes[id];

	if (p->exited)
		return;
	if (!p->born) {
		if (host && how % 16 == 15)
			not_be_born(id);
		else if (host)
			be_born(id);
	} else if (what == 2 && how % 4 == 0) {
		p->exited = p->closed = true;
		pool_on_exited(pool, id, how % 8 == 0 ? 9 : 11, "was killed by a signal");
	} else if (p->closed) {
		return;
	} else if (what == 2) {
		if (how % 4 == 1)
			lose(id, LOSS_UNKNOWN);
		p->full = how % 4 == 2;
		if (how % 4 == 3)
			pool_on_writable(pool, id);
	} else {
		say(id, how);
	}
}

static void pass(uint8_t how)
{
	now_ns += ((uint64_t)1 << how % 16) * NS_PER_MS;
	if (wake_at_ns <= now_ns) {
		wake_at_ns = UINT64_MAX;
		pool_on_time(pool);
	}
}

/* Of the last few, so that steps meet those that live. */
static uint64_t choose(uint8_t who)
{
	return last_id - MIN((uint64_t)who % 8, last_id - 1);
}

/* Bytes used. */
static size_t step(const uint8_t *d, size_t n)
{
	size_t length = MIN((size_t)d[2], n - 3);
	uint64_t id = last_id == 0 ? 0 : choose(d[1]);

	switch (d[0] % 10) {
	case 0:
		set_host(d[2]);
		break;
	case 1:
		if (d[2] < 128)
			pass(d[2]);
		else
			pool_renew(pool);
		break;
	case 2:
	case 3:
	case 4:
		if (id != 0)
			happen_to(id, d[0] % 10, d[2]);
		break;
	case 5:
		if (id != 0 && processes[id].born && !processes[id].closed && !processes[id].exited)
			say_bytes(id, d + 3, length);
		return 3 + length;
	default:
		clients_act(pool, d[1], d[2]);
		break;
	}
	return 3;
}

static void finish(void)
{
	clients_leave_all();
	check_sums();
	pool_stop(pool);
	turn_run(&turn);
	for (uint64_t id = 1; id <= last_id; id++) {
		if (processes[id].exited)
			continue;
		processes[id].exited = processes[id].closed = true;
		pool_on_exited(pool, id, 0, "ended");
	}
	check_sums();
	if (pool_counts(pool)->utterances_begun != pool_counts(pool)->utterances_ended)
		abort();
	pool_free(&pool);
	if (compute != NULL && compute_held(compute) + compute_waiting(compute) > 0)
		abort();
	compute_free(&compute);
}

/* The engine decodes whole, and one of its instances at a time. */
static void decode_whole(void)
{
	const struct ipc_traits traits = { .decoding = IPC_DECODES_WHOLE,
		.partials = IPC_PARTIALS_ANEW,
		.decode_threads = 1,
		.quiet_factor = 1 };

	compute = compute_new(1, &turn, op_now_ns, NULL);
	pool_use_compute(pool, compute);
	pool_set_traits(pool, &traits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool_config cfg = { .max = 2,
		.spare = 1,
		.queue_max = 2,
		.queue_timeout_ms = 5000,
		.start_timeout_ms = 1000,
		.begin_timeout_ms = 500,
		.final_timeout_ms = 900,
		.slowest_factor = 2 };
	unsigned steps = 0;

	if (size < 2)
		return 0;
	log_set_level(LOG_ERROR);
	cfg.lease = data[0] & 1 ? LEASE_BY_UTTERANCE : LEASE_BY_SESSION;
	cfg.refresh = (enum refresh)(data[0] >> 1 & 3) % (REFRESH_RESET + 1);
	cfg.idle_ttl_ms = data[0] & 8 ? 1000 : 0;
	cfg.max_uses = data[0] & 16 ? 2 : 0;
	cfg.max_age_ms = data[0] & 32 ? 3000 : 0;
	cfg.max_rss_mb = data[0] & 64 ? 64 : 0;
	cfg.min = data[0] >> 7;
	last_id = 0;
	now_ns = 1000 * NS_PER_S;
	wake_at_ns = UINT64_MAX;
	host = false;
	pool = pool_new("en", &cfg, &turn, &ops, NULL);
	if ((data[0] >> 1 & 3) == 3)
		decode_whole();
	for (size_t i = 1; i + 3 <= size && steps < STEPS_MAX; steps++) {
		i += step(data + i, size - i);
		turn_run(&turn);
		check_sums();
	}
	finish();
	return 0;
}
