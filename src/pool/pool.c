/* The pool from its making to its end, and what is told of hosts and instances. What follows from it settle.c finds out. */
#include "pool/pool.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

#define FIRST_MEAN_LEASE_NS (10 * NS_PER_S) /* the guess before any lease has ended */

struct pool *pool_new(const char *name, const struct pool_config *cfg, struct turn *turn,
    const struct pool_ops *ops, void *arg)
{
	struct pool *p = xcalloc(1, sizeof *p);

	assert(cfg->max > 0 && cfg->min <= cfg->max);
	p->name = name;
	p->cfg = p->set = *cfg;
	p->turn = turn;
	p->ops = ops;
	p->arg = arg;
	p->canary.events = &canary_events;
	p->deadline_ns = p->bare_look_ns = p->lack_look_ns = UINT64_MAX;
	p->queue_moves = p->announced_moves = 1;
	p->idle.before = crowd_is_older;
	tenants_init(p);
	p->mean_lease_ns = FIRST_MEAN_LEASE_NS;
	return p;
}

void pool_free(struct pool **pool)
{
	struct pool *p = *pool;

	if (p == NULL)
		return;
	*pool = NULL;
	assert(p->tenants.n == 0 && p->places_taken == 0);
	for (unsigned b = 0; b < BUCKETS; b++) {
		while (p->buckets[b] != NULL) {
			struct instance *i = p->buckets[b];

			p->buckets[b] = i->next;
			heap_remove(&p->idle, &i->idle);
			free(i);
		}
	}
	heap_done(&p->idle);
	tenants_done(p);
	free(p->languages);
	free(p->engine);
	free(p->model);
	free(p);
}

static void set_state(struct pool *p, enum pool_state to)
{
	if (p->state == to || p->state == POOL_STOPPED)
		return;
	log_info("pool %s: %s -> %s", p->name, pool_state_name(p->state), pool_state_name(to));
	p->state = to;
}

void pool_on_time(struct pool *pool)
{
	pool_settle(pool);
}

/* A program that is many instances has so many rows, whatever is set. */
static void fit_rows(struct pool *p)
{
	unsigned rows = p->traits.rows;

	p->cfg = p->set;
	if (rows == 0 || rows >= p->set.max)
		return;
	log_warn("pool %s: max is %u, but the program has %u rows, so that many are served at once",
	    p->name, p->set.max, rows);
	p->cfg.max = rows;
	p->cfg.min = MIN(p->cfg.min, rows);
}

void pool_reconfigure(struct pool *p, const struct pool_config *cfg)
{
	enum lease_kind lease = p->set.lease;
	enum refresh refresh = p->set.refresh;

	assert(cfg->max > 0 && cfg->min <= cfg->max);
	p->set = *cfg;
	p->set.lease = lease;
	p->set.refresh = refresh;
	fit_rows(p);
	p->deadline_ns = p->bare_look_ns = p->worn_look_ns = 0; /* which are other ones now */
	crowd_trim(p);
	pool_settle(p);
}

void pool_renew(struct pool *p)
{
	p->generation++;
	p->worn_look_ns = 0;
	pool_settle(p);
}

void pool_stop(struct pool *p)
{
	set_state(p, POOL_STOPPED);
	canary_drop(p);
	crowd_retire_idle(p);
	pool_settle(p);
}

void pool_use_compute(struct pool *p, struct compute *compute)
{
	p->compute = compute;
}

void pool_set_traits(struct pool *p, const struct ipc_traits *traits)
{
	p->traits = *traits;
	fit_rows(p);
}

const struct ipc_traits *pool_traits(const struct pool *p)
{
	return &p->traits;
}

static void keep_text(char **to, const struct ipc_text *text)
{
	free(*to);
	*to = xcalloc(1, (size_t)text->length + 1);
	if (text->length > 0)
		memcpy(*to, text->bytes, text->length);
}

void pool_set_model(struct pool *p, const struct ipc_text *engine, const struct ipc_text *model)
{
	keep_text(&p->engine, engine);
	keep_text(&p->model, model);
}

const char *pool_engine(const struct pool *p)
{
	return p->engine == NULL ? "" : p->engine;
}

const char *pool_model(const struct pool *p)
{
	return p->model == NULL ? "" : p->model;
}

