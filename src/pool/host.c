/* One host process:  DOWN --start--> STARTING --HELLO--> READY
 *                    STARTING, READY --its process ends--> BACKOFF --timer--> STARTING
 * The pause doubles from backoff_min_ms to backoff_max_ms while hosts end before they were ready; one that was
 * ready once starts the count anew, and its restart has no pause. */
#define _GNU_SOURCE
#include "pool/host.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "ipc/channel.h"
#include "pool/lines.h"

enum host_state { HOST_DOWN, HOST_STARTING, HOST_READY, HOST_BACKOFF, HOST_STATES };

struct host {
	uv_loop_t *loop;
	struct host_config *cfg; /* owned */
	uint64_t stamp;          /* of its files, before they were read */
	const struct host_events *events;
	void *arg;
	enum host_state state;
	unsigned failures; /* starts in a row that did not come to READY */
	bool hurried;      /* the next restart has no pause */
	bool running;      /* the process has not been reaped */
	bool closing;
	int fd; /* our end of the control socket; -1: none */
	uv_process_t process;
	uv_poll_t poll;
	uv_timer_t timer; /* start timeout while STARTING, pause while BACKOFF */
	unsigned handles; /* not yet closed; at 0 a closing host is freed */
	void (*on_done)(void *arg);
	void *done_arg;
	struct channel_inbox *inbox;
};

static const char *const state_names[HOST_STATES] = { "down", "starting", "ready", "backoff" };

static void start(struct host *h);

static void set_state(struct host *h, enum host_state to, const char *why)
{
	log_debug(
	    "host %s: %s -> %s on %s", h->cfg->name, state_names[h->state], state_names[to], why);
	h->state = to;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct host *h = handle->data;

	if (--h->handles > 0 || !h->closing || h->running)
		return;
	if (h->on_done != NULL)
		h->on_done(h->done_arg);
	host_config_free(&h->cfg);
	free(h->inbox);
	free(h);
}

static void close_handle(struct host *h, uv_handle_t *handle)
{
	handle->data = h;
	uv_close(handle, on_handle_closed);
}

static void on_socket_closed(uv_handle_t *handle)
{
	struct host *h = handle->data;

	fd_close(&h->fd);
	on_handle_closed(handle);
}

/* The socket is closed with its poll handle, so a new process cannot get the old one's number. */
static void close_socket(struct host *h)
{
	if (h->fd >= 0 && !uv_is_closing((uv_handle_t *)&h->poll)) {
		h->poll.data = h;
		uv_close((uv_handle_t *)&h->poll, on_socket_closed);
	}
}

static void kill_host(struct host *h)
{
	close_socket(h);
	if (h->running)
		(void)uv_process_kill(&h->process, SIGKILL);
}

static void on_start_timeout(uv_timer_t *timer)
{
	struct host *h = timer->data;

	log_error("host %s: not ready after load_timeout_ms %u, killing it", h->cfg->name,
	    h->cfg->start_timeout_ms);
	kill_host(h);
}

static void on_pause_over(uv_timer_t *timer)
{
	struct host *h = timer->data;

	if (h->fd >= 0)
		(void)uv_timer_start(
		    timer, on_pause_over, 1, 0); /* its old socket is still closing */
	else
		start(h);
}

static void plan_restart(struct host *h)
{
	unsigned ms = h->hurried ? 0 : host_config_pause_ms(h->cfg, h->failures);

	set_state(h, HOST_BACKOFF, "exit");
	log_info("host %s: starting again in %u ms", h->cfg->name, ms);
	(void)uv_timer_start(&h->timer, on_pause_over, ms, 0);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal)
{
	struct host *h = process->data;
	bool was_ready = h->state == HOST_READY;

	h->running = false;
	close_socket(h);
	close_handle(h, (uv_handle_t *)process);
	if (h->closing)
		return;
	(void)uv_timer_stop(&h->timer);
	if (signal != 0)
		log_warn("host %s: killed by signal %d", h->cfg->name, signal);
	else
		log_warn("host %s: ended with status %d", h->cfg->name, (int)status);
	h->failures = was_ready ? 0 : h->failures + 1;
	plan_restart(h);
	h->events->on_down(h->arg);
}

