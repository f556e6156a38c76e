/* One host forks the newborns. To load a model anew a second one is started beside it; when it is ready it takes the
 * first one's place, and the first is ended: the instances it forked live on without it. One with instances that are no processes of
 * their own wanes first: it is ended when the last of those has gone. */
#define _GNU_SOURCE
#include "pool/crew.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ipc/channel.h"
#include "pool/crew_internal.h"

static const struct host_events host_events;

static void on_timer_gone(uv_handle_t *handle);

static void free_when_empty(struct crew *c)
{
	if (!c->closing || c->members > 0 || c->hosts > 0)
		return;
	if (!c->timer_gone) {
		if (!uv_is_closing((uv_handle_t *)&c->timer))
			uv_close((uv_handle_t *)&c->timer, on_timer_gone);
		return;
	}
	pool_free(&c->pool);
	if (c->on_done != NULL)
		c->on_done(c->done_arg);
	free(c->inbox);
	free(c->name);
	free(c);
}

static struct crew_host *add_host(struct crew *c, const struct host_config *cfg)
{
	struct crew_host *h = xcalloc(1, sizeof *h);

	h->crew = c;
	h->host = host_new(c->loop, cfg, &host_events, h);
	c->hosts++;
	return h;
}

static void on_host_gone(void *arg)
{
	struct crew_host *h = arg;
	struct crew *c = h->crew;

	member_settle(h, true);
	c->hosts--;
	free(h);
	free_when_empty(c);
}

static void end_host(struct crew_host **h)
{
	if (*h != NULL)
		host_free(&(*h)->host, on_host_gone, *h);
	*h = NULL;
}

/* Takes it out of those that wane. */
static void forget_waning(struct crew_host *h)
{
	struct crew_host **at = &h->crew->waning;

	while (*at != NULL && *at != h)
		at = &(*at)->older;
	if (*at != NULL)
		*at = h->older;
}

static void end_waning(struct crew_host *h)
{
	forget_waning(h);
	end_host(&h);
}

static bool wanes(const struct crew_host *h)
{
	const struct crew_host *at = h->crew->waning;

	while (at != NULL && at != h)
		at = at->older;
	return at != NULL;
}

static void end_the_empty(struct crew *c)
{
	struct crew_host *next;

	for (struct crew_host *h = c->waning; h != NULL; h = next) {
		next = h->older;
		if (h->inside == 0)
			end_waning(h);
	}
}

static void on_member_gone(struct crew *c)
{
	end_the_empty(c);
	free_when_empty(c);
}

/* It makes no more instances. */
static void let_go(struct crew *c, struct crew_host **h)
{
	if ((*h)->inside == 0) {
		end_host(h);
		return;
	}
	(*h)->older = c->waning;
	c->waning = *h;
	*h = NULL;
}

/* What a host may say of an instance is checked: it may only speak of one we asked for. */
static void on_spawned(void *arg, uint64_t id, int pid, const int fds[3])
{
	struct crew_host *h = arg;
	struct crew *c = h->crew;
	struct error err;

	if (member_find(c, id) != NULL || channel_set_nonblocking(fds[0], &err) < 0) {
		log_error("host %s: spawned instance %" PRIu64 " badly", c->name, id);
		for (int i = 0; i < 3; i++)
			if (fds[i] >= 0)
				(void)close(fds[i]);
		return;
	}
	member_add(h, id, pid, fds);
	if (!pool_on_spawned(c->pool, id, pid))
		member_retire(c, id);
	if (c->closing)
		member_kill(member_find(c, id));
}

static void on_spawn_failed(void *arg, uint64_t id, const struct error *why)
{
	struct crew *c = ((struct crew_host *)arg)->crew;

	log_error("host %s: %s", c->name, why->text);
	if (member_find(c, id) == NULL)
		pool_on_unborn(c->pool, id, why);
}

static void on_exited(void *arg, uint64_t id, int wait_status)
{
	struct crew_host *h = arg;
	struct member *m = member_find(h->crew, id);

	if (m != NULL && m->host == h && m->life == host_life(h->host))
		member_told_exited(m, wait_status);
}

