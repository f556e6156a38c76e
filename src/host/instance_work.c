/* What an instance has its engine do: one piece of work at a time, the most urgent first.
 *
 * An eager final is what the final would be if the utterance ended here, and the utterance goes on. An engine that keeps its audio decodes
 * it; of one whose end cannot be undone a copy of the process comes to the end, with all that it has heard, says what that
 * is, and is gone, while we hear on. The copy reads nothing from the socket, and writes that one message to it. */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "host/copy.h"
#include "host/hugepages.h"
#include "host/instance_internal.h"
#include "host/memory.h"
#include "host/wish.h"

static uint64_t minor_faults(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

static bool wants_fold(const struct instance *in, unsigned rate_hz)
{
	return (in->traits->takes & IPC_TAKES_FOLDED) != 0 && fold_is_narrow(rate_hz);
}

void instance_begin(struct instance *in, const struct ipc_message *m)
{
	struct engine_begin b = { .on_progress = in->on_progress, .arg = in };
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
	if (in->pages != NULL)
		hugepages_take(in->pages);
	in->pages = NULL;
	if (in->ops->begin(in->engine, &b, &err) < 0)
		instance_fail(in, &err);
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
		instance_fail(in, &err);
		return;
	}
	in->decoded_samples += n;
	if (in->state != INSTANCE_IDLE)
		instance_answer_progress(in);
}

/* What became of it once nobody wants it does not matter. */
static int compute(
    struct instance *in, enum guess what, struct engine_result *heard, struct error *err)
{
	int failed;

	in->cancelled = false;
	in->at = what;
	failed = what == GUESS_PARTIAL ? in->ops->partial(in->engine, heard, err)
				       : in->ops->eager(in->engine, heard, err);
	in->at = GUESS_NONE;
	return failed;
}

/* False: there is nothing to be told of it but what has been told here. */
static bool guess(struct instance *in, enum guess what, struct engine_result *heard)
{
	struct error err = ERROR_INIT;
	int failed = compute(in, what, heard, &err);

	if (in->state != INSTANCE_HEARING) /* aborted meanwhile, or the final stands for it */
		return false;
	if (in->cancelled)
		instance_answer_cancelled(in);
	else if (what == GUESS_PARTIAL && in->wants_eager && failed < 0)
		return false; /* it made room */
	else if (failed < 0)
		instance_fail(in, &err);
	else
		return true;
	return false;
}

static void answer_partial(struct instance *in)
{
	struct ipc_message m = {
		.type = IPC_PARTIAL, .epoch = in->epoch, .result = { .utterance = in->utterance }
	};
	struct engine_result heard;

	in->wants_partial = false;
	if (!guess(in, GUESS_PARTIAL, &heard))
		return;
	result_fill(&m.result, &heard, &in->room->scratch);
	instance_answer(in, &m);
}

/* `cpu_ns`: taken since BEGIN. */
static void fill_final(
    struct instance *in, struct ipc_message *m, const struct engine_result *heard, uint64_t cpu_ns)
{
	m->epoch = in->epoch;
	m->result.utterance = in->utterance;
	result_fill(&m->result, heard, &in->room->scratch);
	m->result.cpu_us = (uint32_t)(cpu_ns / 1000);
	m->result.faults = (uint32_t)(minor_faults() - in->faults_at_begin);
	m->result.rss_kb = in->is_copy ? in->copied_rss_kb : memory_rss_kb();
}

static void answer_final(struct instance *in)
{
	struct ipc_message m = { .type = IPC_FINAL };
	struct engine_result heard;
	struct error err = ERROR_INIT;

	if (in->ops->end(in->engine, &heard, &err) < 0) {
		instance_fail(in, &err);
		return;
	}
	if (in->state == INSTANCE_IDLE) /* aborted meanwhile */
		return;
	fill_final(in, &m, &heard, clock_process_cpu_ns() - in->cpu_ns_at_begin);
	instance_step(in, INSTANCE_ON_DONE);
	instance_answer(in, &m);
}

static void tell_eager(
    struct instance *in, const struct engine_result *heard, uint64_t before_ns, uint64_t own_ns)
{
	struct ipc_message m = { .type = IPC_EAGER_FINAL };

	fill_final(in, &m, heard, before_ns + own_ns);
	m.result.samples = in->decoded_samples;
	m.result.eager_cpu_us = (uint32_t)(own_ns / 1000);
	instance_answer(in, &m);
}

static void decode_anew(struct instance *in)
{
	uint64_t begun_ns = clock_process_cpu_ns();
	struct engine_result heard;

	if (guess(in, GUESS_EAGER, &heard))
		tell_eager(
		    in, &heard, begun_ns - in->cpu_ns_at_begin, clock_process_cpu_ns() - begun_ns);
}

/* Its CPU time and its page faults are counted from its birth; it may not open what says how much memory it has. */
_Noreturn static void be_the_copy(struct instance *in, uint64_t before_ns)
{
	struct engine_result heard;
	struct error err = ERROR_INIT;

	in->is_copy = true;
	in->faults_at_begin = 0;
	if (in->ops->end(in->engine, &heard, &err) < 0)
		_exit(1);
	tell_eager(in, &heard, before_ns, clock_process_cpu_ns());
	_exit(in->fate == FATE_LIVES ? 0 : 1);
}

static void make_copy(struct instance *in)
{
	uint64_t before_ns = clock_process_cpu_ns() - in->cpu_ns_at_begin;
	struct error err;

	in->copied_rss_kb = memory_rss_kb();
	in->copy = copy_make();
	if (in->copy == 0)
		be_the_copy(in, before_ns);
	if (in->copy > 0)
		return;
	(void)error_set_errno(&err, ERROR_SYSTEM, "cannot make a copy for an eager final");
	instance_fail(in, &err);
}

static void answer_eager(struct instance *in)
{
	in->wants_eager = false;
	if (in->traits->eager == IPC_EAGER_FORKED)
		make_copy(in);
	else
		decode_anew(in);
}

bool instance_work(struct instance *in)
{
	bool ending = in->state == INSTANCE_ENDING;

	if (in->state != INSTANCE_HEARING && !ending)
		return false;
	if (in->wants_partial && in->decoded_samples >= in->partial_by)
		answer_partial(in);
	else if (in->audio.len >= IPC_BLOCK_SAMPLES * 2 ||
	    ((ending || in->wants_eager) && in->audio.len > 0))
		decode(in);
	else if (ending)
		answer_final(in);
	else if (in->wants_partial)
		answer_partial(in);
	else if (in->wants_eager)
		answer_eager(in);
	else
		return false;
	return true;
}
