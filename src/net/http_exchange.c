/* One connection while it speaks HTTP. Its request goes round
 *
 *   HEADER -> BODY -> PENDING -> SENDING -> IDLE -> HEADER ...    or    PENDING -> LAST
 *
 * with STREAMING behind PENDING for an answer in pieces, and each phase has a deadline of its own, except PENDING and STREAMING,
 * which are the handler's time. While a request is pending
 * or its answer is being sent, nothing more is parsed: what comes is kept in the backlog, and reading stops as soon
 * as there is some, so a client that sends requests ahead costs one read's worth of memory. With an empty backlog
 * reading goes on, which is how a client that leaves is noticed. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/http_answer.h"
#include "net/http_forwarded.h"
#include "net/http_internal.h"

enum {
	BACKLOG_MAX_BYTES = 1024 * 1024, /* never reached: reading stops at the first byte */
	REFUSAL_BYTES = 1024,
};

enum http_step {
	BYTES_CAME,
	HEAD_CAME,
	WHOLE_CAME,
	STREAM_BEGUN,
	ANSWERED,
	ANSWERED_LAST, /* no next request is wanted, or none will come */
	DRAINED,
	LEAVE,
	HTTP_STEPS,
};

static const enum http_phase next_phase[HTTP_PHASES][HTTP_STEPS] = {
	[HTTP_IDLE] = { [BYTES_CAME] = HTTP_HEADER, [LEAVE] = HTTP_GONE },
	[HTTP_HEADER] = { [HEAD_CAME] = HTTP_BODY,
	    [ANSWERED_LAST] = HTTP_LAST,
	    [LEAVE] = HTTP_GONE },
	[HTTP_BODY] = { [WHOLE_CAME] = HTTP_PENDING,
	    [ANSWERED] = HTTP_SENDING,
	    [ANSWERED_LAST] = HTTP_LAST,
	    [LEAVE] = HTTP_GONE },
	[HTTP_PENDING] = { [STREAM_BEGUN] = HTTP_STREAMING,
	    [ANSWERED] = HTTP_SENDING,
	    [ANSWERED_LAST] = HTTP_LAST,
	    [LEAVE] = HTTP_GONE },
	[HTTP_STREAMING] = { [ANSWERED] = HTTP_SENDING,
	    [ANSWERED_LAST] = HTTP_LAST,
	    [LEAVE] = HTTP_GONE },
	[HTTP_SENDING] = { [DRAINED] = HTTP_IDLE,
	    [ANSWERED_LAST] = HTTP_LAST,
	    [LEAVE] = HTTP_GONE },
	[HTTP_LAST] = { [LEAVE] = HTTP_GONE },
};

static unsigned phase_limit_ms(const struct http_config *cfg, enum http_phase phase)
{
	switch (phase) {
	case HTTP_IDLE:
		return cfg->idle_timeout_ms;
	case HTTP_HEADER:
		return cfg->header_timeout_ms;
	case HTTP_BODY:
	case HTTP_SENDING:
	case HTTP_LAST:
		return cfg->body_timeout_ms;
	case HTTP_NONE:
	case HTTP_PENDING:
	case HTTP_STREAMING:
	case HTTP_GONE:
	case HTTP_PHASES:
		break;
	}
	return 0;
}

/* The only writer of x->phase after the start. */
static void step(struct http_exchange *x, enum http_step s)
{
	x->phase = next_phase[x->phase][s];
	assert(x->phase != HTTP_NONE);
	if (x->phase != HTTP_GONE)
		conn_set_deadline(x->conn, phase_limit_ms(&x->server->cfg, x->phase));
}

static bool is_receiving(const struct http_exchange *x)
{
	return x->phase == HTTP_IDLE || x->phase == HTTP_HEADER || x->phase == HTTP_BODY;
}

