/* The words of the program go to a file without a name, so that what it says is there as a whole, or not at all. */
#define _GNU_SOURCE
#include "cli/engine_list.h"

#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

/* Whether it ran, and said all. */
static bool run(const char *program, int out)
{
	char *const args[] = { (char *)(uintptr_t)program, (char *)(uintptr_t) "--engines", NULL };
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	(void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (posix_spawn(&pid, program, &actions, NULL, args, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		status = -1;
	(void)posix_spawn_file_actions_destroy(&actions);
	return status == 0;
}

FILE *engine_list_open(const char *program)
{
	FILE *said = tmpfile();

	if (said != NULL && !run(program, fileno(said))) {
		(void)fclose(said);
		return NULL;
	}
	if (said != NULL)
		rewind(said);
	return said;
}

int engine_list_program(char *out, size_t cap, struct error *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n <= 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot read /proc/self/exe");
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	if ((size_t)snprintf(out, cap, "%s/stenopool-host", path) >= cap)
		return error_set(err, ERROR_SYSTEM, "the path %s is too long", path);
	return 0;
}

FILE *engine_list_open_own(void)
{
	char path[PATH_MAX + 32];
	struct error ignored;

	return engine_list_program(path, sizeof path, &ignored) < 0 ? NULL : engine_list_open(path);
}
