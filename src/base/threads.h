/* threads: whether this process may start so many more now. A library that starts its own would end the process where it may
 * not (libuv's work pool does). Any process. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

struct error;

/* Starts `n` threads at once and ends them again; -1: *err says how many there could be, and why no more. */
int threads_try(unsigned n, struct error *err);

#endif
