/* host: the life of stenopool-host: load the model, warm up, say HELLO, then fork an instance for each SPAWN
 * and tell of each that ended, until the control socket closes or SIGTERM comes. Instances see their own
 * sockets and outlive it. Single-threaded, so that a bare fork is safe. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>

struct engine_param;

struct host_config {      /* all borrowed */
	int control;      /* the socket to the server */
	const char *name; /* for lines on stderr */
	const char *engine;
	const struct engine_param *params;
	size_t params_n;
	const char
	    *warmup; /* path of a clip, decoded once before HELLO, so that instances are born with
	                     * what an engine fills at first use; NULL: none */
	const char *user;         /* as base/user.h has it */
	bool confine, core_dumps; /* of instances, as host/confine.h has it */
	unsigned load_timeout_ms; /* after which the server ends a host that is not ready */
};

/* Returns the exit status of the process. */
int host_run(const struct host_config *cfg);

#endif
