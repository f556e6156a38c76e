/* copy: a copy of this process that does one thing and ends, and that does not outlive it. One at a time.
 *
 * Instance process; within its confinement (host/confine.h, `copies`). */
#ifndef HOST_COPY_H
#define HOST_COPY_H

#include <stdbool.h>

/* 0: we are the copy, to end with _exit. Otherwise a pidfd of it, which can be read once it has ended; -1: none could be made. Needs a
 * single-threaded process. */
int copy_make(void);
/* Ends it, if it has not, and waits for that; *pidfd becomes -1. No effect if it is -1. */
void copy_end(int *pidfd);
/* Whether it has ended; then *pidfd becomes -1, and *well_out is whether it ended with status 0. */
bool copy_has_ended(int *pidfd, bool *well_out);

#endif
