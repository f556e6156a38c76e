/* The pages beside the WebSocket of stt-fastapi. A client is told the numbers of all, and what is said of single sessions only of
 * those of its own tenant. */
#include <stdlib.h>
#include <string.h>

#include "access/access_internal.h"
#include "access/entries.h"
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

static void get_about(void *arg, struct http_exchange *x)
{
	const struct http_answer a = { .status = 200, .body = about, .body_bytes = strlen(about) };

	(void)arg;
	http_respond(x, &a);
}

static void get_socket(void *arg, struct http_exchange *x)
{
	stt_fastapi_accept(arg, x);
}

static const struct route routes[] = {
	{ "GET", "/", get_about, NULL },
	{ "GET", "/ws/transcribe", get_socket, NULL },
	{ "GET", "/health", get_health, NULL },
	{ "GET", "/api/config", get_config, NULL },
	{ "PATCH", "/api/config", patch_config, NULL },
	{ "GET", "/api/metrics", get_metrics, NULL },
};

void stt_fastapi_request(struct access *a, struct http_exchange *x)
{
	route_request(routes, ARRAY_SIZE(routes), route_refuse_plain, a, x);
}
