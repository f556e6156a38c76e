/* A member is what the server holds of one instance: its socket, and a descriptor of its process (pidfd), which
 * tells when the process is gone and lets it be killed without the danger of a reused pid.
 *
 * The host is the instances' parent: it reaps them and tells how they ended. When it has died they are ours (the
 * server is a subreaper) and are reaped here. */
#define _GNU_SOURCE
#include "pool/crew.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
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
#include "ipc/channel.h"
#include "pool/lines.h"

enum { BUCKETS = 256, MESSAGES_PER_WAKEUP = 16 };

struct member {
	struct member *next; /* in its bucket */
	struct crew *crew;
	uint64_t id;
	int pid;
	int fd, pidfd; /* -1: closed */
	uv_poll_t poll, exit_poll;
	bool wants_room; /* a send found no room */
	bool gone;       /* the process has ended; the host may still tell how */
	bool exited;     /* ... and the pool knows */
	unsigned handles;
};

struct crew {
	uv_loop_t *loop;
	struct pool *pool;
	struct host *host;
	const char *name;
	struct member *buckets[BUCKETS];
	unsigned members;
	uv_timer_t timer;
	struct channel_inbox *inbox;
	bool closing, host_gone, timer_gone;
	void (*on_done)(void *arg);
	void *done_arg;
};

static struct member *find(const struct crew *c, uint64_t id)
{
	struct member *m = c->buckets[id % BUCKETS];

	while (m != NULL && m->id != id)
		m = m->next;
	return m;
}

static void free_when_empty(struct crew *c)
{
	if (!c->closing || c->members > 0 || !c->host_gone || !c->timer_gone)
		return;
	pool_free(&c->pool);
	if (c->on_done != NULL)
		c->on_done(c->done_arg);
	free(c->inbox);
	free(c);
}

static void member_forget(struct member *m)
{
	struct member **at = &m->crew->buckets[m->id % BUCKETS];
	struct crew *c = m->crew;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	c->members--;
	free(m);
	free_when_empty(c);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct member *m = handle->data;

	if (handle == (uv_handle_t *)&m->poll)
		fd_close(&m->fd);
	else
		fd_close(&m->pidfd);
	if (--m->handles == 0)
		member_forget(m);
}

static void close_socket(struct member *m)
{
	if (!uv_is_closing((uv_handle_t *)&m->poll))
		uv_close((uv_handle_t *)&m->poll, on_handle_closed);
}

/* Reaps the process if it is our child by now; its wait status, or -1. */
static int reap(struct member *m)
{
	int status;

	return waitpid(m->pid, &status, WNOHANG) == m->pid ? status : -1;
}

