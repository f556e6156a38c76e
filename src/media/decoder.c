/*  LOOKS --the order is known--> RUNS        LOOKS --it must be gone through twice--> KEEPS --its end--> RUNS
 *  RUNS --the process has ended well--> RESTS --another recording begins--> LOOKS
 *  any --all is decoded, a failure, decoder_free--> OVER
 *
 * What comes in waits in `input` while `moving` is on its way through the pipe; when that has been read they change places.
 * What must be kept goes to a file in memory, which is sealed and becomes the process's stdin.
 *
 * Where another recording begins (splice.h) the present one is complete, and what follows waits in `next` until its process has ended
 * and all its handles are closed; then the next one is looked at like a file of its own. */
#include "media/decoder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "media/decoder_internal.h"

enum {
	INPUT_BYTES = 262144,
	LOOK_BYTES = 65536,
	KEEP_TURN_BYTES = 1048576, /* copied in one turn of the loop */
	LASTING_HANDLES = 2,       /* of each decoder: its timers */
};

/* Which states may follow. */
static const bool next[DECODER_STATES][DECODER_STATES] = {
	[DECODER_LOOKS] = { [DECODER_KEEPS] = true, [DECODER_RUNS] = true, [DECODER_OVER] = true },
	[DECODER_KEEPS] = { [DECODER_RUNS] = true, [DECODER_OVER] = true },
	[DECODER_RUNS] = { [DECODER_RESTS] = true, [DECODER_OVER] = true },
	[DECODER_RESTS] = { [DECODER_LOOKS] = true, [DECODER_OVER] = true },
};

static const char *const state_names[DECODER_STATES] = { "looks", "keeps", "runs", "rests",
	"over" };

struct decoders *decoders_new(
    struct uv_loop_s *loop, const char *helper, const struct decoder_config *cfg)
{
	struct decoders *all = xcalloc(1, sizeof *all);

	all->loop = loop;
	all->helper = xstrdup(helper);
	all->cfg = *cfg;
	return all;
}

void decoders_reconfigure(struct decoders *all, const struct decoder_config *cfg)
{
	all->cfg = *cfg;
}

void decoders_free(struct decoders **decoders)
{
	struct decoders *all = *decoders;

	*decoders = NULL;
	if (all == NULL)
		return;
	assert(all->n == 0);
	free(all->helper);
	free(all);
}

static void set_state(struct decoder *d, enum decoder_state to, const char *why)
{
	assert(next[d->state][to]);
	log_debug("decoder: %s: %s -> %s on %s", container_name(d->job.container),
	    state_names[d->state], state_names[to], why);
	d->state = to;
}

/* What the kernel holds, in a call to a disk that does not answer or for a debugger, it ends when it pleases. */
static void on_kill_timeout(uv_timer_t *timer)
{
	struct decoder *d = timer->data;

	log_error("decoder: process %d has not ended within decoder_timeout_ms %u after it was "
		  "killed, going on without it",
	    uv_process_get_pid(&d->process), d->cfg.timeout_ms);
	decoder_process_leave(d);
	decoder_handle_close((uv_handle_t *)timer);
}

/* The process's handle is closed when it has ended, and the last handle frees all. */
static void go(struct decoder *d, const char *why)
{
	set_state(d, DECODER_OVER, why);
	decoder_process_kill(d);
	fd_close(&d->file);
	decoder_handle_close((uv_handle_t *)&d->in);
	decoder_handle_close((uv_handle_t *)&d->out);
	decoder_handle_close((uv_handle_t *)&d->said);
	if (d->running) {
		(void)uv_timer_start(&d->watch, on_kill_timeout, d->cfg.timeout_ms, 0);
	} else {
		decoder_handle_close((uv_handle_t *)&d->process);
		decoder_handle_close((uv_handle_t *)&d->watch);
	}
	decoder_handle_close((uv_handle_t *)&d->turn);
}

static void tell_end(struct decoder *d, const struct error *why)
{
	if (why != NULL)
		metric_add(METRIC_decoders_failed_total, 1);
	go(d, why == NULL ? "its end" : "a failure");
	d->events->on_end(d->arg, why);
}

static bool is_owed(const struct decoder *d)
{
	return d->state == DECODER_RUNS && !d->paused && (d->writing || d->complete);
}

static void on_late(uv_timer_t *timer)
{
	struct decoder *d = timer->data;
	struct error err;

	(void)error_set(&err, ERROR_TIMEOUT,
	    "the decoder of the %s file made no progress for decoder_timeout_ms %u",
	    container_name(d->job.container), d->cfg.timeout_ms);
	tell_end(d, &err);
}

static void watch(struct decoder *d)
{
	if (is_owed(d))
		(void)uv_timer_start(&d->watch, on_late, d->cfg.timeout_ms, 0);
	else
		(void)uv_timer_stop(&d->watch);
}

