/* A hand-over, seen from the server that gives: it starts the new one, closes its listeners when that is ready, and goes on
 * with what it has: with requests that were accepted, too, so that nobody's connection is refused or cut. When the last
 * connection has gone it leaves. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/drain.h"
#include "cli/notify.h"
#include "cli/server_internal.h"
#include "cli/successor.h"
#include "cli/upgrade.h"
#include "cli/watchdog.h"
#include "net/http.h"
#include "session/roster.h"

static void on_last_gone(void *arg)
{
	struct server *s = arg;

	if (drain_state(s->drain) == DRAIN_SERVING)
		server_drain(s, "the last client has left");
}

static void on_handover_late(uv_timer_t *timer)
{
	server_drain(timer->data, "handover_timeout_ms is over");
}

static void on_ready(void *arg, int pid)
{
	struct server *s = arg;

	log_info("server: the new server, process %d, has taken over; %u sessions stay here until "
		 "they end, or for handover_timeout_ms %u",
	    pid, roster_count(s->roster), s->cfg->handover_timeout_ms);
	notify_send("MAINPID=%d", pid);
	watchdog_stop(s->watchdog);
	http_server_stop_listening(s->http);
	(void)uv_timer_start(&s->handover, on_handover_late, s->cfg->handover_timeout_ms, 0);
	http_server_when_empty(s->http, on_last_gone, s);
}

static void on_failed(void *arg, const struct error *why)
{
	(void)arg;
	log_error("server: no hand-over, this server serves on: %s", why->text);
}

static const struct upgrade_events upgrade_events = { .on_ready = on_ready,
	.on_failed = on_failed };

static bool is_running_program(const char *path)
{
	char real[PATH_MAX], running[PATH_MAX];

	return realpath(path, real) != NULL && realpath("/proc/self/exe", running) != NULL &&
	    strcmp(real, running) == 0;
}

/* The path we were started by, if it leads to us: a link in it may lead to another version later, which is then the one to
 * run. Otherwise the file itself. */
static char *find_program(void)
{
	const char *name = program_invocation_name;
	char path[2 * PATH_MAX], *real;

	if (name[0] == '/') {
		(void)snprintf(path, sizeof path, "%s", name);
	} else if (strchr(name, '/') != NULL && getcwd(path, PATH_MAX) != NULL) {
		size_t n = strlen(path);

		(void)snprintf(path + n, sizeof path - n, "/%s", name);
	} else {
		path[0] = '\0';
	}
	if (path[0] != '\0' && is_running_program(path))
		return xstrdup(path);
	real = realpath("/proc/self/exe", NULL);
	return real;
}

int server_upgrade_init(struct server *s, struct error *err)
{
	(void)uv_timer_init(&s->loop, &s->handover);
	s->handover.data = s;
	s->upgrade = upgrade_new(&s->loop, &upgrade_events, s);
	s->program = find_program();
	return s->program != NULL
	    ? 0
	    : error_set_errno(err, ERROR_SYSTEM, "cannot tell which program this is");
}

void server_upgrade_done(struct server *s)
{
	if (s->upgrade == NULL)
		return;
	upgrade_free(&s->upgrade);
	uv_close((uv_handle_t *)&s->handover, NULL);
	free(s->program);
}

/* The program's own word for what it is to do comes first, then what it was told. */
static char **make_argv(const struct server *s)
{
	char **argv = xcalloc((size_t)s->origin.argc + 2, sizeof *argv);

	argv[0] = s->program;
	for (int i = 0; i < s->origin.argc; i++)
		argv[1 + i] = s->origin.argv[i];
	return argv;
}

static int start(struct server *s, struct error *err)
{
	int fds[INHERIT_MAX], rc, fd;
	char names[INHERIT_MAX * INHERIT_NAME_MAX];
	char **argv = make_argv(s);
	struct successor_config cfg = { .program = s->program,
		.argv = argv,
		.fds = fds,
		.names = names,
		.kept = s->inherited.n > 0 && s->inherited.kept };

	server_listen_names(s, names, sizeof names);
	while (cfg.fds_n < INHERIT_MAX && (fd = http_server_listener_fd(s->http, cfg.fds_n)) >= 0)
		fds[cfg.fds_n++] = fd;
	rc = upgrade_start(s->upgrade, &cfg, s->cfg->handover_start_timeout_ms, err);
	free(argv);
	return rc;
}

void server_upgrade(struct server *s, const char *who)
{
	struct error err;

	if (drain_state(s->drain) != DRAIN_SERVING)
		log_warn("server: %s: ignoring it, the server is leaving", who);
	else if (s->inherited.ready_fd >= 0)
		log_warn("server: %s: ignoring it, this server has not taken over itself yet", who);
	else if (start(s, &err) < 0)
		log_warn("server: %s: no hand-over: %s", who, err.text);
	else
		log_info("server: %s: starting %s to take over", who, s->program);
}
