#include "server/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static FILE *open_file(unsigned pid, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%u/%s", pid, name);
	return fopen(path, "re");
}

uint64_t process_cpu_ns(unsigned pid)
{
	FILE *f = open_file(pid, "stat");
	unsigned long long user = 0, system = 0;
	char line[1024] = "";
	char *behind_name;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof line, f) == NULL)
		line[0] = '\0';
	(void)fclose(f);
	behind_name = strrchr(line, ')');
	if (behind_name == NULL ||
	    sscanf(behind_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
		&system) != 2)
		return 0;
	return (user + system) * NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

unsigned process_rss_kb(unsigned pid)
{
	FILE *f = open_file(pid, "status");
	char line[128];
	unsigned kb = 0;

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmRSS: %u", &kb) == 1)
			break;
	(void)fclose(f);
	return kb;
}
