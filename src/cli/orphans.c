#define _GNU_SOURCE
#include "cli/orphans.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process_state.h"

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
		if (process_state(pid) == 'Z') /* ended, and waits to be reaped */
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
