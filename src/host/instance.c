/* One loop: all messages that are there, then one piece of work. The engine computes inside of that piece, and calls back
 * to have the messages read that came meanwhile; whoever acts on one there must not call the engine. */
#define _GNU_SOURCE
#include "host/instance.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "host/copy.h"
#include "host/instance_internal.h"
#include "host/memory.h"

/* A partial waits until nothing else is to be decoded, but not so long that one who hears slower than is spoken never gives any. */
enum { PARTIAL_LATE_SAMPLES = 2 * IPC_RATE_HZ };

static void take_audio(struct instance *in, const struct ipc_message *m)
{
	if (in->state == INSTANCE_HEARING &&
	    buffer_append(&in->audio, m->audio.bytes, (size_t)m->audio.samples * 2) < 0)
		instance_break_off(in, "no memory for audio");
}

/* What is in work is answered for when the engine has left it. */
static void cancel(struct instance *in)
{
	if (in->at != GUESS_NONE)
		in->cancelled = true;
	else if (in->wants_partial || in->wants_eager || in->copy >= 0)
		instance_answer_cancelled(in);
	instance_drop_guesses(in);
}

/* A partial that is decoded anew makes room for it. */
static void take_eager_request(struct instance *in)
{
	if (in->traits->partials == IPC_PARTIALS_ANEW)
		in->wants_partial = false;
	copy_end(&in->copy);
	in->wants_eager = in->state == INSTANCE_HEARING && in->traits->eager != IPC_EAGER_NONE;
}

static void act(struct instance *in, enum instance_event e, const struct ipc_message *m)
{
	switch (e) {
	case INSTANCE_ON_BEGIN:
		instance_drop_audio(in);
		instance_begin(in, m);
		break;
	case INSTANCE_ON_AUDIO:
		take_audio(in, m);
		break;
	case INSTANCE_ON_PARTIAL_REQUEST:
		if (!in->wants_partial)
			in->partial_by = in->decoded_samples + PARTIAL_LATE_SAMPLES;
		in->wants_partial = in->state == INSTANCE_HEARING;
		break;
	case INSTANCE_ON_CANCEL:
		cancel(in);
		break;
	case INSTANCE_ON_EAGER_REQUEST:
		take_eager_request(in);
		break;
	case INSTANCE_ON_END:
		instance_drop_guesses(in);
		break;
	case INSTANCE_ON_ABORT:
		instance_drop_audio(in);
		break;
	case INSTANCE_ON_RESET:
		in->ops->reset(in->engine);
		instance_answer_ready(in);
		break;
	case INSTANCE_ON_DONE:
	case INSTANCE_ON_FAILED:
	case INSTANCE_EVENTS:
	default:
		break;
	}
}

/* INSTANCE_EVENTS for a message that no server sends to an instance. */
static enum instance_event event_of(enum ipc_type type)
{
	switch (type) {
	case IPC_BEGIN:
		return INSTANCE_ON_BEGIN;
	case IPC_AUDIO:
		return INSTANCE_ON_AUDIO;
	case IPC_PARTIAL_REQUEST:
		return INSTANCE_ON_PARTIAL_REQUEST;
	case IPC_EAGER_REQUEST:
		return INSTANCE_ON_EAGER_REQUEST;
	case IPC_END:
		return INSTANCE_ON_END;
	case IPC_CANCEL:
		return INSTANCE_ON_CANCEL;
	case IPC_ABORT:
		return INSTANCE_ON_ABORT;
	case IPC_RESET:
		return INSTANCE_ON_RESET;
	default:
		return INSTANCE_EVENTS;
	}
}

/* An ABORT or a CANCEL for an utterance that is over, and a RESET, mean none; a BEGIN brings its own epoch. */
static bool epoch_fits(const struct instance *in, enum instance_event e, uint64_t epoch)
{
	if (e == INSTANCE_ON_BEGIN)
		return epoch != 0;
	return e == INSTANCE_ON_RESET || epoch == in->epoch ||
	    ((e == INSTANCE_ON_ABORT || e == INSTANCE_ON_CANCEL) && in->state == INSTANCE_IDLE);
}

