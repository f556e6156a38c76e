/* host: supervises one stenopool-host process: starts it, talks to it over its control socket, restarts it with
 * back-off when it ends, and logs what it says on stderr. Server process, loop thread only. */
#ifndef POOL_HOST_H
#define POOL_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct host;
struct uv_loop_s;
struct ipc_hello;

struct host_config {
	const char *program; /* path of stenopool-host */
	const char *name;    /* the pool's, for the log */
	const char *engine;
	char *const *params;       /* "key=value", ended by NULL */
	unsigned start_timeout_ms; /* exec to HELLO; a slower host is killed */
	unsigned backoff_min_ms;   /* pause before the first restart; doubles */
	unsigned backoff_max_ms;
};

struct host_events {
	void (*on_ready)(void *arg, const struct ipc_hello *hello);
	void (*on_down)(void *arg); /* it ended; a restart is planned */
	void (*on_failed)(
	    void *arg, const struct error *why); /* it said it cannot; a restart is planned too */
	/* A newborn; the receiver owns the descriptors. */
	void (*on_spawned)(void *arg, uint64_t id, int pid, const int fds[3]);
	void (*on_spawn_failed)(void *arg, uint64_t id, const struct error *why);
	void (*on_exited)(void *arg, uint64_t id, int wait_status);
};

/* Borrows everything; nothing is started yet. */
struct host *host_new(struct uv_loop_s *loop, const struct host_config *cfg,
    const struct host_events *events, void *arg);
void host_start(struct host *h);
int host_spawn(struct host *h, uint64_t id); /* -1: it is not ready */
int host_pid(const struct host *h);          /* 0: none */
/* Ends the process, closes all handles, then calls done. Sets *h to NULL at once. */
void host_free(struct host **h, void (*done)(void *arg), void *arg);

#endif
