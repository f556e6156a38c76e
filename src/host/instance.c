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
#include <sys/resource.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/fold.h"
#include "host/hugepages.h"
#include "host/instance_state.h"
#include "host/memory.h"
#include "host/result.h"
#include "host/wish.h"
#include "ipc/channel.h"

/* A partial waits until nothing else is to be decoded, but not so long that one who hears slower than is spoken never gives any. */
enum { PARTIAL_LATE_SAMPLES = 2 * IPC_RATE_HZ };

/* What an engine that computes for long has to say of itself; often enough for any patience that can be set. */
#define SIGN_EVERY_NS (100 * NS_PER_MS)

/* What becomes of the process. */
enum fate { FATE_LIVES, FATE_CLOSED, FATE_BROKEN };

/* Large, and touched only as far as it is used: a newborn that waits has hardly any of it in memory. */
struct room {
	struct channel_inbox inbox;
	struct result_scratch scratch;
};

struct instance {
	int fd;            /* borrowed */
	struct room *room; /* owned: pages of its own */
	const struct engine_ops *ops;
	struct engine *engine;         /* borrowed */
	const struct hugepages *pages; /* borrowed; NULL when they are taken */
	clock_now_f *now_ns;
	void *clock_arg;
	enum instance_state state;
	enum fate fate;
	uint64_t signs;   /* that the engine gave since we were born */
	uint64_t told_ns; /* when PROGRESS was last sent */

	/* of the utterance */
	uint64_t epoch, utterance;
	bool wants_partial;
	uint64_t
	    partial_by;    /* decoded samples, from which on it is given though more audio waits */
	bool partial_runs; /* the engine computes one */
	bool cancelled;    /* ... and nobody wants it */
	struct buffer audio; /* read but not decoded */
	struct fold fold;
	uint64_t decoded_samples;
	uint64_t cpu_ns_at_begin;
	uint64_t faults_at_begin;
};

static void step(struct instance *in, enum instance_event e)
{
	enum instance_state to = instance_next(in->state, e);

	assert(to != INSTANCE_NONE);
	in->state = to;
}

static void break_off(struct instance *in, const char *why)
{
	(void)fprintf(stderr, "instance ends: %s\n", why);
	in->fate = FATE_BROKEN;
}

static void wait_for(const struct instance *in, short events)
{
	struct pollfd pfd = { in->fd, events, 0 };

	(void)poll(&pfd, 1, -1);
}

static void answer(struct instance *in, struct ipc_message *m)
{
	struct error err;
	enum channel_status status;

	if (in->fate != FATE_LIVES)
		return;
	while ((status = channel_send(in->fd, m, NULL, 0, &err)) == CHANNEL_AGAIN)
		wait_for(in, POLLOUT);
	if (status == CHANNEL_CLOSED)
		in->fate = FATE_CLOSED;
	if (status == CHANNEL_FAILED)
		break_off(in, err.text);
}

static void answer_ready(struct instance *in)
{
	answer(in, &(struct ipc_message){ .type = IPC_READY });
}

static void answer_cancelled(struct instance *in)
{
	answer(in, &(struct ipc_message){ .type = IPC_CANCELLED, .epoch = in->epoch });
}

static struct ipc_message progress_of(struct instance *in, uint64_t now_ns)
{
	in->told_ns = now_ns;
	return (struct ipc_message){ .type = IPC_PROGRESS,
		.epoch = in->epoch,
		.progress = { in->decoded_samples, memory_rss_kb(), in->signs } };
}

static void answer_progress(struct instance *in)
{
	struct ipc_message m;

	in->signs++;
	m = progress_of(in, in->now_ns(in->clock_arg));
	answer(in, &m);
}

/* From inside of the engine: where there is no room, it goes on computing instead of waiting. */
static void show_alive(struct instance *in)
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

static void drop_audio(struct instance *in)
{
	buffer_consume(&in->audio, in->audio.len);
	in->wants_partial = false;
}

