/* One connection while it speaks HTTP. Its request goes round
 *
 *   HEADER -> BODY -> PENDING -> SENDING -> IDLE -> HEADER ...    or    PENDING -> LAST
 *
 * with STREAMING behind PENDING for an answer in pieces. IDLE, HEADER and BODY have a deadline of their own; PENDING and
 * STREAMING are the handler's time, and SENDING and LAST last as long as the client takes anything. While a request is pending
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
	RETRY_AFTER_S = 2,
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
		return cfg->body_timeout_ms;
	case HTTP_NONE:
	case HTTP_PENDING:
	case HTTP_SENDING: /* send_timeout_ms is the connection's */
	case HTTP_LAST:
	case HTTP_STREAMING:
	case HTTP_GONE:
	case HTTP_PHASES:
		break;
	}
	return 0;
}

void http_exchange_set_deadline(struct http_exchange *x)
{
	x->mark_bytes = conn_received_bytes(x->conn);
	conn_set_deadline(x->conn, phase_limit_ms(&x->server->cfg, x->phase));
}

static enum conn_worth phase_worth(enum http_phase phase)
{
	if (phase == HTTP_HEADER || phase == HTTP_BODY)
		return CONN_WORTH_HALF;
	return phase == HTTP_IDLE ? CONN_WORTH_IDLE : CONN_WORTH_WORK;
}

/* The only writer of x->phase after the start. */
static void step(struct http_exchange *x, enum http_step s)
{
	x->phase = next_phase[x->phase][s];
	assert(x->phase != HTTP_NONE);
	if (x->phase == HTTP_GONE)
		return;
	http_exchange_set_deadline(x);
	conn_set_worth(x->conn, phase_worth(x->phase));
}

static bool is_receiving(const struct http_exchange *x)
{
	return !x->paused &&
	    (x->phase == HTTP_IDLE || x->phase == HTTP_HEADER || x->phase == HTTP_BODY);
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
	x->receiver = NULL;
	x->paused = false;
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
	free(x->too_many);
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

/* Whoever takes the body as it comes is told that there will be no more, and that nobody waits for an answer. */
static void end_receiver(struct http_exchange *x, const char *why)
{
	const struct http_body_events *receiver = x->receiver;

	x->receiver = NULL;
	if (receiver != NULL)
		receiver->on_lost(x->receiver_arg, why);
}

/* The client has gone, or is as good as gone: whoever has its request hears it. */
static void lose(struct http_exchange *x)
{
	const struct http_events *events = x->server->events;

	if (x->receiver != NULL)
		end_receiver(x, "the client left before the answer");
	else if (x->phase == HTTP_PENDING && events->on_abort != NULL)
		events->on_abort(x->server->arg, x);
	else if (x->phase == HTTP_STREAMING)
		x->stream_ops->lose(x->stream);
	http_exchange_drop(x);
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
			if (c <= 0) {
				*to = '\0';
				return error_set(err, ERROR_INVALID,
				    "'%.3s' in the path is not a character", from);
			}
			from += 2;
		}
		*to++ = (char)c;
	}
	*to = '\0';
	*query_out = *from == '?' ? from + 1 : "";
	return 0;
}

/* "//v1///listen/" is "/v1/listen". */
static void tidy_slashes(char *path)
{
	char *to = path;

	for (const char *from = path; *from != '\0'; from++)
		if (*from != '/' || to == path || to[-1] != '/')
			*to++ = *from;
	while (to > path && to[-1] == '/')
		to--;
	*to = '\0';
	if (to == path)
		memcpy(path, "/", 2);
}

/* x->query borrows from `target`. */
static int split_target(struct http_exchange *x, const char *target, struct error *err)
{
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
	tidy_slashes(x->path);
	return 0;
}

/* For the words of a refusal: the path of a request whose header is not whole, or malformed. */
static void guess_path(struct http_exchange *x)
{
	char *target = http_parse_peek_target(x->parse);
	struct error err;

	if (target != NULL)
		(void)split_target(x, target, &err);
	x->query = "";
	free(target);
}

