/* What the server answers at which path. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "access/route.h"
#include "base/util.h"
#include "cli/drain.h"
#include "cli/server_internal.h"
#include "cli/status_page.h"
#include "net/http.h"

/* With what it does at this moment. */
static const struct monitor *monitor_now(struct server *s)
{
	enum drain_state state = drain_state(s->drain);

	s->monitor.leaving = state == DRAIN_SERVING ? NULL : drain_state_name(state);
	return &s->monitor;
}

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
	char *page = monitor_ready(monitor_now(s), &ready);

	answer_page(x, ready ? 200 : 503, "application/json", page);
}

static void get_metrics(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	answer_page(
	    x, 200, "text/plain; version=0.0.4; charset=utf-8", monitor_metrics(monitor_now(s)));
}

static void get_status(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	status_page_get(monitor_now(s), s->work, x);
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

void server_pages_answer(void *arg, struct http_exchange *x)
{
	route_request(routes, ARRAY_SIZE(routes), arg, x);
}

void server_pages_abort(void *arg, struct http_exchange *x)
{
	(void)arg; /* every other route answers at once */
	status_page_abort(x);
}
