#define _GNU_SOURCE
#include "base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 }; /* asked for, so that a reader may be late for a burst of lines */

/* A description of our own: O_NONBLOCK on the one we were given would be everybody's who has it. */
static int open_anew(int fd)
{
	char path[32];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static enum log_sink_kind kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
		return LOG_SINK_FILE;
	if (S_ISSOCK(st.st_mode))
		return LOG_SINK_SOCKET;
	return S_ISFIFO(st.st_mode) || isatty(fd) ? LOG_SINK_OWN : LOG_SINK_POLLED;
}

void log_sink_init(struct log_sink *s, int fd)
{
	int own;

	*s = (struct log_sink){ .kind = kind_of(fd), .fd = fd };
	if (s->kind != LOG_SINK_OWN)
		return;
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	own = open_anew(fd);
	if (own < 0)
		s->kind = LOG_SINK_POLLED;
	else
		s->fd = own;
}

void log_sink_done(struct log_sink *s)
{
	if (s->kind == LOG_SINK_OWN)
		(void)close(s->fd);
	s->fd = -1;
	s->kind = LOG_SINK_FILE;
}

static bool is_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/* What was taken of it; 0: nothing. */
static size_t put(const struct log_sink *s, const char *text, size_t n)
{
	ssize_t taken;

	if (s->kind == LOG_SINK_POLLED && !is_writable(s->fd))
		return 0;
	do
		taken = s->kind == LOG_SINK_SOCKET
		    ? send(s->fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL)
		    : write(s->fd, text, n);
	while (taken < 0 && errno == EINTR);
	return taken < 0 ? 0 : (size_t)taken;
}

static bool put_rest(struct log_sink *s)
{
	size_t taken = s->rest_bytes == 0 ? 0 : put(s, s->rest, s->rest_bytes);

	s->rest_bytes -= taken;
	memmove(s->rest, s->rest + taken, s->rest_bytes);
	return s->rest_bytes == 0;
}

bool log_sink_write(struct log_sink *s, const char *line, size_t n)
{
	size_t taken = put_rest(s) ? put(s, line, n) : 0;

	if (taken == 0) {
		s->lost++;
		return false;
	}
	s->rest_bytes = n - taken;
	memcpy(s->rest, line + taken, s->rest_bytes);
	return true;
}

bool log_sink_flows(struct log_sink *s)
{
	return put_rest(s) && is_writable(s->fd);
}