void pool_set_languages(struct pool *p, const char *languages)
{
	free(p->languages);
	p->languages = languages == NULL ? NULL : xstrdup(languages);
}

void pool_set_tidy_text(struct pool *p, bool tidy)
{
	p->raw_text = !tidy;
}

bool pool_tidies_text(const struct pool *p)
{
	return !p->raw_text;
}

const char *pool_languages(const struct pool *p)
{
	return p->languages == NULL ? "" : p->languages;
}

void pool_set_finals(struct pool *p, const struct pool_finals *finals)
{
	p->finals = *finals;
}

const struct pool_finals *pool_finals(const struct pool *p)
{
	return &p->finals;
}

void pool_on_host_ready(struct pool *p)
{
	p->failure = (struct error)ERROR_INIT;
	p->proven_ns = pool_now_ns(p); /* it decoded its warm-up clip */
	p->spawn_not_before_ns = 0;
	p->births_since_ns = pool_now_ns(p);
	crowd_trust_births(p);
	set_state(p, POOL_READY);
	pool_settle(p);
}

/* What was asked of the host and has no process yet will never come. */
static void drop_unborn(struct pool *p)
{
	for (unsigned b = 0; b < BUCKETS; b++) {
		struct instance **at = &p->buckets[b];

		while (*at != NULL) {
			struct instance *i = *at;

			if (i->pid == 0) {
				crowd_step(p, i, INSTANCE_EXITED);
				crowd_remove(p, i);
			} else {
				at = &i->next;
			}
		}
	}
}

static void note_lost_host(struct pool *p, const struct error *why)
{
	p->counts.hosts_lost++;
	if (p->state == POOL_FAILED)
		return; /* it has said itself why */
	p->failure = *why;
	(void)error_prefix(&p->failure, "pool %s", p->name);
}

void pool_on_host_down(struct pool *p, const struct error *why)
{
	drop_unborn(p);
	if (why != NULL)
		note_lost_host(p, why);
	if (p->state != POOL_FAILED)
		set_state(p, POOL_STARTING);
	pool_settle(p);
}

void pool_on_host_failed(struct pool *p, const struct error *why)
{
	p->failure = *why;
	(void)error_prefix(&p->failure, "pool %s", p->name);
	set_state(p, POOL_FAILED);
	pool_settle(p);
}

bool pool_on_spawned(struct pool *p, uint64_t id, int pid)
{
	struct instance *i = crowd_find(p, id);

	if (i == NULL || i->pid != 0)
		return false;
	i->pid = pid;
	return i->state == INSTANCE_STARTING;
}

static void on_instance_ready(struct pool *p, struct instance *i)
{
	i->dirty = false;
	crowd_trust_births(p);
	crowd_step(p, i, INSTANCE_READY);
	if (p->state == POOL_STOPPED)
		crowd_retire(p, i);
}

/* An instance said what it may not say; it is not to be trusted any more. */
static void on_violation(struct pool *p, struct instance *i, const char *what)
{
	struct lease *l = i->lease;
	struct error err;

	p->counts.protocol_errors++;
	(void)error_set(&err, ERROR_PEER, "instance %s/%" PRIu64 " %s", p->name, i->id, what);
	log_warn("%s, killing it", err.text);
	crowd_judge_birth(p, i);
	crowd_kill(p, i);
	if (l != NULL)
		lease_lost(l, (struct loss_cause){ LOSS_GARBAGE, 0 }, &err);
}

/* Whether each instance is a program of its own, which says what it is before it is ready. */
static bool greets(const struct pool *p)
{
	return p->traits.isolation == IPC_BEARS_PROCESS;
}

/* One that starts. Another process of the same program is no other engine. */
static void on_hello(struct pool *p, struct instance *i, const struct ipc_hello *h)
{
	const char *other = traits_difference(&h->traits, &p->traits);
	char what[160];

	i->greeted = true;
	if (h->version == IPC_VERSION && other == NULL)
		return;
	if (h->version != IPC_VERSION)
		(void)snprintf(what, sizeof what, "speaks version %u of the protocol, %d is needed",
		    h->version, IPC_VERSION);
	else
		(void)snprintf(what, sizeof what,
		    "is another engine than the one that was loaded: it differs in %s", other);
	on_violation(p, i, what);
}

