#define _GNU_SOURCE
#include "cli/orphans.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Z, and nothing else, is a child that waits to be reaped; its name may hold anything, so it is passed by from behind. */
static bool has_ended(pid_t pid)
{
	char path[64], line[256];
	FILE *f;
	const char *behind_name;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	behind_name = fgets(line, sizeof line, f) == NULL ? NULL : strrchr(line, ')');
	(void)fclose(f);
	return behind_name != NULL && strncmp(behind_name, ") Z", 3) == 0;
}

/* Ended children of this thread, which is the only one that starts any. */
static unsigned find_ended(pid_t *out, unsigned max)
{
	char path[64];
	unsigned n = 0;
	int pid;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	while (f != NULL && n < max && fscanf(f, "%d", &pid) == 1)
		if (has_ended(pid))
			out[n++] = pid;
	if (f != NULL)
		(void)fclose(f);
	return n;
}

static bool was_seen(const struct orphans *o, pid_t pid)
{
	for (unsigned i = 0; i < o->seen_n; i++)
		if (o->seen[i] == pid)
			return true;
	return false;
}

unsigned orphans_look(struct orphans *o)
{
	pid_t ended[ORPHANS_MAX];
	unsigned n = find_ended(ended, ORPHANS_MAX), kept = 0, reaped = 0;

	for (unsigned i = 0; i < n; i++) {
		if (was_seen(o, ended[i]))
			reaped += waitpid(ended[i], NULL, WNOHANG) == ended[i];
		else
			ended[kept++] = ended[i];
	}
	memcpy(o->seen, ended, kept * sizeof *ended);
	o->seen_n = kept;
	return reaped;
}
