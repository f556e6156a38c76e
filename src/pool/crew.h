/* crew: the processes behind one pool: its host, and the sockets to its instances. It is what a pool's decisions
 * act on, and it tells the pool what happens. Server process, loop thread only. */
#ifndef POOL_CREW_H
#define POOL_CREW_H

#include "pool/host.h"
#include "pool/pool.h"

struct crew;
struct turn;
struct uv_loop_s;

enum crew_reload { CREW_UNCHANGED, CREW_LOADING };

/* Borrows the loop and the turn, by which its pool tells; copies the rest. Makes the pool; starts nothing yet. */
struct crew *crew_new(struct uv_loop_s *loop, struct turn *turn, const char *name,
    const struct pool_config *pool_cfg, const struct host_config *host_cfg);
void crew_start(struct crew *c); /* starts the host */
/* Called each time a host has loaded its model. Borrows arg. */
void crew_on_ready(struct crew *c, void (*on_ready)(void *arg), void *arg);
/* Loads the model anew if what the engine is told has changed, or its files on disk have, or the pool has failed: beside
 * the running host, which serves on until the new one is ready, or for good when that fails; at once when there is no running
 * one. Times are taken over in any case. */
enum crew_reload crew_reload(struct crew *c, const struct host_config *cfg);
bool crew_is_reloading(const struct crew *c); /* a host is loading beside the one that serves */
/* Why the model could not be loaded anew the last time; "" when it could, or nobody tried. Lent. */
const char *crew_reload_failure(const struct crew *c);
struct pool *crew_pool(struct crew *c);  /* lent; lives as long as the crew */
int crew_host_pid(const struct crew *c); /* 0: none now */
/* Private memory of that process now, in KiB; 0 where it cannot be read. Reads a file: for status pages. */
unsigned crew_private_kb(int pid);
/* Every lease must have been released. Ends all processes, waits for them, then calls done. Sets *c to NULL. */
void crew_free(struct crew **c, void (*done)(void *arg), void *arg);

#endif
