#include "net/net_test_util.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/metric.h"
#include "base/util.h"

enum { GUARD_MS = 20000, BIG_BYTES = 8 * 1000 * 1000 };

/* No time runs out before the guard's, unless a test says so. */
const struct http_config net_test_config = {
	.max_connections = 100,
	.header_timeout_ms = 60000,
	.body_timeout_ms = 60000,
	.progress_bytes = 1000,
	.idle_timeout_ms = 60000,
	.linger_timeout_ms = 60000,
	.max_header_bytes = 8192,
	.max_body_bytes = 100000,
	.max_message_bytes = 200000,
	.send_timeout_ms = 60000,
	.send_buffer_bytes = 1000000,
};

static void on_ws_message(void *arg, struct ws *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	struct net_test *t = arg;

	t->messages++;
	t->last_n = n;
	if (t->free_on_message)
		net_test_free_server(t);
	if (t->pause_on_message)
		ws_pause(ws);
	if (t->taker != NULL)
		assert_int_equal(ws_take_message(ws, t->taker), 0);
	if (t->mute || t->free_on_message)
		return;
	if (kind == WS_TEXT && n == 7 && memcmp(bytes, "goodbye", 7) == 0)
		ws_close(ws, 4321, "as you wish");
	else if (kind == WS_TEXT)
		(void)ws_send_text(ws, bytes, n);
	else
		(void)ws_send_binary(ws, bytes, n);
}

static void on_ws_close(void *arg, struct ws *ws, unsigned code, const char *why)
{
	struct net_test *t = arg;

	if (t->ws == ws)
		t->ws = NULL;
	t->closed++;
	t->close_code = code;
	(void)snprintf(t->why, sizeof t->why, "%s", why);
}

static const struct ws_events ws_events = { .on_message = on_ws_message, .on_close = on_ws_close };

static void on_tcp_bytes(void *arg, struct tcp *tcp, const uint8_t *bytes, size_t n)
{
	struct net_test *t = arg;

	assert_int_equal(buffer_append(&t->tcp_got, bytes, n), 0);
	if (t->pause_on_bytes)
		tcp_pause(tcp);
	if (t->free_on_message)
		net_test_free_server(t);
	else if (!t->mute)
		(void)tcp_send(tcp, bytes, n);
}

static void on_tcp_end(void *arg, struct tcp *tcp)
{
	struct net_test *t = arg;

	t->tcp_ends++;
	if (t->mute)
		return;
	(void)tcp_send(tcp, "bye", 3);
	tcp_close(tcp);
}

static void on_tcp_close(void *arg, struct tcp *tcp, const char *why)
{
	struct net_test *t = arg;

	if (t->tcp == tcp)
		t->tcp = NULL;
	t->tcp_closed++;
	(void)snprintf(t->why, sizeof t->why, "%s", why);
}

static const struct tcp_events tcp_events = {
	.on_bytes = on_tcp_bytes,
	.on_end = on_tcp_end,
	.on_close = on_tcp_close,
};

static void on_tcp(void *arg, struct tcp *tcp, void *listener_data)
{
	struct net_test *t = arg;

	t->tcp_opened++;
	t->tcp_data = listener_data;
	if (t->tcp_refuse) {
		tcp_drop(tcp);
		return;
	}
	t->tcp = tcp;
	tcp_start(tcp, &tcp_events, t);
	if (t->pause_at_once)
		tcp_pause(tcp);
}

static void answer_big(struct http_exchange *x)
{
	struct http_answer a = { .status = 200, .body_bytes = BIG_BYTES };
	char *body = malloc(BIG_BYTES);

	assert_non_null(body);
	memset(body, 'b', BIG_BYTES);
	a.body = body;
	http_respond(x, &a);
	free(body);
}

static void on_stream_close(void *arg)
{
	struct net_test *t = arg;

	t->stream = NULL;
	t->stream_closed++;
}

static const struct http_stream_events stream_events = { .on_close = on_stream_close };

static void answer_stream(struct net_test *t, struct http_exchange *x)
{
	const struct http_answer head = { .status = 200,
		.content_type = "text/event-stream",
		.headers = "Cache-Control: no-store\r\n",
		.body = "ignored",
		.body_bytes = 7 };

	t->stream = http_respond_stream(x, &head, &stream_events, t);
	if (t->end_at_once) {
		(void)http_stream_send(t->stream, "now", 3);
		http_stream_end(t->stream);
		t->stream = NULL;
	}
}

