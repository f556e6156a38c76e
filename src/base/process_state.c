#include "base/process_state.h"

#include <stdio.h>
#include <string.h>

/* Its name may hold anything, so it is passed by from behind. */
char process_state(int pid)
{
	char path[64], line[256];
	const char *behind_name;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	behind_name = fgets(line, sizeof line, f) == NULL ? NULL : strrchr(line, ')');
	(void)fclose(f);
	return behind_name != NULL && behind_name[1] == ' ' ? behind_name[2] : 0;
}
