/* Order of birth: loop, work pool, crews (hosts load their models), access, HTTP; then the loop runs.
 * Order of death, on SIGTERM or SIGINT: no new connections, clients told and closed, HTTP, crews, then the loop has
 * nothing left to wait for and ends. A second signal does not wait for clients. */
#define _GNU_SOURCE
#include "cli/server.h"

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "access/access.h"
#include "access/route.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "cli/canary_clip.h"
#include "cli/config.h"
#include "cli/status_page.h"
#include "monitor/monitor.h"
#include "net/http.h"
#include "pool/crew.h"
#include "session/roster.h"
#include "session/work.h"

enum {
	LOOK_EVERY_MS = 1000,
	PATH_CAP = 4096,
	DESCRIPTORS_ALWAYS = 64,     /* the loop, listeners, hosts, log */
	DESCRIPTORS_OF_INSTANCE = 3, /* socket, stderr, process */
};

struct server {
	const struct config *cfg;
	uv_loop_t loop;
	struct work *work;
	struct host_config hosts[CONFIG_POOLS_MAX];
	char *params[CONFIG_POOLS_MAX]
		    [CONFIG_PARAMS_MAX + 6]; /* the strings are the config's, but the first */
	char *warmups[CONFIG_POOLS_MAX];     /* owned */
	int16_t *canaries[CONFIG_POOLS_MAX]; /* owned */
	char *users[CONFIG_POOLS_MAX];       /* owned */
	struct crew *crews[CONFIG_POOLS_MAX];
	struct pool *pools[CONFIG_POOLS_MAX];
	unsigned crews_n, crews_left;
	struct roster *roster;
	struct access *access;
	struct http_server *http;
	struct monitor monitor;
	uv_timer_t look;
	uv_signal_t sigterm, sigint;
	bool stopping;
	char host_program[PATH_CAP];
};

static void answer_page(struct http_exchange *x, unsigned status, const char *type, char *page)
{
	const struct http_answer a = { .status = page == NULL ? 500 : status,
		.content_type = type,
		.body = page,
		.body_bytes = page == NULL ? 0 : strlen(page) };

	http_respond(x, &a);
	free(page);
}

static void get_healthz(void *arg, struct http_exchange *x)
{
	(void)arg;
	http_respond_json(x, 200, "{\"healthy\":true}\n");
}

static void get_readyz(void *arg, struct http_exchange *x)
{
	struct server *s = arg;
	bool ready;
	char *page = monitor_ready(&s->monitor, &ready);

	answer_page(x, ready && !s->stopping ? 200 : 503, "application/json", page);
}

static void get_metrics(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	answer_page(
	    x, 200, "text/plain; version=0.0.4; charset=utf-8", monitor_metrics(&s->monitor));
}

static void get_status(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	status_page_get(&s->monitor, s->work, x);
}

static void get_stream(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	native_accept(s->access, x);
}

static const struct route routes[] = {
	{ "GET", "/healthz", get_healthz },
	{ "GET", "/readyz", get_readyz },
	{ "GET", "/metrics", get_metrics },
	{ "GET", "/v1/status", get_status },
	{ "GET", "/v1/stream", get_stream },
};

static void on_request(void *arg, struct http_exchange *x)
{
	route_request(routes, ARRAY_SIZE(routes), arg, x);
}

static void on_abort(void *arg, struct http_exchange *x)
{
	(void)arg; /* every other route answers at once */
	status_page_abort(x);
}

static const struct http_events http_events = { .on_request = on_request, .on_abort = on_abort };

static void on_look(uv_timer_t *timer)
{
	struct server *s = timer->data;

	access_look(s->access, clock_now_ns());
}

static void on_crew_gone(void *arg)
{
	struct server *s = arg;

	if (--s->crews_left > 0)
		return;
	uv_close((uv_handle_t *)&s->look, NULL);
	uv_close((uv_handle_t *)&s->sigterm, NULL);
	uv_close((uv_handle_t *)&s->sigint, NULL);
	work_uv_free(&s->work);
}

static void on_http_gone(void *arg)
{
	struct server *s = arg;

	s->crews_left = s->crews_n;
	for (unsigned i = 0; i < s->crews_n; i++)
		crew_free(&s->crews[i], on_crew_gone, s);
}

