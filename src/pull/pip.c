#define _GNU_SOURCE
#include "pull/pip.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"

enum { LINE_CAP = 200 };

/* What it said: the last line that tells of an error, or else the last one. */
struct words {
	char line[LINE_CAP], last[LINE_CAP], error[LINE_CAP];
	size_t n;
};

static void end_line(struct words *w)
{
	w->line[w->n] = '\0';
	if (w->n > 0)
		(void)snprintf(w->last, sizeof w->last, "%s", w->line);
	if (strncmp(w->line, "ERROR: ", 7) == 0)
		(void)snprintf(w->error, sizeof w->error, "%s", w->line + 7);
	w->n = 0;
}

static void hear(struct words *w, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] == '\n')
			end_line(w);
		else if (w->n < LINE_CAP - 1)
			w->line[w->n++] = (unsigned char)bytes[i] < ' ' ? ' ' : bytes[i];
}

static int spawn(char *const *args, int err_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc != 0)
		return rc;
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
	rc = posix_spawnp(pid, args[0], &actions, NULL, args, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* Hears it until it has closed its stderr; false: it took too long. */
static bool hear_out(int fd, struct words *w, unsigned timeout_s)
{
	uint64_t end_ns = clock_now_ns() + timeout_s * 1000000000ull;
	char block[1024];
	ssize_t n = 1;

	while (n != 0) {
		struct pollfd p = { fd, POLLIN, 0 };
		uint64_t now_ns = clock_now_ns();

		if (now_ns >= end_ns)
			return false;
		if (poll(&p, 1, (int)((end_ns - now_ns) / 1000000 + 1)) <= 0)
			continue;
		n = read(fd, block, sizeof block);
		if (n > 0)
			hear(w, block, (size_t)n);
		else if (n < 0 && errno != EINTR)
			n = 0;
	}
	end_line(w);
	return true;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static int run(char *const *args, unsigned timeout_s, struct error *err)
{
	struct words w = { .n = 0 };
	int ends[2], rc, status;
	bool in_time;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make a pipe");
	rc = spawn(args, ends[1], &pid);
	fd_close(&ends[1]);
	if (rc != 0) {
		fd_close(&ends[0]);
		return error_set(err, ERROR_SYSTEM, "cannot run %s, whose pip fetches wheels: %s",
		    args[0], strerror(rc));
	}
	in_time = hear_out(ends[0], &w, timeout_s);
	fd_close(&ends[0]);
	if (!in_time)
		(void)kill(pid, SIGKILL);
	status = wait_for(pid);
	if (!in_time)
		return error_set(err, ERROR_TIMEOUT, "pip took longer than %u s", timeout_s);
	if (status != 0)
		return error_set(err, ERROR_PEER, "pip: %s",
		    w.error[0] != '\0'      ? w.error
			: w.last[0] != '\0' ? w.last
					    : "it failed and does not say why");
	return 0;
}

static int find_wheel(const char *dir, char *out, unsigned cap, struct error *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		const char *end = strrchr(e->d_name, '.');

		if (end != NULL && strcmp(end, ".whl") == 0)
			n = snprintf(out, cap, "%s/%s", dir, e->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
	if (n <= 0 || (unsigned)n >= cap)
		return error_set(err, ERROR_PEER, "pip brought no wheel");
	return 0;
}

int pip_download(const char *package, const char *version, const char *dir, unsigned timeout_s,
    char *out, unsigned cap, struct error *err)
{
	char wanted[128];
	const char *args[] = { "python3", "-m", "pip", "download", "--no-deps", "--only-binary",
		":all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--retries",
		"1", "--dest", dir, wanted, NULL };

	(void)snprintf(wanted, sizeof wanted, "%s==%s", package, version);
	if (run((char *const *)(uintptr_t)args, timeout_s, err) < 0)
		return -1;
	return find_wheel(dir, out, cap, err);
}
