/* memory: what a process uses, from /proc. Host and instance processes. */
#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

uint32_t memory_rss_kb(void); /* of this process; cheap: a few microseconds */
/* Opens what memory_rss_kb reads, for a process that will not be allowed to open files. */
void memory_open(void);

struct memory_use {
	uint32_t rss_kb;
	uint32_t private_kb; /* shared with no other process */
};

/* Walks all mappings: milliseconds for a large process. Zeros where /proc does not tell. */
struct memory_use memory_use(pid_t pid);

#endif
