/* server_load: clients of a running server, for tools/bench.
 *   server_load live|idle|clips|short|wrong url=ws://... [key=value]... [vad] [partials] [CLIP.wav]... */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/util.h"
#include "server/modes.h"
#include "server/params.h"

static const struct {
	const char *name;
	int (*run)(const struct params *p);
} modes[] = {
	{ "live", live_run },
	{ "idle", idle_run },
	{ "clips", clips_run },
	{ "short", short_run },
	{ "wrong", wrong_run },
};

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct params p;

	raise_descriptors();
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(modes); i++) {
		if (strcmp(argv[1], modes[i].name) != 0)
			continue;
		params_read(&p, argc - 2, argv + 2);
		return modes[i].run(&p);
	}
	(void)fputs(
	    "usage: server_load live|idle|clips|short|wrong url=ws://... [key=value]...\n", stderr);
	return 2;
}