static void pump(struct decoder *d);
static void begin_next(struct decoder *d);
static bool is_ready_for_next(const struct decoder *d);

static void on_turn(uv_timer_t *timer)
{
	struct decoder *d = timer->data;

	if (d->failure.code != ERROR_NONE) {
		const struct error why = d->failure;

		tell_end(d, &why);
	} else if (d->state == DECODER_RUNS) {
		pump(d);
	} else if (is_ready_for_next(d)) {
		begin_next(d);
	} else if (d->state == DECODER_RESTS && d->finished && !d->has_next) {
		tell_end(d, NULL);
	} else if (d->state == DECODER_KEEPS && d->full) {
		d->full = false;
		d->kept_this_turn = 0;
		d->events->on_drain(d->arg);
	}
}

static void fail(struct decoder *d, const struct error *why)
{
	d->failure = *why;
	d->deaf = true;
	(void)uv_timer_start(&d->turn, on_turn, 0, 0);
}

static void start(struct decoder *d, const char *why)
{
	struct error err;

	set_state(d, DECODER_RUNS, why);
	if (decoder_process_start(d, &err) < 0)
		fail(d, &err);
	watch(d);
}

/* A memory file can be read by another user through a name of its own, /dev/stdin, so it is made for all to read. */
static void begin_keeping(struct decoder *d, const char *why)
{
	struct error err;

	set_state(d, DECODER_KEEPS, why);
	d->keeps = true;
	d->file = memfd_create("recording", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (d->file >= 0 && fchmod(d->file, 0444) == 0)
		return;
	(void)error_set_errno(&err, ERROR_SYSTEM, "cannot keep the file");
	fail(d, &err);
}

static int write_all(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno != EINTR)
			return -1;
		bytes += MAX(done, 0);
		n -= (size_t)MAX(done, 0);
	}
	return 0;
}

static void keep(struct decoder *d, const uint8_t *bytes, size_t n)
{
	struct error err;

	if (n > d->cfg.max_body_bytes - d->kept_n) {
		(void)error_set(&err, ERROR_LIMIT,
		    "the %s file must be kept until its end, and is longer than max_body_bytes %zu",
		    container_name(d->job.container), d->cfg.max_body_bytes);
		fail(d, &err);
		return;
	}
	if (write_all(d->file, bytes, n) < 0) {
		(void)error_set_errno(&err, ERROR_SYSTEM, "cannot keep the file");
		fail(d, &err);
		return;
	}
	d->kept_n += n;
	d->kept_this_turn += n;
	if (d->kept_this_turn < KEEP_TURN_BYTES)
		return;
	d->full = true;
	(void)uv_timer_start(&d->turn, on_turn, 0, 0);
}

/* Its end has come: nobody changes it any more. */
static void play_kept(struct decoder *d)
{
	struct error err;

	if (d->deaf)
		return;
	if (fcntl(d->file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) ==
		0 &&
	    lseek(d->file, 0, SEEK_SET) == 0) {
		start(d, "its end");
		return;
	}
	(void)error_set_errno(&err, ERROR_SYSTEM, "cannot keep the file");
	fail(d, &err);
}

static void move(struct decoder *d)
{
	struct buffer empty = d->moving;

	if (d->state != DECODER_RUNS || d->writing)
		return;
	if (d->deaf)
		buffer_consume(&d->input, d->input.len);
	if (d->input.len == 0) {
		if (d->complete)
			decoder_process_close_input(d);
		return;
	}
	d->moving = d->input;
	d->input = empty;
	decoder_process_write(d);
	if (!uv_is_active((uv_handle_t *)&d->watch))
		watch(d);
}

static bool has_room(const struct decoder *d)
{
	return !d->has_next && d->input.len + d->moving.len < INPUT_BYTES;
}

static void on_took(struct decoder *d, int status)
{
	if (status < 0)
		d->deaf = true; /* why, its exit tells */
	move(d);
	watch(d);
	if (!d->full || !has_room(d))
		return;
	d->full = false;
	d->events->on_drain(d->arg);
}

static void look(struct decoder *d, bool is_all)
{
	enum sniff_order order =
	    sniff_order(d->job.container, buffer_head(&d->input), d->input.len);

	if (order == SNIFF_ORDER_STREAM) {
		start(d, "its beginning");
	} else if (order == SNIFF_ORDER_SEEK || d->input.len >= LOOK_BYTES || is_all) {
		begin_keeping(d, "its beginning");
	}
}

