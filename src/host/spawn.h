/* spawn: forks a newborn instance of a loaded engine. Host process, which must be single-threaded. */
#ifndef HOST_SPAWN_H
#define HOST_SPAWN_H

#include <sys/types.h>

struct error;
struct instance_config;

enum { SPAWN_SOCKET, SPAWN_STDERR, SPAWN_PIDFD, SPAWN_FDS };

struct spawned {
	pid_t pid;
	int fds
	    [SPAWN_FDS]; /* the receiver's to close, in the order in which SPAWNED carries them */
};

/* The child runs the instance loop (host/instance.h) with its socket as descriptor 3 and a pipe as stderr,
 * and never returns. Beside /proc/self/statm it holds no other descriptor, so its server
 * is all it depends on. */
int spawn_instance(const struct instance_config *cfg, struct spawned *out, struct error *err);
void spawn_close(struct spawned *s);

#endif
