#include "net/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/address_list.h"
#include "net/http_answer.h"
#include "net/http_internal.h"
#include "net/websocket_internal.h"
#include "net/ws_handshake.h"

const char *http_method(const struct http_exchange *x)
{
	return http_parse_method(x->parse);
}

const char *http_path(const struct http_exchange *x)
{
	return x->path == NULL ? "" : x->path;
}

const char *http_query(const struct http_exchange *x)
{
	return x->query;
}

const char *http_target(const struct http_exchange *x)
{
	return http_parse_target(x->parse);
}

const char *http_header(const struct http_exchange *x, const char *name)
{
	return http_parse_header(x->parse, name, 0);
}

const char *http_header_nth(const struct http_exchange *x, const char *name, unsigned n)
{
	return http_parse_header(x->parse, name, n);
}

const void *http_body(const struct http_exchange *x, size_t *n_out)
{
	*n_out = x->body.len;
	return x->body.len > 0 ? (const void *)buffer_head(&x->body) : "";
}

void http_take_body(struct http_exchange *x, struct buffer *out)
{
	*out = x->body;
	buffer_init(&x->body, out->max);
}

void http_receive(struct http_exchange *x, const struct http_body_limit *limit,
    const struct http_body_events *events, void *arg)
{
	assert(x->in_on_header && x->phase == HTTP_BODY);
	http_parse_limit_body(x->parse, limit);
	x->receiver = events;
	x->receiver_arg = arg;
}

void http_receive_pause(struct http_exchange *x)
{
	if (x->phase != HTTP_BODY || x->paused)
		return;
	x->paused = true;
	conn_set_worth(x->conn, CONN_WORTH_WORK); /* it waits for us */
	conn_read_stop(x->conn);
	conn_set_deadline(x->conn, 0);
}

void http_receive_resume(struct http_exchange *x)
{
	if (!x->paused)
		return;
	x->paused = false;
	conn_set_worth(x->conn, CONN_WORTH_HALF);
	http_exchange_set_deadline(x);
	conn_kick(x->conn);
}

const char *http_peer(const struct http_exchange *x)
{
	return x->peer[0] != '\0' ? x->peer : conn_peer(x->conn);
}

bool http_is_from_proxy(const struct http_exchange *x)
{
	return address_list_has(&x->server->cfg.trusted_proxies, conn_peer_ip(x->conn));
}

void *http_listener_data(const struct http_exchange *x)
{
	return x->listener->cfg.data;
}

void http_set_data(struct http_exchange *x, void *data)
{
	x->data = data;
}

void *http_data(const struct http_exchange *x)
{
	return x->data;
}

void http_add_headers(struct http_exchange *x, const char *lines)
{
	size_t had = x->headers == NULL ? 0 : strlen(x->headers), n = strlen(lines);
	char *all = xcalloc(had + n + 1, 1);

	if (had > 0)
		memcpy(all, x->headers, had);
	memcpy(all + had, lines, n);
	free(x->headers);
	x->headers = all;
}

bool http_has_added(const struct http_exchange *x, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = x->headers; line != NULL && *line != '\0';
	     line = strchr(line, '\n') + 1)
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			return true;
	return false;
}

void http_respond(struct http_exchange *x, const struct http_answer *a)
{
	bool body_unread = x->phase == HTTP_BODY && http_parse_has_body(x->parse);
	struct http_answer_style style = {
		.keep_alive = http_parse_keeps_alive(x->parse) && !x->server->stopped &&
		    !body_unread && x->too_many == NULL,
		.no_body = strcmp(http_parse_method(x->parse), "HEAD") == 0,
		.headers = x->headers,
	};

	assert(x->phase == HTTP_PENDING || x->in_on_header || x->receiver != NULL);
	if (a->status >= 400)
		metric_add(METRIC_http_errors_total, 1);
	http_answer_write(x->conn, a, style);
	http_exchange_answered(x, style.keep_alive);
}

void http_respond_json(struct http_exchange *x, unsigned status, const char *json)
{
	http_respond_json_with(x, status, json, NULL);
}

void http_respond_json_with(
    struct http_exchange *x, unsigned status, const char *json, const char *headers)
{
	const char *body = json == NULL ? "{}" : json;
	struct http_answer a = { .status = status,
		.content_type = "application/json",
		.headers = headers,
		.body = body,
		.body_bytes = strlen(body) };

	http_respond(x, &a);
}

enum http_upgrade_wish http_wants_websocket(const struct http_exchange *x, struct error *err)
{
	const struct ws_handshake_request r = {
		.method = http_parse_method(x->parse),
		.upgrade = http_header(x, "upgrade"),
		.connection = http_header(x, "connection"),
		.version = http_header(x, "sec-websocket-version"),
		.key = http_header(x, "sec-websocket-key"),
		.key_twice = http_header_nth(x, "sec-websocket-key", 1) != NULL,
		.is_1_1 = http_parse_is_1_1(x->parse),
		.has_body = x->body.len > 0,
	};

	if (r.upgrade == NULL || !ws_handshake_has_word(r.upgrade, "websocket"))
		return HTTP_NO_UPGRADE;
	return ws_handshake_check(&r, err) == 0 ? HTTP_UPGRADE : HTTP_BAD_UPGRADE;
}

struct ws *http_upgrade(struct http_exchange *x, const char *subprotocol, const char *headers,
    const struct ws_events *events, void *arg)
{
	const struct http_config *cfg = &x->server->cfg;
	const struct ws_limits limits = {
		.message_bytes = cfg->max_message_bytes,
		.send_bytes = cfg->send_buffer_bytes,
		.linger_ms = cfg->linger_timeout_ms,
		.allow_unmasked = x->listener->cfg.allow_unmasked,
	};
	char accept[WS_HANDSHAKE_ACCEPT_BYTES];
	struct http_bytes rest;
	struct conn *c;
	struct ws *ws;

	assert(x->phase == HTTP_PENDING);
	ws_handshake_accept(http_header(x, "sec-websocket-key"), accept);
	c = http_exchange_detach(x, &rest);
	ws_handshake_write(c, accept, subprotocol, headers);
	ws = ws_start(c, WS_SERVER, &limits, events, arg);
	ws_unread(ws, rest.bytes, rest.n);
	http_exchange_leave(x);
	return ws;
}
