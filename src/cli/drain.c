#define _GNU_SOURCE
#include "cli/drain.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "access/access.h"
#include "base/log.h"
#include "base/util.h"
#include "session/roster.h"

struct drain {
	uv_timer_t timer; /* while DRAINING and CUTTING */
	struct access *access;
	struct roster *roster;
	void (*on_leave)(void *arg);
	void *arg;
	struct drain_config cfg;
	enum drain_state state;
	bool left; /* on_leave was called */
};

#define NEVER DRAIN_STATES
static const enum drain_state next[DRAIN_STATES][DRAIN_EVENTS] = {
	/*                    asked           empty          late */
	[DRAIN_SERVING] = { DRAIN_DRAINING, NEVER, NEVER },
	[DRAIN_DRAINING] = { DRAIN_LEAVING, DRAIN_LEAVING, DRAIN_CUTTING },
	[DRAIN_CUTTING] = { DRAIN_LEAVING, DRAIN_LEAVING, DRAIN_LEAVING },
	[DRAIN_LEAVING] = { DRAIN_LEAVING, DRAIN_LEAVING, NEVER },
};

static const char *const state_names[DRAIN_STATES] = { "serving", "draining", "cutting",
	"leaving" };
static const char *const event_names[DRAIN_EVENTS] = { "asked", "empty", "late" };

enum drain_state drain_next(enum drain_state s, enum drain_event e)
{
	return next[s][e];
}

static void step(struct drain *d, enum drain_event e);

static void on_late(uv_timer_t *timer)
{
	step(timer->data, DRAIN_LATE);
}

static void on_empty(void *arg)
{
	step(arg, DRAIN_EMPTY);
}

static void leave(struct drain *d)
{
	if (d->left)
		return;
	d->left = true;
	d->on_leave(d->arg);
}

static void enter_draining(struct drain *d)
{
	log_info("server: draining: %u sessions are open and have drain_timeout_ms %u to finish",
	    roster_count(d->roster), d->cfg.timeout_ms);
	(void)uv_timer_start(&d->timer, on_late, d->cfg.timeout_ms, 0);
	access_drain(d->access, d->cfg.retry_after_ms);
	access_when_empty(d->access, on_empty, d);
}

static void enter_cutting(struct drain *d)
{
	log_warn("server: drain_timeout_ms %u is over: %u sessions are cut where they stand and "
		 "have cut_timeout_ms %u for their finals",
	    d->cfg.timeout_ms, roster_count(d->roster), d->cfg.cut_timeout_ms);
	(void)uv_timer_start(&d->timer, on_late, d->cfg.cut_timeout_ms, 0);
	roster_commit_all(d->roster);
}

/* Whoever is left is told. Asked for it twice, nobody is waited for, not even to close. */
static void enter_leaving(struct drain *d, enum drain_event e)
{
	unsigned open = roster_count(d->roster);

	(void)uv_timer_stop(&d->timer);
	if (open > 0)
		log_warn("server: leaving with %u sessions open", open);
	else
		log_info("server: leaving with no session open");
	access_stop(d->access, d->cfg.retry_after_ms);
	if (e == DRAIN_LATE)
		access_when_empty(d->access, on_empty, d);
	else
		leave(d);
}

/* The only writer of d->state. */
static void step(struct drain *d, enum drain_event e)
{
	enum drain_state from = d->state;

	d->state = next[from][e];
	assert(d->state != NEVER);
	log_debug(
	    "server: %s -> %s on %s", state_names[from], state_names[d->state], event_names[e]);
	if (from == DRAIN_LEAVING)
		leave(d);
	else if (d->state == DRAIN_DRAINING)
		enter_draining(d);
	else if (d->state == DRAIN_CUTTING)
		enter_cutting(d);
	else
		enter_leaving(d, e);
}

struct drain *drain_new(struct uv_loop_s *loop, struct access *access, struct roster *roster,
    void (*on_leave)(void *arg), void *arg)
{
	struct drain *d = xcalloc(1, sizeof *d);

	d->access = access;
	d->roster = roster;
	d->on_leave = on_leave;
	d->arg = arg;
	(void)uv_timer_init(loop, &d->timer);
	d->timer.data = d;
	return d;
}

void drain_ask(struct drain *d, const struct drain_config *cfg, const char *who)
{
	if (d->state == DRAIN_SERVING)
		d->cfg = *cfg;
	log_info("server: %s%s", who, d->state == DRAIN_SERVING ? "" : " again, leaving at once");
	step(d, DRAIN_ASKED);
}

enum drain_state drain_state(const struct drain *d)
{
	return d->state;
}

const char *drain_state_name(enum drain_state s)
{
	return state_names[s];
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void drain_free(struct drain **drain)
{
	struct drain *d = *drain;

	*drain = NULL;
	if (d != NULL)
		uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}
