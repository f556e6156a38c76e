/* process: CPU time and memory of another process, from /proc. Zero when it is gone. */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include <stdint.h>

uint64_t process_cpu_ns(unsigned pid); /* all threads; in steps of a clock tick */
unsigned process_rss_kb(unsigned pid);

#endif
