/* The native protocol (docs/protocol.md) over one WebSocket:
 *   WAITING --start--> STREAMING --stop--> STREAMING --done, fatal error--> CLOSING
 * A client that breaks the protocol is told in one `error` and closed; nothing else notices. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_internal.h"
#include "access/credential.h"
#include "access/native_event.h"
#include "access/native_start.h"
#include "access/route.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/http.h"
#include "net/utf8.h"
#include "net/websocket.h"
#include "pool/pool.h"
#include "session/roster.h"

enum { BUSY_RETRY_MS = 1000 };

enum native_state { NATIVE_WAITING, NATIVE_STREAMING, NATIVE_CLOSING };

struct native {
	struct access_link link;
	struct access *access;
	struct ws *ws;
	enum native_state state;
	struct session *session; /* owned; NULL while WAITING and CLOSING */
	struct native_context context;
	struct client client;
	uint64_t opened_ns, pinged_ns;
};

static struct native *native_of(struct access_link *l)
{
	return (struct native *)((char *)l - offsetof(struct native, link));
}

static unsigned close_code(enum error_code code)
{
	switch (code) {
	case ERROR_BUSY:
	case ERROR_OVERLOADED:
		return WS_CLOSE_TRY_LATER;
	case ERROR_RESTARTING:
		return WS_CLOSE_RESTART;
	case ERROR_SYSTEM:
	case ERROR_ENGINE:
	case ERROR_PEER:
		return WS_CLOSE_INTERNAL;
	default:
		return WS_CLOSE_POLICY;
	}
}

static void drop_session(struct native *n)
{
	if (n->session == NULL)
		return;
	client_set_remove(&n->access->clients, &n->client);
	roster_remove(n->access->roster, n->session);
	session_free(&n->session);
}

/* A client that reads too slowly is being closed already, and does not keep its place until it is. */
static void send_text(struct native *n, char *text)
{
	if (text != NULL && n->state != NATIVE_CLOSING &&
	    ws_send_text(n->ws, text, strlen(text)) < 0) {
		log_info("session %llu: ended: it does not read what is sent to it",
		    (unsigned long long)n->context.session);
		n->state = NATIVE_CLOSING;
		drop_session(n);
	}
	free(text);
}

/* A reason must be UTF-8, and a sentence may quote what a client or an engine said, cut anywhere. */
static void close_with(struct native *n, unsigned code, const char *reason)
{
	struct utf8 u = { 0 };
	struct error text;

	(void)error_set(&text, ERROR_NONE, "%s", reason);
	if (!utf8_take(&u, (const uint8_t *)text.text, strlen(text.text)) || !utf8_is_whole(&u))
		for (char *c = text.text; *c != '\0'; c++)
			*c = (unsigned char)*c < 0x80 ? *c : '?';
	n->state = NATIVE_CLOSING;
	drop_session(n);
	ws_close(n->ws, code, text.text);
}

/* Tells the client why, then closes. */
static void refuse(struct native *n, const struct error *err, unsigned retry_after_ms)
{
	log_info("session %llu: ended: %s", (unsigned long long)n->context.session, err->text);
	send_text(n, native_error_text(err, retry_after_ms));
	close_with(n, close_code(err->code), err->text);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct native *n = arg;

	n->context.instance = session_instance(n->session);
	send_text(n, native_event_text(e, &n->context));
	if (e->kind == SESSION_EVENT_ENDED)
		close_with(n, WS_CLOSE_NORMAL, "done");
	else if (e->kind == SESSION_EVENT_ERROR && e->error.fatal) {
		log_info("session %llu: ended: %s", (unsigned long long)n->context.session,
		    e->error.why->text);
		close_with(n, close_code(e->error.why->code), e->error.why->text);
	}
}