/* What has come of this recording goes where the state puts it. */
static void pass_on(struct decoder *d)
{
	if (d->state == DECODER_LOOKS && !d->deaf && (d->input.len > 0 || d->complete))
		look(d, d->complete);
	if (d->state == DECODER_KEEPS && d->input.len > 0) {
		if (!d->deaf)
			keep(d, buffer_head(&d->input), d->input.len);
		buffer_consume(&d->input, d->input.len);
	}
	if (d->state == DECODER_KEEPS && d->complete)
		play_kept(d);
	if (d->state == DECODER_RESTS)
		buffer_consume(&d->input, d->input.len); /* behind what its process has read */
	move(d);
}

static void complete(struct decoder *d)
{
	d->complete = true;
	pass_on(d);
	if (!uv_is_active((uv_handle_t *)&d->watch))
		watch(d);
}

static void fail_for_room(struct decoder *d)
{
	struct error err;

	(void)error_set(&err, ERROR_LIMIT, "the %s file comes faster than it can be decoded",
	    container_name(d->job.container));
	fail(d, &err);
}

/* Takes all: of the present recording, and from where another begins on what waits for that. */
static void take(struct decoder *d, const uint8_t *bytes, size_t n)
{
	size_t taken = 0;

	if (!d->has_next) {
		if (splice_feed(&d->splice, bytes, n, &taken, &d->input, &d->has_next) != 0) {
			fail_for_room(d);
			return;
		}
		pass_on(d);
		if (d->has_next)
			complete(d);
	}
	if (taken < n && buffer_append(&d->next, bytes + taken, n - taken) != 0)
		fail_for_room(d);
}

static void finish(struct decoder *d)
{
	if (d->has_next)
		return;
	if (splice_flush(&d->splice, &d->input) != 0)
		fail_for_room(d);
	else if (d->state == DECODER_RESTS)
		(void)uv_timer_start(&d->turn, on_turn, 0, 0);
	else
		complete(d);
}

/* The process of the one before has ended, and nothing of it is left. */
static void begin_next(struct decoder *d)
{
	struct buffer waited = d->next;
	bool was_full = d->full;
	struct error err;

	buffer_init(&d->next, waited.max);
	d->full = false;
	d->has_next = d->complete = d->deaf = d->keeps = d->channels_told = false;
	d->part_n = d->kept_n = d->kept_this_turn = 0;
	d->reason = (struct reason){ 0 };
	d->past_ms += timed_ms(&d->timed);
	timed_init(&d->timed, d->job.live);
	if (sniff(d->splice.held, d->splice.held_n, &d->job.container, &err) != 0)
		d->job.container = CONTAINER_OTHER;
	set_state(d, DECODER_LOOKS, "another recording");
	take(d, buffer_head(&waited), waited.len);
	buffer_done(&waited);
	if (d->finished) {
		finish(d);
	} else if (was_full && !d->full) { /* keeping says by itself when it takes more */
		d->full = !has_room(d);
		if (!d->full)
			d->events->on_drain(d->arg);
	}
}

static bool is_ready_for_next(const struct decoder *d)
{
	return d->state == DECODER_RESTS && d->has_next && d->handles == LASTING_HANDLES;
}

static void on_over(struct decoder *d, const struct error *why)
{
	if (why != NULL || (d->finished && !d->has_next)) {
		tell_end(d, why);
		return;
	}
	set_state(d, DECODER_RESTS, "its end");
	watch(d);
	buffer_consume(&d->input, d->input.len);
	if (d->full && !d->has_next) {
		d->full = false;
		d->events->on_drain(d->arg);
	}
}

static void on_closed(struct decoder *d)
{
	if (is_ready_for_next(d)) {
		begin_next(d);
		return;
	}
	if (d->handles > 0 || d->state != DECODER_OVER)
		return;
	if (!d->left)
		decoder_slot_give_back(d);
	buffer_done(&d->input);
	buffer_done(&d->moving);
	buffer_done(&d->next);
	free(d);
}

/* ---- audio ---- */

static const uint8_t zeros[DECODER_OUT_BYTES];

/* Of channels that are not mixed, before their first audio: a WAV header that says how many there are, and of no size. */
static void tell_channels(struct decoder *d)
{
	uint8_t h[] = "RIFF\377\377\377\377WAVEfmt "
		      "\x10\0\0\0\1\0\0\0\x80\x3e\0\0\0\0\0\0\0\0\x10\0data\377\377\377\377";
	unsigned channels = timed_channels(&d->timed), frame = 2 * channels,
		 per_s = frame * DECODER_RATE_HZ;

	h[22] = (uint8_t)channels;
	for (unsigned i = 0; i < 4; i++)
		h[28 + i] = (uint8_t)(per_s >> 8 * i);
	h[32] = (uint8_t)frame;
	h[33] = (uint8_t)(frame >> 8);
	d->events->on_audio(d->arg, h, sizeof h - 1);
}

