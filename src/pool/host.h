/* host: supervises one stenopool-host process: starts it, talks to it over its control socket, kills it when it does not
 * answer, and restarts it with back-off when it ends. Server process, loop thread only. */
#ifndef POOL_HOST_H
#define POOL_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/host_config.h"

struct error;
struct host;
struct uv_loop_s;
struct ipc_hello;

struct host_events {
	void (*on_ready)(void *arg, const struct ipc_hello *hello);
	/* It ended, or stands still and counts as ended; a restart is planned. `why` goes on from "the host ...". */
	void (*on_down)(void *arg, const struct error *why);
	void (*on_stuck)(void
		*arg); /* it stood still, or was to be replaced, and is killed: on_down will come */
	void (*on_failed)(
	    void *arg, const struct error *why); /* it said it cannot; a restart is planned too */
	/* A newborn; the receiver owns the descriptors: socket, stderr or -1, pidfd or -1 (it is no process of its own). */
	void (*on_spawned)(void *arg, uint64_t id, int pid, const int fds[3]);
	void (*on_spawn_failed)(void *arg, uint64_t id, const struct error *why);
	void (*on_exited)(void *arg, uint64_t id, int wait_status);
};

/* Copies cfg and borrows the rest; nothing is started yet. */
struct host *host_new(struct uv_loop_s *loop, const struct host_config *cfg,
    const struct host_events *events, void *arg);
void host_start(struct host *h);
int host_spawn(struct host *h, uint64_t id); /* -1: it is not ready */
/* One that is ready does not do what it is for: it is killed as one that stands still is. */
void host_replace(struct host *h, const struct error *why);
bool host_is_ready(const struct host *h);
/* Whether it was started, or will be, with what `cfg` says, and the files it was told of are as they were then. */
bool host_is_current(const struct host *h, const struct host_config *cfg);
/* Takes over the times only. */
void host_set_times(struct host *h, const struct host_config *cfg);
/* Of a host that is not ready: takes over all of cfg, and starts at once, again if need be. False: it is starting with the same
 * already, and goes on. */
bool host_renew(struct host *h, const struct host_config *cfg);
int host_pid(const struct host *h); /* 0: none */
/* A number of the process that runs, which no other one has; 0: none. */
uint64_t host_life(const struct host *h);
/* Ends the process, waits for it for kill_timeout_ms, closes all handles, then calls done. Sets *h to NULL at once. */
void host_free(struct host **h, void (*done)(void *arg), void *arg);

#endif
