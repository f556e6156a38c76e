/* Order of birth: loop, work pool, crews (hosts load their models), access, HTTP; then the loop runs.
 * Order of death: clients (drain.h), HTTP, crews, then the loop has nothing left to wait for and ends. */
#define _GNU_SOURCE
#include "cli/server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "audio/vad_silero_weights.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/threads.h"
#include "base/util.h"
#include "cli/descriptors.h"
#include "cli/drain.h"
#include "cli/notify.h"
#include "cli/server_internal.h"
#include "cli/signals.h"
#include "cli/status_page.h"
#include "cli/tasks.h"
#include "cli/watchdog.h"
#include "media/decoder.h"
#include "net/http.h"
#include "pool/compute.h"
#include "pool/crew.h"
#include "pool/lines.h"
#include "session/roster.h"
#include "session/work.h"

enum { LOOK_EVERY_MS = 1000 };

static void on_look(uv_timer_t *timer)
{
	struct server *s = timer->data;

	access_look(s->access, clock_now_ns());
	log_look();
	metric_add(METRIC_orphans_reaped_total, orphans_look(&s->orphans));
}

/* Right before the loop waits: what has been queued in this turn is told now. */
static void on_turn_end(uv_prepare_t *handle)
{
	struct server *s = handle->data;

	turn_run(&s->turn);
}

