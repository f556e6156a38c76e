#include "pool/pool.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "pool/pool_internal.h"

#define FIRST_MEAN_LEASE_NS (10 * NS_PER_S)   /* the guess before any lease has ended */
#define SPAWN_PAUSE_NS      (100 * NS_PER_MS) /* after a newborn that failed; doubles */
#define SPAWN_PAUSES        6                 /* ... so often */
#define LOOK_EVERY_NS       (250 * NS_PER_MS)

uint64_t pool_now_ns(const struct pool *p)
{
	return p->ops->now_ns(p->arg);
}

struct pool *pool_new(
    const char *name, const struct pool_config *cfg, const struct pool_ops *ops, void *arg)
{
	struct pool *p = xcalloc(1, sizeof *p);

	assert(cfg->max > 0 && cfg->min <= cfg->max);
	p->name = name;
	p->cfg = *cfg;
	p->ops = ops;
	p->arg = arg;
	p->mean_lease_ns = FIRST_MEAN_LEASE_NS;
	return p;
}

void pool_free(struct pool **pool)
{
	struct pool *p = *pool;

	if (p == NULL)
		return;
	*pool = NULL;
	assert(p->tenants == NULL && p->places_taken == 0);
	for (unsigned b = 0; b < BUCKETS; b++) {
		while (p->buckets[b] != NULL) {
			struct instance *i = p->buckets[b];

			p->buckets[b] = i->next;
			free(i);
		}
	}
	free(p);
}

static void set_state(struct pool *p, enum pool_state to)
{
	if (p->state == to || p->state == POOL_STOPPED)
		return;
	log_info("pool %s: %s -> %s", p->name, pool_state_name(p->state), pool_state_name(to));
	p->state = to;
}

static void call_writable(struct lease *l)
{
	struct pool *p = l->pool;

	l->call_due = l == p->asking;
	p->call_later = p->call_later || l->call_due;
	if (!l->call_due)
		l->events->on_writable(l->arg);
}

/* What could not be said while the lease itself was asking. */
static bool call_one(struct pool *p)
{
	if (!p->call_later || p->asking != NULL)
		return false;
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next)
			if (i->lease != NULL && i->lease->call_due) {
				call_writable(i->lease);
				return true;
			}
	p->call_later = false;
	return false;
}

/* Gives an instance to the place that has waited for one longest. */
static bool bind_one(struct pool *p)
{
	struct lease *l = p->bare.first;

	if (l == NULL)
		return false;
	l->instance = crowd_take_idle(p, l);
	if (l->instance == NULL)
		return false;
	l->last_instance = l->instance->id;
	lease_list_remove(l);
	if (l->wish_ns != 0)
		call_writable(l);
	return true;
}

/* While the host is away a place is worth something only with an instance that is there already. */
bool pool_can_grant(const struct pool *p)
{
	if (p->waiting == 0 || p->places_taken >= p->cfg.max)
		return false;
	return crowd_idle(p) > 0 || p->state == POOL_READY;
}

static bool grant_one(struct pool *p)
{
	struct lease *l;

	if (!pool_can_grant(p))
		return false;
	l = queue_first(p);
	queue_remove(l);
	lease_take_place(l);
	if (p->cfg.lease == LEASE_BY_SESSION)
		l->events->on_granted(l->arg);
	else if (l->instance != NULL)
		call_writable(l);
	return true;
}

static bool refuse_one(struct pool *p)
{
	struct lease *l = p->waiting > 0 ? queue_first(p) : NULL;
	struct error err;

	if (l == NULL || l == p->asking)
		return false;
	if (p->state == POOL_FAILED)
		err = p->failure;
	else if (p->state == POOL_STOPPED)
		(void)error_set(
		    &err, ERROR_RESTARTING, "pool %s: the server is shutting down", p->name);
	else
		return false;
	p->counts.refused_failed++;
	lease_refuse(l, &err);
	return true;
}

