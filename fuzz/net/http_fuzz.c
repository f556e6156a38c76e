/* A connection from its first byte: requests, answers and WebSockets. The first byte of the input is the size of the
 * pieces in which the rest comes the second time: what the server writes must be the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "fuzz_conn.h"
#include "net/http_internal.h"
#include "net/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_message(void *arg, struct ws *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	(void)arg;
	if (kind == WS_TEXT)
		(void)ws_send_text(ws, bytes, n);
	else
		(void)ws_send_binary(ws, bytes, n);
	if (n == 13)
		ws_close(ws, WS_CLOSE_NORMAL, "thirteen");
}

static void on_close(void *arg, struct ws *ws, unsigned code, const char *why)
{
	unsigned *open = arg;

	(void)ws;
	(void)code;
	(void)why;
	if ((*open)-- == 0)
		abort();
}

static const struct ws_events ws_events = { .on_message = on_message, .on_close = on_close };

/* A body that is taken as it comes: paused and resumed at each piece, answered with its sum. */
struct taken {
	struct http_exchange *x;
	unsigned sum;
};

static void on_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	struct taken *t = arg;

	for (size_t i = 0; i < n; i++)
		t->sum = t->sum * 31 + bytes[i];
	http_receive_pause(t->x);
	http_receive_resume(t->x);
}

static void on_whole(void *arg)
{
	struct taken *t = arg;
	struct http_exchange *x = t->x;

	t->x = NULL;
	http_respond(x,
	    &(struct http_answer){ .status = 200, .body = &t->sum, .body_bytes = sizeof t->sum });
	free(t);
}

static void on_lost(void *arg, const char *why)
{
	if (*why == '\0')
		abort();
	free(arg);
}

static const struct http_body_events body_events = {
	.on_bytes = on_bytes, .on_whole = on_whole, .on_lost = on_lost
};

static void on_header(void *arg, struct http_exchange *x)
{
	const struct http_body_limit limit = { 4096, "limit" };
	struct taken *t;

	(void)arg;
	if (strcmp(http_path(x), "/refuse") == 0)
		http_respond_json(x, 401, "{}");
	if (strcmp(http_path(x), "/take") != 0)
		return;
	t = calloc(1, sizeof *t);
	if (t == NULL)
		abort();
	t->x = x;
	http_receive(x, &limit, &body_events, t);
}

static void on_stream_close(void *arg)
{
	(void)arg;
	abort(); /* it is ended at once */
}

static const struct http_stream_events stream_events = { .on_close = on_stream_close };

/* The body comes back in pieces of five. */
static void answer_in_pieces(struct http_exchange *x)
{
	const struct http_answer head = { .status = 200 };
	struct http_stream *s;
	uint8_t body[512];
	size_t n;
	const void *from = http_body(x, &n);

	memcpy(body, from, n);
	s = http_respond_stream(x, &head, &stream_events, NULL);
	for (size_t at = 0; at < n; at += 5)
		(void)http_stream_send(s, body + at, n - at < 5 ? n - at : 5);
	http_stream_end(s);
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct http_answer a = { .status = 200, .headers = "X-Fuzz: 1\r\n" };
	struct error err = ERROR_INIT;
	unsigned *open = arg;

	if (strlen(http_peer(x)) >= ADDRESS_BYTES)
		abort();
	if (http_wants_websocket(x, &err) == HTTP_UPGRADE) {
		++*open;
		(void)http_upgrade(
		    x, http_header(x, "sec-websocket-protocol"), NULL, &ws_events, arg);
		return;
	}
	if (strcmp(http_path(x), "/stream") == 0) {
		answer_in_pieces(x);
		return;
	}
	a.body = http_body(x, &a.body_bytes);
	http_respond(x, &a);
}

static const struct http_events events = { .on_header = on_header, .on_request = on_request };

static struct conn *run(const uint8_t *bytes, size_t n, size_t piece)
{
	unsigned open = 0;
	struct http_server server = {
		.events = &events,
		.arg = &open,
		.cfg = {
			.max_header_bytes = 1024,
			.max_body_bytes = 512,
			.max_message_bytes = 6000,
			.send_buffer_bytes = 1u << 30,
			.trusted_proxies = { .n = 1, .nets = { { *conn_peer_ip(NULL), 128 } } },
		},
	};
	struct http_listener listener = { .server = &server };
	struct conn *c = fuzz_conn_new();

	http_exchange_start(&listener, c, NULL);
	fuzz_conn_run(c, bytes, n, piece);
	if (open != 0)
		abort(); /* a WebSocket whose owner was not told of its end */
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conn *whole, *pieces;
	const uint8_t *a, *b;
	size_t a_n, b_n;

	if (size < 1)
		return 0;
	whole = run(data + 1, size - 1, size);
	pieces = run(data + 1, size - 1, (size_t)data[0] % 64 + 1);
	a = fuzz_conn_written(whole, &a_n);
	b = fuzz_conn_written(pieces, &b_n);
	if (a_n != b_n || (a_n > 0 && memcmp(a, b, a_n) != 0))
		abort();
	fuzz_conn_free(whole);
	fuzz_conn_free(pieces);
	return 0;
}
