/* One attempt at a time: the new server's process is watched through its pidfd and a pipe by which it says that it serves.
 * NONE --start--> STARTING --it serves--> DONE, or --it ends, or is late--> NONE. */
#define _GNU_SOURCE
#include "cli/upgrade.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/successor.h"

/* One attempt: the new server's process, its pipe, and our child that watches over it. Outlives the upgrade's interest in it
 * until its handles have closed. */
struct attempt {
	struct upgrade *upgrade; /* NULL: given up */
	struct successor is;
	bool ready; /* the server serves, and its watcher is told to go */
	int ready_fd, server_pidfd, watcher_pidfd; /* -1: closed, or gone before it could be had */
	uv_poll_t ready_poll, exit_poll;
	unsigned handles;
};

struct upgrade {
	uv_loop_t *loop;
	const struct upgrade_events *events;
	void *arg;
	enum upgrade_state state;
	struct attempt *attempt; /* NULL: none */
	uv_timer_t timer;        /* while STARTING */
	unsigned timeout_ms;
	bool late;      /* over timeout_ms, and told to end */
	bool cancelled; /* told to end as we do: only its end is waited for */
	bool leaving;   /* upgrade_free was called meanwhile */
};

enum { END_TIMEOUT_MS = 5000 };

enum upgrade_event { UPGRADE_ON_START, UPGRADE_ON_READY, UPGRADE_ON_END, UPGRADE_EVENTS };

#define NEVER UPGRADE_STATES
static const enum upgrade_state next[UPGRADE_STATES][UPGRADE_EVENTS] = {
	/*                        start             ready         end */
	[UPGRADE_NONE] = { UPGRADE_STARTING, NEVER, UPGRADE_NONE },
	[UPGRADE_STARTING] = { NEVER, UPGRADE_DONE, UPGRADE_NONE },
	[UPGRADE_DONE] = { NEVER, NEVER, NEVER },
};

static void step(struct upgrade *u, enum upgrade_event e)
{
	static const char *const names[UPGRADE_STATES] = { "none", "starting", "done" };
	enum upgrade_state to = next[u->state][e];

	assert(to != NEVER);
	log_debug("upgrade: %s -> %s", names[u->state], names[to]);
	u->state = to;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct attempt *a = handle->data;

	if (--a->handles > 0)
		return;
	fd_close(&a->ready_fd);
	fd_close(&a->server_pidfd);
	fd_close(&a->watcher_pidfd);
	free(a);
}

static void close_poll(uv_poll_t *poll)
{
	if (!uv_is_closing((uv_handle_t *)poll))
		uv_close((uv_handle_t *)poll, on_handle_closed);
}

static void give_up_attempt(struct upgrade *u)
{
	struct attempt *a = u->attempt;

	if (a == NULL)
		return;
	u->attempt = NULL;
	a->upgrade = NULL;
	close_poll(&a->ready_poll);
	close_poll(&a->exit_poll);
}

static void fail(struct upgrade *u, const struct error *why)
{
	(void)uv_timer_stop(&u->timer);
	give_up_attempt(u);
	step(u, UPGRADE_ON_END);
	u->events->on_failed(u->arg, why);
}

static void word_end(struct error *err, int status)
{
	if (WIFSIGNALED(status))
		(void)error_set(err, ERROR_PEER, "the new server was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)error_set(
		    err, ERROR_PEER, "the new server ended with status %d", WEXITSTATUS(status));
}

static void fail_as_it_ended(struct upgrade *u, int status)
{
	struct error err;

	word_end(&err, status);
	if (u->late)
		(void)error_set(&err, ERROR_TIMEOUT,
		    "the new server was not ready within handover_start_timeout_ms %u",
		    u->timeout_ms);
	fail(u, &err);
}

/* We take in what a dead host leaves behind, but not the new server. */
static void take_in_orphans(bool yes)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, yes, 0, 0, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void end_cancelled(struct upgrade *u)
{
	(void)uv_timer_stop(&u->timer);
	give_up_attempt(u);
	if (u->leaving)
		uv_close((uv_handle_t *)&u->timer, on_timer_closed);
}

/* The watcher is gone: with the server it watched, or for it. Now the server is no descendant of ours any more. */
static void on_watcher_gone(uv_poll_t *poll, int s, int events)
{
	struct attempt *a = poll->data;
	struct upgrade *u = a->upgrade;
	int status, server = a->is.server;

	(void)s;
	(void)events;
	if (waitpid(a->is.watcher, &status, WNOHANG) != a->is.watcher)
		return;
	if (u->cancelled) {
		end_cancelled(u);
		return;
	}
	if (!a->ready) {
		fail_as_it_ended(u, status);
		return;
	}
	take_in_orphans(true);
	give_up_attempt(u);
	step(u, UPGRADE_ON_READY);
	u->events->on_ready(u->arg, server);
}