static void refuse(struct http_exchange *x, unsigned status, const char *why)
{
	const struct http_events *events = x->server->events;
	struct http_answer a = { .status = status, .body = why, .body_bytes = strlen(why) };
	char json[REFUSAL_BYTES], retry[48];

	if (status == 503) {
		(void)snprintf(retry, sizeof retry, "Retry-After: %d\r\n", RETRY_AFTER_S);
		a.headers = retry;
	}
	if (x->path == NULL)
		guess_path(x);
	if (events->word_refusal != NULL &&
	    events->word_refusal(x->server->arg, x, status, why, json, sizeof json)) {
		a.content_type = "application/json";
		a.body = json;
		a.body_bytes = strlen(json);
	}
	metric_add(METRIC_http_errors_total, 1);
	http_answer_write(x->conn, &a, (struct http_answer_style){ .headers = x->headers });
	end_receiver(x, why);
	finish(x);
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
	if (split_target(x, http_parse_target(x->parse), &err) != 0) {
		refuse(x, 400, err.text);
		return;
	}
	find_client(x);
	if (x->too_many != NULL &&
	    (events->is_vital == NULL || !events->is_vital(x->server->arg, x))) {
		refuse(x, 503, x->too_many);
		return;
	}
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
	conn_set_worth(x->conn, CONN_WORTH_HALF); /* it goes on */
	if (x->receiver != NULL)
		x->receiver->on_bytes(x->receiver_arg, piece->bytes, piece->n);
	else if (buffer_append(&x->body, piece->bytes, piece->n) != 0)
		refuse(x, 503, "no memory for the body");
}

static void take_end(struct http_exchange *x)
{
	step(x, WHOLE_CAME);
	metric_add(METRIC_http_requests_total, 1);
	if (x->receiver != NULL)
		x->receiver->on_whole(x->receiver_arg);
	else
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
	if (x->backlog.len == 0 && !x->paused)
		conn_read_start(x->conn);
}

/* The backlog's turn has come, or the end of an answer in pieces that the client does not take. */
static void on_kick(void *arg)
{
	struct http_exchange *x = arg;

	if (is_receiving(x)) {
		take_backlog(x);
	} else if (x->stream != NULL && x->stream_ops->is_over(x->stream)) {
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

/* Others need the place. Who was in the middle of something is told. */
static void give_way(struct http_exchange *x)
{
	if (x->phase == HTTP_BODY || (x->phase == HTTP_HEADER && http_parse_has_begun(x->parse)))
		refuse(x, 503,
		    "all connections are taken (max_connections), and of those that "
		    "wait for the rest of a request the oldest was given up");
	else
		finish(x);
}

static void on_end(void *arg, int status)
{
	struct http_exchange *x = arg;
	struct conn *c = x->conn;

	if (status == UV_EBUSY) {
		give_way(x);
		return;
	}
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
	char text[160];

	(void)snprintf(text, sizeof text,
	    "the request's %s did not arrive within %s %u, nor progress_bytes %u of it", what,
	    setting, ms, x->server->cfg.progress_bytes);
	refuse(x, 408, text);
}

/* A slow client that goes on, and a handshake of TLS that does. */
static bool has_progressed(const struct http_exchange *x)
{
	return (x->phase == HTTP_HEADER || x->phase == HTTP_BODY) &&
	    conn_received_bytes(x->conn) - x->mark_bytes >= x->server->cfg.progress_bytes;
}

static void on_deadline(void *arg)
{
	struct http_exchange *x = arg;
	const struct http_config *cfg = &x->server->cfg;

	if (has_progressed(x)) {
		http_exchange_set_deadline(x);
	} else if (x->phase == HTTP_HEADER && http_parse_has_begun(x->parse)) {
		refuse_late(x, "header", "header_timeout_ms", cfg->header_timeout_ms);
	} else if (x->phase == HTTP_BODY) {
		refuse_late(x, "body", "body_timeout_ms", cfg->body_timeout_ms);
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

void http_exchange_start(struct http_listener *l, struct conn *c, const char *too_many)
{
	struct http_server *s = l->server;
	struct http_exchange *x = xcalloc(1, sizeof *x);

	x->server = s;
	x->listener = l;
	x->conn = c;
	x->phase = HTTP_HEADER;
	x->query = "";
	x->too_many = too_many == NULL ? NULL : xstrdup(too_many);
	x->parse = http_parse_new(s->cfg.max_header_bytes,
	    &(struct http_body_limit){ s->cfg.max_body_bytes, "max_body_bytes" });
	buffer_init(&x->body, s->cfg.max_body_bytes);
	buffer_init(&x->backlog, BACKLOG_MAX_BYTES);
	conn_set_owner(c, &conn_events, x);
	conn_set_send_timeout(c, s->cfg.send_timeout_ms);
	http_exchange_set_deadline(x);
	conn_set_worth(c, CONN_WORTH_HALF);
	conn_read_start(c);
}

void http_exchange_stream(
    struct http_exchange *x, struct http_stream *s, const struct http_stream_ops *ops)
{
	step(x, STREAM_BEGUN);
	forget_request(x);
	x->stream = s;
	x->stream_ops = ops;
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
