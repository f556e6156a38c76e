/* A member is what the server holds of one instance: its socket, and a descriptor of its process (pidfd), which
 * tells when the process is gone and lets it be killed without the danger of a reused pid. An instance that is no process of
 * its own has none: it is killed by the end of its socket, and is gone when its host says so, or is gone itself.
 *
 * The host is the instances' parent: it reaps them and tells how they ended. When it has died they are ours (the
 * server is a subreaper) and are reaped here. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ipc/channel.h"
#include "pool/crew_internal.h"
#include "pool/lines.h"

enum { MESSAGES_PER_WAKEUP = 16 };

struct member *member_find(const struct crew *c, uint64_t id)
{
	struct member *m = c->buckets[id % CREW_BUCKETS];

	while (m != NULL && m->id != id)
		m = m->next;
	return m;
}

static void member_forget(struct member *m)
{
	struct member **at = &m->crew->buckets[m->id % CREW_BUCKETS];
	struct crew *c = m->crew;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	c->members--;
	if (m->host != NULL)
		m->host->inside -= m->is_inside;
	free(m);
	c->on_member_gone(c);
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
	uv_close(m->pidfd >= 0 ? (uv_handle_t *)&m->exit_poll : (uv_handle_t *)&m->hold,
	    on_handle_closed);
	if (is_violation(status)) {
		pool_note_violation(m->crew->pool);
		(void)snprintf(how, sizeof how,
		    "was killed for a system call that its confinement (confine = yes) does not "
		    "allow");
	}
	if (status > 0 && m->killed)
		log_debug("instance %s/%" PRIu64 " %s by us", m->crew->name, m->id, how);
	else if (status > 0)
		log_warn("instance %s/%" PRIu64 " %s", m->crew->name, m->id, how);
	pool_on_exited(m->crew->pool, m->id, status, how);
}

static void read_all(struct member *m, int most);

/* Whether the process that forked it will tell how it ended. */
static bool will_be_told(const struct member *m)
{
	return m->host != NULL && (m->host->host == NULL || host_life(m->host->host) == m->life);
}

/* While the host that forked it lives, that will say how it ended. */
static void on_process_gone(uv_poll_t *poll, int status, int events)
{
	struct member *m = poll->data;
	int wait_status;

	(void)status;
	(void)events;
	(void)uv_poll_stop(poll);
	m->gone = true;
	wait_status = reap(m);
	if (wait_status == -1 && will_be_told(m))
		return;
	read_all(m, INT_MAX);
	member_exited(m, wait_status);
}

void member_told_exited(struct member *m, int wait_status)
{
	read_all(m, INT_MAX);
	member_exited(m, wait_status);
}

void member_settle(struct crew_host *h, bool forget)
{
	struct crew *c = h->crew;

	for (unsigned b = 0; b < CREW_BUCKETS; b++) {
		for (struct member *m = c->buckets[b]; m != NULL; m = m->next) {
			if (m->host != h)
				continue;
			if (forget)
				m->host = NULL;
			if (m->pidfd < 0)
				member_exited(m, -1);
			else if (m->gone)
				member_exited(m, reap(m));
		}
	}
}

static void lost(struct member *m, enum loss_kind kind, const struct error *why)
{
	close_socket(m);
	pool_on_lost(m->crew->pool, m->id, kind, why);
}

void member_kill(struct member *m)
{
	if (m->exited)
		return;
	m->killed = true;
	(void)shutdown(m->fd, SHUT_RDWR);
	if (m->pidfd >= 0)
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
	if (got != CHANNEL_CLOSED) {
		log_warn("%s, killing it", err.text);
		member_kill(m);
	}
	lost(m, got == CHANNEL_CLOSED ? LOSS_UNKNOWN : LOSS_GARBAGE, &err);
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

static void watch_process(struct member *m)
{
	(void)uv_poll_init(m->crew->loop, &m->exit_poll, m->pidfd);
	m->exit_poll.data = m;
	(void)uv_poll_start(&m->exit_poll, UV_READABLE, on_process_gone);
}

void member_add(struct crew_host *h, uint64_t id, int pid, const int fds[3])
{
	struct member *m = xcalloc(1, sizeof *m);
	struct crew *c = h->crew;
	char name[64];

	m->crew = c;
	m->host = h;
	m->life = host_life(h->host);
	m->id = id;
	m->pid = pid;
	m->fd = fds[0];
	m->pidfd = fds[2];
	m->next = c->buckets[id % CREW_BUCKETS];
	c->buckets[id % CREW_BUCKETS] = m;
	c->members++;
	m->is_inside = m->pidfd < 0;
	h->inside += m->is_inside;
	m->handles = 2;
	(void)uv_poll_init(c->loop, &m->poll, m->fd);
	m->poll.data = m->hold.data = m;
	(void)uv_poll_start(&m->poll, UV_READABLE, on_socket);
	if (m->pidfd >= 0)
		watch_process(m);
	else
		(void)uv_timer_init(c->loop, &m->hold);
	(void)snprintf(name, sizeof name, "instance %s/%" PRIu64, c->name, id);
	if (fds[1] >= 0)
		lines_start(c->loop, fds[1], name);
}

void member_give_up(struct member *m)
{
	member_exited(m, -1);
}

int member_send(struct crew *c, uint64_t id, const struct ipc_message *msg)
{
	struct member *m = member_find(c, id);
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

void member_retire(struct crew *c, uint64_t id)
{
	struct member *m = member_find(c, id);

	if (m != NULL)
		close_socket(m);
}
