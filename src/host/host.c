/* A loop over two descriptors: the control socket, and the signals of children that ended. */
#define _GNU_SOURCE
#include "host/host.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/user.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/confine.h"
#include "host/hugepages.h"
#include "host/instance.h"
#include "host/memory.h"
#include "host/programs.h"
#include "host/spawn.h"
#include "host/warmup.h"
#include "ipc/channel.h"

enum { INSTANCES_MAX = 4096, OWN_POLLS = 2 };

struct host {
	const struct host_config *cfg; /* borrowed */
	const struct engine_ops *ops;
	struct engine *engine;     /* owned */
	struct programs *programs; /* owned; NULL: the engine is a library */
	struct programs_config programs_cfg;
	struct ipc_hello hello; /* what is loaded: traits, engine and model */
	pid_t loaded;           /* the process that has the model */
	struct hugepages pages;
	struct confine *confine; /* owned */
	struct warmup warmup;    /* owned; read as who started us, who may see more */
	struct instance_config instance;
	int signals; /* signalfd: SIGCHLD, SIGTERM */
	uint32_t load_ms, warmup_ms;
	bool leaving;
	int status;
	struct child {
		uint64_t instance;
		pid_t pid;
	} children[INSTANCES_MAX]; /* those that live: the first children_n */
	size_t children_n;
};

static struct channel_inbox inbox;

static void leave(struct host *h, int status)
{
	h->leaving = true;
	h->status = status;
}

static struct ipc_text text_of(const char *s)
{
	return (struct ipc_text){ s, (uint32_t)strlen(s) };
}

/* Waits for room where the socket has none: the host has nothing better to do. */
static void tell(struct host *h, const struct ipc_message *m, const int *fds, size_t fds_n)
{
	struct pollfd pfd = { h->cfg->control, POLLOUT, 0 };
	struct error err;
	enum channel_status status;

	while ((status = channel_send(h->cfg->control, m, fds, fds_n, &err)) == CHANNEL_AGAIN)
		(void)poll(&pfd, 1, -1);
	if (status == CHANNEL_CLOSED)
		leave(h, 0);
	if (status == CHANNEL_FAILED) {
		(void)fprintf(stderr, "host %s: %s\n", h->cfg->name, err.text);
		leave(h, 1);
	}
}

static void tell_failed(struct host *h, const struct error *err)
{
	const struct ipc_message m = { .type = IPC_HOST_FAILED,
		.failure = { err->code, text_of(err->text) } };

	tell(h, &m, NULL, 0);
	leave(h, 1);
}

/* children[at] has ended. */
static void tell_exited(struct host *h, size_t at, int wait_status)
{
	const struct ipc_message m = { .type = IPC_EXITED,
		.spawn = { .instance = h->children[at].instance,
		    .pid = (uint32_t)h->children[at].pid,
		    .wait_status = (uint32_t)wait_status } };

	h->children[at] = h->children[--h->children_n];
	tell(h, &m, NULL, 0);
}

static void on_over(void *arg, uint64_t instance)
{
	struct host *h = arg;

	for (size_t i = 0; i < h->children_n; i++) {
		if (h->children[i].instance == instance) {
			tell_exited(h, i, 0);
			return;
		}
	}
}

/* All that are left are rows of what has ended. */
static void on_broken(void *arg, const struct error *why, int wait_status)
{
	struct host *h = arg;

	(void)fprintf(stderr, "host %s ends: %s\n", h->cfg->name, why->text);
	while (h->children_n > 0 && !h->leaving)
		tell_exited(h, 0, wait_status);
	leave(h, 1);
}

static void tell_hello(struct host *h)
{
	struct memory_use use = memory_use(h->loaded);
	struct ipc_message m = { .type = IPC_HELLO, .hello = h->hello };

	m.hello.version = IPC_VERSION;
	m.hello.pid = (uint32_t)getpid();
	m.hello.load_ms = h->load_ms;
	m.hello.warmup_ms = h->warmup_ms;
	m.hello.rss_kb = use.rss_kb;
	m.hello.private_kb = use.private_kb;
	tell(h, &m, NULL, 0);
}