static void answer_websocket(struct net_test *t, struct http_exchange *x)
{
	struct error err = ERROR_INIT;
	struct http_answer a = { .status = 400, .body = err.text };
	enum http_upgrade_wish wish = http_wants_websocket(x, &err);

	if (wish == HTTP_UPGRADE) {
		t->opened++;
		t->ws =
		    http_upgrade(x, http_header(x, "sec-websocket-protocol"), NULL, &ws_events, t);
		if (t->pause_at_once)
			ws_pause(t->ws);
		return;
	}
	if (wish == HTTP_NO_UPGRADE)
		(void)error_set(&err, ERROR_INVALID, "no wish");
	a.body_bytes = strlen(err.text);
	http_respond(x, &a);
}

static void answer_echo(struct http_exchange *x)
{
	size_t n, body_n;
	const void *body = http_body(x, &body_n);
	size_t room = strlen(http_path(x)) + strlen(http_query(x)) + body_n + 64;
	char *text = malloc(room);
	struct http_answer a = { .status = 200, .body = text };

	assert_non_null(text);
	n = (size_t)snprintf(text, room, "%s %s %s ", http_method(x), http_path(x), http_query(x));
	memcpy(text + n, body, body_n);
	a.body_bytes = n + body_n;
	http_respond(x, &a);
	free(text);
}

static void answer_impostor(struct http_exchange *x)
{
	struct http_answer a = {
		.status = 101,
		.headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
			   "guessed\r\n",
	};

	http_respond(x, &a);
}

static void on_header(void *arg, struct http_exchange *x)
{
	struct net_test *t = arg;

	t->headers++;
	if (strncmp(http_path(x), "/more", 5) == 0) {
		http_add_headers(x, "X-One: 1\r\n");
		http_add_headers(x, "X-Two: 2\r\n");
	}
	if (strcmp(http_path(x), "/refuse") == 0)
		http_respond_json(x, 401, "{\"error\":\"key\"}");
	else if (t->at_header != NULL)
		t->at_header(t, x);
}

static bool is_vital(void *arg, const struct http_exchange *x)
{
	(void)arg;
	return strcmp(http_path(x), "/health") == 0;
}

static bool word_refusal(void *arg, struct http_exchange *x, unsigned status, const char *why,
    char *json, size_t json_cap)
{
	(void)arg;
	if (strcmp(http_path(x), "/words") != 0)
		return false;
	http_add_headers(x, "X-Worded: 1\r\n");
	(void)snprintf(json, json_cap, "{\"status\":%u,\"why\":\"%s\"}", status, why);
	return true;
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct net_test *t = arg;

	t->requests++;
	if (strcmp(http_path(x), "/later") == 0)
		t->pending = x;
	else if (strcmp(http_path(x), "/big") == 0)
		answer_big(x);
	else if (strcmp(http_path(x), "/stream") == 0)
		answer_stream(t, x);
	else if (strcmp(http_path(x), "/ws") == 0)
		answer_websocket(t, x);
	else if (strcmp(http_path(x), "/impostor") == 0)
		answer_impostor(x);
	else
		answer_echo(x);
}

static void on_abort(void *arg, struct http_exchange *x)
{
	struct net_test *t = arg;

	assert_ptr_equal(t->pending, x);
	t->pending = NULL;
	t->aborts++;
}

static const struct http_events http_events = {
	.word_refusal = word_refusal,
	.is_vital = is_vital,
	.on_header = on_header,
	.on_request = on_request,
	.on_abort = on_abort,
	.on_tcp = on_tcp,
};

unsigned net_test_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void on_guard(uv_timer_t *guard)
{
	(void)guard;
	fail_msg("waited in vain");
}

void net_test_start(struct net_test *t, const struct http_config *cfg)
{
	const struct http_listener_config listener = { .address = "127.0.0.1:0" };

	memset(t, 0, sizeof *t);
	buffer_init(&t->tcp_got, 64 * 1024 * 1024);
	assert_int_equal(uv_loop_init(&t->loop), 0); /* the first one opens a pipe for good */
	assert_int_equal(uv_loop_close(&t->loop), 0);
	t->descriptors = net_test_descriptors();
	t->cfg = cfg != NULL ? *cfg : net_test_config;
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(uv_timer_init(&t->loop, &t->guard), 0);
	uv_unref((uv_handle_t *)&t->guard);
	t->server = http_server_new(&t->loop, &t->cfg, &http_events, t);
	(void)net_test_listen(t, &listener);
}

unsigned net_test_listen(struct net_test *t, const struct http_listener_config *cfg)
{
	struct error err = ERROR_INIT;
	unsigned n = 0;

	assert_int_equal(http_server_listen(t->server, cfg, &err), 0);
	while (http_server_address(t->server, n) != NULL)
		n++;
	return n - 1;
}