static void forget_request(struct http_exchange *x)
{
	http_parse_reset(x->parse);
	buffer_done(&x->body);
	free(x->path);
	x->path = NULL;
	free(x->headers);
	x->headers = NULL;
	x->query = "";
	x->data = NULL;
	x->peer[0] = '\0';
}

void http_exchange_leave(struct http_exchange *x)
{
	if (x->phase != HTTP_GONE)
		step(x, LEAVE);
	if (x->in != NULL) /* feed() is below us on the stack and frees it */
		return;
	forget_request(x);
	http_parse_free(&x->parse);
	buffer_done(&x->backlog);
	free(x);
}

/* Ends the connection in order: what was written arrives. */
static void finish(struct http_exchange *x)
{
	conn_finish(x->conn, x->server->cfg.linger_timeout_ms);
	http_exchange_leave(x);
}

void http_exchange_drop(struct http_exchange *x)
{
	struct conn *c = x->conn;

	http_exchange_leave(x);
	conn_drop(c);
}

/* The client has gone, or is as good as gone: whoever has its request hears it. */
static void lose(struct http_exchange *x)
{
	const struct http_events *events = x->server->events;

	if (x->phase == HTTP_PENDING && events->on_abort != NULL)
		events->on_abort(x->server->arg, x);
	else if (x->phase == HTTP_STREAMING)
		http_stream_lost(x->stream);
	http_exchange_drop(x);
}

static void refuse(struct http_exchange *x, unsigned status, const char *why)
{
	const struct http_events *events = x->server->events;
	struct http_answer a = { .status = status, .body = why, .body_bytes = strlen(why) };
	char json[REFUSAL_BYTES];

	if (status == 413 && events->word_too_large != NULL &&
	    events->word_too_large(
		x->server->arg, http_parse_target(x->parse), why, json, sizeof json)) {
		a.content_type = "application/json";
		a.body = json;
		a.body_bytes = strlen(json);
	}
	metric_add(METRIC_http_errors_total, 1);
	http_answer_write(x->conn, &a, (struct http_answer_style){ .keep_alive = false });
	finish(x);
}

static int hex_pair(const char *at)
{
	char pair[3] = { at[0], at[0] == '\0' ? '\0' : at[1], '\0' };

	return strspn(pair, "0123456789abcdefABCDEF") == 2 ? (int)strtol(pair, NULL, 16) : -1;
}

/* Decodes %XX up to the end or the query; *query_out is what follows '?'. */
static int decode_path(const char *from, char *to, const char **query_out, struct error *err)
{
	for (; *from != '\0' && *from != '?'; from++) {
		int c = (unsigned char)*from;

		if (c == '%') {
			c = hex_pair(from + 1);
			if (c <= 0)
				return error_set(err, ERROR_INVALID,
				    "'%.3s' in the path is not a character", from);
			from += 2;
		}
		*to++ = (char)c;
	}
	*to = '\0';
	*query_out = *from == '?' ? from + 1 : "";
	return 0;
}

static int split_target(struct http_exchange *x, struct error *err)
{
	const char *target = http_parse_target(x->parse);
	const char *scheme = strstr(target, "://");

	if (target[0] != '/' &&
	    scheme != NULL) { /* absolute form: the host in it is not looked at */
		target = scheme + 3;
		target += strcspn(target, "/?");
	}
	x->path = malloc(strlen(target) + 2);
	if (x->path == NULL)
		return error_set(err, ERROR_SYSTEM, "no memory for the path");
	if (decode_path(target, x->path, &x->query, err) != 0)
		return -1;
	if (x->path[0] == '\0')
		memcpy(x->path, "/", 2);
	return 0;
}