/* Some engines start in a decode what a fork does not take along; those decode nothing before it. */
static bool warms_up(const struct host *h)
{
	return h->cfg->warmup != NULL && h->ops->traits->warms_up;
}

static int warm_up(struct host *h, struct error *err)
{
	uint64_t begun_ns = clock_now_ns();

	if (!warms_up(h))
		return 0;
	if (warmup_engine(h->ops, h->engine, &h->warmup, &h->pages, err) < 0)
		return -1;
	warmup_done(&h->warmup);
	h->warmup_ms = (uint32_t)((clock_now_ns() - begun_ns) / NS_PER_MS);
	return 0;
}

/* Gives up what the host has no use for. */
static int lower_rights(struct host *h, struct error *err)
{
	if (h->cfg->warmup != NULL && warmup_read(&h->warmup, h->cfg->warmup, err) < 0)
		return -1;
	return user_become(h->cfg->user, err);
}

/* What its instances will have to give up. */
static int learn_confinement(struct host *h, struct error *err)
{
	const struct confine_config confine = { h->cfg->confine, h->cfg->core_dumps,
		.is_roots = geteuid() == 0, .threads = h->hello.traits.threads != IPC_THREADS_NONE,
		.copies = h->hello.traits.eager == IPC_EAGER_FORKED };

	return confine_new(&h->confine, &confine, err);
}

static int load_library(struct host *h, struct error *err)
{
	if (warms_up(h))
		hugepages_hold();
	if (h->ops->load(&h->engine, h->cfg->params, h->cfg->params_n, err) < 0)
		return -1;
	h->loaded = getpid();
	h->hello.traits = h->ops->loaded == NULL ? *h->ops->traits : *h->ops->loaded(h->engine);
	h->hello.engine = text_of(h->ops->name);
	h->hello.model = text_of(h->ops->model(h->engine));
	return 0;
}

static int load_program(struct host *h, struct error *err)
{
	h->programs_cfg = (struct programs_config){ .params = h->cfg->params,
		.params_n = h->cfg->params_n,
		.confine = h->cfg->confine,
		.core_dumps = h->cfg->core_dumps,
		.load_timeout_ms = h->cfg->load_timeout_ms,
		.on_over = on_over,
		.on_broken = on_broken,
		.arg = h };
	if (programs_new(&h->programs, &h->programs_cfg, &h->hello, err) < 0)
		return -1;
	h->loaded = programs_pid(h->programs);
	return 0;
}

static bool is_program(const struct host *h)
{
	return h->ops->load == NULL;
}

static int load(struct host *h, struct error *err)
{
	uint64_t begun_ns = clock_now_ns();

	if ((is_program(h) ? load_program(h, err) : load_library(h, err)) < 0)
		return -1;
	h->load_ms = (uint32_t)((clock_now_ns() - begun_ns) / NS_PER_MS);
	if (is_program(h))
		return 0;
	if (learn_confinement(h, err) < 0)
		return -1;
	h->instance = (struct instance_config){ .ops = h->ops,
		.engine = h->engine,
		.traits = &h->hello.traits,
		.pages = &h->pages,
		.confine = h->confine };
	return warm_up(h, err);
}