static void on_freed(void *arg)
{
	struct net_test *t = arg;

	t->freed = true;
}

void net_test_free_server(struct net_test *t)
{
	if (t->server != NULL)
		http_server_free(&t->server, on_freed, t);
}

void net_test_stop(struct net_test *t)
{
	net_test_free_server(t);
	uv_close((uv_handle_t *)&t->guard, NULL);
	assert_int_equal(uv_run(&t->loop, UV_RUN_DEFAULT), 0);
	assert_true(t->freed);
	assert_int_equal(uv_loop_close(&t->loop), 0);
	buffer_done(&t->tcp_got);
	assert_int_equal(net_test_descriptors(), t->descriptors);
}

int net_test_setup(void **state)
{
	*state = calloc(1, sizeof(struct net_test));
	net_test_start(*state, NULL);
	return 0;
}

int net_test_teardown(void **state)
{
	net_test_stop(*state);
	free(*state);
	return 0;
}

void net_test_restart(struct net_test *t, const struct http_config *cfg)
{
	net_test_stop(t);
	net_test_start(t, cfg);
}

void net_test_wait(struct net_test *t, bool (*until)(void *arg), void *arg)
{
	(void)uv_timer_start(&t->guard, on_guard, GUARD_MS, 0);
	while (!until(arg))
		(void)uv_run(&t->loop, UV_RUN_ONCE);
	(void)uv_timer_stop(&t->guard);
}

struct count {
	const unsigned *counter;
	unsigned value;
};

static bool count_reached(void *arg)
{
	const struct count *c = arg;

	return *c->counter >= c->value;
}

void net_test_wait_count(struct net_test *t, const unsigned *counter, unsigned value)
{
	struct count c = { counter, value };

	net_test_wait(t, count_reached, &c);
	assert_int_equal(*counter, value);
}

static bool is_idle(void *arg)
{
	(void)arg;
	return metric_get(METRIC_connections) == 0;
}

void net_test_wait_idle(struct net_test *t)
{
	net_test_wait(t, is_idle, NULL);
}

struct descriptors {
	unsigned wanted;
};

static bool descriptors_are(void *arg)
{
	const struct descriptors *d = arg;

	return net_test_descriptors() == d->wanted;
}

void net_test_wait_descriptors(struct net_test *t, unsigned wanted)
{
	struct descriptors d = { wanted };

	net_test_wait(t, descriptors_are, &d);
}

/* Peers. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct net_peer *p = poll->data;
	uint8_t bytes[65536];
	ssize_t n = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	(void)status;
	(void)events;
	if (n > 0) {
		assert_int_equal(buffer_append(&p->got, bytes, (size_t)n), 0);
		return;
	}
	if (n < 0 && errno == EAGAIN)
		return;
	p->ended = true;
	p->reset = n < 0;
	(void)uv_poll_stop(poll);
}

void net_peer_read(struct net_peer *p)
{
	assert_int_equal(uv_poll_start(&p->poll, UV_READABLE, on_readable), 0);
}

void net_peer_stop_reading(struct net_peer *p)
{
	(void)uv_poll_stop(&p->poll);
}

void net_peer_open(struct net_peer *p, struct net_test *t)
{
	net_peer_open_at(p, t, 0);
}

void net_peer_open_at(struct net_peer *p, struct net_test *t, unsigned listener)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	const char *address = http_server_address(t->server, listener);

	memset(p, 0, sizeof *p);
	p->test = t;
	buffer_init(&p->got, 64 * 1024 * 1024);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(connect(p->fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(fcntl(p->fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(uv_poll_init(&t->loop, &p->poll, p->fd), 0);
	p->poll.data = p;
	net_peer_read(p);
}

ssize_t net_peer_try_send(struct net_peer *p, const void *bytes, size_t n)
{
	return send(p->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Runs the loop when the socket is full, since the reader is in it. */
void net_peer_send(struct net_peer *p, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	while (n > 0) {
		ssize_t sent = net_peer_try_send(p, at, n);

		if (sent < 0 && errno != EAGAIN)
			return; /* the server has closed: the test sees it by what came */
		if (sent < 0) {
			(void)uv_run(&p->test->loop, UV_RUN_NOWAIT);
			continue;
		}
		at += sent;
		n -= (size_t)sent;
	}
}

void net_peer_say(struct net_peer *p, const char *text)
{
	net_peer_send(p, text, strlen(text));
}

