/* The process and its three pipes. libuv reaps it: it waits for its own children only, so instances that were orphaned are
 * none of its business, nor is this one theirs. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "media/command.h"
#include "media/decoder_internal.h"
#include "media/verdict.h"

void decoder_slot_give_back(struct decoder *d)
{
	d->all->n--;
	metric_sub(METRIC_decoders, 1);
}

static void on_closed(uv_handle_t *handle)
{
	struct decoder *d = handle->data;

	d->handles--;
	d->hands->on_closed(d);
}

void decoder_handle_add(struct decoder *d, uv_handle_t *handle)
{
	handle->data = d;
	d->handles++;
}

void decoder_handle_close(uv_handle_t *handle)
{
	if (handle->data != NULL && !uv_is_closing(handle))
		uv_close(handle, on_closed);
}

void decoder_process_settle(struct decoder *d)
{
	const struct verdict_facts facts = { .cfg = &d->cfg,
		.container = d->job.container,
		.status = d->exit_status,
		.signal = d->exit_signal,
		.reason = &d->reason,
		.decoded_n = d->part_n,
		.live = d->job.live };
	struct error err;

	if (d->state != DECODER_RUNS || d->running || !d->out_ended || !d->said_ended ||
	    !timed_is_empty(&d->timed))
		return;
	if (verdict(&facts, &err) == 0) {
		d->hands->on_over(d, NULL);
		return;
	}
	log_info("decoder: %s; the decoder itself said: %s", err.text, d->reason.text);
	d->hands->on_over(d, &err);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal)
{
	struct decoder *d = process->data;

	d->running = false;
	d->exit_status = status;
	d->exit_signal = signal;
	decoder_handle_close((uv_handle_t *)process);
	if (d->state == DECODER_OVER)
		decoder_handle_close((uv_handle_t *)&d->watch);
	decoder_process_settle(d);
}

static void give_room(uv_handle_t *handle, size_t wish, uv_buf_t *room)
{
	struct decoder *d = handle->data;

	(void)wish;
	*room = handle == (uv_handle_t *)&d->out
	    ? uv_buf_init((char *)d->out_bytes, sizeof d->out_bytes)
	    : uv_buf_init(d->said_bytes, sizeof d->said_bytes);
}

static void on_said(uv_stream_t *stream, ssize_t n, const uv_buf_t *words)
{
	struct decoder *d = stream->data;

	if (n > 0)
		reason_feed(&d->reason, words->base, (size_t)n);
	if (n >= 0)
		return;
	(void)reason_finish(&d->reason);
	d->said_ended = true;
	decoder_handle_close((uv_handle_t *)stream);
	decoder_process_settle(d);
}

/* The last thing: what hears it may free the decoder. */
static void on_out(uv_stream_t *stream, ssize_t n, const uv_buf_t *audio)
{
	struct decoder *d = stream->data;

	if (n > 0) {
		(void)uv_read_stop(stream);
		d->hands->on_out(d, (const uint8_t *)audio->base, (size_t)n);
	} else if (n < 0) {
		d->out_ended = true;
		decoder_handle_close((uv_handle_t *)stream);
		decoder_process_settle(d);
	}
}

void decoder_process_read(struct decoder *d)
{
	if (d->out_ended)
		return;
	if (d->paused || !timed_is_empty(&d->timed))
		(void)uv_read_stop((uv_stream_t *)&d->out);
	else
		(void)uv_read_start((uv_stream_t *)&d->out, give_room, on_out);
}

static void on_written(uv_write_t *write, int status)
{
	struct decoder *d = write->data;

	d->writing = false;
	buffer_consume(&d->moving, d->moving.len);
	if (d->state == DECODER_RUNS)
		d->hands->on_took(d, status);
}

void decoder_process_write(struct decoder *d)
{
	uv_buf_t bytes =
	    uv_buf_init((char *)(uintptr_t)buffer_head(&d->moving), (unsigned)d->moving.len);
	int rc;

	d->write.data = d;
	d->writing = true;
	rc = uv_write(&d->write, (uv_stream_t *)&d->in, &bytes, 1, on_written);
	if (rc == 0)
		return;
	d->writing = false;
	d->deaf = true;
	buffer_consume(&d->moving, d->moving.len);
}

void decoder_process_close_input(struct decoder *d)
{
	if (!d->keeps)
		decoder_handle_close((uv_handle_t *)&d->in);
}

static int make_pipes(struct decoder *d)
{
	uv_pipe_t *const pipes[] = { &d->in, &d->out, &d->said };

	for (size_t i = d->keeps ? 1 : 0; i < ARRAY_SIZE(pipes); i++) {
		int rc = uv_pipe_init(d->all->loop, pipes[i], 0);

		if (rc < 0)
			return rc;
		decoder_handle_add(d, (uv_handle_t *)pipes[i]);
	}
	return 0;
}

/* In a session of its own, so that what a terminal sends to the server's group goes to the server alone. */
static int spawn(struct decoder *d)
{
	uv_stdio_container_t stdio[3] = { { .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
					      .data.stream = (uv_stream_t *)&d->in },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		    .data.stream = (uv_stream_t *)&d->out },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		    .data.stream = (uv_stream_t *)&d->said } };
	struct command c;
	const uv_process_options_t o = { .exit_cb = on_exit_status,
		.file = d->all->helper,
		.args = c.args,
		.stdio = stdio,
		.stdio_count = 3,
		.flags = UV_PROCESS_DETACHED };
	int rc;

	if (d->keeps) {
		stdio[0].flags = UV_INHERIT_FD;
		stdio[0].data.fd = d->file;
	}
	d->cfg.program = d->all->cfg.program;
	command_make(&c, d->all->helper, &d->cfg, &d->job, d->keeps);
	rc = uv_spawn(d->all->loop, &d->process, &o);
	decoder_handle_add(d, (uv_handle_t *)&d->process);
	return rc;
}

int decoder_process_start(struct decoder *d, struct error *err)
{
	int rc = make_pipes(d);

	if (rc == 0)
		rc = spawn(d);
	fd_close(&d->file);
	if (rc < 0) {
		log_error("decoder: cannot run %s: %s", d->all->helper, uv_strerror(rc));
		return error_set(err, ERROR_SYSTEM, "no decoder can be run: %s", uv_strerror(rc));
	}
	d->running = true;
	d->out_ended = d->said_ended = false;
	metric_add(METRIC_decoders_started_total, 1);
	(void)uv_read_start((uv_stream_t *)&d->said, give_room, on_said);
	decoder_process_read(d);
	return 0;
}

void decoder_process_leave(struct decoder *d)
{
	d->left = true;
	uv_unref((uv_handle_t *)&d->process);
	decoder_slot_give_back(d);
}

void decoder_process_kill(struct decoder *d)
{
	if (d->running)
		(void)uv_process_kill(&d->process, SIGKILL);
}
