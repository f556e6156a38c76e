#define _GNU_SOURCE
#include "host/spawn.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/confine.h"
#include "host/instance.h"
#include "host/memory.h"
#include "ipc/channel.h"

enum {
	CHILD_SOCKET = 3,
	SOCKET_BUFFER_BYTES = 512 * 1024, /* several seconds of audio, in packets of 20 ms */
};

/* Ctrl-C reaches the whole foreground group; what it means is the server's to decide. */
static void restore_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int take_descriptors(int socket, int pipe_end)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert(socket > CHILD_SOCKET && pipe_end > CHILD_SOCKET);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(pipe_end, STDERR_FILENO) < 0 || dup2(socket, CHILD_SOCKET) < 0)
		return -1;
	return (int)syscall(SYS_close_range, CHILD_SOCKET + 1, ~0u, 0);
}

/* What has to be opened is open by now. */
static void confine(struct confine *c)
{
	struct error err;

	memory_open();
	if (c == NULL || confine_enter(c, &err) == 0)
		return;
	(void)fprintf(stderr, "%s\n", err.text);
	_exit(1);
}

_Noreturn static void be_instance(const struct instance_config *cfg, int socket, int pipe_end)
{
	restore_signals();
	(void)prctl(PR_SET_NAME, "steno-inst");
	if (take_descriptors(socket, pipe_end) < 0)
		_exit(1);
	confine(cfg->confine);
	_exit(instance_run(CHILD_SOCKET, cfg));
}

static int make_socket(int fds[2], struct error *err)
{
	const int bytes = SOCKET_BUFFER_BYTES;

	if (channel_pair(fds, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++) /* the system may allow less; then less fits */
		(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	return 0;
}

static int make_pipe(int fds[2], struct error *err)
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make a pipe");
	return 0;
}

static void reap(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

int spawn_instance(const struct instance_config *cfg, struct spawned *out, struct error *err)
{
	int sockets[2] = { -1, -1 }, ends[2] = { -1, -1 }, pidfd = -1;
	pid_t pid = -1;

	if (make_socket(sockets, err) < 0 || make_pipe(ends, err) < 0)
		goto fail;
	pid = fork();
	if (pid == 0)
		be_instance(cfg, sockets[1], ends[1]);
	if (pid < 0) {
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot fork");
		goto fail;
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot watch process %d", (int)pid);
		goto fail;
	}
	fd_close(&sockets[1]);
	fd_close(&ends[1]);
	*out = (struct spawned){ pid, { sockets[0], ends[0], pidfd } };
	return 0;
fail:
	if (pid > 0)
		reap(pid);
	for (int i = 0; i < 2; i++) {
		fd_close(&sockets[i]);
		fd_close(&ends[i]);
	}
	return -1;
}

void spawn_close(struct spawned *s)
{
	for (int i = 0; i < SPAWN_FDS; i++)
		fd_close(&s->fds[i]);
}