struct amount {
	struct net_peer *peer;
	const char *text;
	size_t n;
};

static bool bytes_came(void *arg)
{
	const struct amount *a = arg;

	return a->peer->got.len >= a->n || a->peer->ended;
}

void net_peer_wait_bytes(struct net_peer *p, size_t n)
{
	struct amount a = { .peer = p, .n = n };

	net_test_wait(p->test, bytes_came, &a);
	assert_true(p->got.len >= n);
}

const char *net_peer_text(struct net_peer *p)
{
	uint8_t *end = buffer_reserve(&p->got, 1);

	*end = '\0';
	return (const char *)buffer_head(&p->got);
}

static bool text_came(void *arg)
{
	const struct amount *a = arg;

	return a->peer->ended ||
	    (a->peer->got.len > 0 && strstr(net_peer_text(a->peer), a->text) != NULL);
}

void net_peer_wait_text(struct net_peer *p, const char *text)
{
	struct amount a = { .peer = p, .text = text };

	net_test_wait(p->test, text_came, &a);
	if (strstr(net_peer_text(p), text) == NULL)
		fail_msg("no '%s' in '%.2000s'", text, net_peer_text(p));
}

static bool has_ended(void *arg)
{
	const struct net_peer *p = arg;

	return p->ended;
}

void net_peer_wait_end(struct net_peer *p)
{
	net_test_wait(p->test, has_ended, p);
}

void net_peer_forget(struct net_peer *p)
{
	buffer_consume(&p->got, p->got.len);
}

void net_peer_shut(struct net_peer *p)
{
	assert_int_equal(shutdown(p->fd, SHUT_WR), 0);
}

static void on_closed(uv_handle_t *handle)
{
	struct net_peer *p = handle->data;

	p->closed = true;
}

static bool is_closed(void *arg)
{
	const struct net_peer *p = arg;

	return p->closed;
}

void net_peer_close(struct net_peer *p)
{
	uv_close((uv_handle_t *)&p->poll, on_closed);
	net_test_wait(p->test, is_closed, p);
	fd_close(&p->fd);
	buffer_done(&p->got);
}

void net_peer_break(struct net_peer *p)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
	net_peer_close(p);
}

/* WebSockets. */
void net_peer_open_ws(struct net_peer *p, struct net_test *t)
{
	net_peer_open(p, t);
	net_peer_say(p,
	    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
	net_peer_wait_text(p, "\r\n\r\n");
	net_peer_forget(p);
}

void net_peer_frame(struct net_peer *p, uint8_t first, const void *bytes, size_t n)
{
	const uint8_t *from = bytes, mask[4] = { 0x12, 0x34, 0x56, 0x78 };
	uint8_t *frame = malloc(n + 14);
	size_t at = 2;

	assert_non_null(frame);
	frame[0] = first;
	frame[1] = (uint8_t)(0x80 | (n < 126 ? n : n < 65536 ? 126 : 127));
	if (n >= 126)
		for (int shift = n < 65536 ? 8 : 56; shift >= 0; shift -= 8)
			frame[at++] = (uint8_t)((uint64_t)n >> shift);
	memcpy(frame + at, mask, sizeof mask);
	at += sizeof mask;
	for (size_t i = 0; i < n; i++)
		frame[at + i] = from[i] ^ mask[i % 4];
	net_peer_send(p, frame, at + n);
	free(frame);
}

uint8_t net_peer_take_frame(struct net_peer *p, void *payload, size_t room, size_t *n_out)
{
	size_t head = 2, n;
	uint8_t first;
	const uint8_t *b;

	net_peer_wait_bytes(p, head);
	b = buffer_head(&p->got);
	first = b[0];
	assert_int_equal(b[1] & 0x80, 0); /* a server does not mask */
	n = b[1];
	head += n == 126 ? 2 : n == 127 ? 8 : 0;
	net_peer_wait_bytes(p, head);
	b = buffer_head(&p->got);
	if (n >= 126) {
		n = 0;
		for (size_t i = 2; i < head; i++)
			n = n << 8 | b[i];
	}
	net_peer_wait_bytes(p, head + n);
	b = buffer_head(&p->got);
	memcpy(payload, b + head, MIN(n, room));
	buffer_consume(&p->got, head + n);
	*n_out = n;
	return first;
}

unsigned net_peer_take_close(struct net_peer *p)
{
	uint8_t payload[125];
	size_t n;

	assert_int_equal(net_peer_take_frame(p, payload, sizeof payload, &n), 0x88);
	return n < 2 ? 1005 : (unsigned)payload[0] << 8 | payload[1];
}
