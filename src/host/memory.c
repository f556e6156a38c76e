#define _GNU_SOURCE
#include "host/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

uint32_t memory_rss_kb(void)
{
	char text[128];
	unsigned long pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	fd_close(&fd);
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