static void send_signal(int pidfd, int signal)
{
	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/* A byte is its word. An end of file is none: it has ended, or soon will. */
static void on_word(uv_poll_t *poll, int status, int events)
{
	struct attempt *a = poll->data;
	struct upgrade *u = a->upgrade;
	char byte = 0;

	(void)status;
	(void)events;
	if (read(a->ready_fd, &byte, 1) < 0)
		return;
	(void)uv_poll_stop(poll);
	if (byte != '1' || u->late || u->cancelled)
		return;
	(void)uv_timer_stop(&u->timer);
	a->ready = true;
	take_in_orphans(false);
	send_signal(a->watcher_pidfd, SIGKILL);
}

/* Not even killed did it end, or its watcher stands still: the watcher's end is what is waited for. */
static void on_undead(uv_timer_t *timer)
{
	const struct upgrade *u = timer->data;

	log_error("upgrade: the new server, process %d, does not end, going on without it",
	    u->attempt->is.server);
	send_signal(u->attempt->watcher_pidfd, SIGKILL);
}

static void on_unkind(uv_timer_t *timer)
{
	const struct upgrade *u = timer->data;

	send_signal(u->attempt->server_pidfd, SIGKILL);
	(void)uv_timer_start(timer, on_undead, END_TIMEOUT_MS, 0);
}

/* Asked, not killed, it ends its own processes first; one that was stopped can do so as well. */
static void ask_to_end(const struct attempt *a)
{
	send_signal(a->server_pidfd, SIGTERM);
	send_signal(a->server_pidfd, SIGCONT);
}

/* Its end comes to on_watcher_gone. */
static void on_late(uv_timer_t *timer)
{
	struct upgrade *u = timer->data;

	u->late = true;
	ask_to_end(u->attempt);
	(void)uv_timer_start(timer, on_unkind, END_TIMEOUT_MS, 0);
}

struct upgrade *upgrade_new(struct uv_loop_s *loop, const struct upgrade_events *events, void *arg)
{
	struct upgrade *u = xcalloc(1, sizeof *u);

	u->loop = loop;
	u->events = events;
	u->arg = arg;
	(void)uv_timer_init(loop, &u->timer);
	u->timer.data = u;
	return u;
}

static int open_pidfd(int pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Takes ready_fd and watcher_pidfd. */
static void watch(struct upgrade *u, const struct successor *is, int watcher_pidfd, int ready_fd)
{
	struct attempt *a = xcalloc(1, sizeof *a);

	*a = (struct attempt){ .upgrade = u,
		.is = *is,
		.ready_fd = ready_fd,
		.server_pidfd = open_pidfd(is->server),
		.watcher_pidfd = watcher_pidfd,
		.handles = 2 };
	u->attempt = a;
	(void)uv_poll_init(u->loop, &a->ready_poll, ready_fd);
	(void)uv_poll_init(u->loop, &a->exit_poll, watcher_pidfd);
	a->ready_poll.data = a->exit_poll.data = a;
	(void)uv_poll_start(&a->ready_poll, UV_READABLE, on_word);
	(void)uv_poll_start(&a->exit_poll, UV_READABLE, on_watcher_gone);
}

static int launch(struct upgrade *u, const struct successor_config *cfg, struct error *err)
{
	struct successor_config own = *cfg;
	struct successor is;
	int word[2], pidfd, started;

	if (pipe2(word, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make a pipe");
	own.ready_fd = word[1];
	started = successor_start(&own, &is, err);
	fd_close(&word[1]);
	pidfd = started < 0 ? -1 : open_pidfd(is.watcher);
	if (pidfd >= 0) {
		watch(u, &is, pidfd, word[0]);
		return 0;
	}
	fd_close(&word[0]);
	if (started < 0)
		return -1;
	(void)error_set_errno(err, ERROR_SYSTEM, "cannot watch the new server");
	(void)kill(is.server, SIGKILL); /* its watcher, not reaped yet, ends with it */
	(void)waitpid(is.watcher, NULL, 0);
	return -1;
}

int upgrade_start(
    struct upgrade *u, const struct successor_config *cfg, unsigned timeout_ms, struct error *err)
{
	if (u->state == UPGRADE_STARTING)
		return error_set(err, ERROR_BUSY, "a new server is being started already");
	if (u->state == UPGRADE_DONE)
		return error_set(err, ERROR_BUSY, "a new server has taken over already");
	if (launch(u, cfg, err) < 0)
		return -1;
	u->timeout_ms = timeout_ms;
	u->late = false;
	(void)uv_timer_start(&u->timer, on_late, timeout_ms, 0);
	step(u, UPGRADE_ON_START);
	return 0;
}

void upgrade_cancel(struct upgrade *u)
{
	if (u->state != UPGRADE_STARTING)
		return;
	log_warn("server: the new server was not ready yet, and is told to end");
	ask_to_end(u->attempt);
	u->cancelled = true;
	(void)uv_timer_start(&u->timer, on_unkind, END_TIMEOUT_MS, 0);
	step(u, UPGRADE_ON_END);
}

enum upgrade_state upgrade_state(const struct upgrade *u)
{
	return u->state;
}

void upgrade_free(struct upgrade **upgrade)
{
	struct upgrade *u = *upgrade;

	*upgrade = NULL;
	if (u == NULL)
		return;
	if (u->cancelled && u->attempt != NULL) {
		u->leaving = true; /* one that stands still would keep our sockets for ever */
		return;
	}
	give_up_attempt(u);
	uv_close((uv_handle_t *)&u->timer, on_timer_closed);
}