static void note_spawn_failure(struct pool *p)
{
	unsigned n = MIN(p->spawn_failures, (unsigned)SPAWN_PAUSES);

	p->spawn_failures++;
	p->spawn_not_before_ns = pool_now_ns(p) + (SPAWN_PAUSE_NS << n);
}

static void kill_stuck(struct pool *p, struct instance *i)
{
	struct lease *l = i->lease;
	bool ended = l->step == STEP_ENDED;
	struct error err;

	p->counts.stuck++;
	(void)error_set(&err, ERROR_TIMEOUT,
	    "instance %s/%" PRIu64
	    " made no progress within %s %u and %u times the audio it was given",
	    p->name, i->id, ended ? "final_timeout_ms" : "begin_timeout_ms",
	    ended ? p->cfg.final_timeout_ms : p->cfg.begin_timeout_ms, p->cfg.slowest_factor);
	log_warn("%s, killing it", err.text);
	crowd_kill(p, i);
	lease_lost(l, (struct loss_cause){ LOSS_STUCK, 0 }, &err);
}

static void leave_for(
    struct pool *p, struct instance *i, struct loss_cause cause, const struct error *why)
{
	struct lease *l = i->lease;

	i->lease = NULL;
	p->counts.lost++;
	if (i->state == INSTANCE_STARTING)
		note_spawn_failure(p);
	crowd_step(p, i, INSTANCE_LEFT);
	if (l != NULL)
		lease_lost(l, cause, why);
}

/* Nobody has said in time why its socket ended: its host stands still, or it does itself. */
static void leave_unexplained(struct pool *p, struct instance *i)
{
	struct error err;

	(void)error_set(
	    &err, ERROR_PEER, "instance %s/%" PRIu64 " closed its socket", p->name, i->id);
	leave_for(p, i, (struct loss_cause){ LOSS_UNKNOWN, 0 }, &err);
}

static bool kill_one_stuck(struct pool *p, uint64_t now_ns)
{
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct instance *i = p->buckets[b]; i != NULL; i = i->next)
			if (i->lease != NULL && lease_due_ns(i->lease) <= now_ns) {
				if (i->closed_ns != 0)
					leave_unexplained(p, i);
				else
					kill_stuck(p, i);
				return true;
			}
	return false;
}

/* Progress comes too often to plan anew with each, so while somebody speaks all leases are looked at now and then. */
static uint64_t check_stuck(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);

	if (p->in_work == 0)
		return UINT64_MAX;
	if (now_ns >= p->look_at_ns) {
		while (kill_one_stuck(p, now_ns))
			p->again = true;
		p->look_at_ns = now_ns + LOOK_EVERY_NS;
	}
	return p->look_at_ns;
}

/* Any callback in here may ask for another round instead of starting one inside this one. */
void pool_settle(struct pool *p)
{
	uint64_t next_ns;

	p->again = true;
	if (p->settling)
		return;
	p->settling = true;
	do {
		p->again = false;
		while (call_one(p) || bind_one(p) || refuse_one(p) || grant_one(p))
			continue;
		crowd_refill(p);
		queue_announce(p);
		next_ns = crowd_check_deadlines(p);
		next_ns = MIN(next_ns, queue_check_deadlines(p));
		next_ns = MIN(next_ns, queue_check_bare(p));
		next_ns = MIN(next_ns, check_stuck(p));
		next_ns = MIN(next_ns, wear_check(p));
		next_ns = MIN(next_ns, canary_check(p));
	} while (p->again);
	p->settling = false;
	if (p->call_later || (p->asking != NULL && p->waiting > 0 && p->state != POOL_READY))
		next_ns = pool_now_ns(p); /* but not from inside a call of that lease */
	p->ops->wake_at(p->arg, next_ns);
}

void pool_on_time(struct pool *pool)
{
	pool_settle(pool);
}

