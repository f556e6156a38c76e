#include "access/wire.h"

#include <stdlib.h>
#include <string.h>

#include "access/binary_text.h"
#include "access/credential.h"
#include "access/protocols.h"
#include "access/route.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/http.h"
#include "net/tcp.h"
#include "net/utf8.h"
#include "net/websocket.h"
#include "session/roster.h"

enum { BUSY_RETRY_MS = 1000, SUBPROTOCOL_BYTES = 64 };

static struct wire *wire_of(struct access_link *l)
{
	return (struct wire *)(void *)l;
}

unsigned wire_close_code(enum error_code code)
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

/* Nothing is sent from here on, and no place is kept until the connection is gone. */
static void begin_closing(struct wire *w)
{
	if (w->closing)
		return;
	w->closing = true;
	w->protocol->on_closing(w);
}

static void end_slow_reader(struct wire *w)
{
	log_info("%s session %llu: ended: it does not read what is sent to it", w->protocol->name,
	    (unsigned long long)w->session);
	begin_closing(w);
}

void wire_send_text(struct wire *w, const char *text, size_t n)
{
	if (!w->closing && ws_send_text(w->ws, text, n) < 0)
		end_slow_reader(w);
}

static int send_bytes(struct wire *w, const void *bytes, size_t n)
{
	return w->tcp != NULL ? tcp_send(w->tcp, bytes, n) : ws_send_binary(w->ws, bytes, n);
}

void wire_send_bytes(struct wire *w, const void *bytes, size_t n)
{
	if (!w->closing && send_bytes(w, bytes, n) < 0)
		end_slow_reader(w);
}

void wire_send_json(struct wire *w, json_t *object)
{
	char *text =
	    object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));

	json_decref(object);
	if (text != NULL)
		wire_send_text(w, text, strlen(text));
	free(text);
}

void wire_pause(struct wire *w)
{
	if (w->closing)
		return;
	if (w->tcp != NULL)
		tcp_pause(w->tcp);
	else
		ws_pause(w->ws);
}

void wire_resume(struct wire *w)
{
	if (w->closing)
		return;
	if (w->tcp != NULL)
		tcp_resume(w->tcp);
	else
		ws_resume(w->ws);
}

void wire_on_drain(void *wire)
{
	wire_resume(wire);
}

const char *wire_listener_pool(const struct wire *w)
{
	return w->listener == NULL ? NULL : w->listener->pool;
}

/* A reason must be UTF-8, and a sentence may quote what a client or an engine said, cut anywhere. */
static void make_reason(struct error *text, const char *reason)
{
	struct utf8 u = { 0 };

	(void)error_set(text, ERROR_NONE, "%s", reason);
	if (!utf8_take(&u, (const uint8_t *)text->text, strlen(text->text)) || !utf8_is_whole(&u))
		for (char *c = text->text; *c != '\0'; c++)
			*c = (unsigned char)*c < 0x80 ? *c : '?';
}

void wire_close(struct wire *w, unsigned code, const char *reason)
{
	struct error text;

	if (w->closing)
		return;
	make_reason(&text, reason);
	begin_closing(w);
	if (w->tcp != NULL)
		tcp_close(w->tcp);
	else
		ws_close(w->ws, code, text.text);
}

void wire_fail(struct wire *w, const struct error *why, unsigned retry_after_ms)
{
	const struct wire_protocol *p = w->protocol;

	if (w->closing || w->cutting)
		return;
	if (p->cut != NULL) {
		w->cutting = true;
		p->cut(w, why);
		w->cutting = false;
	}
	if (w->closing)
		return;
	log_info("%s session %llu: ended: %s", p->name, (unsigned long long)w->session, why->text);
	if (p->tell != NULL)
		p->tell(w, why, retry_after_ms);
	wire_close(
	    w, (p->close_code == NULL ? wire_close_code : p->close_code)(why->code), why->text);
}

/* Neither audio nor a packet of one of the protocols is a JSON object, so one in a binary frame is meant as the command it is. */
static bool is_text(enum ws_kind kind, const void *bytes, size_t n)
{
	return kind == WS_TEXT || binary_text_is_object(bytes, n);
}

static void on_message(void *arg, struct ws *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	struct wire *w = arg;

	(void)ws;
	if (w->closing)
		return;
	if (is_text(kind, bytes, n))
		w->protocol->on_text(w, bytes, n);
	else
		w->protocol->on_binary(w, bytes, n);
}

static void go(struct wire *w)
{
	begin_closing(w);
	access_link_remove(w->access, &w->link);
	if (w->protocol->on_gone != NULL)
		w->protocol->on_gone(w);
	free(w);
}

