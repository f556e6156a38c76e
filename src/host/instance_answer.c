/* What an instance says to the server, and what becomes of it for that. */
#define _GNU_SOURCE
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "host/copy.h"
#include "host/instance_internal.h"
#include "host/memory.h"

/* What an engine that computes for long has to say of itself; often enough for any patience that can be set. */
#define SIGN_EVERY_NS (100 * NS_PER_MS)

void instance_step(struct instance *in, enum instance_event e)
{
	enum instance_state to = instance_next(in->state, e);

	assert(to != INSTANCE_NONE);
	in->state = to;
}

void instance_break_off(struct instance *in, const char *why)
{
	(void)fprintf(stderr, "instance ends: %s\n", why);
	in->fate = FATE_BROKEN;
}

void instance_wait_for(const struct instance *in, short events)
{
	struct pollfd pfds[] = { { in->fd, events, 0 }, { in->copy, POLLIN, 0 } };

	(void)poll(pfds, ARRAY_SIZE(pfds), -1);
}

void instance_answer(struct instance *in, struct ipc_message *m)
{
	struct error err;
	enum channel_status status;

	if (in->fate != FATE_LIVES)
		return;
	while ((status = channel_send(in->fd, m, NULL, 0, &err)) == CHANNEL_AGAIN)
		instance_wait_for(in, POLLOUT);
	if (status == CHANNEL_CLOSED)
		in->fate = FATE_CLOSED;
	if (status == CHANNEL_FAILED)
		instance_break_off(in, err.text);
}

void instance_answer_ready(struct instance *in)
{
	instance_answer(in, &(struct ipc_message){ .type = IPC_READY });
}

void instance_answer_cancelled(struct instance *in)
{
	instance_answer(in, &(struct ipc_message){ .type = IPC_CANCELLED, .epoch = in->epoch });
}

static struct ipc_message progress_of(struct instance *in, uint64_t now_ns)
{
	in->told_ns = now_ns;
	return (struct ipc_message){ .type = IPC_PROGRESS,
		.epoch = in->epoch,
		.progress = { in->decoded_samples, memory_rss_kb(), in->signs } };
}

void instance_answer_progress(struct instance *in)
{
	struct ipc_message m;

	in->signs++;
	m = progress_of(in, in->now_ns(in->clock_arg));
	instance_answer(in, &m);
}

/* From inside of the engine: where there is no room, it goes on computing instead of waiting. */
void instance_show_alive(struct instance *in)
{
	uint64_t now_ns = in->now_ns(in->clock_arg);
	struct ipc_message m;
	struct error ignored;

	in->signs++;
	if (now_ns - in->told_ns < SIGN_EVERY_NS)
		return;
	m = progress_of(in, now_ns);
	(void)channel_send(in->fd, &m, NULL, 0, &ignored);
}

void instance_drop_guesses(struct instance *in)
{
	in->wants_partial = in->wants_eager = false;
	copy_end(&in->copy);
}

void instance_drop_audio(struct instance *in)
{
	buffer_consume(&in->audio, in->audio.len);
	instance_drop_guesses(in);
}

/* The engine gave up: because it could not, or because we told it to and the state has moved on. */
void instance_fail(struct instance *in, const struct error *err)
{
	struct ipc_message m = { .type = IPC_FAILED,
		.epoch = in->epoch,
		.failure = { err->code, { err->text, (uint32_t)strlen(err->text) } } };

	if (in->fate != FATE_LIVES || in->state == INSTANCE_IDLE)
		return;
	instance_drop_audio(in);
	instance_step(in, INSTANCE_ON_FAILED);
	instance_answer(in, &m);
}
