/* upgrade: the hand-over to a new server, which may be a new version of the program.
 *
 *   NONE --start--> STARTING --it says ready--> DONE
 *                   STARTING --it ends, it is late, cancelled--> NONE
 *
 * The new server gets our listening sockets and accepts nothing before it is ready, so one that fails costs nobody
 * anything. Server process, loop thread only. */
#ifndef CLI_UPGRADE_H
#define CLI_UPGRADE_H

struct error;
struct successor_config;
struct upgrade;
struct uv_loop_s;

enum upgrade_state { UPGRADE_NONE, UPGRADE_STARTING, UPGRADE_DONE, UPGRADE_STATES };

struct upgrade_events {
	void (*on_ready)(void *arg, int pid);
	void (*on_failed)(void *arg, const struct error *why);
};

/* Borrows all. */
struct upgrade *upgrade_new(struct uv_loop_s *loop, const struct upgrade_events *events, void *arg);
/* Starts the new server; cfg's ready_fd is set here. Later on_ready or on_failed. -1 and a sentence when it cannot be
 * started, or was before. */
int upgrade_start(
    struct upgrade *u, const struct successor_config *cfg, unsigned timeout_ms, struct error *err);
/* A new server that is not ready is told to end, and killed if it does not; the loop runs on until it has. */
void upgrade_cancel(struct upgrade *u);
enum upgrade_state upgrade_state(const struct upgrade *u);
void upgrade_free(struct upgrade **u); /* the loop must run on until its handles have closed */

#endif