static void on_close(void *arg, struct ws *ws, unsigned code, const char *why)
{
	struct wire *w = arg;

	(void)ws;
	if (w->session != 0)
		log_info("%s session %llu: client left (%u %s)", w->protocol->name,
		    (unsigned long long)w->session, code, why);
	go(w);
}

static void on_tcp_bytes(void *arg, struct tcp *t, const uint8_t *bytes, size_t n)
{
	struct wire *w = arg;

	(void)t;
	if (!w->closing)
		w->protocol->on_bytes(w, bytes, n);
}

static void on_tcp_end(void *arg, struct tcp *t)
{
	struct wire *w = arg;

	(void)t;
	if (w->closing)
		return;
	if (w->protocol->on_end == NULL)
		wire_close(w, WS_CLOSE_NORMAL, "the client has ended");
	else
		w->protocol->on_end(w);
}

static void on_tcp_close(void *arg, struct tcp *t, const char *why)
{
	struct wire *w = arg;

	(void)t;
	if (w->session != 0)
		log_info("%s session %llu: client left (%s)", w->protocol->name,
		    (unsigned long long)w->session, why);
	go(w);
}

static const struct tcp_events tcp_events = {
	.on_bytes = on_tcp_bytes, .on_end = on_tcp_end, .on_close = on_tcp_close
};

static const struct ws_events ws_events = { .on_message = on_message, .on_close = on_close };

static void look_at_start(struct wire *w, uint64_t now_ns)
{
	unsigned ms = w->access->cfg.start_timeout_ms;
	struct error err;

	if (w->begun || w->closing || now_ns - w->opened_ns < ms * NS_PER_MS)
		return;
	(void)error_set(&err, ERROR_TIMEOUT, "no start came within start_timeout_ms %u", ms);
	wire_fail(w, &err, 0);
}

/* Silent is one that did not answer a ping. One whose reading we stopped ourselves cannot be heard, so it is not called
 * silent: send_timeout_ms is what ends it, by the pings that it does not take. */
static void look_for_life(struct wire *w, uint64_t now_ns)
{
	const struct access_config *cfg = &w->access->cfg;
	uint64_t heard_ns = ws_last_heard_ns(w->ws), quiet_ns = now_ns - MIN(now_ns, heard_ns);
	bool asked = w->pinged_ns > heard_ns;

	if (w->closing || quiet_ns < cfg->ping_interval_ms * NS_PER_MS)
		return;
	if (asked && quiet_ns > cfg->ping_timeout_ms * NS_PER_MS && !ws_is_paused(w->ws)) {
		log_info("%s session %llu: no sign of life for ping_timeout_ms %u, dropping the "
			 "connection",
		    w->protocol->name, (unsigned long long)w->session, cfg->ping_timeout_ms);
		wire_close(w, WS_CLOSE_GOING_AWAY, "no sign of life");
	} else if (now_ns - w->pinged_ns >= cfg->ping_interval_ms * NS_PER_MS) {
		w->pinged_ns = now_ns;
		(void)ws_ping(w->ws);
	}
}

int wire_open_once(struct wire *w, wire_open_f *open)
{
	unsigned retry_after_ms = 0;
	struct error err;

	if (w->session == 0 && open(w, &err, &retry_after_ms) < 0)
		wire_fail(w, &err, retry_after_ms);
	return w->closing ? -1 : 0;
}

void wire_look_without_session(struct wire *w, uint64_t told_ns, uint64_t now_ns)
{
	const struct access *a = w->access;
	unsigned ms = a->cfg.session.idle_timeout_ms;
	struct error err;

	if (a->leaving) {
		access_word_leaving(&err);
		wire_fail(w, &err, a->retry_after_ms);
	} else if (ms > 0 && now_ns - MIN(now_ns, told_ns) >= ms * NS_PER_MS) {
		(void)error_set(&err, ERROR_TIMEOUT, "no audio came for idle_timeout_ms %u", ms);
		wire_fail(w, &err, 0);
	}
}

static void look(struct access_link *l, uint64_t now_ns)
{
	struct wire *w = wire_of(l);

	look_at_start(w, now_ns);
	if (w->ws != NULL)
		look_for_life(w, now_ns);
	if (!w->closing && w->protocol->look != NULL)
		w->protocol->look(w, now_ns);
}

static void stop(struct access_link *l, const struct error *why)
{
	struct wire *w = wire_of(l);

	wire_fail(w, why, w->access->retry_after_ms);
}

static void leave(struct access_link *l, const struct error *why)
{
	if (!wire_of(l)->begun)
		stop(l, why);
}

static const struct access_link_ops link_ops = { .look = look, .leave = leave, .stop = stop };

