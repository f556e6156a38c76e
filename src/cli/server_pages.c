/* What the server answers at which path. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "access/cors.h"
#include "access/deepgram_file.h"
#include "access/deepgram_refuse.h"
#include "access/entries.h"
#include "access/openai.h"
#include "access/openai_text.h"
#include "access/page.h"
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

static void post_transcriptions(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	openai_transcribe(s->access, x);
}

static void get_models(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	openai_models(s->access, x);
}

static void get_model(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	openai_model(s->access, x);
}

static void get_realtime(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	openai_realtime_accept(s->access, x);
}

static void get_listen(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	deepgram_accept(s->access, x);
}

static void post_listen(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	deepgram_file(s->access, x);
}

static void get_twilio(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	twilio_accept(s->access, x);
}

static void get_twilio_transcripts(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	twilio_watch(s->access, x);
}

static void get_page(void *arg, struct http_exchange *x)
{
	const struct server *s = arg;

	page_get(x, s->cfg->page);
}

static void abort_status(void *arg, struct http_exchange *x)
{
	(void)arg;
	status_page_abort(x);
}

static void post_translations(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	openai_translate(s->access, x);
}

static void abort_transcriptions(void *arg, struct http_exchange *x)
{
	(void)arg;
	openai_transcribe_abort(x);
}

static void abort_listen(void *arg, struct http_exchange *x)
{
	(void)arg;
	deepgram_file_abort(x);
}

#define LISTEN         "/v1/listen"
#define TRANSCRIPTIONS "/v1/audio/transcriptions"

static const struct route routes[] = {
	{ "GET", "/healthz", get_healthz, NULL },
	{ "GET", "/readyz", get_readyz, NULL },
	{ "GET", "/metrics", get_metrics, NULL },
	{ "GET", "/v1/status", get_status, abort_status },
	{ "GET", "/v1/stream", get_stream, NULL },
	{ "POST", TRANSCRIPTIONS, post_transcriptions, abort_transcriptions },
	{ "POST", "/v1/audio/translations", post_translations, abort_transcriptions },
	{ "GET", "/v1/models", get_models, NULL },
	{ "GET", "/v1/models/", get_model, NULL },
	{ "GET", "/v1/realtime", get_realtime, NULL },
	{ "GET", LISTEN, get_listen, NULL },
	{ "POST", LISTEN, post_listen, abort_listen },
	{ "GET", "/twilio", get_twilio, NULL },
	{ "GET", "/twilio/transcripts", get_twilio_transcripts, NULL },
	{ "GET", "/twilio/", get_twilio, NULL },
	{ "GET", "/", get_page, NULL },
	{ "GET", "/page.css", get_page, NULL },
	{ "GET", "/page.js", get_page, NULL },
	{ "GET", "/stenopool.js", get_page, NULL },
	{ "GET", "/worklet.js", get_page, NULL },
	{ "GET", "/sample.wav", get_page, NULL },
	{ "GET", "/icon.svg", get_page, NULL },
	{ "GET", "/favicon.ico", get_page, NULL },
};

/* The listener of a request that came by one with a protocol of its own, whose paths are not ours; NULL: the main one. */
static const struct access_listener *speaks_another(const struct http_exchange *x)
{
	const struct access_listener *l = http_listener_data(x);

	return l == NULL || l->protocol == PROTOCOL_STENOPOOL ? NULL : l;
}

static void refuse(
    struct http_exchange *x, unsigned status, const char *message, const char *headers)
{
	if (openai_is_path(http_path(x)))
		openai_refuse_route(x, status, message, headers);
	else
		route_refuse_plain(x, status, message, headers);
}

void server_pages_header(void *arg, struct http_exchange *x)
{
	struct server *s = arg;

	if (openai_is_path(http_path(x)))
		openai_add_request_id(x);
	if (!cors_let_in(s->access, x))
		return;
	if (speaks_another(x) != NULL || strcmp(http_method(x), "POST") != 0)
		return;
	if (strcmp(http_path(x), TRANSCRIPTIONS) == 0)
		openai_transcribe_header(s->access, x);
	else if (strcmp(http_path(x), LISTEN) == 0)
		deepgram_file_header(s->access, x);
}

void server_pages_answer(void *arg, struct http_exchange *x)
{
	const struct access_listener *l = speaks_another(x);
	struct server *s = arg;

	if (l != NULL)
		protocols_request(s->access, l, x);
	else
		route_request(routes, ARRAY_SIZE(routes), refuse, arg, x);
}

void server_pages_abort(void *arg, struct http_exchange *x)
{
	if (speaks_another(x) == NULL)
		route_abort(routes, ARRAY_SIZE(routes), arg, x);
}

/* What tells whether the server is well, from those who would end it or ask for help: also when all connections are taken. */
bool server_pages_is_vital(void *arg, const struct http_exchange *x)
{
	static const char *const paths[] = { "/healthz", "/readyz", "/metrics" };

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(http_path(x), paths[i]) == 0)
			return speaks_another(x) == NULL;
	return false;
}

/* In the words of those whose path it is; NULL: nobody's. */
static char *word_refusal(struct http_exchange *x, unsigned status, const char *why)
{
	const char *path = http_path(x);

	if (deepgram_is_path(path))
		return deepgram_word_refusal(x, status, why);
	if (openai_is_path(path)) {
		openai_add_request_id(x);
		return openai_error_text(status, why, NULL, route_status_word(status));
	}
	return strncmp(path, "/v1/", 4) == 0 ? route_refusal_text(status, why) : NULL;
}

bool server_pages_word_refusal(void *arg, struct http_exchange *x, unsigned status, const char *why,
    char *json, size_t json_cap)
{
	char *text = speaks_another(x) != NULL ? NULL : word_refusal(x, status, why);
	bool fits = text != NULL && strlen(text) < json_cap;

	(void)arg;
	if (fits)
		(void)strcpy(json, text);
	free(text);
	return fits;
}
