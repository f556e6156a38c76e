/* confine: takes from a newborn all that hearing does not need. After it the process may use what it holds
 * (memory, its socket, its stderr, the clock) and nothing else: opening a file, making a socket, starting a program
 * or a thread (but for an engine that needs some), touching another process is not refused but ends it, with SIGSYS, so that it shows.
 *
 * The filter of system calls is compiled once, in the host; a newborn only hands it to the kernel. Host and
 * instance processes. */
#ifndef HOST_CONFINE_H
#define HOST_CONFINE_H

#include <stdbool.h>

struct confine;
struct error;

struct confine_config {
	bool
	    filter; /* system calls, files, processes; without it only core dumps are looked after */
	bool
	    core_dumps; /* a process that crashes leaves its memory behind, which has heard people speak */
	bool copies;  /* it may make copies of itself (host/copy.h), which may do the same */
	bool threads; /* the engine starts threads: those may be made, processes may not */
	bool
	    is_roots; /* who started us can look into any process: nobody else may look into this one */
};

/* Host: compiles, and has a child try whether the kernel takes it: -1, and what to do about it, if not. Needs a
 * single-threaded process. */
int confine_new(struct confine **out, const struct confine_config *cfg, struct error *err);
void confine_free(struct confine **c);

/* Newborn: the last thing before it hears; there is no way back. Opens nothing, allocates nothing. */
int confine_enter(struct confine *c, struct error *err);

#endif
