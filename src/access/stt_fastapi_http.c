/* The pages beside the WebSocket of stt-fastapi. A client is told the numbers of all, and what is said of single sessions only of
 * those of its own tenant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_internal.h"
#include "access/entries.h"
#include "access/folder.h"
#include "access/route.h"
#include "access/stt_fastapi.h"
#include "base/error.h"
#include "base/util.h"
#include "net/http.h"
#include "pool/pool.h"

static const char about[] =
    "Stenopool serves clients of RealtimeSTT's example_fastapi_server here.\n"
    "WebSocket: /ws/transcribe. Pages: /health, /api/config, /api/metrics.\n";

static bool is_ready(const struct access *a)
{
	for (unsigned i = 0; i < a->pools_n; i++)
		if (!pool_is_proven(a->pools[i]))
			return false;
	return !a->leaving;
}

static void answer(struct http_exchange *x, json_t *o)
{
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(16));

	http_respond_json(x, text == NULL ? 500 : 200, text == NULL ? "{}" : text);
	json_decref(o);
	free(text);
}

static json_t *health_of(const struct access *a)
{
	bool ready = is_ready(a);
	struct stt_status all = { 0 };

	stt_fastapi_count(a, &all);
	return json_pack("{s:b,s:b,s:i,s:i,s:[]}", "ok", ready, "ready", ready, "activeSessions",
	    (int)all.sessions, "activeSpeakers", (int)all.speakers, "startupErrors");
}

static void get_health(void *arg, struct http_exchange *x)
{
	answer(x, health_of(arg));
}

/* Limits are those of whoever asks. */
static void limits_of(
    struct access *a, const struct http_exchange *x, const struct client *c, struct stt_limits *out)
{
	const struct wire asking = { .access = a, .client = *c, .listener = http_listener_data(x) };

	stt_fastapi_limits_of(&asking, out);
}

static void get_config(void *arg, struct http_exchange *x)
{
	struct access *a = arg;
	struct stt_limits limits;
	struct client client;

	if (client_admit(a->keys, x, &client) < 0)
		return;
	limits_of(a, x, &client, &limits);
	answer(x, stt_fastapi_config(&limits));
}

static void patch_config(void *arg, struct http_exchange *x)
{
	(void)arg;
	route_refuse(x, 403,
	    "the settings of this server are its operator's; they are changed in its "
	    "configuration, "
	    "not by a client",
	    0);
}

static json_t *sessions_of(const struct access *a, uint64_t tenant)
{
	json_t *all = json_object();

	for (const struct stt_fastapi *f = a->stt_fastapi; f != NULL; f = f->next)
		if (f->wire.client.tenant == tenant)
			(void)json_object_set_new(all, f->id, stt_fastapi_counted(f));
	return all;
}

static void get_metrics(void *arg, struct http_exchange *x)
{
	struct access *a = arg;
	struct stt_limits limits;
	struct client client;
	json_t *o;

	if (client_admit(a->keys, x, &client) < 0)
		return;
	limits_of(a, x, &client, &limits);
	o = health_of(a);
	if (o != NULL) {
		(void)json_object_set_new(o, "limits", stt_fastapi_limits(&limits));
		(void)json_object_set_new(o, "sessions", sessions_of(a, client.tenant));
	}
	answer(x, o);
}

/* The reference has its page's files below /static as well. */
static const struct folder_file *file_of(const struct access *a, const struct http_exchange *x)
{
	static const char below[] = "/static/";
	const char *path = http_path(x);

	if (a->stt_page == NULL)
		return NULL;
	if (strncmp(path, below, sizeof below - 1) == 0)
		path += sizeof below - 2;
	return folder_find(a->stt_page, path);
}

static void answer_file(struct http_exchange *x, const struct folder_file *f)
{
	const char *known = http_header(x, "If-None-Match");
	bool is_known = known != NULL && strstr(known, f->etag) != NULL;
	char headers[128];
	const struct http_answer a = { .status = is_known ? 304 : 200,
		.content_type = folder_type(f->path),
		.headers = headers,
		.body = is_known ? NULL : f->bytes,
		.body_bytes = is_known ? 0 : f->n };

	(void)snprintf(headers, sizeof headers,
	    "ETag: %s\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n", f->etag);
	http_respond(x, &a);
}

static void answer_about(struct http_exchange *x)
{
	const struct http_answer a = { .status = 200, .body = about, .body_bytes = strlen(about) };

	http_respond(x, &a);
}

static void get_page(void *arg, struct http_exchange *x)
{
	const struct folder_file *f = file_of(arg, x);

	if (f != NULL)
		answer_file(x, f);
	else
		answer_about(x);
}

static void get_socket(void *arg, struct http_exchange *x)
{
	stt_fastapi_accept(arg, x);
}

static const struct route routes[] = {
	{ "GET", "/ws/transcribe", get_socket, NULL },
	{ "GET", "/health", get_health, NULL },
	{ "GET", "/api/config", get_config, NULL },
	{ "PATCH", "/api/config", patch_config, NULL },
	{ "GET", "/api/metrics", get_metrics, NULL },
	{ "GET", "/", get_page, NULL },
};

static bool has_route(const struct http_exchange *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (strcmp(routes[i].path, http_path(x)) == 0)
			return true;
	return false;
}

static bool is_get(const struct http_exchange *x)
{
	return strcmp(http_method(x), "GET") == 0 || strcmp(http_method(x), "HEAD") == 0;
}

void stt_fastapi_request(struct access *a, struct http_exchange *x)
{
	const struct folder_file *f = is_get(x) && !has_route(x) ? file_of(a, x) : NULL;

	if (f != NULL)
		answer_file(x, f);
	else
		route_request(routes, ARRAY_SIZE(routes), route_refuse_plain, a, x);
}
