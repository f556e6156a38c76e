/* clock: monotonic time in nanoseconds. Modules that decide by time take the clock as an argument
 * (clock_now_f), so that their tests own it. Any process, any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

typedef uint64_t clock_now_f(void *arg);

uint64_t clock_now_ns(void);         /* CLOCK_MONOTONIC */
uint64_t clock_process_cpu_ns(void); /* CPU time used by this process */

#endif
