/* Counts what it is told, and fails the test at what may not be told then. */
#include "pool/lease_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/turn.h"

static void saw(struct lease_fake *c, enum lease_fake_event e)
{
	assert_non_null(c->lease);
	assert_false(c->refused && e != LEASE_FAKE_REFUSED);
	c->seen[e]++;
	if (c->then != NULL)
		c->then(c, e);
}

static void on_queued(void *arg, unsigned position, uint64_t estimated_wait_ms)
{
	struct lease_fake *c = arg;

	assert_false(c->granted);
	assert_true(
	    position >= 1 && (c->position == 0 || c->may_fall_back || position < c->position));
	c->position = position;
	c->estimated_wait_ms = estimated_wait_ms;
	saw(c, LEASE_FAKE_QUEUED);
}

static void on_granted(void *arg)
{
	struct lease_fake *c = arg;

	assert_false(c->granted);
	c->granted = true;
	saw(c, LEASE_FAKE_GRANTED);
}

static void on_refused(void *arg, const struct error *why, unsigned retry_after_ms)
{
	struct lease_fake *c = arg;

	assert_false(c->granted || c->refused);
	c->refused = true;
	c->why = *why;
	c->retry_after_ms = retry_after_ms;
	saw(c, LEASE_FAKE_REFUSED);
}

static void on_writable(void *arg)
{
	struct lease_fake *c = arg;

	assert_true(c->granted);
	saw(c, LEASE_FAKE_WRITABLE);
}

static void keep_text(struct lease_fake *c, const struct ipc_result *r)
{
	assert_int_equal(r->utterance, lease_fake_utterance(c));
	(void)snprintf(c->text, sizeof c->text, "%.*s", (int)r->text.length, r->text.bytes);
}

static void on_partial(void *arg, const struct ipc_result *r)
{
	struct lease_fake *c = arg;

	assert_true(c->speaking);
	keep_text(c, r);
	saw(c, LEASE_FAKE_PARTIAL);
}

static void on_eager(void *arg, const struct ipc_result *r)
{
	struct lease_fake *c = arg;

	assert_true(c->speaking && !c->ended);
	keep_text(c, r);
	saw(c, LEASE_FAKE_EAGER);
}

static void on_final(void *arg, const struct ipc_result *r)
{
	struct lease_fake *c = arg;

	assert_true(c->speaking && c->ended);
	keep_text(c, r);
	c->speaking = c->ended = false;
	saw(c, LEASE_FAKE_FINAL);
}

static void on_lost(void *arg, const struct error *why, const struct loss *loss)
{
	struct lease_fake *c = arg;

	assert_true(c->speaking);
	c->why = *why;
	c->loss = *loss;
	c->speaking = c->ended = false;
	saw(c, LEASE_FAKE_LOST);
}

static void on_failed(void *arg, const struct error *why)
{
	struct lease_fake *c = arg;

	assert_false(
	    c->speaking && !c->by_utterance); /* others are not given up for what they lack */
	c->why = *why;
	c->speaking = c->ended = false;
	saw(c, LEASE_FAKE_FAILED);
}

static const struct lease_events events = {
	.on_queued = on_queued,
	.on_granted = on_granted,
	.on_refused = on_refused,
	.on_writable = on_writable,
	.on_partial = on_partial,
	.on_eager = on_eager,
	.on_final = on_final,
	.on_lost = on_lost,
	.on_failed = on_failed,
};

bool lease_fake_ask(struct lease_fake *c, uint64_t id, struct pool *pool)
{
	const struct lease_owner owner = { id, c->tenant, c->priority, c->by_utterance };
	bool may_fall_back = c->may_fall_back;
	lease_fake_then_f *then = c->then;
	void *then_arg = c->then_arg;

	memset(c, 0, sizeof *c);
	c->id = id;
	c->pool = pool;
	c->may_fall_back = may_fall_back;
	c->tenant = owner.tenant;
	c->priority = owner.priority;
	c->by_utterance = owner.by_utterance;
	c->then = then;
	c->then_arg = then_arg;
	c->lease = lease_new(pool, &owner, &events, c, &c->why, &c->retry_after_ms);
	if (c->lease == NULL)
		return false;
	lease_start(c->lease);
	turn_run(pool_turn(pool));
	return true;
}

void lease_fake_release(struct lease_fake *c)
{
	bool had = c->lease != NULL;

	lease_release(&c->lease);
	assert_null(c->lease);
	c->granted = c->speaking = c->ended = false;
	if (had)
		turn_run(pool_turn(c->pool));
}

uint64_t lease_fake_utterance(const struct lease_fake *c)
{
	return (c->id << 32) + c->utterances;
}

/* A wish that finds no room is repeated under the same name. */
bool lease_fake_begin(struct lease_fake *c)
{
	const struct ipc_begin b = { .utterance = lease_fake_utterance(c) + 1 };
	bool begun = lease_begin(c->lease, &b);

	c->utterances += begun;
	c->speaking = begun;
	turn_run(pool_turn(c->pool));
	return begun;
}

bool lease_fake_end(struct lease_fake *c)
{
	bool ended = lease_end(c->lease);

	c->ended = ended;
	turn_run(pool_turn(c->pool));
	return ended;
}

void lease_fake_abort(struct lease_fake *c)
{
	c->speaking = c->ended = false;
	lease_abort(c->lease);
	turn_run(pool_turn(c->pool));
}
