/* Keeps of each instance what it was sent, and fails the test at what may never be sent. */
#include "pool/pool_fake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"

#define START_NS (1000 * NS_PER_S) /* not 0, which some fields use for "never" */

struct pool_config pool_fake_config(void)
{
	return (struct pool_config){ .min = 0,
		.max = 2,
		.spare = 0,
		.refresh = REFRESH_UTTERANCE,
		.queue_max = 8,
		.queue_timeout_ms = 60000,
		.start_timeout_ms = 5000,
		.begin_timeout_ms = 5000,
		.final_timeout_ms = 30000,
		.slowest_factor = 5 };
}

struct pool_fake_instance *pool_fake_at(struct pool_fake *f, uint64_t id)
{
	assert_in_range(id, 1, f->last_id);
	return &f->instances[id];
}

/* The pool's side. */

static uint64_t op_now_ns(void *arg)
{
	const struct pool_fake *f = arg;

	return f->now_ns;
}

static int op_spawn(void *arg, uint64_t id)
{
	struct pool_fake *f = arg;

	if (!f->host) {
		f->spawn_refusals++;
		return -1;
	}
	assert_int_equal(id, f->last_id + 1);
	assert_true(id < POOL_FAKE_INSTANCES);
	f->last_id = id;
	f->instances[id] = (struct pool_fake_instance){ .asked = true, .room = f->room };
	return 0;
}

static void take_wishes(struct pool_fake_instance *i, const struct ipc_begin *b)
{
	const struct ipc_text *texts[] = { &b->language, &b->prompt, &b->hot_words, &b->phrases };
	size_t n = 0;

	for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
		for (uint32_t at = 0; at <= texts[k]->length && n + 16 < sizeof i->wishes; at++)
			i->wishes[n++] = at < texts[k]->length ? texts[k]->bytes[at] : '|';
	(void)snprintf(i->wishes + n, sizeof i->wishes - n, "%u|%u", b->translate, b->rate_hz);
}

static void take_begin(
    struct pool_fake *f, struct pool_fake_instance *i, const struct ipc_message *m)
{
	enum refresh refresh = pool_config_of(f->pool)->refresh;
	uint64_t client = m->begin.utterance >> 32;

	assert_false(i->open);
	assert_true(m->epoch > f->last_epoch);
	assert_false(i->heard && refresh == REFRESH_UTTERANCE);
	assert_false(i->heard && i->client != client);
	f->last_epoch = i->epoch = m->epoch;
	i->heard = i->open = true;
	i->ended = false;
	i->client = client;
	i->utterance = m->begin.utterance;
	i->begins++;
	i->samples = 0;
	take_wishes(i, &m->begin);
	i->adaptation_bytes = m->begin.adaptation_bytes;
	if (m->begin.adaptation_bytes > 0)
		memcpy(i->adaptation, m->begin.adaptation,
		    MIN(m->begin.adaptation_bytes, (uint32_t)POOL_FAKE_ADAPTATION));
}

static void take_audio(
    struct pool_fake *f, struct pool_fake_instance *i, const struct ipc_message *m)
{
	assert_true(i->open && !i->ended && m->epoch == i->epoch);
	assert_in_range(m->audio.samples, 1, IPC_AUDIO_MAX_SAMPLES);
	assert_false(i->eager_due); /* it would be the final of something else */
	i->samples += m->audio.samples;
	if (f->heard_n + m->audio.samples > f->heard_cap) {
		f->heard_cap = MAX(2 * f->heard_cap, f->heard_n + m->audio.samples);
		f->heard = realloc(f->heard, f->heard_cap * sizeof *f->heard);
		assert_non_null(f->heard);
	}
	memcpy(f->heard + f->heard_n, m->audio.bytes, m->audio.samples * sizeof *f->heard);
	f->heard_n += m->audio.samples;
}