static void take_hello(struct host *h, const struct ipc_hello *hello)
{
	if (hello->version != IPC_VERSION) {
		log_error("host %s: speaks version %u of the protocol, %d is needed", h->cfg->name,
		    hello->version, IPC_VERSION);
		kill_host(h);
		return;
	}
	(void)uv_timer_stop(&h->timer);
	h->failures = 0;
	set_state(h, HOST_READY, "hello");
	log_info(
	    "host %s: %.*s with model %.*s loaded in %u ms, warmed up in %u ms, %u KiB private",
	    h->cfg->name, (int)hello->engine.length, hello->engine.bytes, (int)hello->model.length,
	    hello->model.bytes, hello->load_ms, hello->warmup_ms, hello->private_kb);
	h->events->on_ready(h->arg, hello);
}

static void take_failure(struct host *h, const struct ipc_failure *f)
{
	struct error err;

	(void)error_set(&err, f->code < ERROR_CODES ? (enum error_code)f->code : ERROR_ENGINE,
	    "%.*s", (int)f->text.length, f->text.bytes);
	log_error("host %s: %s", h->cfg->name, err.text);
	h->events->on_failed(h->arg, &err);
}

static void take_exited(struct host *h, const struct ipc_spawn *s)
{
	h->events->on_exited(h->arg, s->instance, (int)s->wait_status);
}

static void take_spawn_failed(struct host *h, const struct ipc_spawn *s)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "%.*s", (int)s->text.length, s->text.bytes);
	h->events->on_spawn_failed(h->arg, s->instance, &err);
}

/* The descriptors are the receiver's from here on, and closed where nobody takes them. */
static bool take(struct host *h, const struct ipc_message *m)
{
	if (m->type == IPC_SPAWNED && h->inbox->fds_n == 3) {
		h->events->on_spawned(h->arg, m->spawn.instance, (int)m->spawn.pid, h->inbox->fds);
		return true;
	}
	for (size_t i = 0; i < h->inbox->fds_n; i++)
		fd_close(&h->inbox->fds[i]);
	if (m->type == IPC_HELLO && h->state == HOST_STARTING)
		take_hello(h, &m->hello);
	else if (m->type == IPC_HOST_FAILED)
		take_failure(h, &m->failure);
	else if (m->type == IPC_EXITED)
		take_exited(h, &m->spawn);
	else if (m->type == IPC_SPAWN_FAILED)
		take_spawn_failed(h, &m->spawn);
	else
		return false;
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct host *h = poll->data;
	struct ipc_message m;
	struct error err;
	enum channel_status got;

	(void)status;
	(void)events;
	for (int i = 0; i < 16 && !uv_is_closing((uv_handle_t *)poll); i++) {
		got = channel_receive(h->fd, h->inbox, &m, &err);
		if (got == CHANNEL_AGAIN)
			return;
		if (got == CHANNEL_OK && take(h, &m))
			continue;
		if (got == CHANNEL_SHORT) { /* the newborn sees the end of its socket, and leaves */
			h->events->on_spawn_failed(h->arg, m.spawn.instance, &err);
			continue;
		}
		if (got == CHANNEL_FAILED)
			log_error("host %s: %s, killing it", h->cfg->name, err.text);
		if (got == CHANNEL_OK)
			log_error("host %s: sent %s out of turn, killing it", h->cfg->name,
			    ipc_type_name(m.type));
		kill_host(h);
	}
}

static int spawn_process(struct host *h, int theirs, int stderr_fd, struct error *err)
{
	uv_stdio_container_t stdio[4] = { { .flags = UV_IGNORE }, { .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = stderr_fd },
		{ .flags = UV_INHERIT_FD, .data.fd = theirs } };
	uv_process_options_t o = { .exit_cb = on_exit_status,
		.file = h->cfg->program,
		.stdio = stdio,
		.stdio_count = 4,
		.flags = UV_PROCESS_DETACHED };
	char *args[80] = { (char *)(uintptr_t)h->cfg->program, (char *)(uintptr_t)h->cfg->engine };
	size_t n = 2;
	int rc;

	for (char *const *p = h->cfg->params; *p != NULL && n < ARRAY_SIZE(args) - 1; p++)
		args[n++] = *p;
	o.args = args;
	h->process.data = h;
	rc = uv_spawn(h->loop, &h->process, &o);
	h->handles++;
	if (rc == 0)
		return 0;
	close_handle(h, (uv_handle_t *)&h->process);
	return error_set(err, ERROR_SYSTEM, "cannot run %s: %s", h->cfg->program, uv_strerror(rc));
}