/* Newborns that the old host was asked for and has not brought are asked for again. */
static void take_over(struct crew *c)
{
	log_info("host %s: the model was loaded anew; instances of the old one go when they are "
		 "idle",
	    c->name);
	let_go(c, &c->current);
	c->current = c->coming;
	c->coming = NULL;
	c->reload = (struct error)ERROR_INIT;
	pool_on_host_down(c->pool, NULL);
	pool_renew(c->pool);
	pool_on_host_ready(c->pool);
}

static void give_up_reload(struct crew *c, const struct error *why)
{
	c->reload = *why;
	log_error("host %s: the model could not be loaded anew, the old one serves on: %s", c->name,
	    why->text);
	end_host(&c->coming);
}

static void on_host_ready(void *arg, const struct ipc_hello *hello)
{
	struct crew_host *h = arg;
	struct crew *c = h->crew;

	pool_set_traits(c->pool, &hello->traits);
	pool_set_model(c->pool, &hello->engine, &hello->model);
	if (h == c->coming)
		take_over(c);
	else
		pool_on_host_ready(c->pool);
	if (c->on_ready != NULL)
		c->on_ready(c->ready_arg);
}

static void on_host_down(void *arg, const struct error *why)
{
	struct crew_host *h = arg;
	struct crew *c = h->crew;
	struct error err;

	(void)error_set(&err, why->code, "its host %s", why->text);
	if (h == c->coming) {
		give_up_reload(c, &err);
		return;
	}
	member_settle(h, false);
	if (wanes(h)) {
		end_waning(h);
		return;
	}
	pool_on_host_down(c->pool, &err);
}

static void on_host_stuck(void *arg)
{
	struct crew_host *h = arg;

	pool_note_stuck_host(h->crew->pool);
}

static void on_host_failed(void *arg, const struct error *why)
{
	struct crew_host *h = arg;

	if (h == h->crew->coming)
		give_up_reload(h->crew, why);
	else if (!wanes(h))
		pool_on_host_failed(h->crew->pool, why);
}

static const struct host_events host_events = {
	.on_ready = on_host_ready,
	.on_down = on_host_down,
	.on_stuck = on_host_stuck,
	.on_failed = on_host_failed,
	.on_spawned = on_spawned,
	.on_spawn_failed = on_spawn_failed,
	.on_exited = on_exited,
};

static uint64_t op_now_ns(void *arg)
{
	(void)arg;
	return clock_now_ns();
}

static int op_spawn(void *arg, uint64_t id)
{
	struct crew *c = arg;

	return c->current == NULL ? -1 : host_spawn(c->current->host, id);
}

static int op_send(void *arg, uint64_t id, const struct ipc_message *msg)
{
	return member_send(arg, id, msg);
}

static void op_retire(void *arg, uint64_t id)
{
	member_retire(arg, id);
}

static void op_kill(void *arg, uint64_t id)
{
	struct member *m = member_find(arg, id);

	if (m != NULL)
		member_kill(m);
	member_retire(arg, id);
}

static void op_replace_host(void *arg, const struct error *why)
{
	struct crew *c = arg;

	if (c->current != NULL)
		host_replace(c->current->host, why);
}

static void on_timer(uv_timer_t *timer)
{
	struct crew *c = timer->data;

	pool_on_time(c->pool);
}

static void op_wake_at(void *arg, uint64_t at_ns)
{
	struct crew *c = arg;
	uint64_t now_ns = clock_now_ns();

	if (c->closing)
		return;
	if (at_ns == UINT64_MAX)
		(void)uv_timer_stop(&c->timer);
	else
		(void)uv_timer_start(
		    &c->timer, on_timer, at_ns > now_ns ? (at_ns - now_ns) / NS_PER_MS + 1 : 0, 0);
}

