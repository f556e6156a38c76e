/* crew: the processes behind one pool: its host, and the sockets to its instances. It is what a pool's decisions
 * act on, and it tells the pool what happens. Server process, loop thread only. */
#ifndef POOL_CREW_H
#define POOL_CREW_H

#include "pool/host.h"
#include "pool/pool.h"

struct crew;
struct uv_loop_s;

/* Borrows everything, for as long as the crew lives. Makes the pool; starts nothing yet. */
struct crew *crew_new(struct uv_loop_s *loop, const char *name, const struct pool_config *pool_cfg,
    const struct host_config *host_cfg);
void crew_start(struct crew *c);         /* starts the host */
struct pool *crew_pool(struct crew *c);  /* lent; lives as long as the crew */
int crew_host_pid(const struct crew *c); /* 0: none now */
/* Private memory of that process now, in KiB; 0 where it cannot be read. Reads a file: for status pages. */
unsigned crew_private_kb(int pid);
/* Every lease must have been released. Ends all processes, waits for them, then calls done. Sets *c to NULL. */
void crew_free(struct crew **c, void (*done)(void *arg), void *arg);

#endif
