/* spawn: forks a newborn instance of a loaded engine. Host process, which must be single-threaded. */
#ifndef HOST_SPAWN_H
#define HOST_SPAWN_H

#include <sys/types.h>

struct error;
struct instance_config;

enum { SPAWN_SOCKET, SPAWN_STDERR, SPAWN_PIDFD, SPAWN_FDS };
enum { SPAWN_KEPT = 4 }; /* a descriptor of a child, as spawn_take_ends has it */

/* What a child has when it begins, beside copies of all that its parent has open. */
struct spawn_ends {
	int socket; /* blocking */
	int log;    /* to be its stderr */
};

struct spawned {
	pid_t pid;
	int fds
	    [SPAWN_FDS]; /* the receiver's to close, in the order in which SPAWNED carries them */
};

/* The child runs the instance loop (host/instance.h) with its socket as descriptor 3 and a pipe as stderr,
 * and never returns. Beside /proc/self/statm it holds no other descriptor, so its server
 * is all it depends on. */
int spawn_instance(const struct instance_config *cfg, struct spawned *out, struct error *err);

/* For other kinds of children: `be` is called in the child, with what signals do as it is by default (but SIGINT, which is ignored:
 * what Ctrl-C means is the server's to decide), and does not return. */
typedef void spawn_be_f(void *arg, const struct spawn_ends *ends);
int spawn_process(spawn_be_f *be, void *arg, struct spawned *out, struct error *err);
/* Child: `stdout` and `stderr` are the log, stdin is empty, 3 is the socket; if it is not -1 `keep` is SPAWN_KEPT, closed when a program is
 * started. All else is closed. -1 with errno. */
int spawn_take_ends(const struct spawn_ends *ends, int keep);
/* A pair of sockets for messages, of several seconds of audio. */
int spawn_socket(int fds[2], struct error *err);
void spawn_reap(pid_t pid); /* kills it first; waits until it has ended */
void spawn_close(struct spawned *s);

#endif