static void refuse_message(struct pool *p, struct instance *i, const struct ipc_message *m)
{
	const char *name = ipc_type_name(m->type);
	char what[96];

	if (m->row != 0)
		(void)snprintf(
		    what, sizeof what, "sent %s of row %u, which is none of its own", name, m->row);
	else if (m->type == IPC_READY && i->state == INSTANCE_STARTING)
		(void)snprintf(what, sizeof what, "sent READY before its HELLO");
	else
		(void)snprintf(
		    what, sizeof what, "sent %s while %s", name, instance_state_name(i->state));
	on_violation(p, i, what);
}

static bool may_answer(enum ipc_type type)
{
	return (type >= IPC_PROGRESS && type <= IPC_FAILED) || type == IPC_CANCELLED ||
	    type == IPC_EAGER_FINAL;
}

static void take(struct pool *p, struct instance *i, const struct ipc_message *m)
{
	bool starts = i->state == INSTANCE_STARTING, greeted = i->greeted || !greets(p);

	if (!flood_takes(p, i, m))
		on_violation(p, i, "says far more than it is asked for");
	else if (m->row != 0)
		refuse_message(p, i, m);
	else if (m->type == IPC_HELLO && starts && !greeted)
		on_hello(p, i, &m->hello);
	else if (m->type == IPC_READY && starts && greeted)
		on_instance_ready(p, i);
	else if (!may_answer(m->type))
		refuse_message(p, i, m);
	else if (i->lease != NULL && lease_is_at_work(i->lease) && m->epoch == i->lease->epoch)
		lease_message(i->lease, m);
	else
		p->counts.stale_messages++;
}

void pool_on_message(struct pool *p, uint64_t id, const struct ipc_message *m)
{
	struct instance *i = crowd_find(p, id);

	if (i == NULL || i->state == INSTANCE_RETIRING)
		return;
	take(p, i, m);
	if (m->type != IPC_PROGRESS &&
	    m->type != IPC_PARTIAL) /* which come often and change nothing here */
		pool_settle(p);
}

void pool_on_writable(struct pool *p, uint64_t id)
{
	struct instance *i = crowd_find(p, id);

	if (i == NULL || i->lease == NULL)
		return;
	lease_use_slot(i->lease);
	lease_tell_writable(i->lease);
}

/* The reason, if it is on its way. */
static bool is_awaited(const struct instance *i, enum loss_kind kind)
{
	return kind == LOSS_UNKNOWN && i->lease != NULL && lease_is_at_work(i->lease);
}

void pool_on_lost(struct pool *p, uint64_t id, enum loss_kind kind, const struct error *why)
{
	struct instance *i = crowd_find(p, id);

	if (i == NULL)
		return;
	if (i->state != INSTANCE_RETIRING && is_awaited(i, kind))
		i->closed_ns = pool_now_ns(p);
	else if (i->state != INSTANCE_RETIRING)
		lease_leave_for(p, i, (struct loss_cause){ kind, 0 }, why);
	pool_settle(p);
}

void pool_on_unborn(struct pool *p, uint64_t id, const struct error *why)
{
	if (crowd_find(p, id) == NULL)
		return;
	p->unborn = *why;
	pool_on_exited(p, id, -1, "could not be started");
}

/* A process that is gone leaves room for one that could not be made. */
static void try_again_now(struct pool *p)
{
	if (p->unborn.code != ERROR_NONE)
		p->spawn_not_before_ns = 0;
}

void pool_on_exited(struct pool *p, uint64_t id, int wait_status, const char *how)
{
	struct instance *i = crowd_find(p, id);
	struct error err;

	if (i == NULL)
		return;
	if (i->state != INSTANCE_RETIRING) {
		(void)error_set(&err, ERROR_PEER, "instance %s/%" PRIu64 " %s", p->name, id, how);
		lease_leave_for(p, i, loss_of_exit(wait_status), &err);
	}
	if (i->pid != 0)
		try_again_now(p);
	crowd_step(p, i, INSTANCE_EXITED);
	crowd_remove(p, i);
	pool_settle(p);
}

void pool_note_violation(struct pool *p)
{
	p->counts.violations++;
}

void pool_note_stuck_host(struct pool *p)
{
	p->counts.hosts_stuck++;
}