static int open_process(struct host *h, struct error *err)
{
	char name[64];
	int fds[2], log[2], rc;

	if (channel_pair(fds, err) < 0)
		return -1;
	if (pipe2(log, O_CLOEXEC) < 0) {
		fd_close(&fds[0]);
		fd_close(&fds[1]);
		return error_set_errno(err, ERROR_SYSTEM, "cannot make a pipe");
	}
	rc = channel_set_nonblocking(fds[0], err);
	if (rc == 0)
		rc = spawn_process(h, fds[1], log[1], err);
	fd_close(&fds[1]);
	fd_close(&log[1]);
	if (rc < 0) {
		fd_close(&fds[0]);
		fd_close(&log[0]);
		return -1;
	}
	h->running = true;
	h->fd = fds[0];
	(void)snprintf(name, sizeof name, "host %s", h->cfg->name);
	lines_start(h->loop, log[0], name);
	return 0;
}

static void start(struct host *h)
{
	struct error err;

	set_state(h, HOST_STARTING, "start");
	h->hurried = false;
	h->stamp = host_config_stamp(h->cfg);
	if (open_process(h, &err) < 0) {
		log_error("host %s: %s", h->cfg->name, err.text);
		h->failures++;
		h->events->on_failed(h->arg, &err);
		plan_restart(h);
		return;
	}
	h->handles++;
	(void)uv_poll_init(h->loop, &h->poll, h->fd);
	h->poll.data = h;
	(void)uv_poll_start(&h->poll, UV_READABLE, on_readable);
	(void)uv_timer_start(&h->timer, on_start_timeout, h->cfg->start_timeout_ms, 0);
}

struct host *host_new(struct uv_loop_s *loop, const struct host_config *cfg,
    const struct host_events *events, void *arg)
{
	struct host *h = xcalloc(1, sizeof *h);

	h->loop = loop;
	h->cfg = host_config_copy(cfg);
	h->events = events;
	h->arg = arg;
	h->fd = -1;
	h->inbox = xcalloc(1, sizeof *h->inbox);
	(void)uv_timer_init(loop, &h->timer);
	h->timer.data = h;
	h->handles = 1;
	return h;
}

void host_start(struct host *h)
{
	start(h);
}

int host_spawn(struct host *h, uint64_t id)
{
	const struct ipc_message m = { .type = IPC_SPAWN, .spawn = { .instance = id } };
	struct error err;

	if (h->state != HOST_READY || h->closing)
		return -1;
	return channel_send(h->fd, &m, NULL, 0, &err) == CHANNEL_OK ? 0 : -1;
}

bool host_is_ready(const struct host *h)
{
	return h->state == HOST_READY;
}

bool host_is_current(const struct host *h, const struct host_config *cfg)
{
	return host_config_is_same(h->cfg, cfg) && h->stamp == host_config_stamp(cfg);
}

void host_set_times(struct host *h, const struct host_config *cfg)
{
	host_config_copy_times(h->cfg, cfg);
}

bool host_renew(struct host *h, const struct host_config *cfg)
{
	bool goes_on = h->state == HOST_STARTING && host_is_current(h, cfg);

	host_config_free(&h->cfg);
	h->cfg = host_config_copy(cfg);
	if (goes_on)
		return false;
	h->failures = 0;
	h->hurried = true;
	if (h->state == HOST_STARTING)
		kill_host(h); /* its end starts it again */
	else if (h->state == HOST_BACKOFF)
		(void)uv_timer_start(&h->timer, on_pause_over, 0, 0);
	return true;
}

int host_pid(const struct host *h)
{
	return h->running ? uv_process_get_pid(&h->process) : 0;
}

void host_free(struct host **host, void (*done)(void *arg), void *arg)
{
	struct host *h = *host;

	if (h == NULL)
		return;
	*host = NULL;
	h->closing = true;
	h->on_done = done;
	h->done_arg = arg;
	kill_host(h);
	close_handle(h, (uv_handle_t *)&h->timer);
}
