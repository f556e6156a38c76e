/* host_process: one stenopool-host process: its control socket, its stderr, its end. Knows nothing of restarts
 * (pool/host.h). Server process, loop thread only. */
#ifndef POOL_HOST_PROCESS_H
#define POOL_HOST_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct channel_inbox;
struct error;
struct host_config;
struct host_process;
struct ipc_message;
struct uv_loop_s;

/* Any of them may call host_process_kill. */
struct host_process_events {
	/* Borrowed; the descriptors in the inbox are the receiver's to close. */
	void (*on_message)(void *arg, const struct ipc_message *m, struct channel_inbox *inbox);
	/* SPAWNED came without its descriptors; the newborn sees the end of its socket, and leaves. */
	void (*on_short)(void *arg, uint64_t instance, const struct error *why);
	void (*on_broken)(void *arg, const struct error *why); /* it spoke garbage */
	/* It has been reaped. What it had said before its end has been read, unless it was killed by us. */
	void (*on_ended)(void *arg, int status, int signal);
};

/* Borrows loop, events and arg; of cfg nothing is kept. NULL: a sentence. Blocks until the program runs. */
struct host_process *host_process_new(struct uv_loop_s *loop, const struct host_config *cfg,
    const struct host_process_events *events, void *arg, struct error *err);
/* False: there is no room, or it is not read any more. */
bool host_process_send(struct host_process *p, const struct ipc_message *m);
int host_process_pid(const struct host_process *p);
/* Somebody has stopped it (SIGSTOP, a debugger), as /proc says; false where that cannot be read. */
bool host_process_is_stopped(const struct host_process *p);
void host_process_kill(struct host_process *p); /* and hears it no more; on_ended comes */
/* Kills it and calls nobody any more. The rest frees itself when it has been reaped, for which the loop is not kept running:
 * what stands still in the kernel may never end. NULL is fine. */
void host_process_free(struct host_process **p);

#endif