/* Goes back through the proxies that are trusted. The first header it cannot read ends the search without a result. */
static void find_client(struct http_exchange *x)
{
	static const char name[] = "x-forwarded-for";
	const struct address_list *trusted = &x->server->cfg.trusted_proxies;
	enum http_forwarded what = HTTP_FORWARDED_PROXIES;
	struct address_ip ip;
	unsigned n = 0;

	if (!address_list_has(trusted, conn_peer_ip(x->conn)))
		return;
	while (http_parse_header(x->parse, name, n) != NULL)
		n++;
	if (n == 0)
		return;
	while (n > 0 && what == HTTP_FORWARDED_PROXIES)
		what = http_forwarded_read(http_parse_header(x->parse, name, --n), trusted, &ip);
	if (what != HTTP_FORWARDED_MALFORMED)
		address_ip_format(&ip, x->peer, sizeof x->peer);
}

static void take_head(struct http_exchange *x)
{
	const struct http_events *events = x->server->events;
	struct error err = ERROR_INIT;
	char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uv_buf_t part = uv_buf_init(go_on, sizeof go_on - 1);

	step(x, HEAD_CAME);
	if (split_target(x, &err) != 0) {
		refuse(x, 400, err.text);
		return;
	}
	find_client(x);
	if (events->on_header != NULL) {
		x->in_on_header = true;
		events->on_header(x->server->arg, x);
		x->in_on_header = false;
	}
	if (x->phase == HTTP_BODY && http_parse_wants_continue(x->parse))
		conn_write(x->conn, &part, 1);
}

static void take_body(struct http_exchange *x, const struct http_bytes *piece)
{
	if (buffer_append(&x->body, piece->bytes, piece->n) != 0)
		refuse(x, 503, "no memory for the body");
}

static void take_end(struct http_exchange *x)
{
	step(x, WHOLE_CAME);
	metric_add(METRIC_http_requests_total, 1);
	x->server->events->on_request(x->server->arg, x);
}

/* Takes one thing from the input; false: nothing more to take for now. */
static bool take_next(struct http_exchange *x, struct http_bytes *in)
{
	struct error err = ERROR_INIT;
	struct http_bytes piece;

	if (x->phase == HTTP_IDLE) {
		if (in->n == 0)
			return false;
		step(x, BYTES_CAME);
	}
	switch (http_parse_next(x->parse, in, &piece, &err)) {
	case HTTP_PARSE_MORE:
		return false;
	case HTTP_PARSE_HEAD:
		take_head(x);
		break;
	case HTTP_PARSE_BODY:
		take_body(x, &piece);
		break;
	case HTTP_PARSE_END:
		take_end(x);
		break;
	case HTTP_PARSE_REFUSED:
		refuse(x, http_parse_status(x->parse), err.text);
		break;
	}
	return true;
}

/* Returns false when x is gone. */
static bool feed(struct http_exchange *x, struct http_bytes *in)
{
	x->in = in;
	while (is_receiving(x) && take_next(x, in))
		;
	x->in = NULL;
	if (x->phase != HTTP_GONE)
		return true;
	http_exchange_leave(x);
	return false;
}

static void take_backlog(struct http_exchange *x)
{
	struct http_bytes in = { buffer_head(&x->backlog), x->backlog.len };

	if (!feed(x, &in))
		return;
	buffer_consume(&x->backlog, x->backlog.len - in.n);
	if (x->backlog.len == 0)
		conn_read_start(x->conn);
}

/* The backlog's turn has come, or the end of an answer in pieces that the client does not take. */
static void on_kick(void *arg)
{
	struct http_exchange *x = arg;

	if (is_receiving(x)) {
		take_backlog(x);
	} else if (x->stream != NULL && http_stream_is_over(x->stream)) {
		log_info("connection %s: more than send_buffer_bytes %u of the answer wait, "
			 "dropping it",
		    conn_peer(x->conn), x->server->cfg.send_buffer_bytes);
		lose(x);
	}
}

static void on_drained(void *arg)
{
	struct http_exchange *x = arg;

	if (x->phase == HTTP_LAST) {
		finish(x);
	} else if (x->phase == HTTP_SENDING) {
		step(x, DRAINED);
		if (x->backlog.len > 0)
			conn_kick(x->conn);
	}
}

