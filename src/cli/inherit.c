#define _GNU_SOURCE
#include "cli/inherit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"

/* A variable that is a whole number, or -1. */
static long number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (text == NULL || *text == '\0')
		return -1;
	n = strtol(text, &end, 10);
	return *end == '\0' && n >= 0 ? n : -1;
}

static int socket_option(int fd, int option)
{
	int value = -1;
	socklen_t n = sizeof value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &n) < 0 ? -1 : value;
}

static int check(int fd, struct error *err)
{
	int domain = socket_option(fd, SO_DOMAIN);

	if ((domain == AF_INET || domain == AF_INET6) &&
	    socket_option(fd, SO_TYPE) == SOCK_STREAM && socket_option(fd, SO_ACCEPTCONN) == 1)
		return 0;
	return error_set(err, ERROR_CONFIG,
	    "descriptor %d was handed to us (LISTEN_FDS) and is no listening TCP socket", fd);
}

static void close_on_exec(int fd)
{
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int take(struct inherited *out, long n, struct error *err)
{
	if (n > INHERIT_MAX)
		return error_set(err, ERROR_CONFIG,
		    "%ld sockets were handed to us (LISTEN_FDS); at most %d", n, INHERIT_MAX);
	for (int i = 0; i < n; i++) {
		int fd = INHERIT_FIRST + i;

		if (check(fd, err) < 0)
			return -1;
		close_on_exec(fd);
		out->fds[out->n++] = fd;
	}
	return 0;
}

/* "main:vosk"; a name that is too long is cut, and is nobody's then. */
static void take_names(struct inherited *out)
{
	const char *at = getenv("LISTEN_FDNAMES");

	for (unsigned i = 0; at != NULL && i < INHERIT_MAX; i++) {
		size_t n = strcspn(at, ":");

		memcpy(out->names[i], at, MIN(n, (size_t)INHERIT_NAME_MAX - 1));
		at = at[n] == ':' ? at + n + 1 : NULL;
	}
}

int inherit_take(struct inherited *out, struct error *err)
{
	bool ours = number_of("LISTEN_PID") == getpid();
	long n = ours ? number_of("LISTEN_FDS") : 0;

	memset(out, 0, sizeof *out);
	out->ready_fd = ours ? (int)number_of(INHERIT_READY_FD) : -1;
	out->kept = out->ready_fd < 0 || getenv(INHERIT_KEEPER) != NULL;
	if (ours)
		take_names(out);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	(void)unsetenv(INHERIT_READY_FD);
	(void)unsetenv(INHERIT_KEEPER);
	if (out->ready_fd >= 0)
		close_on_exec(out->ready_fd);
	return take(out, n, err);
}

void inherit_say_ready(struct inherited *in)
{
	if (in->ready_fd < 0)
		return;
	(void)!write(in->ready_fd, "1", 1);
	fd_close(&in->ready_fd);
}