/* The engine gave up: because it could not, or because we told it to and the state has moved on. */
static void fail(struct instance *in, const struct error *err)
{
	struct ipc_message m = { .type = IPC_FAILED,
		.epoch = in->epoch,
		.failure = { err->code, { err->text, (uint32_t)strlen(err->text) } } };

	if (in->fate != FATE_LIVES || in->state == INSTANCE_IDLE)
		return;
	drop_audio(in);
	step(in, INSTANCE_ON_FAILED);
	answer(in, &m);
}

static uint64_t minor_faults(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

static bool on_progress(void *arg, uint64_t decoded_samples);

static bool wants_fold(const struct instance *in, unsigned rate_hz)
{
	return (in->ops->traits->takes & IPC_TAKES_FOLDED) != 0 && fold_is_narrow(rate_hz);
}

static void begin(struct instance *in, const struct ipc_message *m)
{
	struct engine_begin b = { .on_progress = on_progress, .arg = in };
	struct wish_texts texts;
	struct error err = ERROR_INIT;

	wish_fill(&b, &m->begin, &texts);
	fold_init(&in->fold, wants_fold(in, b.rate_hz));
	in->epoch = m->epoch;
	in->utterance = m->begin.utterance;
	in->decoded_samples = 0;
	in->told_ns = in->now_ns(in->clock_arg);
	in->cpu_ns_at_begin = clock_process_cpu_ns();
	in->faults_at_begin = minor_faults();
	drop_audio(in);
	if (in->pages != NULL)
		hugepages_take(in->pages);
	in->pages = NULL;
	if (in->ops->begin(in->engine, &b, &err) < 0)
		fail(in, &err);
}

static void take_audio(struct instance *in, const struct ipc_message *m)
{
	if (in->state == INSTANCE_HEARING &&
	    buffer_append(&in->audio, m->audio.bytes, (size_t)m->audio.samples * 2) < 0)
		break_off(in, "no memory for audio");
}

/* One that is in work is answered for when the engine has left it. */
static void cancel(struct instance *in)
{
	if (in->partial_runs)
		in->cancelled = true;
	else if (in->wants_partial)
		answer_cancelled(in);
	in->wants_partial = false;
}

static void act(struct instance *in, enum instance_event e, const struct ipc_message *m)
{
	switch (e) {
	case INSTANCE_ON_BEGIN:
		begin(in, m);
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
	case INSTANCE_ON_END:
		in->wants_partial = false;
		break;
	case INSTANCE_ON_ABORT:
		drop_audio(in);
		break;
	case INSTANCE_ON_RESET:
		in->ops->reset(in->engine);
		answer_ready(in);
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
		step(in, e);
		act(in, e, m);
		return;
	}
	(void)snprintf(why, sizeof why, "a %s message of epoch %llu while %s in epoch %llu",
	    ipc_type_name(m->type), (unsigned long long)m->epoch, instance_state_name(in->state),
	    (unsigned long long)in->epoch);
	break_off(in, why);
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
		break_off(in, err.text);
		return false;
	}
}

/* Whether what the engine computes is of use to nobody: a partial stands back for the final as well. */
static bool is_unwanted(const struct instance *in)
{
	return in->state == INSTANCE_IDLE ||
	    (in->partial_runs && (in->cancelled || in->state == INSTANCE_ENDING));
}

/* Called by the engine while it computes. Reads what is queued, so that the end of the server, an ABORT, an END or a CANCEL
 * are noticed; stops after an ABORT, because what follows it is for the engine, which is busy. */
static bool on_progress(void *arg, uint64_t decoded_samples)
{
	struct instance *in = arg;

	(void)decoded_samples;
	while (in->state != INSTANCE_IDLE && hear_one(in))
		continue;
	if (in->fate != FATE_LIVES || is_unwanted(in))
		return false;
	show_alive(in);
	return true;
}

/* Gives the engine up to one block of what waits. */
static void decode(struct instance *in)
{
	int16_t samples[IPC_BLOCK_SAMPLES];
	size_t n = MIN(in->audio.len / 2, IPC_BLOCK_SAMPLES);
	const uint8_t *bytes = buffer_head(&in->audio);
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < n; i++)
		samples[i] = (int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
	buffer_consume(&in->audio, n * 2);
	fold_samples(&in->fold, samples, n);
	if (in->ops->audio(in->engine, samples, n, &err) < 0) {
		fail(in, &err);
		return;
	}
	in->decoded_samples += n;
	if (in->state != INSTANCE_IDLE)
		answer_progress(in);
}

