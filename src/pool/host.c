/* One host:  DOWN --start--> STARTING --HELLO--> READY
 *            STARTING, READY --its process ends--> BACKOFF --pause over--> STARTING
 *            STARTING, READY --killed--> ENDING --it has ended, or does not--> BACKOFF
 * A ready one is asked now and then whether it is still there (pool/pulse.h). One that stands still is killed, and replaced
 * even when the kernel cannot end it.
 *
 * Whose host had served for backoff_max_ms gets another one at once. With each that ends sooner the pause before the next one
 * doubles, from backoff_min_ms to backoff_max_ms; only the first that had been ready is replaced without one. */
#define _GNU_SOURCE
#include "pool/host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "ipc/channel.h"
#include "pool/host_process.h"
#include "pool/pulse.h"

enum host_state {
	HOST_NONE,
	HOST_DOWN,
	HOST_STARTING,
	HOST_READY,
	HOST_ENDING,
	HOST_BACKOFF,
	HOST_STATES
};
enum host_event { HOST_START, HOST_HELLO, HOST_KILLED, HOST_ENDED, HOST_EVENTS };

/* A missing cell must not happen. */
static const enum host_state next[HOST_STATES][HOST_EVENTS] = {
	[HOST_DOWN] = { [HOST_START] = HOST_STARTING },
	[HOST_STARTING] = { [HOST_HELLO] = HOST_READY,
	    [HOST_KILLED] = HOST_ENDING,
	    [HOST_ENDED] = HOST_BACKOFF },
	[HOST_READY] = { [HOST_KILLED] = HOST_ENDING, [HOST_ENDED] = HOST_BACKOFF },
	[HOST_ENDING] = { [HOST_ENDED] = HOST_BACKOFF },
	[HOST_BACKOFF] = { [HOST_START] = HOST_STARTING },
};

struct host {
	uv_loop_t *loop;
	struct host_config *cfg; /* owned */
	uint64_t stamp;          /* of its files, before they were read */
	const struct host_events *events;
	void *arg;
	enum host_state state;
	struct host_process *process; /* owned; NULL: none */
	uint64_t life;                /* the number of the process that runs, or ran last */
	struct pulse pulse;
	unsigned stops;    /* STARTING: looks in a row at which it was stopped */
	struct error why;  /* it was killed; ERROR_NONE: it was not */
	unsigned ends;     /* in a row, none of which had served for backoff_max_ms */
	uint64_t ready_ms; /* when it said HELLO; 0: it has not */
	bool hurried;      /* the next restart has no pause */
	bool closing;
	uv_timer_t
	    timer; /* of the state: its longest time in STARTING and ENDING, its pause in BACKOFF */
	uv_timer_t look;  /* while STARTING and READY */
	unsigned handles; /* not yet closed; at 0 a closing host is freed */
	void (*on_done)(void *arg);
	void *done_arg;
};

static const char *const state_names[HOST_STATES] = { "none", "down", "starting", "ready", "ending",
	"backoff" };
static const char *const event_names[HOST_EVENTS] = { "start", "hello", "killed", "ended" };

static void start(struct host *h);

/* The only writer of h->state. */
static void step(struct host *h, enum host_event e)
{
	enum host_state to = next[h->state][e];

	assert(to != HOST_NONE);
	log_debug("host %s: %s -> %s on %s", h->cfg->name, state_names[h->state], state_names[to],
	    event_names[e]);
	h->state = to;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct host *h = handle->data;

	if (--h->handles > 0)
		return;
	if (h->on_done != NULL)
		h->on_done(h->done_arg);
	host_config_free(&h->cfg);
	free(h);
}

static void close_down(struct host *h)
{
	uv_close((uv_handle_t *)&h->timer, on_handle_closed);
	uv_close((uv_handle_t *)&h->look, on_handle_closed);
}

static void on_pause_over(uv_timer_t *timer)
{
	start(timer->data);
}