static void refuse_natively(
    struct http_exchange *x, const struct error *why, const struct wire_refusal *how)
{
	if (how->status == 503)
		route_refuse_for(x, 503, why, how->retry_after_ms);
	else
		route_refuse(x, how->status, why->text, how->retry_after_ms);
}

static void refuse(const struct wire_protocol *p, struct http_exchange *x, const struct error *why,
    const struct wire_refusal *how)
{
	(p->refuse == NULL ? refuse_natively : p->refuse)(x, why, how);
}

static int check_upgrade(const struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	enum http_upgrade_wish wish = http_wants_websocket(x, err);

	if (wish == HTTP_UPGRADE)
		return 0;
	how->status = wish == HTTP_NO_UPGRADE ? 426 : 400;
	if (wish == HTTP_NO_UPGRADE)
		(void)error_set(err, ERROR_INVALID,
		    "this is a WebSocket endpoint; connect with Upgrade: websocket");
	return -1;
}

static int check_room(const struct access *a, struct error *err, struct wire_refusal *how)
{
	if (!a->leaving && roster_has_room(a->roster, err) == 0)
		return 0;
	if (a->leaving)
		access_word_leaving(err);
	metric_add(METRIC_sessions_refused_total, 1);
	*how = (struct wire_refusal){ 503, a->leaving ? a->retry_after_ms : BUSY_RETRY_MS };
	return -1;
}

static bool brings_no_key(const struct access *a, const struct http_exchange *x)
{
	char secret[CREDENTIAL_BYTES];

	return a->keys != NULL && credential_of(x, secret) == CREDENTIAL_NONE;
}

static int check(const struct access *a, const struct http_exchange *x, bool key_may_come_later,
    struct client *client, struct error *err, struct wire_refusal *how)
{
	if (check_upgrade(x, err, how) < 0)
		return -1;
	how->status = 401;
	*client = (struct client){ .priority = PRIORITY_NORMAL };
	if (!(key_may_come_later && brings_no_key(a, x)) &&
	    client_check(a->keys, x, client, err) < 0)
		return -1;
	return check_room(a, err, how);
}

static void upgrade(struct wire *w, struct http_exchange *x)
{
	char subprotocol[SUBPROTOCOL_BYTES];
	const char *offered = http_header(x, "Sec-WebSocket-Protocol");

	access_link_add(w->access, &w->link, &link_ops);
	w->opened_ns = w->pinged_ns = clock_now_ns();
	w->ws = http_upgrade(x, credential_subprotocol(offered, subprotocol, sizeof subprotocol),
	    w->protocol->headers == NULL ? NULL : w->protocol->headers(w), &ws_events, w);
	if (w->protocol->on_open != NULL)
		w->protocol->on_open(w);
}

void wire_accept(struct access *a, struct http_exchange *x, const struct wire_protocol *p)
{
	struct wire_refusal how = { .status = 400 };
	struct client client;
	struct error err;
	struct wire *w;

	if (check(a, x, p->key_may_come_later, &client, &err, &how) < 0) {
		refuse(p, x, &err, &how);
		return;
	}
	w = xcalloc(1, p->size);
	w->access = a;
	w->protocol = p;
	w->listener = http_listener_data(x);
	w->client = client;
	w->unknown = p->key_may_come_later && brings_no_key(a, x);
	how = (struct wire_refusal){ .status = 400 };
	if (p->read_request != NULL && p->read_request(w, x, &err, &how) < 0) {
		refuse(p, x, &err, &how);
		if (p->on_gone != NULL)
			p->on_gone(w);
		free(w);
		return;
	}
	upgrade(w, x);
}

/* No key can come this way. */
static int check_tcp(const struct access *a, struct error *err)
{
	struct wire_refusal how;

	if (a->keys != NULL)
		return error_set(err, ERROR_INVALID,
		    "this protocol cannot bring a key, and this server wants one (keys_file)");
	return check_room(a, err, &how);
}

void wire_accept_tcp(struct access *a, struct tcp *t, const struct access_listener *listener,
    const struct wire_protocol *p)
{
	struct wire *w = xcalloc(1, p->size);
	struct error err;

	w->access = a;
	w->protocol = p;
	w->listener = listener;
	w->tcp = t;
	w->client = (struct client){ .tenant = client_tenant_of_peer(tcp_peer(t)),
		.priority = PRIORITY_NORMAL };
	access_link_add(a, &w->link, &link_ops);
	w->opened_ns = w->pinged_ns = clock_now_ns();
	tcp_start(t, &tcp_events, w);
	if (check_tcp(a, &err) < 0)
		wire_fail(w, &err, a->leaving ? a->retry_after_ms : BUSY_RETRY_MS);
	else if (p->on_open != NULL)
		p->on_open(w);
}