static void on_end(void *arg, int status)
{
	struct http_exchange *x = arg;
	struct conn *c = x->conn;

	/* one that shut its side after the request still wants the answer */
	if (x->phase == HTTP_SENDING && status == UV_EOF)
		step(x, ANSWERED_LAST);
	if (x->phase == HTTP_LAST && status == UV_EOF)
		return;
	if (conn_stalled_ms(c) > 0)
		log_info("connection %s: nothing of the answer was taken for send_timeout_ms %u, "
			 "dropping it",
		    conn_peer(c), conn_stalled_ms(c));
	lose(x);
}

static void on_read(void *arg, const uint8_t *bytes, size_t n)
{
	struct http_exchange *x = arg;
	struct http_bytes in = { bytes, n };

	if (is_receiving(x) && x->backlog.len == 0 && !feed(x, &in))
		return;
	if (in.n == 0)
		return;
	conn_read_stop(x->conn);
	if (buffer_append(&x->backlog, in.bytes, in.n) != 0)
		on_end(x, UV_ENOMEM);
}

static void refuse_late(struct http_exchange *x, const char *what, const char *setting, unsigned ms)
{
	char text[96];

	(void)snprintf(
	    text, sizeof text, "the request's %s did not arrive within %s %u", what, setting, ms);
	refuse(x, 408, text);
}

static void on_deadline(void *arg)
{
	struct http_exchange *x = arg;
	const struct http_config *cfg = &x->server->cfg;

	if (x->phase == HTTP_HEADER && http_parse_has_begun(x->parse)) {
		refuse_late(x, "header", "header_timeout_ms", cfg->header_timeout_ms);
	} else if (x->phase == HTTP_BODY) {
		refuse_late(x, "body", "body_timeout_ms", cfg->body_timeout_ms);
	} else if (x->phase == HTTP_SENDING || x->phase == HTTP_LAST) {
		http_exchange_drop(x);
	} else {
		finish(x);
	}
}

static const struct conn_events conn_events = {
	.on_read = on_read,
	.on_end = on_end,
	.on_deadline = on_deadline,
	.on_kick = on_kick,
	.on_drained = on_drained,
};

void http_exchange_start(struct http_listener *l, struct conn *c)
{
	struct http_server *s = l->server;
	struct http_exchange *x = xcalloc(1, sizeof *x);

	x->server = s;
	x->listener = l;
	x->conn = c;
	x->phase = HTTP_HEADER;
	x->query = "";
	x->parse = http_parse_new(s->cfg.max_header_bytes, s->cfg.max_body_bytes);
	buffer_init(&x->body, s->cfg.max_body_bytes);
	buffer_init(&x->backlog, BACKLOG_MAX_BYTES);
	conn_set_owner(c, &conn_events, x);
	conn_set_send_timeout(c, s->cfg.send_timeout_ms);
	conn_set_deadline(c, s->cfg.header_timeout_ms);
	conn_read_start(c);
}

void http_exchange_stream(struct http_exchange *x, struct http_stream *s)
{
	step(x, STREAM_BEGUN);
	forget_request(x);
	x->stream = s;
}

void http_exchange_answered(struct http_exchange *x, bool keep)
{
	bool drained = conn_unsent_bytes(x->conn) == 0;

	if (!keep && drained) {
		finish(x);
		return;
	}
	step(x, keep ? ANSWERED : ANSWERED_LAST);
	forget_request(x);
	if (!drained)
		return;
	step(x, DRAINED);
	if (x->in == NULL && x->backlog.len > 0)
		conn_kick(x->conn);
}

struct conn *http_exchange_detach(struct http_exchange *x, struct http_bytes *rest)
{
	rest->bytes = x->in != NULL ? x->in->bytes : buffer_head(&x->backlog);
	rest->n = x->in != NULL ? x->in->n : x->backlog.len;
	return x->conn;
}