/* Only now: until the model is loaded, SIGTERM just ends the process. */
static int open_signals(struct host *h, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	h->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (h->signals < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make a signalfd");
	return 0;
}

static int spawn(struct host *h, uint64_t instance, struct spawned *out, struct error *err)
{
	return h->programs == NULL ? spawn_instance(&h->instance, out, err)
				   : programs_spawn(h->programs, instance, out, err);
}

/* Says which of its descriptors there are, and puts those beside each other. */
static size_t pack(const struct spawned *s, int fds[SPAWN_FDS], uint32_t *carries)
{
	size_t n = 0;

	*carries = 0;
	for (unsigned i = 0; i < SPAWN_FDS; i++) {
		if (s->fds[i] < 0)
			continue;
		fds[n++] = s->fds[i];
		*carries |= 1u << i;
	}
	return n;
}

static void on_spawn(struct host *h, uint64_t instance)
{
	struct ipc_message m = { .type = IPC_SPAWNED, .spawn = { .instance = instance } };
	struct spawned s;
	struct error err = ERROR_INIT;
	int failed = -1, fds[SPAWN_FDS];
	size_t fds_n;

	if (h->children_n == INSTANCES_MAX)
		(void)error_set(
		    &err, ERROR_LIMIT, "a host has at most %d instances", INSTANCES_MAX);
	else
		failed = spawn(h, instance, &s, &err);
	if (failed < 0) {
		m.type = IPC_SPAWN_FAILED;
		m.spawn.text = text_of(err.text);
		tell(h, &m, NULL, 0);
		return;
	}
	h->children[h->children_n++] = (struct child){ instance, s.pid };
	m.spawn.pid = (uint32_t)s.pid;
	fds_n = pack(&s, fds, &m.spawn.carries);
	tell(h, &m, fds, fds_n);
	spawn_close(&s);
}

static void on_child(struct host *h, pid_t pid, int wait_status)
{
	if (h->programs != NULL && programs_on_exit(h->programs, pid, wait_status))
		return;
	for (size_t i = 0; i < h->children_n; i++) {
		if (h->children[i].pid != pid)
			continue;
		tell_exited(h, i, wait_status);
		return;
	}
}

static void on_signal(struct host *h)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	while (read(h->signals, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo == SIGTERM)
			leave(h, 0);
	while (!h->leaving && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		on_child(h, pid, status);
}

static void on_ping(struct host *h)
{
	const struct ipc_message m = { .type = IPC_PONG };

	tell(h, &m, NULL, 0);
}

static void on_control(struct host *h)
{
	struct ipc_message m;
	struct error err;

	switch (channel_receive(h->cfg->control, &inbox, &m, &err)) {
	case CHANNEL_OK:
		if (m.type == IPC_SPAWN) {
			on_spawn(h, m.spawn.instance);
			return;
		}
		if (m.type == IPC_PING) {
			on_ping(h);
			return;
		}
		(void)error_set(
		    &err, ERROR_PEER, "a %s message is not for a host", ipc_type_name(m.type));
		break;
	case CHANNEL_AGAIN:
		return;
	case CHANNEL_CLOSED:
		leave(h, 0);
		return;
	case CHANNEL_FAILED:
	default:
		break;
	}
	(void)fprintf(stderr, "host %s ends: %s\n", h->cfg->name, err.text);
	leave(h, 1);
}

/* What was ready when poll returned. */
static void attend(struct host *h, const struct pollfd *pfds, size_t n)
{
	if (pfds[1].revents != 0)
		on_signal(h);
	if (h->programs != NULL && !h->leaving)
		programs_attend(h->programs, pfds + OWN_POLLS, n - OWN_POLLS);
	if (pfds[0].revents != 0 && !h->leaving)
		on_control(h);
}

static void serve(struct host *h)
{
	size_t most = h->programs == NULL ? 0 : programs_polls(h->programs), n;
	struct pollfd *pfds = xcalloc(OWN_POLLS + most, sizeof *pfds);
	int timeout_ms = -1;

	pfds[0] = (struct pollfd){ h->cfg->control, POLLIN, 0 };
	pfds[1] = (struct pollfd){ h->signals, POLLIN, 0 };
	while (!h->leaving) {
		n = OWN_POLLS;
		if (h->programs != NULL)
			n += programs_poll(h->programs, pfds + OWN_POLLS, &timeout_ms);
		/* EINTR; nothing else can happen to open descriptors */
		if (poll(pfds, n, timeout_ms) >= 0)
			attend(h, pfds, n);
	}
	free(pfds);
}

int host_run(const struct host_config *cfg)
{
	struct host *h = xcalloc(1, sizeof *h);
	struct error err = ERROR_INIT;
	int status;

	h->cfg = cfg;
	h->signals = -1;
	h->ops = engine_find(cfg->engine, &err);
	if (h->ops == NULL || lower_rights(h, &err) < 0 || load(h, &err) < 0 ||
	    open_signals(h, &err) < 0) {
		tell_failed(h, &err);
	} else {
		tell_hello(h);
		serve(h);
	}
	status = h->status;
	fd_close(&h->signals);
	if (h->engine != NULL)
		h->ops->unload(&h->engine);
	programs_free(&h->programs);
	confine_free(&h->confine);
	warmup_done(&h->warmup);
	free(h);
	return status;
}