static void on_crew_gone(void *arg)
{
	struct server *s = arg;

	if (--s->crews_left > 0)
		return;
	s->down = true;
	uv_close((uv_handle_t *)&s->look, NULL);
	uv_close((uv_handle_t *)&s->turn_end, NULL);
	watchdog_free(&s->watchdog);
	server_upgrade_done(s);
	signals_free(&s->signals);
	drain_free(&s->drain);
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

static void on_term(void *arg, const char *name)
{
	server_drain(arg, name);
}

static void on_usr2(void *arg, const char *name)
{
	server_upgrade(arg, name);
}

static void on_hup(void *arg, const char *name)
{
	server_reload(arg, name);
}

static const struct signal_row signal_rows[] = {
	{ SIGHUP, "SIGHUP", on_hup },
	{ SIGUSR2, "SIGUSR2", on_usr2 },
	{ SIGTERM, "SIGTERM", on_term },
	{ SIGINT, "SIGINT", on_term },
};

static const struct http_events http_events = {
	.on_header = server_pages_header,
	.on_request = server_pages_answer,
	.on_abort = server_pages_abort,
	.word_refusal = server_pages_word_refusal,
	.is_vital = server_pages_is_vital,
	.on_tcp = server_tcp,
};

static void make_decoders(struct server *s)
{
	char helper[SERVER_PATH_CAP];
	struct decoder_config cfg;

	server_word_decoder(s->cfg, &cfg);
	(void)snprintf(helper, sizeof helper, "%sstenopool-decoder", s->directory);
	s->decoders = decoders_new(&s->loop, helper, &cfg);
	access_set_decoders(s->access, s->decoders);
}

static void make_access(struct server *s)
{
	const struct config *c = s->cfg;
	struct access_config cfg;

	server_detector_settle(s);
	server_word_access(c, &cfg);
	s->roster = roster_new(c->max_sessions);
	s->access = access_new(&cfg, s->pools, s->crews_n, s->roster, s->work);
	make_decoders(s);
	s->http = http_server_new(&s->loop, &c->http, &http_events, s);
	s->monitor = (struct monitor){ .crews = s->crews,
		.vad = s->monitor.vad,
		.crews_n = s->crews_n,
		.roster = s->roster,
		.compute = s->compute,
		.started_ns = clock_now_ns(),
		.client_of = status_page_client_of,
		.client_arg = s->access };
}

/* One that takes over accepts nobody before now. */
static void on_first_ready(struct server *s)
{
	struct error err;

	if (s->inherited.ready_fd >= 0 && server_listen(s, &err) < 0) {
		log_error("server: %s", err.text);
		server_drain(s, "cannot take over");
		return;
	}
	inherit_say_ready(&s->inherited);
	notify_send("READY=1\nSTATUS=serving");
}

static void on_crew_ready(void *arg)
{
	struct server *s = arg;

	server_compute_size(s);
	if (s->ready_once || drain_state(s->drain) != DRAIN_SERVING)
		return;
	s->ready_once = true;
	on_first_ready(s);
}

/* What the machine must grant is asked for before anything depends on it, threads among it. */
static int take_place(const struct config *cfg, struct tasks_plan *plan, struct error *err)
{
	log_never_wait();
	(void)signal(SIGPIPE, SIG_IGN);
	if (descriptors_raise(cfg, err) < 0 || tasks_settle(cfg, plan, err) < 0)
		return -1;
	if (threads_try(plan->work_threads, err) == 0)
		return 0;
	return error_prefix(err, "server.ear_threads %u and look-ups of names", cfg->ear_threads);
}

static int make_loop(struct server *s, const struct tasks_plan *plan, struct error *err)
{
	int rc = uv_loop_init(&s->loop);

	if (rc != 0)
		return error_set(
		    err, ERROR_SYSTEM, "cannot make an event loop: %s", uv_strerror(rc));
	s->work = work_uv_new(&s->loop, plan->ear_threads, plan->work_threads);
	(void)uv_timer_init(&s->loop, &s->look);
	s->look.data = s;
	(void)uv_prepare_init(&s->loop, &s->turn_end);
	s->turn_end.data = s;
	(void)uv_prepare_start(&s->turn_end, on_turn_end);
	uv_unref((uv_handle_t *)&s->turn_end);
	s->watchdog = watchdog_new(&s->loop);
	return 0;
}

int server_new(
    struct server **out, struct config *cfg, const struct server_origin *origin, struct error *err)
{
	struct server *s = xcalloc(1, sizeof *s);
	struct tasks_plan plan;

	s->cfg = cfg;
	s->origin = *origin;
	if (take_place(cfg, &plan, err) < 0 || make_loop(s, &plan, err) < 0) {
		free(s);
		return -1;
	}
	*out = s;
	server_compute_make(s);
	if (inherit_take(&s->inherited, err) < 0 || server_crews_make(s, err) < 0)
		return -1;
	if (server_detector_load(s, cfg, err) < 0)
		return -1;
	make_access(s);
	if (server_load_files(s, cfg, err) < 0)
		return -1;
	s->drain = drain_new(&s->loop, s->access, s->roster, drop_clients, s);
	s->signals = signals_new(&s->loop, signal_rows, ARRAY_SIZE(signal_rows), s);
	if (server_upgrade_init(s, err) < 0)
		return -1;
	return s->inherited.ready_fd >= 0 ? 0 : server_listen(s, err);
}

void server_run(struct server *s)
{
	for (unsigned i = 0; i < s->crews_n; i++) {
		crew_on_ready(s->crews[i], on_crew_ready, s);
		crew_start(s->crews[i]);
	}
	(void)uv_timer_start(&s->look, on_look, LOOK_EVERY_MS, LOOK_EVERY_MS);
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	log_info("server: stopped");
}

/* After a start that failed, what has handles must still be closed through the loop. */
static void take_down(struct server *s)
{
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
	if (!s->down)
		take_down(s);
	server_listen_done(s);
	access_free(&s->access);
	roster_free(&s->roster);
	for (unsigned i = 0; i < s->crews_n; i++)
		free(s->canaries[i]);
	(void)uv_run(&s->loop, UV_RUN_NOWAIT); /* last words of children */
	lines_stop_all();
	(void)uv_run(&s->loop, UV_RUN_NOWAIT);
	decoders_free(&s->decoders);
	vad_silero_weights_free(&s->weights);
	compute_free(&s->compute);
	(void)uv_loop_close(&s->loop);
	free(s);
}