/* What became of it once nobody wants it does not matter. */
static int compute_partial(struct instance *in, struct engine_result *heard, struct error *err)
{
	int failed;

	in->wants_partial = false;
	in->cancelled = false;
	in->partial_runs = true;
	failed = in->ops->partial(in->engine, heard, err);
	in->partial_runs = false;
	return failed;
}

static void answer_partial(struct instance *in)
{
	struct ipc_message m = {
		.type = IPC_PARTIAL, .epoch = in->epoch, .result = { .utterance = in->utterance }
	};
	struct engine_result heard;
	struct error err = ERROR_INIT;
	int failed = compute_partial(in, &heard, &err);

	if (in->state != INSTANCE_HEARING) /* aborted meanwhile, or the final stands for it */
		return;
	if (in->cancelled) {
		answer_cancelled(in);
		return;
	}
	if (failed < 0) {
		fail(in, &err);
		return;
	}
	result_fill(&m.result, &heard, &in->room->scratch);
	answer(in, &m);
}

static void answer_final(struct instance *in)
{
	struct ipc_message m = {
		.type = IPC_FINAL, .epoch = in->epoch, .result = { .utterance = in->utterance }
	};
	struct engine_result heard;
	struct error err = ERROR_INIT;

	if (in->ops->end(in->engine, &heard, &err) < 0) {
		fail(in, &err);
		return;
	}
	if (in->state == INSTANCE_IDLE) /* aborted meanwhile */
		return;
	result_fill(&m.result, &heard, &in->room->scratch);
	m.result.cpu_us = (uint32_t)((clock_process_cpu_ns() - in->cpu_ns_at_begin) / 1000);
	m.result.faults = (uint32_t)(minor_faults() - in->faults_at_begin);
	m.result.rss_kb = memory_rss_kb();
	step(in, INSTANCE_ON_DONE);
	answer(in, &m);
}

/* Does the most urgent thing that can be done now. False: there is none until a message comes. */
static bool work(struct instance *in)
{
	bool ending = in->state == INSTANCE_ENDING;

	if (in->state != INSTANCE_HEARING && !ending)
		return false;
	if (in->wants_partial && in->decoded_samples >= in->partial_by)
		answer_partial(in);
	else if (in->audio.len >= IPC_BLOCK_SAMPLES * 2 || (ending && in->audio.len > 0))
		decode(in);
	else if (ending)
		answer_final(in);
	else if (in->wants_partial)
		answer_partial(in);
	else
		return false;
	return true;
}

static uint64_t system_now_ns(void *arg)
{
	(void)arg;
	return clock_now_ns();
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
	answer_ready(in);
	while (in->fate == FATE_LIVES) {
		while (hear_one(in))
			continue;
		if (in->fate == FATE_LIVES && !work(in))
			wait_for(in, POLLIN);
	}
}

int instance_run(int fd, const struct instance_config *cfg)
{
	struct instance in = { .fd = fd,
		.room = room_map(),
		.ops = cfg->ops,
		.engine = cfg->engine,
		.pages = cfg->pages,
		.now_ns = cfg->now_ns == NULL ? system_now_ns : cfg->now_ns,
		.clock_arg = cfg->clock_arg,
		.state = INSTANCE_IDLE };
	struct error err;

	if (in.room == NULL)
		break_off(&in, "no memory for messages");
	else if (channel_set_nonblocking(fd, &err) < 0)
		break_off(&in, err.text);
	memory_open();
	buffer_init(&in.audio, INSTANCE_QUEUE_SAMPLES * 2 + IPC_AUDIO_MAX_SAMPLES * 2);
	serve(&in);
	buffer_done(&in.audio);
	if (in.room != NULL)
		(void)munmap(in.room, sizeof *in.room);
	return in.fate == FATE_CLOSED ? 0 : 1;
}
