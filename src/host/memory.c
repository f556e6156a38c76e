#define _GNU_SOURCE
#include "host/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

static pid_t opened_by;
static int statm = -1;

/* What "self" is was settled when the file was opened: a fork has to open it again. */
void memory_open(void)
{
	if (opened_by == getpid())
		return;
	opened_by = getpid();
	statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

uint32_t memory_rss_kb(void)
{
	char text[128];
	unsigned long pages = 0;
	ssize_t n;

	memory_open();
	n = pread(statm, text, sizeof text - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%*u %lu", &pages) != 1)
		return 0;
	return (uint32_t)(pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

struct memory_use memory_use(pid_t pid)
{
	struct memory_use use = { 0, 0 };
	char line[256];
	unsigned long kb;
	FILE *file;

	(void)snprintf(line, sizeof line, "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(line, "re");
	if (file == NULL)
		return use;
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "Rss: %lu", &kb) == 1)
			use.rss_kb = (uint32_t)kb;
		if (sscanf(line, "Private_Clean: %lu", &kb) == 1 ||
		    sscanf(line, "Private_Dirty: %lu", &kb) == 1)
			use.private_kb += (uint32_t)kb;
	}
	(void)fclose(file);
	return use;
}