static void take(struct pool_fake *f, struct pool_fake_instance *i, const struct ipc_message *m)
{
	switch (m->type) {
	case IPC_BEGIN:
		take_begin(f, i, m);
		break;
	case IPC_AUDIO:
		take_audio(f, i, m);
		break;
	case IPC_PARTIAL_REQUEST:
		assert_true(i->open && !i->ended && m->epoch == i->epoch);
		i->partial_requests++;
		break;
	case IPC_EAGER_REQUEST:
		assert_true(i->open && !i->ended && m->epoch == i->epoch);
		i->eager_requests++;
		i->eager_due = true;
		break;
	case IPC_CANCEL:
		assert_true(i->open && !i->ended && m->epoch == i->epoch);
		i->cancels++;
		i->eager_due = false;
		break;
	case IPC_END:
		assert_true(i->open && !i->ended && m->epoch == i->epoch);
		i->eager_due = false;
		i->ended = true;
		i->ends++;
		break;
	case IPC_ABORT:
		assert_true(i->open && m->epoch == i->epoch);
		i->open = i->eager_due = false;
		i->aborts++;
		break;
	case IPC_RESET:
		assert_false(i->open);
		i->ready = false;
		i->resets++;
		break;
	default:
		fail_msg("the pool sent %s to an instance", ipc_type_name(m->type));
	}
}

static int op_send(void *arg, uint64_t id, const struct ipc_message *m)
{
	struct pool_fake *f = arg;
	struct pool_fake_instance *i = pool_fake_at(f, id);

	assert_true(i->ready && !i->let_go && !i->exited);
	if (i->room < 0)
		return -1;
	if (i->room == 0) {
		i->refused = true;
		return 0;
	}
	i->room--;
	take(f, i, m);
	return 1;
}

static void op_retire(void *arg, uint64_t id)
{
	struct pool_fake_instance *i = pool_fake_at(arg, id);

	assert_false(i->let_go);
	i->let_go = true;
	i->open = false;
}

static void op_kill(void *arg, uint64_t id)
{
	struct pool_fake_instance *i = pool_fake_at(arg, id);

	assert_false(i->exited);
	i->let_go = i->killed = true;
	i->open = false;
}

static void op_replace_host(void *arg, const struct error *why)
{
	struct pool_fake *f = arg;

	assert_true(f->host);
	f->host = false;
	f->replacements++;
	f->why_replaced = *why;
}

static void op_wake_at(void *arg, uint64_t at_ns)
{
	struct pool_fake *f = arg;

	f->wake_at_ns = at_ns;
}

static const struct pool_ops ops = {
	.now_ns = op_now_ns,
	.spawn = op_spawn,
	.send = op_send,
	.retire = op_retire,
	.kill = op_kill,
	.replace_host = op_replace_host,
	.wake_at = op_wake_at,
};

/* The test's side. */

void pool_fake_init_in(
    struct pool_fake *f, struct turn *turn, const char *name, const struct pool_config *cfg)
{
	*f = (struct pool_fake){ .tells_in = turn,
		.now_ns = START_NS,
		.wake_at_ns = UINT64_MAX,
		.room = POOL_FAKE_EVERYTHING };
	f->instances = xcalloc(POOL_FAKE_INSTANCES, sizeof *f->instances);
	f->pool = pool_new(name, cfg, turn, &ops, f);
}

void pool_fake_init_as(struct pool_fake *f, const char *name, const struct pool_config *cfg)
{
	pool_fake_init_in(f, &f->turn, name, cfg);
}

void pool_fake_init(struct pool_fake *f, const struct pool_config *cfg)
{
	pool_fake_init_as(f, "en", cfg);
}

unsigned pool_fake_alive(const struct pool_fake *f)
{
	unsigned n = 0;

	for (uint64_t id = 1; id <= f->last_id; id++)
		n += f->instances[id].asked && !f->instances[id].exited;
	return n;
}