static void drop_clients(void *arg)
{
	struct server *s = arg;

	if (s->http != NULL)
		http_server_free(&s->http, on_http_gone, s);
}

static void stop(struct server *s)
{
	s->stopping = true;
	http_server_stop_listening(s->http);
	access_stop(s->access, drop_clients, s);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct server *s = handle->data;

	log_info("server: %s, %s", signum == SIGTERM ? "SIGTERM" : "SIGINT",
	    s->stopping ? "leaving at once" : "closing all sessions");
	if (!s->stopping)
		stop(s);
	else
		drop_clients(s);
}

/* Our own directory, where stenopool-host stands beside us, with a slash at the end. */
static int own_directory(char *path, size_t cap, struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", path, cap - 1);

	if (n < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot read /proc/self/exe");
	path[n] = '\0';
	strrchr(path, '/')[1] = '\0';
	return 0;
}

/* The clip that hosts warm up with: beside a program that was just built, or where it is installed. */
static char *find_warmup(const char *directory)
{
	static const char *const places[] = { "warmup.wav", "../share/stenopool/warmup.wav" };
	char path[PATH_CAP + 64];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		(void)snprintf(path, sizeof path, "%s%s", directory, places[i]);
		if (access(path, R_OK) == 0)
			return xstrdup(path);
	}
	return NULL;
}

static char *assignment(const char *key, const char *value)
{
	size_t n = strlen(key) + strlen(value) + 2;
	char *text = xcalloc(1, n);

	(void)snprintf(text, n, "%s=%s", key, value);
	return text;
}

static void add_crew(struct server *s, const struct config_pool *p, const char *directory)
{
	unsigned at = s->crews_n++;
	struct host_config *h = &s->hosts[at];
	char *found = p->warmup == NULL ? find_warmup(directory) : NULL;
	const char *warmup = p->warmup != NULL ? p->warmup : found != NULL ? found : "";
	char **params = s->params[at];
	size_t canary_n = 0;

	if (warmup[0] != '\0')
		*params++ = s->warmups[at] = assignment("host.warmup", warmup);
	*params++ = s->users[at] = assignment("host.user", p->user != NULL ? p->user : "");
	*params++ = (char *)(uintptr_t)(p->confine ? "host.confine=yes" : "host.confine=no");
	*params++ =
	    (char *)(uintptr_t)(p->core_dumps ? "host.core_dumps=yes" : "host.core_dumps=no");
	for (unsigned i = 0; i < p->params_n; i++)
		*params++ = p->params[i];
	*h = (struct host_config){ .program = s->host_program,
		.name = p->name,
		.engine = p->engine,
		.params = s->params[at],
		.start_timeout_ms = p->load_timeout_ms,
		.backoff_min_ms = p->backoff_min_ms,
		.backoff_max_ms = p->backoff_max_ms };
	s->crews[at] = crew_new(&s->loop, p->name, &p->pool, h);
	s->pools[at] = crew_pool(s->crews[at]);
	if (warmup[0] != '\0')
		s->canaries[at] = canary_clip_read(warmup, &canary_n);
	if (s->canaries[at] != NULL)
		pool_set_canary(s->pools[at], s->canaries[at], canary_n);
	free(found);
}

static int make_crews(struct server *s, struct error *err)
{
	char directory[PATH_CAP - 32];

	if (own_directory(directory, sizeof directory, err) < 0)
		return -1;
	(void)snprintf(s->host_program, sizeof s->host_program, "%sstenopool-host", directory);
	if (access(s->host_program, X_OK) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "%s", s->host_program);
	for (unsigned i = 0; i < s->cfg->pools_n; i++)
		add_crew(s, &s->cfg->pools[i], directory);
	return 0;
}

