/* drain: how the server comes to its end without cutting anybody short who can be waited for.
 *
 *   SERVING --asked--> DRAINING --late--> CUTTING --late--> LEAVING
 *                      DRAINING, CUTTING --empty, asked again--> LEAVING
 *
 * DRAINING: nobody new is let in; utterances that have begun come to their finals. CUTTING: what is still open ends at
 * the audio given so far, and has a moment for its finals. LEAVING: whoever is left is told and closed.
 *
 * Server process, loop thread only. */
#ifndef CLI_DRAIN_H
#define CLI_DRAIN_H

struct access;
struct drain;
struct roster;
struct uv_loop_s;

enum drain_state { DRAIN_SERVING, DRAIN_DRAINING, DRAIN_CUTTING, DRAIN_LEAVING, DRAIN_STATES };
enum drain_event { DRAIN_ASKED, DRAIN_EMPTY, DRAIN_LATE, DRAIN_EVENTS };

struct drain_config {
	unsigned timeout_ms;     /* for utterances that have begun; 0: cut at once */
	unsigned cut_timeout_ms; /* for the finals of what was cut */
	unsigned retry_after_ms; /* what clients are told */
};

/* What follows state s on event e; DRAIN_STATES: it must not happen. Pure. */
enum drain_state drain_next(enum drain_state s, enum drain_event e);

/* Borrows all. `on_leave` is called once, when nobody is left or nobody is waited for any more: drop all connections,
 * and end. */
struct drain *drain_new(struct uv_loop_s *loop, struct access *access, struct roster *roster,
    void (*on_leave)(void *arg), void *arg);
/* Starts with the times in `cfg`, or, called again, leaves at once. `who` is for the log: "SIGTERM". */
void drain_ask(struct drain *d, const struct drain_config *cfg, const char *who);
enum drain_state drain_state(const struct drain *d);
const char *drain_state_name(enum drain_state s);
void drain_free(struct drain **d); /* the loop must run on until its handle has closed */

#endif