static bool is_too_long(const struct decoder *d, struct error *err)
{
	if (d->past_ms + timed_ms(&d->timed) <= (uint64_t)d->cfg.max_audio_s * 1000)
		return false;
	(void)error_set(err, ERROR_LIMIT, "the %s file has more audio than decoder_max_audio_s %u",
	    container_name(d->job.container), d->cfg.max_audio_s);
	return true;
}

static bool is_broken(const struct decoder *d, const struct timed_piece *p, struct error *err)
{
	if (p->kind != TIMED_BROKEN)
		return is_too_long(d, err);
	(void)error_set(err, ERROR_INVALID,
	    "not audio: what the decoder made of the %s file is none",
	    container_name(d->job.container));
	return true;
}

static void tell_piece(struct decoder *d, const struct timed_piece *p)
{
	d->part_n += p->kind == TIMED_AUDIO ? p->n : 0;
	if (d->job.apart && !d->channels_told) {
		d->channels_told = true;
		tell_channels(d);
	}
	if (d->state == DECODER_RUNS)
		d->events->on_audio(d->arg, p->kind == TIMED_AUDIO ? p->bytes : zeros, p->n);
}

/* Any piece may pause or free the decoder; its memory stays until its handles are closed. */
static void pump(struct decoder *d)
{
	struct timed_piece p = { .kind = TIMED_AUDIO };
	struct error err;

	while (d->state == DECODER_RUNS && !d->paused &&
	    (p = timed_next(&d->timed, sizeof zeros)).kind != TIMED_NOTHING) {
		if (is_broken(d, &p, &err)) {
			tell_end(d, &err);
			return;
		}
		tell_piece(d, &p);
	}
	if (d->state != DECODER_RUNS)
		return;
	decoder_process_read(d);
	decoder_process_settle(d);
}

static void on_out(struct decoder *d, const uint8_t *bytes, size_t n)
{
	timed_feed(&d->timed, bytes, n);
	watch(d);
	pump(d);
}

static const struct decoder_hands hands = {
	.on_out = on_out, .on_took = on_took, .on_over = on_over, .on_closed = on_closed
};

/* ---- */

bool decoder_feed(struct decoder *d, const void *bytes, size_t n)
{
	assert(!d->finished);
	if (n == 0 || d->failure.code != ERROR_NONE)
		return true;
	take(d, bytes, n);
	if (is_ready_for_next(d)) {
		d->full = true;
		(void)uv_timer_start(&d->turn, on_turn, 0, 0);
	} else if (d->state != DECODER_KEEPS && d->state != DECODER_LOOKS) {
		d->full = d->state == DECODER_RUNS ? !has_room(d) : d->has_next;
	}
	return !d->full;
}

void decoder_finish(struct decoder *d)
{
	assert(!d->finished);
	d->finished = true;
	finish(d);
}

void decoder_pause(struct decoder *d)
{
	d->paused = true;
	if (d->state != DECODER_RUNS)
		return;
	decoder_process_read(d);
	watch(d);
}

void decoder_resume(struct decoder *d)
{
	if (!d->paused)
		return;
	d->paused = false;
	if (d->state != DECODER_RUNS || d->failure.code != ERROR_NONE)
		return;
	watch(d);
	if (timed_is_empty(&d->timed))
		decoder_process_read(d);
	else
		(void)uv_timer_start(&d->turn, on_turn, 0, 0);
}

struct decoder *decoder_new(struct decoders *all, const struct decoder_job *job,
    const struct decoder_events *events, void *arg, struct error *err)
{
	struct decoder *d;

	if (all->n >= all->cfg.max) {
		(void)error_set(err, ERROR_BUSY,
		    "as many files are being decoded as may be (decoder_max %u)", all->cfg.max);
		return NULL;
	}
	d = xcalloc(1, sizeof *d);
	all->n++;
	metric_add(METRIC_decoders, 1);
	d->all = all;
	d->cfg = all->cfg;
	d->job = *job;
	d->events = events;
	d->arg = arg;
	d->file = -1;
	buffer_init(&d->input, INPUT_BYTES + MAX(d->cfg.piece_bytes, (size_t)INPUT_BYTES));
	d->moving = d->next = d->input;
	d->hands = &hands;
	timed_init(&d->timed, job->live);
	(void)uv_timer_init(all->loop, &d->watch);
	(void)uv_timer_init(all->loop, &d->turn);
	decoder_handle_add(d, (uv_handle_t *)&d->watch);
	decoder_handle_add(d, (uv_handle_t *)&d->turn);
	return d;
}

void decoder_free(struct decoder **decoder)
{
	struct decoder *d = *decoder;

	*decoder = NULL;
	if (d != NULL)
		go(d, "its owner's wish");
}
