#define _GNU_SOURCE
#include "pool/host_process.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/error.h"
#include "base/process_state.h"
#include "base/util.h"
#include "ipc/channel.h"
#include "pool/host_config.h"
#include "pool/lines.h"

enum { ARGS_MAX = 80, MESSAGES_PER_WAKEUP = 16 };

struct host_process {
	const struct host_process_events *events;
	void *arg;
	bool running; /* it has not been reaped */
	bool left;    /* nobody is told of it any more */
	int fd;       /* our end of the control socket; -1: closed */
	uv_process_t process;
	uv_poll_t poll;
	unsigned handles; /* not closed; at 0 one that has ended is freed */
	int status, signal;
	struct channel_inbox *inbox;
};

/* Its end is told when its socket has been closed as well, so that nothing of it comes afterwards. */
static void on_handle_closed(uv_handle_t *handle)
{
	struct host_process *p = handle->data;

	if (handle == (uv_handle_t *)&p->poll)
		fd_close(&p->fd);
	if (--p->handles > 0)
		return;
	if (!p->left)
		p->events->on_ended(p->arg, p->status, p->signal);
	free(p->inbox);
	free(p);
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_handle_closed);
}

/* False: there is no more now, or for ever. */
static bool hear_one(struct host_process *p)
{
	struct ipc_message m;
	struct error err;

	switch (channel_receive(p->fd, p->inbox, &m, &err)) {
	case CHANNEL_OK:
		p->events->on_message(p->arg, &m, p->inbox);
		return true;
	case CHANNEL_SHORT:
		p->events->on_short(p->arg, m.spawn.instance, &err);
		return true;
	case CHANNEL_FAILED:
		p->events->on_broken(p->arg, &err);
		return false;
	case CHANNEL_CLOSED:
		host_process_kill(p);
		return false;
	case CHANNEL_AGAIN:
	default:
		return false;
	}
}

static void hear(struct host_process *p, int most)
{
	for (int i = 0; i < most && !uv_is_closing((uv_handle_t *)&p->poll); i++)
		if (!hear_one(p))
			return;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	hear(poll->data, MESSAGES_PER_WAKEUP);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal)
{
	struct host_process *p = process->data;

	hear(p, INT_MAX); /* its last words */
	p->running = false;
	p->status = (int)status;
	p->signal = signal;
	close_handle((uv_handle_t *)&p->poll);
	close_handle((uv_handle_t *)process);
}

static int spawn(uv_loop_t *loop, struct host_process *p, const struct host_config *cfg, int theirs,
    int stderr_fd)
{
	uv_stdio_container_t stdio[4] = { { .flags = UV_IGNORE }, { .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = stderr_fd },
		{ .flags = UV_INHERIT_FD, .data.fd = theirs } };
	uv_process_options_t o = { .exit_cb = on_exit_status,
		.file = cfg->program,
		.stdio = stdio,
		.stdio_count = 4,
		.flags = UV_PROCESS_DETACHED };
	char *args[ARGS_MAX] = { (char *)(uintptr_t)cfg->program, (char *)(uintptr_t)cfg->engine };
	char patience[48];
	size_t n = 2;

	(void)snprintf(patience, sizeof patience, "host.load_timeout_ms=%u", cfg->start_timeout_ms);
	args[n++] = patience; /* no parameter: another one is no reason to load anew */
	for (char *const *at = cfg->params; *at != NULL && n < ARRAY_SIZE(args) - 1; at++)
		args[n++] = *at;
	o.args = args;
	p->process.data = p;
	return uv_spawn(loop, &p->process, &o);
}

static void listen_to(uv_loop_t *loop, struct host_process *p, const char *pool, int stderr_fd)
{
	char name[64];

	p->running = true;
	(void)uv_poll_init(loop, &p->poll, p->fd);
	p->poll.data = p;
	p->handles++;
	(void)uv_poll_start(&p->poll, UV_READABLE, on_readable);
	(void)snprintf(name, sizeof name, "host %s", pool);
	lines_start(loop, stderr_fd, name);
}

/* The handle of a process that was not started has to be closed all the same. */
static void drop(struct host_process *p)
{
	fd_close(&p->fd);
	p->left = true;
	close_handle((uv_handle_t *)&p->process);
}

struct host_process *host_process_new(struct uv_loop_s *loop, const struct host_config *cfg,
    const struct host_process_events *events, void *arg, struct error *err)
{
	struct host_process *p;
	int fds[2], log[2], rc;

	if (channel_pair(fds, err) < 0)
		return NULL;
	if (channel_set_nonblocking(fds[0], err) < 0 || pipe2(log, O_CLOEXEC) < 0) {
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot make a pipe");
		fd_close(&fds[0]);
		fd_close(&fds[1]);
		return NULL;
	}
	p = xcalloc(1, sizeof *p);
	*p = (struct host_process){ .events = events, .arg = arg, .fd = fds[0], .handles = 1 };
	p->inbox = xcalloc(1, sizeof *p->inbox);
	rc = spawn(loop, p, cfg, fds[1], log[1]);
	fd_close(&fds[1]);
	fd_close(&log[1]);
	if (rc == 0) {
		listen_to(loop, p, cfg->name, log[0]);
		return p;
	}
	fd_close(&log[0]);
	drop(p);
	(void)error_set(err, ERROR_SYSTEM, "cannot run %s: %s", cfg->program, uv_strerror(rc));
	return NULL;
}

bool host_process_send(struct host_process *p, const struct ipc_message *m)
{
	struct error err;

	if (uv_is_closing((uv_handle_t *)&p->poll))
		return false;
	return channel_send(p->fd, m, NULL, 0, &err) == CHANNEL_OK;
}

int host_process_pid(const struct host_process *p)
{
	return p->running ? uv_process_get_pid(&p->process) : 0;
}

bool host_process_is_stopped(const struct host_process *p)
{
	char state = process_state(host_process_pid(p));

	return state == 'T' || state == 't';
}

void host_process_kill(struct host_process *p)
{
	close_handle((uv_handle_t *)&p->poll);
	if (p->running)
		(void)uv_process_kill(&p->process, SIGKILL);
}

void host_process_free(struct host_process **process)
{
	struct host_process *p = *process;

	if (p == NULL)
		return;
	*process = NULL;
	p->left = true;
	host_process_kill(p);
	uv_unref((uv_handle_t *)&p->process);
}
