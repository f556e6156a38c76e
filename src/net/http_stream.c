/* An answer that is sent piece by piece: each piece is a chunk, or plain bytes up to the connection's end for a client of
 * HTTP/1.0. The exchange stays in HTTP_STREAMING meanwhile, without a deadline of its own: the connection's send timeout is
 * what ends a client that takes nothing. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metric.h"
#include "base/util.h"
#include "net/http_answer.h"
#include "net/http_internal.h"

enum { CHUNK_HEAD_BYTES = 24, CHUNK_EXTRA_BYTES = 32 };

struct http_stream {
	struct http_exchange *exchange;          /* borrowed; it knows us until the end */
	const struct http_stream_events *events; /* borrowed */
	void *arg;                               /* borrowed */
	bool chunked, keep_alive, no_body;
	bool over; /* over send_buffer_bytes: to be dropped from the loop */
};

static bool is_over(const struct http_stream *s)
{
	return s->over;
}

static void lose(struct http_stream *s)
{
	const struct http_stream_events *events = s->events;
	void *arg = s->arg;

	s->exchange->stream = NULL;
	free(s);
	events->on_close(arg);
}

static const struct http_stream_ops ops = { .is_over = is_over, .lose = lose };

struct http_stream *http_respond_stream(struct http_exchange *x, const struct http_answer *head,
    const struct http_stream_events *events, void *arg)
{
	struct http_stream *s = xcalloc(1, sizeof *s);
	struct http_answer_style style = { .length = HTTP_LENGTH_UNTIL_END };

	assert(x->phase == HTTP_PENDING);
	s->exchange = x;
	s->events = events;
	s->arg = arg;
	s->chunked = http_parse_is_1_1(x->parse);
	s->no_body = http_answer_is_bodiless(head->status) ||
	    strcmp(http_parse_method(x->parse), "HEAD") == 0;
	s->keep_alive = s->chunked && http_parse_keeps_alive(x->parse) && !x->server->stopped;
	style.keep_alive = s->keep_alive;
	style.no_body = true;
	style.headers = x->headers;
	if (s->chunked)
		style.length = HTTP_LENGTH_CHUNKED;
	if (head->status >= 400)
		metric_add(METRIC_http_errors_total, 1);
	http_answer_write(x->conn, head, style);
	http_exchange_stream(x, s, &ops);
	return s;
}

static void write_piece(struct http_stream *s, const void *bytes, size_t n)
{
	char head[CHUNK_HEAD_BYTES] = "";
	size_t head_n = 0;

	if (s->chunked)
		head_n = (size_t)snprintf(head, sizeof head, "%zx\r\n", n);
	conn_write(s->exchange->conn,
	    (const uv_buf_t[]){
		{ .base = head, .len = head_n },
		{ .base = (char *)(uintptr_t)bytes, .len = n },
		{ .base = (char[]){ "\r\n" }, .len = s->chunked ? 2 : 0 },
	    },
	    3);
}

int http_stream_send(struct http_stream *s, const void *bytes, size_t n)
{
	const size_t max = s->exchange->server->cfg.send_buffer_bytes;
	size_t unsent = conn_unsent_bytes(s->exchange->conn) + CHUNK_EXTRA_BYTES;

	if (s->over)
		return -1;
	if (s->no_body || n == 0) /* an empty chunk would be the end */
		return 0;
	if (n > max || unsent > max - n) {
		s->over = true;
		conn_kick(s->exchange->conn);
		return -1;
	}
	write_piece(s, bytes, n);
	return 0;
}

void http_stream_end(struct http_stream *s)
{
	char last[] = "0\r\n\r\n";
	uv_buf_t part = uv_buf_init(last, sizeof last - 1);
	struct http_exchange *x = s->exchange;
	bool over = s->over, keep = s->keep_alive && !x->server->stopped;

	if (s->chunked && !s->no_body && !over)
		conn_write(x->conn, &part, 1);
	x->stream = NULL;
	free(s);
	if (over)
		http_exchange_drop(x);
	else
		http_exchange_answered(x, keep);
}
