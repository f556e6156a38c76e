/* programs: what makes instances of the engine exec. The program is started once to hear what it is. If it says that it is an instance,
 * it is handed out as the first one, and each after it is another process of it; if it says that it is many, all are rows of that
 * one process (host/batch.h). Host process, single-threaded. */
#ifndef HOST_PROGRAMS_H
#define HOST_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/spawn.h"

struct engine_param;
struct error;
struct ipc_hello;
struct pollfd;
struct programs;

struct programs_config { /* all borrowed, for as long as the programs */
	const struct engine_param *params;
	size_t params_n;
	bool confine, core_dumps;
	unsigned load_timeout_ms;
	/* An instance is over that is no process of its own. */
	void (*on_over)(void *arg, uint64_t instance);
	/* No instance will come of it any more; the process of all of them has ended with `wait_status`, or was killed. */
	void (*on_broken)(void *arg, const struct error *why, int wait_status);
	void *arg;
};

/* Blocks until the program has said HELLO; *out is that, and borrows from the programs. -1 and a sentence that names it. */
int programs_new(struct programs **out, const struct programs_config *cfg, struct ipc_hello *hello,
    struct error *err);
/* Ends those that were not handed out. */
void programs_free(struct programs **programs);

/* The process that was started first; 0: it was handed out, or has ended. */
pid_t programs_pid(const struct programs *p);

/* Of what has no descriptor *out has -1. */
int programs_spawn(struct programs *p, uint64_t instance, struct spawned *out, struct error *err);
/* A child has ended and been reaped. False: it is an instance that was handed out. */
bool programs_on_exit(struct programs *p, pid_t pid, int wait_status);

/* What is to be waited for: `programs_polls` of them at most, filled in by programs_poll, which returns how many. */
size_t programs_polls(const struct programs *p);
size_t programs_poll(struct programs *p, struct pollfd *pfds, int *timeout_ms);
void programs_attend(struct programs *p, const struct pollfd *pfds, size_t n);

#endif
