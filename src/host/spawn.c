#define _GNU_SOURCE
#include "host/spawn.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
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

static void restore_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGINT, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int spawn_take_ends(const struct spawn_ends *ends, int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert(ends->socket > SPAWN_KEPT && ends->log > SPAWN_KEPT);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(ends->log, STDOUT_FILENO) < 0 ||
	    dup2(ends->log, STDERR_FILENO) < 0 || dup2(ends->socket, CHILD_SOCKET) < 0)
		return -1;
	if (keep >= 0 && keep != SPAWN_KEPT && dup3(keep, SPAWN_KEPT, O_CLOEXEC) < 0)
		return -1;
	return (int)syscall(SYS_close_range, keep >= 0 ? SPAWN_KEPT + 1 : CHILD_SOCKET + 1, ~0u, 0);
}

/* Nothing of ours writes to stdout, and what an engine's library says there is nobody's. */
static int take_descriptors(const struct spawn_ends *ends)
{
	int null;

	if (spawn_take_ends(ends, -1) < 0)
		return -1;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	return close(null);
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

static void be_instance(void *arg, const struct spawn_ends *ends)
{
	const struct instance_config *cfg = arg;

	(void)prctl(PR_SET_NAME, "steno-inst");
	if (take_descriptors(ends) < 0)
		_exit(1);
	confine(cfg->confine);
	_exit(instance_run(CHILD_SOCKET, cfg));
}

int spawn_socket(int fds[2], struct error *err)
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

void spawn_reap(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

_Noreturn static void begin_child(spawn_be_f *be, void *arg, const struct spawn_ends *ends)
{
	restore_signals();
	be(arg, ends);
	_exit(1);
}

int spawn_process(spawn_be_f *be, void *arg, struct spawned *out, struct error *err)
{
	int sockets[2] = { -1, -1 }, ends[2] = { -1, -1 }, pidfd = -1;
	pid_t pid = -1;

	if (spawn_socket(sockets, err) < 0 || make_pipe(ends, err) < 0)
		goto fail;
	pid = fork();
	if (pid == 0)
		begin_child(be, arg, &(struct spawn_ends){ sockets[1], ends[1] });
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
		spawn_reap(pid);
	for (int i = 0; i < 2; i++) {
		fd_close(&sockets[i]);
		fd_close(&ends[i]);
	}
	return -1;
}

int spawn_instance(const struct instance_config *cfg, struct spawned *out, struct error *err)
{
	return spawn_process(be_instance, (void *)(uintptr_t)cfg, out, err);
}

void spawn_close(struct spawned *s)
{
	for (int i = 0; i < SPAWN_FDS; i++)
		fd_close(&s->fds[i]);
}