static void make_access(struct server *s)
{
	const struct config *c = s->cfg;
	struct access_config cfg = { .session = c->session,
		.endpoint = c->endpoint,
		.start_timeout_ms = c->start_timeout_ms,
		.ping_interval_ms = c->ping_interval_ms,
		.ping_timeout_ms = c->ping_timeout_ms };

	cfg.session.piece_bytes = c->http.max_message_bytes;
	s->roster = roster_new(c->max_sessions);
	s->access = access_new(&cfg, s->pools, s->crews_n, s->roster, s->work);
	s->http = http_server_new(&s->loop, &c->http, &http_events, s);
	s->monitor = (struct monitor){ .crews = s->crews,
		.crews_n = s->crews_n,
		.roster = s->roster,
		.started_ns = clock_now_ns(),
		.client_of = status_page_client_of,
		.client_arg = s->access };
}

static int listen_all(struct server *s, struct error *err)
{
	for (unsigned i = 0; i < s->cfg->listens_n; i++)
		if (http_server_listen(s->http, s->cfg->listens[i].address, err) < 0)
			return -1;
	return 0;
}

static void watch_signal(struct server *s, uv_signal_t *handle, int signum)
{
	(void)uv_signal_init(&s->loop, handle);
	handle->data = s;
	(void)uv_signal_start(handle, on_signal, signum);
}

static uint64_t descriptors_wanted(const struct config *c)
{
	uint64_t n = DESCRIPTORS_ALWAYS + c->http.max_connections;

	for (unsigned i = 0; i < c->pools_n; i++)
		n += (uint64_t)DESCRIPTORS_OF_INSTANCE *
		    (c->pools[i].pool.max + c->pools[i].pool.spare);
	return n;
}

/* The soft limit is low for the sake of programs that use select; the hard one is what the machine's owner grants. */
static void raise_descriptors(const struct config *c)
{
	uint64_t wanted = descriptors_wanted(c);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < wanted)
		log_warn("server: %llu descriptors may be open, and max_connections %u with all "
			 "instances "
			 "needs %llu; raise the hard limit (ulimit -Hn, LimitNOFILE)",
		    (unsigned long long)limit.rlim_max, c->http.max_connections,
		    (unsigned long long)wanted);
}

int server_new(struct server **out, const struct config *cfg, struct error *err)
{
	struct server *s = xcalloc(1, sizeof *s);

	*out = s;
	s->cfg = cfg;
	(void)signal(SIGPIPE, SIG_IGN);
	raise_descriptors(cfg);
	(void)uv_loop_init(&s->loop);
	s->work = work_uv_new(&s->loop, cfg->ear_threads);
	(void)uv_timer_init(&s->loop, &s->look);
	s->look.data = s;
	watch_signal(s, &s->sigterm, SIGTERM);
	watch_signal(s, &s->sigint, SIGINT);
	if (make_crews(s, err) < 0)
		return -1;
	make_access(s);
	if (access_load_keys(s->access, cfg->keys_file, err) < 0)
		return -1;
	return listen_all(s, err);
}

static void say_where(const struct server *s)
{
	const char *address;

	for (unsigned i = 0; (address = http_server_address(s->http, i)) != NULL; i++) {
		(void)printf("stenopool: listening on http://%s\n", address);
		log_info("server: listening on http://%s", address);
	}
	(void)fflush(stdout);
}

void server_run(struct server *s)
{
	for (unsigned i = 0; i < s->crews_n; i++)
		crew_start(s->crews[i]);
	(void)uv_timer_start(&s->look, on_look, LOOK_EVERY_MS, LOOK_EVERY_MS);
	say_where(s);
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	log_info("server: stopped");
}

/* After a start that failed, what has handles must still be closed through the loop. */
static void take_down(struct server *s)
{
	s->stopping = true;
	if (s->http != NULL)
		http_server_free(&s->http, on_http_gone, s);
	else if (s->crews_n > 0)
		on_http_gone(s);
	else {
		s->crews_left = 1;
		on_crew_gone(s);
	}
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
}

void server_free(struct server **server)
{
	struct server *s = *server;

	if (s == NULL)
		return;
	*server = NULL;
	if (!s->stopping)
		take_down(s);
	access_free(&s->access);
	roster_free(&s->roster);
	for (unsigned i = 0; i < s->crews_n; i++) {
		free(s->warmups[i]);
		free(s->canaries[i]);
		free(s->users[i]);
	}
	(void)uv_run(&s->loop, UV_RUN_NOWAIT); /* last words of children */
	(void)uv_loop_close(&s->loop);
	free(s);
}