static const struct pool_ops pool_ops = {
	.now_ns = op_now_ns,
	.spawn = op_spawn,
	.send = op_send,
	.retire = op_retire,
	.kill = op_kill,
	.replace_host = op_replace_host,
	.wake_at = op_wake_at,
};

struct crew *crew_new(struct uv_loop_s *loop, struct turn *turn, const char *name,
    const struct pool_config *pool_cfg, const struct host_config *host_cfg)
{
	struct crew *c = xcalloc(1, sizeof *c);

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	c->loop = loop;
	c->on_member_gone = on_member_gone;
	c->name = xstrdup(name);
	c->inbox = xcalloc(1, sizeof *c->inbox);
	(void)uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->pool = pool_new(c->name, pool_cfg, turn, &pool_ops, c);
	c->kill_timeout_ms = host_cfg->kill_timeout_ms;
	c->current = add_host(c, host_cfg);
	return c;
}

void crew_on_ready(struct crew *c, void (*on_ready)(void *arg), void *arg)
{
	c->on_ready = on_ready;
	c->ready_arg = arg;
}

void crew_start(struct crew *c)
{
	host_start(c->current->host);
}

/* A host that is not ready has nothing to lose. One that is serves on until another one is ready. */
enum crew_reload crew_reload(struct crew *c, const struct host_config *cfg)
{
	struct host *now = c->current->host;
	bool broken = pool_state(c->pool) == POOL_FAILED;

	c->kill_timeout_ms = cfg->kill_timeout_ms;
	if (c->coming != NULL && host_is_current(c->coming->host, cfg))
		return CREW_LOADING;
	end_host(&c->coming);
	if (!host_is_ready(now))
		return host_renew(now, cfg) ? CREW_LOADING : CREW_UNCHANGED;
	host_set_times(now, cfg);
	if (host_is_current(now, cfg) && !broken)
		return CREW_UNCHANGED;
	c->coming = add_host(c, cfg);
	host_start(c->coming->host);
	return CREW_LOADING;
}

bool crew_is_reloading(const struct crew *c)
{
	return c->coming != NULL;
}

const char *crew_reload_failure(const struct crew *c)
{
	return c->reload.text;
}

struct pool *crew_pool(struct crew *c)
{
	return c->pool;
}

int crew_host_pid(const struct crew *c)
{
	return c->current == NULL ? 0 : host_pid(c->current->host);
}

unsigned crew_private_kb(int pid)
{
	char path[64], line[128];
	unsigned total = 0, kb;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "Private_Clean: %u", &kb) == 1 ||
		    sscanf(line, "Private_Dirty: %u", &kb) == 1)
			total += kb;
	(void)fclose(f);
	return total;
}

static void on_timer_gone(uv_handle_t *handle)
{
	struct crew *c = handle->data;

	c->timer_gone = true;
	free_when_empty(c);
}

/* As pool/host.c has it for hosts. */
static void on_kill_timeout(uv_timer_t *timer)
{
	struct crew *c = timer->data;

	for (unsigned b = 0; b < CREW_BUCKETS; b++)
		for (struct member *m = c->buckets[b]; m != NULL; m = m->next) {
			if (m->exited)
				continue;
			log_error("instance %s/%" PRIu64 ": process %d has not ended within "
				  "kill_timeout_ms %u after it was killed, leaving without it",
			    c->name, m->id, m->pid, c->kill_timeout_ms);
			member_give_up(m);
		}
}

void crew_free(struct crew **crew, void (*done)(void *arg), void *arg)
{
	struct crew *c = *crew;

	if (c == NULL)
		return;
	*crew = NULL;
	c->closing = true;
	c->on_done = done;
	c->done_arg = arg;
	pool_stop(c->pool);
	for (unsigned b = 0; b < CREW_BUCKETS; b++)
		for (struct member *m = c->buckets[b]; m != NULL; m = m->next)
			member_kill(m);
	(void)uv_timer_start(&c->timer, on_kill_timeout, c->kill_timeout_ms, 0);
	while (c->waning != NULL)
		end_waning(c->waning);
	end_host(&c->coming);
	end_host(&c->current);
}