/* Then `tell` is told; who hears that may have no use for it any more. */
static void plan_restart(
    struct host *h, void (*tell)(void *arg, const struct error *why), const struct error *why)
{
	bool was_ready = h->ready_ms != 0;
	unsigned ms;

	if (was_ready && uv_now(h->loop) - h->ready_ms >= h->cfg->backoff_max_ms)
		h->ends = 0;
	ms = h->hurried ? 0 : host_config_pause_ms(h->cfg, was_ready ? h->ends : h->ends + 1);
	h->ends++;
	step(h, HOST_ENDED);
	(void)uv_timer_start(&h->timer, on_pause_over, ms, 0);
	tell(h->arg, why);
	if (!h->closing)
		log_info("host %s: starting again in %u ms", h->cfg->name, ms);
}

/* Its process has gone, or is waited for no more. */
static void ended(struct host *h, const struct error *why)
{
	(void)uv_timer_stop(&h->timer);
	(void)uv_timer_stop(&h->look);
	if (h->closing) {
		close_down(h);
		return;
	}
	plan_restart(h, h->events->on_down, why);
}

/* What the kernel holds, in a call to a disk that does not answer or for a debugger, it ends when it pleases. */
static void on_kill_timeout(uv_timer_t *timer)
{
	struct host *h = timer->data;
	const struct error why = h->why;

	log_error(
	    "host %s: process %d has not ended within kill_timeout_ms %u after it was killed, "
	    "going on without it",
	    h->cfg->name, host_process_pid(h->process), h->cfg->kill_timeout_ms);
	host_process_free(&h->process);
	ended(h, &why);
}

static void end_process(struct host *h)
{
	(void)uv_timer_stop(&h->look);
	(void)uv_timer_start(&h->timer, on_kill_timeout, h->cfg->kill_timeout_ms, 0);
	host_process_kill(h->process);
}

/* The sentence is logged when it is known, told when the process has gone. */
static void kill_host(struct host *h, const struct error *why)
{
	log_error("host %s: %s, killing it", h->cfg->name, why->text);
	h->why = *why;
	step(h, HOST_KILLED);
	end_process(h);
}

static void on_start_timeout(uv_timer_t *timer)
{
	struct host *h = timer->data;
	struct error err;

	(void)error_set(&err, ERROR_TIMEOUT, "was not ready after load_timeout_ms %u",
	    h->cfg->start_timeout_ms);
	h->events->on_stuck(h->arg);
	kill_host(h, &err);
}

static void ping(struct host *h)
{
	const struct ipc_message m = { .type = IPC_PING };

	if (host_process_send(h->process, &m))
		pulse_asked_ping(&h->pulse);
}

/* One that loads cannot answer. */
static void look_at_loading(struct host *h)
{
	struct error err;

	h->stops = host_process_is_stopped(h->process) ? h->stops + 1 : 0;
	if (h->stops <= PULSE_LOOKS)
		return;
	(void)error_set(&err, ERROR_TIMEOUT, "was stopped while it loaded, for host_timeout_ms %u",
	    h->cfg->answer_timeout_ms);
	h->events->on_stuck(h->arg);
	kill_host(h, &err);
}

static void on_look(uv_timer_t *timer)
{
	struct host *h = timer->data;
	enum pulse_verdict verdict;
	struct error err;

	if (h->state == HOST_STARTING) {
		look_at_loading(h);
		return;
	}
	verdict = pulse_look(&h->pulse);
	if (verdict == PULSE_PING)
		ping(h);
	if (verdict != PULSE_STUCK)
		return;
	(void)error_set(&err, ERROR_TIMEOUT, "has not answered for host_timeout_ms %u",
	    h->cfg->answer_timeout_ms);
	h->events->on_stuck(h->arg);
	kill_host(h, &err);
}

static void look_on(struct host *h)
{
	unsigned every_ms = h->cfg->answer_timeout_ms / PULSE_LOOKS;

	(void)uv_timer_start(&h->look, on_look, every_ms, every_ms);
}

