/* stenopool-decoder MEMORY_MB CPU_S PROGRAM [ARGUMENT...]: started by the server, with a file's bytes on its stdin. Gives up
 * what decoding does not need, and becomes PROGRAM (ffmpeg), without any environment. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/exits.h"
#include "decoder/cage.h"

enum { PATH_CAP = 4096 };

/* A descriptor of the program under the number it has to have; -1: it is not there, or may not be executed. */
static int open_as(const char *path)
{
	int fd = access(path, X_OK) == 0 ? open(path, O_PATH) : -1, moved;

	if (fd < 0 || fd == CAGE_PROGRAM_FD)
		return fd;
	moved = dup2(fd, CAGE_PROGRAM_FD);
	(void)close(fd);
	return moved;
}

/* As a shell finds it; the path is written to `path`. */
static int find(const char *name, char *path, size_t cap)
{
	const char *at = getenv("PATH"), *end;
	int fd = -1;

	if (strchr(name, '/') != NULL) {
		(void)snprintf(path, cap, "%s", name);
		return open_as(path);
	}
	if (at == NULL)
		at = "/usr/local/bin:/usr/bin:/bin";
	for (; fd < 0 && *at != '\0'; at = *end == ':' ? end + 1 : end) {
		end = strchrnul(at, ':');
		(void)snprintf(path, cap, "%.*s/%s", (int)(end - at), at, name);
		if (end > at)
			fd = open_as(path);
	}
	return fd;
}

static int fail(int status, const char *why)
{
	(void)fprintf(stderr, "%s\n", why);
	return status;
}

/* The C library has a function for it, but looks for the descriptor's name in a way of its own where the kernel is old. */
static _Noreturn void execute(char **args)
{
	char *none[] = { NULL }, text[256];
	int n;

	(void)syscall(SYS_execveat, CAGE_PROGRAM_FD, "", args, none, AT_EMPTY_PATH);
	n = snprintf(text, sizeof text,
	    "what the setting decoder names cannot be executed by user %u: %s\n",
	    (unsigned)geteuid(), strerrordesc_np(errno));
	(void)!write(STDERR_FILENO, text, (size_t)n);
	_exit(
	    EXIT_NOT_CONFINED); /* nothing may need memory in the cage, the end of a program neither */
}

int main(int argc, char **argv)
{
	struct cage_config cfg = { 0 };
	struct error err = ERROR_INIT;
	char path[PATH_CAP];

	if (argc < 4)
		return fail(EXIT_NOT_CONFINED,
		    "stenopool-decoder is started by stenopool; alone it can do nothing");
	cfg.memory_mb = (unsigned)strtoul(argv[1], NULL, 10);
	cfg.cpu_s = (unsigned)strtoul(argv[2], NULL, 10);
	cfg.program = find(argv[3], path, sizeof path);
	cfg.path = path;
	if (cfg.program < 0)
		return fail(EXIT_NOT_FOUND, "there is no such program");
	if (cage_enter(&cfg, &err) < 0)
		return fail(EXIT_NOT_CONFINED, err.text);
	execute(argv + 3);
}