void pool_fake_check(const struct pool_fake *f)
{
	const struct pool_counts *c = pool_counts(f->pool);
	unsigned in_states = 0;

	for (int s = INSTANCE_STARTING; s <= INSTANCE_RETIRING; s++)
		in_states += pool_instances_in(f->pool, (enum instance_state)s);
	assert_int_equal(pool_instances_in(f->pool, INSTANCE_DEAD), 0);
	assert_int_equal(in_states, pool_fake_alive(f));
	assert_int_equal(c->spawned, c->exited + in_states);
	assert_int_equal(c->leases_granted, c->leases_ended + pool_places_taken(f->pool));
	assert_true(c->utterances_ended <= c->utterances_begun);
	assert_true(c->utterances_begun - c->utterances_ended <= pool_places_taken(f->pool));
	assert_true(pool_instances_in(f->pool, INSTANCE_LEASED) <=
	    pool_places_taken(f->pool) + c->canaries - c->canaries_done - c->canaries_lost);
	assert_true(pool_places_taken(f->pool) <= pool_config_of(f->pool)->max);
	assert_int_equal(c->wait.count, c->leases_granted);
	assert_int_equal(c->begin.count, c->utterances_begun);
}

void pool_fake_done(struct pool_fake *f)
{
	pool_stop(f->pool);
	turn_run(f->tells_in);
	for (uint64_t id = 1; id <= f->last_id; id++)
		if (!f->instances[id].exited)
			pool_fake_exit(f, id);
	pool_fake_check(f);
	assert_int_equal(
	    pool_counts(f->pool)->utterances_begun, pool_counts(f->pool)->utterances_ended);
	pool_free(&f->pool);
	assert_null(f->pool);
	free(f->instances);
	free(f->heard);
}

void pool_fake_host_up(struct pool_fake *f)
{
	f->host = true;
	pool_on_host_ready(f->pool);
	turn_run(f->tells_in);
}

void pool_fake_host_down(struct pool_fake *f)
{
	struct error why;

	f->host = false;
	for (uint64_t id = 1; id <= f->last_id; id++)
		if (!f->instances[id].born)
			f->instances[id].exited = true; /* the pool has to forget these by itself */
	(void)error_set(&why, ERROR_ENGINE, "its host was killed by signal 9 (Killed)");
	pool_on_host_down(f->pool, &why);
	turn_run(f->tells_in);
}

void pool_fake_host_failed(struct pool_fake *f, const char *why)
{
	struct error err;

	f->host = false;
	(void)error_set(&err, ERROR_ENGINE, "%s", why);
	pool_on_host_failed(f->pool, &err);
	turn_run(f->tells_in);
}

uint64_t pool_fake_hearer(const struct pool_fake *f, uint64_t utterance)
{
	for (uint64_t id = 1; id <= f->last_id; id++) {
		const struct pool_fake_instance *i = &f->instances[id];

		if (i->open && !i->exited && i->utterance == utterance)
			return id;
	}
	return 0;
}

void pool_fake_say(struct pool_fake *f, uint64_t id, enum ipc_type type)
{
	struct pool_fake_instance *i = pool_fake_at(f, id);
	const struct ipc_message m = { .type = type, .epoch = type == IPC_READY ? 0 : i->epoch };

	if (type == IPC_READY) {
		i->ready = true;
		i->heard = false;
	}
	pool_on_message(f->pool, id, &m);
	turn_run(f->tells_in);
}

void pool_fake_born(struct pool_fake *f, uint64_t id)
{
	struct pool_fake_instance *i = pool_fake_at(f, id);

	assert_true(i->asked && !i->born && !i->exited);
	i->born = true;
	assert_int_equal(pool_on_spawned(f->pool, id, (int)(1000 + id)), !i->let_go);
	if (!i->let_go)
		pool_fake_say(f, id, IPC_READY);
}

void pool_fake_born_all(struct pool_fake *f)
{
	for (uint64_t id = 1; id <= f->last_id; id++)
		if (!f->instances[id].born && !f->instances[id].exited)
			pool_fake_born(f, id);
}

void pool_fake_result(
    struct pool_fake *f, uint64_t id, enum ipc_type type, const struct ipc_result *r)
{
	struct pool_fake_instance *i = pool_fake_at(f, id);
	const struct ipc_message m = { .type = type, .epoch = i->epoch, .result = *r };