static void take_hello(struct host *h, const struct ipc_hello *hello)
{
	struct error err;

	if (hello->version != IPC_VERSION) {
		(void)error_set(&err, ERROR_PEER, "speaks version %u of the protocol, %d is needed",
		    hello->version, IPC_VERSION);
		kill_host(h, &err);
		return;
	}
	(void)uv_timer_stop(&h->timer);
	h->pulse = (struct pulse){ 0 };
	h->ready_ms = uv_now(h->loop);
	step(h, HOST_HELLO);
	look_on(h);
	log_info(
	    "host %s: %.*s with model %.*s loaded in %u ms, warmed up in %u ms, %u KiB private",
	    h->cfg->name, (int)hello->engine.length, hello->engine.bytes, (int)hello->model.length,
	    hello->model.bytes, hello->load_ms, hello->warmup_ms, hello->private_kb);
	h->events->on_ready(h->arg, hello);
}

static void take_failure(struct host *h, const struct ipc_failure *f)
{
	struct error err;

	(void)error_set(&err, f->code < ERROR_CODES ? (enum error_code)f->code : ERROR_ENGINE,
	    "%.*s", (int)f->text.length, f->text.bytes);
	log_error("host %s: %s", h->cfg->name, err.text);
	h->events->on_failed(h->arg, &err);
}

static void take_spawn_failed(struct host *h, const struct ipc_spawn *s)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "%.*s", (int)s->text.length, s->text.bytes);
	h->events->on_spawn_failed(h->arg, s->instance, &err);
}

/* The descriptors are the receiver's from here on. */
static void take_spawned(struct host *h, const struct ipc_spawn *s, struct channel_inbox *inbox)
{
	int fds[CHANNEL_FDS_MAX];
	size_t came = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = (s->carries & 1u << i) != 0 ? inbox->fds[came++] : -1;
	inbox->fds_n = 0;
	h->events->on_spawned(h->arg, s->instance, (int)s->pid, fds);
}

/* False: it may not say that now. */
static bool take(struct host *h, const struct ipc_message *m, struct channel_inbox *inbox)
{
	bool ready = h->state == HOST_READY;

	if (m->type == IPC_HELLO && h->state == HOST_STARTING)
		take_hello(h, &m->hello);
	else if (m->type == IPC_HOST_FAILED)
		take_failure(h, &m->failure);
	else if (m->type == IPC_EXITED)
		h->events->on_exited(h->arg, m->spawn.instance, (int)m->spawn.wait_status);
	else if (m->type == IPC_SPAWNED && ready && pulse_take_spawn(&h->pulse))
		take_spawned(h, &m->spawn, inbox);
	else if (m->type == IPC_SPAWN_FAILED && ready && pulse_take_spawn(&h->pulse))
		take_spawn_failed(h, &m->spawn);
	else
		return m->type == IPC_PONG && ready && pulse_take_pong(&h->pulse);
	return true;
}

static void on_message(void *arg, const struct ipc_message *m, struct channel_inbox *inbox)
{
	struct host *h = arg;
	struct error err;
	bool taken = take(h, m, inbox);

	for (size_t i = 0; i < inbox->fds_n; i++)
		fd_close(&inbox->fds[i]);
	inbox->fds_n = 0;
	if (taken)
		return;
	(void)error_set(&err, ERROR_PEER, "sent %s out of turn", ipc_type_name(m->type));
	kill_host(h, &err);
}

static void on_short(void *arg, uint64_t instance, const struct error *why)
{
	struct host *h = arg;

	(void)pulse_take_spawn(&h->pulse);
	h->events->on_spawn_failed(h->arg, instance, why);
}

static void on_broken(void *arg, const struct error *why)
{
	struct error err = *why;

	(void)error_prefix(&err, "spoke garbage");
	kill_host(arg, &err);
}