static void word_exit(char *text, size_t cap, int status)
{
	if (status == -1)
		(void)snprintf(text, cap, "ended");
	else if (WIFSIGNALED(status))
		(void)snprintf(text, cap, "was killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		(void)snprintf(text, cap, "ended with status %d", WEXITSTATUS(status));
}

/* What the kernel sends to an instance that leaves its confinement (host/confine.h). */
static bool is_violation(int status)
{
	return status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* Everything it had sent has been read before, or is of no more use. */
static void member_exited(struct member *m, int status)
{
	char how[96];

	if (m->exited)
		return;
	m->exited = true;
	word_exit(how, sizeof how, status);
	close_socket(m);
	uv_close((uv_handle_t *)&m->exit_poll, on_handle_closed);
	if (is_violation(status)) {
		pool_note_violation(m->crew->pool);
		(void)snprintf(how, sizeof how,
		    "was killed for a system call that its confinement (confine = yes) does not "
		    "allow");
	}
	if (status > 0)
		log_warn("instance %s/%" PRIu64 " %s", m->crew->name, m->id, how);
	pool_on_exited(m->crew->pool, m->id, how);
}

static void read_all(struct member *m, int most);

static bool host_lives(const struct crew *c)
{
	return c->closing ? !c->host_gone : host_pid(c->host) > 0;
}

/* While its host lives, the host will say how it ended. */
static void on_process_gone(uv_poll_t *poll, int status, int events)
{
	struct member *m = poll->data;
	int wait_status;

	(void)status;
	(void)events;
	(void)uv_poll_stop(poll);
	m->gone = true;
	wait_status = reap(m);
	if (wait_status == -1 && host_lives(m->crew))
		return;
	read_all(m, INT_MAX);
	member_exited(m, wait_status);
}

/* The host cannot tell any more. */
static void settle_gone(struct crew *c)
{
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct member *m = c->buckets[b]; m != NULL; m = m->next)
			if (m->gone)
				member_exited(m, reap(m));
}

static void lost(struct member *m, const struct error *why)
{
	close_socket(m);
	pool_on_lost(m->crew->pool, m->id, why);
}

static void kill_process(struct member *m)
{
	if (!m->exited)
		(void)syscall(SYS_pidfd_send_signal, m->pidfd, SIGKILL, NULL, 0);
}

/* One message; false when there is no more to be read now. */
static bool read_one(struct member *m)
{
	struct crew *c = m->crew;
	struct ipc_message msg;
	struct error err;
	enum channel_status got = channel_receive(m->fd, c->inbox, &msg, &err);

	for (size_t i = 0; i < c->inbox->fds_n; i++)
		fd_close(&c->inbox->fds[i]);
	c->inbox->fds_n = 0;
	if (got == CHANNEL_AGAIN)
		return false;
	if (got == CHANNEL_OK) {
		pool_on_message(c->pool, m->id, &msg);
		return true;
	}
	if (got == CHANNEL_CLOSED)
		(void)error_set(&err, ERROR_PEER, "instance %s/%" PRIu64 " died", c->name, m->id);
	else
		(void)error_prefix(&err, "instance %s/%" PRIu64 " spoke garbage", c->name, m->id);
	if (got == CHANNEL_FAILED) {
		log_warn("%s, killing it", err.text);
		kill_process(m);
	}
	lost(m, &err);
	return false;
}

static void read_all(struct member *m, int most)
{
	for (int i = 0; i < most && !uv_is_closing((uv_handle_t *)&m->poll); i++)
		if (!read_one(m))
			return;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct member *m = poll->data;

	if ((events & UV_WRITABLE) && m->wants_room) {
		m->wants_room = false;
		(void)uv_poll_start(poll, UV_READABLE, on_socket);
		pool_on_writable(m->crew->pool, m->id);
	}
	if (((events & UV_READABLE) || status < 0) && !uv_is_closing((uv_handle_t *)poll))
		read_all(m, MESSAGES_PER_WAKEUP);
}

static void add_member(struct crew *c, uint64_t id, int pid, const int fds[3])
{
	struct member *m = xcalloc(1, sizeof *m);
	char name[64];

	m->crew = c;
	m->id = id;
	m->pid = pid;
	m->fd = fds[0];
	m->pidfd = fds[2];
	m->next = c->buckets[id % BUCKETS];
	c->buckets[id % BUCKETS] = m;
	c->members++;
	m->handles = 2;
	(void)uv_poll_init(c->loop, &m->poll, m->fd);
	(void)uv_poll_init(c->loop, &m->exit_poll, m->pidfd);
	m->poll.data = m->exit_poll.data = m;
	(void)uv_poll_start(&m->poll, UV_READABLE, on_socket);
	(void)uv_poll_start(&m->exit_poll, UV_READABLE, on_process_gone);
	(void)snprintf(name, sizeof name, "instance %s/%" PRIu64, c->name, id);
	lines_start(c->loop, fds[1], name);
}

static void op_retire(void *arg, uint64_t id);

/* What a host may say of an instance is checked: it may only speak of one we asked for. */
static void on_spawned(void *arg, uint64_t id, int pid, const int fds[3])
{
	struct crew *c = arg;
	struct error err;

	if (find(c, id) != NULL || channel_set_nonblocking(fds[0], &err) < 0) {
		log_error("host %s: spawned instance %" PRIu64 " badly", c->name, id);
		for (int i = 0; i < 3; i++)
			(void)close(fds[i]);
		return;
	}
	add_member(c, id, pid, fds);
	if (!pool_on_spawned(c->pool, id, pid))
		op_retire(c, id);
	if (c->closing)
		kill_process(find(c, id));
}

static void on_spawn_failed(void *arg, uint64_t id, const struct error *why)
{
	struct crew *c = arg;

	log_error("host %s: %s", c->name, why->text);
	if (find(c, id) == NULL)
		pool_on_exited(c->pool, id, "could not be started");
}

static void on_exited(void *arg, uint64_t id, int wait_status)
{
	struct member *m = find(arg, id);

	if (m == NULL)
		return;
	read_all(m, INT_MAX);
	member_exited(m, wait_status);
}

static void on_host_ready(void *arg, const struct ipc_hello *hello)
{
	struct crew *c = arg;

	(void)hello;
	pool_on_host_ready(c->pool);
}

static void on_host_down(void *arg)
{
	struct crew *c = arg;

	settle_gone(c);
	pool_on_host_down(c->pool);
}

static void on_host_failed(void *arg, const struct error *why)
{
	struct crew *c = arg;

	pool_on_host_failed(c->pool, why);
}

static const struct host_events host_events = {
	.on_ready = on_host_ready,
	.on_down = on_host_down,
	.on_failed = on_host_failed,
	.on_spawned = on_spawned,
	.on_spawn_failed = on_spawn_failed,
	.on_exited = on_exited,
};

static uint64_t op_now_ns(void *arg)
{
	(void)arg;
	return clock_now_ns();
}

static int op_spawn(void *arg, uint64_t id)
{
	struct crew *c = arg;

	return host_spawn(c->host, id);
}

static int op_send(void *arg, uint64_t id, const struct ipc_message *msg)
{
	struct member *m = find(arg, id);
	struct error err;
	enum channel_status sent;

	if (m == NULL || uv_is_closing((uv_handle_t *)&m->poll))
		return -1;
	sent = channel_send(m->fd, msg, NULL, 0, &err);
	if (sent == CHANNEL_OK)
		return 1;
	if (sent != CHANNEL_AGAIN)
		return -1; /* its end of file is on its way to read_one */
	m->wants_room = true;
	(void)uv_poll_start(&m->poll, UV_READABLE | UV_WRITABLE, on_socket);
	return 0;
}

static void op_retire(void *arg, uint64_t id)
{
	struct member *m = find(arg, id);

	if (m != NULL)
		close_socket(m);
}

static void op_kill(void *arg, uint64_t id)
{
	struct member *m = find(arg, id);

	if (m != NULL)
		kill_process(m);
	op_retire(arg, id);
}

static void on_timer(uv_timer_t *timer)
{
	struct crew *c = timer->data;

	pool_on_time(c->pool);
}

static void op_wake_at(void *arg, uint64_t at_ns)
{
	struct crew *c = arg;
	uint64_t now_ns = clock_now_ns();

	if (c->closing)
		return;
	if (at_ns == UINT64_MAX)
		(void)uv_timer_stop(&c->timer);
	else
		(void)uv_timer_start(
		    &c->timer, on_timer, at_ns > now_ns ? (at_ns - now_ns) / NS_PER_MS + 1 : 0, 0);
}

static const struct pool_ops pool_ops = {
	.now_ns = op_now_ns,
	.spawn = op_spawn,
	.send = op_send,
	.retire = op_retire,
	.kill = op_kill,
	.wake_at = op_wake_at,
};

struct crew *crew_new(struct uv_loop_s *loop, const char *name, const struct pool_config *pool_cfg,
    const struct host_config *host_cfg)
{
	struct crew *c = xcalloc(1, sizeof *c);

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	c->loop = loop;
	c->name = name;
	c->inbox = xcalloc(1, sizeof *c->inbox);
	(void)uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->pool = pool_new(name, pool_cfg, &pool_ops, c);
	c->host = host_new(loop, host_cfg, &host_events, c);
	return c;
}

void crew_start(struct crew *c)
{
	host_start(c->host);
}

struct pool *crew_pool(struct crew *c)
{
	return c->pool;
}

int crew_host_pid(const struct crew *c)
{
	return c->host == NULL ? 0 : host_pid(c->host);
}

unsigned crew_private_kb(int pid)
{
	char path[64], line[128];
	unsigned total = 0, kb;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "Private_Clean: %u", &kb) == 1 ||
		    sscanf(line, "Private_Dirty: %u", &kb) == 1)
			total += kb;
	(void)fclose(f);
	return total;
}

static void on_host_gone(void *arg)
{
	struct crew *c = arg;

	c->host_gone = true;
	settle_gone(c);
	free_when_empty(c);
}

static void on_timer_gone(uv_handle_t *handle)
{
	struct crew *c = handle->data;

	c->timer_gone = true;
	free_when_empty(c);
}

void crew_free(struct crew **crew, void (*done)(void *arg), void *arg)
{
	struct crew *c = *crew;

	if (c == NULL)
		return;
	*crew = NULL;
	c->closing = true;
	c->on_done = done;
	c->done_arg = arg;
	pool_stop(c->pool);
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct member *m = c->buckets[b]; m != NULL; m = m->next)
			kill_process(m);
	uv_close((uv_handle_t *)&c->timer, on_timer_gone);
	host_free(&c->host, on_host_gone, c);
}