	if (type == IPC_FINAL)
		i->open = false;
	pool_on_message(f->pool, id, &m);
	turn_run(f->tells_in);
}

static struct ipc_result result_of(const struct pool_fake_instance *i, const char *text)
{
	return (struct ipc_result){ .utterance = i->utterance,
		.text = { text, (uint32_t)strlen(text) },
		.confidence = 9000 };
}

void pool_fake_final(struct pool_fake *f, uint64_t id, const char *text)
{
	const struct ipc_result r = result_of(pool_fake_at(f, id), text);

	pool_fake_result(f, id, IPC_FINAL, &r);
}

void pool_fake_partial(struct pool_fake *f, uint64_t id, const char *text)
{
	const struct ipc_result r = result_of(pool_fake_at(f, id), text);

	pool_fake_result(f, id, IPC_PARTIAL, &r);
}

void pool_fake_eager(struct pool_fake *f, uint64_t id, const char *text)
{
	struct pool_fake_instance *i = pool_fake_at(f, id);
	struct ipc_result r = result_of(i, text);

	r.samples = i->samples;
	r.eager_cpu_us = 1000;
	i->eager_due = false;
	pool_fake_result(f, id, IPC_EAGER_FINAL, &r);
}

void pool_fake_failed(struct pool_fake *f, uint64_t id, const char *why)
{
	struct pool_fake_instance *i = pool_fake_at(f, id);
	const struct ipc_message m = { .type = IPC_FAILED,
		.epoch = i->epoch,
		.failure = { ERROR_ENGINE, { why, (uint32_t)strlen(why) } } };

	i->open = false;
	pool_on_message(f->pool, id, &m);
	turn_run(f->tells_in);
}

void pool_fake_room(struct pool_fake *f, uint64_t id, int room)
{
	struct pool_fake_instance *i = pool_fake_at(f, id);

	i->room = room;
	if (!i->refused || room <= 0)
		return;
	i->refused = false;
	pool_on_writable(f->pool, id);
	turn_run(f->tells_in);
}

void pool_fake_lose(struct pool_fake *f, uint64_t id, const char *why)
{
	struct pool_fake_instance *i = pool_fake_at(f, id);
	struct error err;

	i->open = false;
	i->let_go = true;
	(void)error_set(&err, ERROR_PEER, "%s", why);
	pool_on_lost(f->pool, id, LOSS_GARBAGE, &err);
	turn_run(f->tells_in);
}

void pool_fake_exit_with(struct pool_fake *f, uint64_t id, int wait_status)
{
	struct pool_fake_instance *i = pool_fake_at(f, id);
	char how[64];

	assert_false(i->exited);
	i->open = false;
	i->exited = true;
	(void)snprintf(how, sizeof how, "was killed by signal %d", wait_status);
	pool_on_exited(f->pool, id, wait_status, how);
	turn_run(f->tells_in);
}

void pool_fake_exit(struct pool_fake *f, uint64_t id)
{
	pool_fake_exit_with(f, id, SIGKILL);
}

void pool_fake_close(struct pool_fake *f, uint64_t id)
{
	struct error err;

	(void)error_set(&err, ERROR_PEER, "its socket ended");
	pool_on_lost(f->pool, id, LOSS_UNKNOWN, &err);
	turn_run(f->tells_in);
}

void pool_fake_reap(struct pool_fake *f)
{
	for (uint64_t id = 1; id <= f->last_id; id++)
		if (f->instances[id].let_go && !f->instances[id].exited)
			pool_fake_exit(f, id);
}

void pool_fake_pass_ms(struct pool_fake *f, uint64_t ms)
{
	uint64_t until_ns = f->now_ns + ms * NS_PER_MS;

	while (f->wake_at_ns <= until_ns) {
		uint64_t at_ns = MAX(f->wake_at_ns, f->now_ns);

		f->now_ns = at_ns;
		f->wake_at_ns = UINT64_MAX;
		pool_on_time(f->pool);
		turn_run(f->tells_in);
		assert_true(f->wake_at_ns > at_ns); /* or it would spin */
	}
	f->now_ns = until_ns;
}
