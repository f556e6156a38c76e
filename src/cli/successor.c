/* The child of a process with threads may only call what is async-signal-safe until it execs, so all that has to be made is
 * made before the fork; its own pid, which LISTEN_PID must say, is written into a place kept free for it. */
#define _GNU_SOURCE
#include "cli/successor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/inherit.h"

enum { OURS_MAX = 5, TEXT_BYTES = 32 + INHERIT_MAX * INHERIT_NAME_MAX };

struct environment {
	char **all; /* owned; the strings are not */
	char ours[OURS_MAX][TEXT_BYTES];
	char *pid; /* where LISTEN_PID's digits go */
};

static bool is_ours(const char *assignment)
{
	return strncmp(assignment, "LISTEN_", 7) == 0 ||
	    strncmp(assignment, "WATCHDOG_PID=", 13) ==
	    0 || /* it asks whoever is the main process */
	    strncmp(assignment, INHERIT_READY_FD "=", sizeof INHERIT_READY_FD) == 0 ||
	    strncmp(assignment, INHERIT_KEEPER "=", sizeof INHERIT_KEEPER) == 0;
}

static void environment_init(struct environment *e, const struct successor_config *cfg)
{
	size_t n = 0, ours = 0;

	while (environ[n] != NULL)
		n++;
	e->all = xcalloc(n + OURS_MAX + 1, sizeof *e->all);
	n = 0;
	for (char **at = environ; *at != NULL; at++)
		if (!is_ours(*at))
			e->all[n++] = *at;
	e->pid = e->ours[0] + sprintf(e->ours[0], "LISTEN_PID=");
	(void)snprintf(e->ours[1], TEXT_BYTES, "LISTEN_FDS=%u", cfg->fds_n);
	(void)snprintf(e->ours[2], TEXT_BYTES, INHERIT_READY_FD "=%u", INHERIT_FIRST + cfg->fds_n);
	(void)snprintf(
	    e->ours[3], TEXT_BYTES, "LISTEN_FDNAMES=%s", cfg->names == NULL ? "" : cfg->names);
	(void)snprintf(e->ours[4], TEXT_BYTES, INHERIT_KEEPER "=1");
	for (; ours < (cfg->kept ? OURS_MAX : OURS_MAX - 1); ours++)
		e->all[n++] = e->ours[ours];
}

/* In the child: a number as text, without stdio. */
static void write_number(char *to, unsigned n)
{
	char digits[12];
	int count = 0;

	do {
		digits[count++] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while (count > 0)
		*to++ = digits[--count];
	*to = '\0';
}

/* In the child: the sockets and the pipe become INHERIT_FIRST and up. They go high first, since one may stand where another
 * is to go. */
static int place_descriptors(const struct successor_config *cfg)
{
	int beyond = INHERIT_FIRST + (int)cfg->fds_n + 1;
	int high[INHERIT_MAX + 1];

	for (unsigned i = 0; i <= cfg->fds_n; i++) {
		high[i] = fcntl(i < cfg->fds_n ? cfg->fds[i] : cfg->ready_fd, F_DUPFD, beyond);
		if (high[i] < 0)
			return -1;
	}
	for (unsigned i = 0; i <= cfg->fds_n; i++)
		if (dup2(high[i], INHERIT_FIRST + (int)i) < 0)
			return -1;
	return (int)syscall(SYS_close_range, (unsigned)beyond, ~0u, 0);
}

/* In the child: as a program is started, not as our loop's handlers left it. */
static void reset_signals(void)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD, SIGPIPE };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		(void)signal(caught[i], SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct successor_config *cfg, const struct environment *e)
{
	if (place_descriptors(cfg) < 0)
		_exit(126);
	write_number(e->pid, (unsigned)getpid());
	reset_signals();
	(void)execve(cfg->program, cfg->argv, e->all);
	_exit(127);
}

/* In the child: ends as the server did. */
static void end_as(int status)
{
	const struct rlimit none = { 0, 0 };

	if (WIFSIGNALED(status)) {
		(void)setrlimit(RLIMIT_CORE, &none); /* the core is the server's */
		reset_signals();
		(void)raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}

/* In the child: the server's pid, or less than 0, goes through `told`. */
static void watch_over(const struct successor_config *cfg, const struct environment *e, int told)
{
	pid_t server;
	int status = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	server = _Fork();
	if (server == 0)
		become(cfg, e);
	if (write(told, &server, sizeof server) != sizeof server || server < 0)
		_exit(126);
	(void)syscall(SYS_close_range, 0u, ~0u, 0);
	while (waitpid(server, &status, 0) < 0)
		;
	end_as(status);
}

/* Signals are kept back meanwhile: a handler of the loop that ran in the child would write into our loop's pipe. */
static pid_t fork_watcher(const struct successor_config *cfg, const struct environment *e, int told)
{
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		watch_over(cfg, e, told);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* As soon as the watcher has forked, which it does at once. */
static int hear_of_server(int told)
{
	pid_t server;
	ssize_t n;

	do
		n = read(told, &server, sizeof server);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof server ? server : -1;
}

int successor_start(const struct successor_config *cfg, struct successor *out, struct error *err)
{
	struct environment e;
	int told[2];

	if (access(cfg->program, X_OK) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot run %.160s", cfg->program);
	if (pipe2(told, O_CLOEXEC) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make a pipe");
	environment_init(&e, cfg);
	out->watcher = fork_watcher(cfg, &e, told[1]);
	if (out->watcher < 0)
		(void)error_set_errno(err, ERROR_SYSTEM, "cannot fork");
	fd_close(&told[1]);
	out->server = out->watcher < 0 ? -1 : hear_of_server(told[0]);
	fd_close(&told[0]);
	free(e.all);
	if (out->server >= 0)
		return 0;
	if (out->watcher >= 0 && waitpid(out->watcher, NULL, 0) >= 0)
		(void)error_set(err, ERROR_SYSTEM, "cannot fork");
	return -1;
}