void pool_reconfigure(struct pool *p, const struct pool_config *cfg)
{
	enum lease_kind lease = p->cfg.lease;
	enum refresh refresh = p->cfg.refresh;

	assert(cfg->max > 0 && cfg->min <= cfg->max);
	p->cfg = *cfg;
	p->cfg.lease = lease;
	p->cfg.refresh = refresh;
	crowd_trim(p);
	p->queue_moved = true;
	pool_settle(p);
}

void pool_renew(struct pool *p)
{
	p->generation++;
	pool_settle(p);
}

void pool_stop(struct pool *p)
{
	set_state(p, POOL_STOPPED);
	canary_drop(p);
	crowd_retire_idle(p);
	pool_settle(p);
}

void pool_on_host_ready(struct pool *p)
{
	p->failure = (struct error)ERROR_INIT;
	p->proven_ns = pool_now_ns(p); /* it decoded its warm-up clip */
	p->spawn_failures = 0;
	p->spawn_not_before_ns = 0;
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
	p->spawn_failures = 0;
	crowd_step(p, i, INSTANCE_READY);
	if (p->state == POOL_STOPPED)
		crowd_retire(p, i);
}

/* An instance said what it may not say in its state; it is not to be trusted any more. */
static void on_violation(struct pool *p, struct instance *i, enum ipc_type type)
{
	struct lease *l = i->lease;
	struct error err;

	p->counts.protocol_errors++;
	(void)error_set(&err, ERROR_PEER, "instance %s/%" PRIu64 " sent %s while %s", p->name,
	    i->id, ipc_type_name(type), instance_state_name(i->state));
	log_warn("%s, killing it", err.text);
	crowd_kill(p, i);
	if (l != NULL)
		lease_lost(l, (struct loss_cause){ LOSS_GARBAGE, 0 }, &err);
}

void pool_on_message(struct pool *p, uint64_t id, const struct ipc_message *m)
{
	struct instance *i = crowd_find(p, id);

	if (i == NULL || i->state == INSTANCE_RETIRING)
		return;
	if (m->type == IPC_READY && i->state == INSTANCE_STARTING)
		on_instance_ready(p, i);
	else if (m->type < IPC_PROGRESS || m->type > IPC_FAILED)
		on_violation(p, i, m->type);
	else if (i->lease != NULL && i->lease->step != STEP_NONE && m->epoch == i->lease->epoch)
		lease_message(i->lease, m);
	else
		p->counts.stale_messages++;
	if (m->type != IPC_PROGRESS &&
	    m->type != IPC_PARTIAL) /* which come often and change nothing here */
		pool_settle(p);
}

void pool_on_writable(struct pool *p, uint64_t id)
{
	struct instance *i = crowd_find(p, id);

	if (i != NULL && i->lease != NULL)
		i->lease->events->on_writable(i->lease->arg);
}

/* The reason, if it is on its way. */
static bool is_awaited(const struct instance *i, enum loss_kind kind)
{
	return kind == LOSS_UNKNOWN && i->lease != NULL && i->lease->step != STEP_NONE;
}

void pool_on_lost(struct pool *p, uint64_t id, enum loss_kind kind, const struct error *why)
{
	struct instance *i = crowd_find(p, id);

	if (i == NULL)
		return;
	if (i->state != INSTANCE_RETIRING && is_awaited(i, kind))
		i->closed_ns = pool_now_ns(p);
	else if (i->state != INSTANCE_RETIRING)
		leave_for(p, i, (struct loss_cause){ kind, 0 }, why);
	pool_settle(p);
}

void pool_on_exited(struct pool *p, uint64_t id, int wait_status, const char *how)
{
	struct instance *i = crowd_find(p, id);
	struct error err;

	if (i == NULL)
		return;
	if (i->state != INSTANCE_RETIRING) {
		(void)error_set(&err, ERROR_PEER, "instance %s/%" PRIu64 " %s", p->name, id, how);
		leave_for(p, i, loss_of_exit(wait_status), &err);
	}
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