static void on_ended(void *arg, int status, int signal)
{
	struct host *h = arg;
	struct error why = h->why;

	h->process = NULL;
	if (why.code == ERROR_NONE && signal != 0)
		(void)error_set(
		    &why, ERROR_ENGINE, "was killed by signal %d (%s)", signal, strsignal(signal));
	else if (why.code == ERROR_NONE)
		(void)error_set(&why, ERROR_ENGINE, "ended with status %d", status);
	if (!h->closing && h->why.code == ERROR_NONE)
		log_warn("host %s: %s", h->cfg->name, why.text);
	ended(h, &why);
}

static const struct host_process_events process_events = {
	.on_message = on_message, .on_short = on_short, .on_broken = on_broken, .on_ended = on_ended
};

static void start(struct host *h)
{
	struct error err;

	step(h, HOST_START);
	h->hurried = false;
	h->ready_ms = 0;
	h->why = (struct error)ERROR_INIT;
	h->stamp = host_config_stamp(h->cfg);
	h->life++;
	h->process = host_process_new(h->loop, h->cfg, &process_events, h, &err);
	if (h->process == NULL) {
		log_error("host %s: %s", h->cfg->name, err.text);
		plan_restart(h, h->events->on_failed, &err);
		return;
	}
	(void)uv_timer_start(&h->timer, on_start_timeout, h->cfg->start_timeout_ms, 0);
	h->stops = 0;
	look_on(h);
}

struct host *host_new(struct uv_loop_s *loop, const struct host_config *cfg,
    const struct host_events *events, void *arg)
{
	struct host *h = xcalloc(1, sizeof *h);

	h->loop = loop;
	h->cfg = host_config_copy(cfg);
	h->events = events;
	h->arg = arg;
	h->state = HOST_DOWN;
	(void)uv_timer_init(loop, &h->timer);
	(void)uv_timer_init(loop, &h->look);
	h->timer.data = h->look.data = h;
	h->handles = 2;
	return h;
}

void host_start(struct host *h)
{
	start(h);
}

int host_spawn(struct host *h, uint64_t id)
{
	const struct ipc_message m = { .type = IPC_SPAWN, .spawn = { .instance = id } };

	if (h->state != HOST_READY || h->closing || !host_process_send(h->process, &m))
		return -1;
	pulse_asked_spawn(&h->pulse);
	return 0;
}

void host_replace(struct host *h, const struct error *why)
{
	if (h->state != HOST_READY || h->closing)
		return;
	h->events->on_stuck(h->arg);
	kill_host(h, why);
}

bool host_is_ready(const struct host *h)
{
	return h->state == HOST_READY;
}

bool host_is_current(const struct host *h, const struct host_config *cfg)
{
	return host_config_is_same(h->cfg, cfg) && h->stamp == host_config_stamp(cfg);
}

void host_set_times(struct host *h, const struct host_config *cfg)
{
	host_config_copy_times(h->cfg, cfg);
	if (h->state == HOST_READY)
		look_on(h);
}

bool host_renew(struct host *h, const struct host_config *cfg)
{
	bool goes_on = h->state == HOST_STARTING && host_is_current(h, cfg);

	host_config_free(&h->cfg);
	h->cfg = host_config_copy(cfg);
	if (goes_on)
		return false;
	h->ends = 0;
	h->hurried = true;
	if (h->state == HOST_STARTING) {
		step(h, HOST_KILLED); /* its end starts it again */
		end_process(h);
	} else if (h->state == HOST_BACKOFF) {
		(void)uv_timer_start(&h->timer, on_pause_over, 0, 0);
	}
	return true;
}

int host_pid(const struct host *h)
{
	return h->process == NULL ? 0 : host_process_pid(h->process);
}

uint64_t host_life(const struct host *h)
{
	return host_pid(h) > 0 ? h->life : 0;
}

void host_free(struct host **host, void (*done)(void *arg), void *arg)
{
	struct host *h = *host;

	if (h == NULL)
		return;
	*host = NULL;
	h->closing = true;
	h->on_done = done;
	h->done_arg = arg;
	(void)uv_timer_stop(&h->timer);
	if (h->process == NULL)
		close_down(h);
	else
		end_process(h);
}