static void on_drain(void *arg)
{
	struct native *n = arg;

	ws_resume(n->ws);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

static int open_session(
    struct native *n, const struct native_start *start, struct error *err, unsigned *retry_after_ms)
{
	struct access *a = n->access;
	struct pool *pool = access_pool(a, start->pool[0] == '\0' ? NULL : start->pool, err);

	if (pool == NULL || roster_has_room(a->roster, err) < 0)
		return -1;
	n->session =
	    session_new(pool, a->work, &a->cfg.session, &start->session, err, retry_after_ms);
	if (n->session == NULL)
		return -1;
	n->context.session = session_id(n->session);
	n->context.pool = pool_name(pool);
	n->context.return_adaptation = start->return_adaptation;
	n->state = NATIVE_STREAMING;
	roster_add(a->roster, n->session);
	client_set_add(&a->clients, &n->client, n->context.session);
	session_start(n->session, &session_events, n);
	return 0;
}

static void init_start(const struct native *n, struct native_start *start)
{
	memset(start, 0, sizeof *start);
	start->session.ear.format = (struct format){ ENCODING_S16LE, EAR_RATE_HZ, 1 };
	start->session.ear.endpoint = n->access->cfg.endpoint;
	start->session.partials = true;
	start->session.tenant = n->client.tenant;
	start->session.priority = n->client.priority;
}

static void on_start(struct native *n, const struct native_start *start)
{
	unsigned retry_after_ms = 0;
	struct error err;

	if (open_session(n, start, &err, &retry_after_ms) == 0)
		return;
	metric_add(METRIC_sessions_refused_total, 1);
	refuse(n, &err, retry_after_ms);
}

static void on_text(struct native *n, const char *text, size_t bytes)
{
	struct native_start start;
	enum native_command command;
	struct error err;

	init_start(n, &start);
	if (native_parse(text, bytes, &command, &start, &err) < 0) {
		refuse(n, &err, 0);
	} else if (command == NATIVE_START && n->state == NATIVE_WAITING) {
		on_start(n, &start);
	} else if (command == NATIVE_START || n->state == NATIVE_WAITING) {
		(void)error_set(&err, ERROR_INVALID, "%s",
		    n->state == NATIVE_WAITING
			? "the first message must be start"
			: "start was sent twice; a connection is one session");
		refuse(n, &err, 0);
	} else if (command == NATIVE_COMMIT) {
		session_commit(n->session);
	} else {
		session_end(n->session);
	}
}

static void on_binary(struct native *n, const void *bytes, size_t bytes_n)
{
	struct error err;

	if (n->state == NATIVE_WAITING) {
		(void)error_set(&err, ERROR_INVALID,
		    "audio came before start; the first message must be {\"type\":\"start\"}");
		refuse(n, &err, 0);
	} else if (!session_audio(n->session, bytes, bytes_n) && n->session != NULL) {
		ws_pause(n->ws);
	}
}

static void on_message(void *arg, struct ws *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	struct native *native = arg;

	(void)ws;
	if (native->state == NATIVE_CLOSING)
		return;
	if (kind == WS_TEXT)
		on_text(native, bytes, n);
	else
		on_binary(native, bytes, n);
}

static void on_close(void *arg, struct ws *ws, unsigned code, const char *why)
{
	struct native *n = arg;
	struct access *a = n->access;

	(void)ws;
	if (n->session != NULL)
		log_info("session %llu: client left (%u %s)",
		    (unsigned long long)n->context.session, code, why);
	drop_session(n);
	access_link_remove(a, &n->link);
	free(n);
}

static const struct ws_events ws_events = { .on_message = on_message, .on_close = on_close };

static void look_at_start(struct native *n, uint64_t now_ns)
{
	struct error err;

	if (n->state != NATIVE_WAITING ||
	    now_ns - n->opened_ns < n->access->cfg.start_timeout_ms * NS_PER_MS)
		return;
	(void)error_set(&err, ERROR_TIMEOUT, "no start came within start_timeout_ms %u",
	    n->access->cfg.start_timeout_ms);
	refuse(n, &err, 0);
}

/* Silent is one that did not answer a ping. One whose reading we stopped ourselves cannot be heard, so it is not called
 * silent: send_timeout_ms is what ends it, by the pings that it does not take. */
static void look(struct access_link *l, uint64_t now_ns)
{
	struct native *n = native_of(l);
	const struct access_config *cfg = &n->access->cfg;
	uint64_t heard_ns = ws_last_heard_ns(n->ws), quiet_ns = now_ns - MIN(now_ns, heard_ns);
	bool asked = n->pinged_ns > heard_ns;

	look_at_start(n, now_ns);
	if (n->state == NATIVE_CLOSING || quiet_ns < cfg->ping_interval_ms * NS_PER_MS)
		return;
	if (asked && quiet_ns > cfg->ping_timeout_ms * NS_PER_MS && !ws_is_paused(n->ws)) {
		log_info(
		    "session %llu: no sign of life for ping_timeout_ms %u, dropping the connection",
		    (unsigned long long)n->context.session, cfg->ping_timeout_ms);
		close_with(n, WS_CLOSE_GOING_AWAY, "no sign of life");
	} else if (now_ns - n->pinged_ns >= cfg->ping_interval_ms * NS_PER_MS) {
		n->pinged_ns = now_ns;
		(void)ws_ping(n->ws);
	}
}

static void stop(struct access_link *l, const struct error *why)
{
	struct native *n = native_of(l);

	if (n->state == NATIVE_CLOSING)
		return;
	send_text(n, native_error_text(why, n->access->retry_after_ms));
	close_with(n, close_code(why->code), why->text);
}

static void leave(struct access_link *l, const struct error *why)
{
	if (native_of(l)->state == NATIVE_WAITING)
		stop(l, why);
}

static const struct access_link_ops link_ops = { .look = look, .leave = leave, .stop = stop };

void native_accept(struct access *a, struct http_exchange *x)
{
	enum http_upgrade_wish wish;
	char subprotocol[64];
	struct client client;
	struct native *n;
	struct error err;

	wish = http_wants_websocket(x, &err);
	if (wish == HTTP_NO_UPGRADE)
		(void)error_set(&err, ERROR_INVALID,
		    "this is a WebSocket endpoint; connect with Upgrade: websocket");
	if (wish != HTTP_UPGRADE) {
		route_refuse(x, wish == HTTP_NO_UPGRADE ? 426 : 400, err.text, 0);
		return;
	}
	if (client_admit(a->keys, x, &client) != 0)
		return;
	if (a->leaving || roster_has_room(a->roster, &err) < 0) {
		if (a->leaving)
			access_word_leaving(&err);
		metric_add(METRIC_sessions_refused_total, 1);
		route_refuse_for(x, 503, &err, a->leaving ? a->retry_after_ms : BUSY_RETRY_MS);
		return;
	}
	n = xcalloc(1, sizeof *n);
	n->client = client;
	n->opened_ns = n->pinged_ns = clock_now_ns();
	n->access = a;
	access_link_add(a, &n->link, &link_ops);
	n->ws = http_upgrade(x,
	    credential_subprotocol(
		http_header(x, "Sec-WebSocket-Protocol"), subprotocol, sizeof subprotocol),
	    &ws_events, n);
}
