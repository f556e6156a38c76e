/* tasks: how many more processes and threads the machine lets this server have, against how many it needs. Linux counts both
 * as tasks: for a user (RLIMIT_NPROC, ulimit -u) and for a control group (pids.max: TasksMax, docker --pids-limit).
 * Server process, at its start. */
#ifndef CLI_TASKS_H
#define CLI_TASKS_H

#include <stdint.h>

struct config;
struct error;

#define TASKS_UNLIMITED UINT64_MAX

struct tasks_room {
	uint64_t left;  /* more tasks than there are now; TASKS_UNLIMITED */
	uint64_t limit; /* what is allowed in all */
	char by[160];   /* where that is set */
};

/* What this process may start now. Reads /proc and /sys. */
void tasks_find_room(struct tasks_room *out);

struct tasks_plan {
	uint64_t least,
	    all; /* tasks without which nobody is heard, and with everything in use; ours is there already */
	unsigned ear_threads;  /* that may be started: those of the settings, or fewer */
	unsigned work_threads; /* of the work pool in all */
};

/* How to go on with that much room; -1: not at all, and *err says what is missing. */
int tasks_plan(const struct config *c, const struct tasks_room *room, struct tasks_plan *out,
    struct error *err);
/* Both, and a warning in the log where the room is short of all that the settings promise. */
int tasks_settle(const struct config *c, struct tasks_plan *out, struct error *err);

#endif