static void hear_message(struct instance *in, const struct ipc_message *m)
{
	enum instance_event e = event_of(m->type);
	char why[128];

	if (e != INSTANCE_EVENTS && instance_next(in->state, e) != INSTANCE_NONE &&
	    epoch_fits(in, e, m->epoch)) {
		instance_step(in, e);
		act(in, e, m);
		return;
	}
	(void)snprintf(why, sizeof why, "a %s message of epoch %llu while %s in epoch %llu",
	    ipc_type_name(m->type), (unsigned long long)m->epoch, instance_state_name(in->state),
	    (unsigned long long)in->epoch);
	instance_break_off(in, why);
}

/* One message, if there is one and it may be read now. */
static bool hear_one(struct instance *in)
{
	struct ipc_message m;
	struct error err;

	if (in->fate != FATE_LIVES || in->audio.len >= INSTANCE_QUEUE_SAMPLES * 2)
		return false;
	switch (channel_receive(in->fd, &in->room->inbox, &m, &err)) {
	case CHANNEL_OK:
		hear_message(in, &m);
		return true;
	case CHANNEL_AGAIN:
		return false;
	case CHANNEL_CLOSED:
		in->fate = FATE_CLOSED;
		return false;
	case CHANNEL_FAILED:
	default:
		instance_break_off(in, err.text);
		return false;
	}
}

/* Whether what the engine computes is of use to nobody: guesses stand back for the final as well, and partials that are decoded anew for
 * an eager one. */
static bool is_unwanted(const struct instance *in)
{
	bool guesses = in->at != GUESS_NONE, partial = in->at == GUESS_PARTIAL;

	return in->state == INSTANCE_IDLE ||
	    (guesses && (in->cancelled || in->state == INSTANCE_ENDING)) ||
	    (partial && in->wants_eager && in->traits->partials == IPC_PARTIALS_ANEW);
}

/* Called by the engine while it computes. Reads what is queued, so that the end of the server, an ABORT, an END or a CANCEL
 * are noticed; stops after an ABORT, because what follows it is for the engine, which is busy. */
static bool on_progress(void *arg, uint64_t decoded_samples)
{
	struct instance *in = arg;

	(void)decoded_samples;
	if (in->is_copy)
		return true;
	while (in->state != INSTANCE_IDLE && hear_one(in))
		continue;
	if (in->fate != FATE_LIVES || is_unwanted(in))
		return false;
	instance_show_alive(in);
	return true;
}

static uint64_t system_now_ns(void *arg)
{
	(void)arg;
	return clock_now_ns();
}

/* One that could not do it leaves nothing behind to go on with: what it died of is in us. */
static void look_after_copy(struct instance *in)
{
	struct error err;
	bool well;

	if (!copy_has_ended(&in->copy, &well) || well)
		return;
	(void)error_set(
	    &err, ERROR_ENGINE, "the copy that came to its end for an eager final failed");
	instance_fail(in, &err);
}

/* Not from the heap, where what others freed would be touched to be zeroed. */
static struct room *room_map(void)
{
	void *pages = mmap(NULL, sizeof(struct room), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

static void serve(struct instance *in)
{
	instance_answer_ready(in);
	while (in->fate == FATE_LIVES) {
		while (hear_one(in))
			continue;
		look_after_copy(in);
		if (in->fate == FATE_LIVES && !instance_work(in))
			instance_wait_for(in, POLLIN);
	}
}

int instance_run(int fd, const struct instance_config *cfg)
{
	struct instance in = { .fd = fd,
		.room = room_map(),
		.ops = cfg->ops,
		.engine = cfg->engine,
		.pages = cfg->pages,
		.traits = cfg->traits == NULL ? cfg->ops->traits : cfg->traits,
		.copy = -1,
		.on_progress = on_progress,
		.now_ns = cfg->now_ns == NULL ? system_now_ns : cfg->now_ns,
		.clock_arg = cfg->clock_arg,
		.state = INSTANCE_IDLE };
	struct error err;

	if (in.room == NULL)
		instance_break_off(&in, "no memory for messages");
	else if (channel_set_nonblocking(fd, &err) < 0)
		instance_break_off(&in, err.text);
	memory_open();
	buffer_init(&in.audio, INSTANCE_QUEUE_SAMPLES * 2 + IPC_AUDIO_MAX_SAMPLES * 2);
	serve(&in);
	copy_end(&in.copy);
	buffer_done(&in.audio);
	if (in.room != NULL)
		(void)munmap(in.room, sizeof *in.room);
	return in.fate == FATE_CLOSED ? 0 : 1;
}
