#include "net/ws_client.h"

#include <assert.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"
#include "net/conn.h"
#include "net/websocket_internal.h"
#include "net/ws_answer.h"
#include "net/ws_handshake.h"
#include "net/ws_url.h"

enum { WHY_BYTES = 256, ANSWER_MAX_BYTES = 16 * 1024 };

/* GIVING_UP: ws_client_close came before it was open. OVER: on_close has been called; the memory goes when the last
 * handle is closed. */
enum client_state {
	CLIENT_NONE,
	CLIENT_LOOKUP,
	CLIENT_CONNECT,
	CLIENT_HANDSHAKE,
	CLIENT_OPEN,
	CLIENT_GIVING_UP,
	CLIENT_OVER,
	CLIENT_STATES,
};
enum client_step {
	CLIENT_FOUND,
	CLIENT_CONNECTED,
	CLIENT_LET_IN,
	CLIENT_GIVE_UP,
	CLIENT_ENDED,
	CLIENT_STEPS,
};

static const enum client_state next_state[CLIENT_STATES][CLIENT_STEPS] = {
	[CLIENT_LOOKUP] = { [CLIENT_FOUND] = CLIENT_CONNECT,
	    [CLIENT_GIVE_UP] = CLIENT_GIVING_UP,
	    [CLIENT_ENDED] = CLIENT_OVER },
	[CLIENT_CONNECT] = { [CLIENT_CONNECTED] = CLIENT_HANDSHAKE,
	    [CLIENT_GIVE_UP] = CLIENT_GIVING_UP,
	    [CLIENT_ENDED] = CLIENT_OVER },
	[CLIENT_HANDSHAKE] = { [CLIENT_LET_IN] = CLIENT_OPEN,
	    [CLIENT_GIVE_UP] = CLIENT_GIVING_UP,
	    [CLIENT_ENDED] = CLIENT_OVER },
	[CLIENT_OPEN] = { [CLIENT_ENDED] = CLIENT_OVER },
	[CLIENT_GIVING_UP] = { [CLIENT_ENDED] = CLIENT_OVER },
};

struct ws_client {
	uv_loop_t *loop;                       /* borrowed */
	const struct ws_client_events *events; /* borrowed */
	void *arg;                             /* borrowed */
	enum client_state state;
	struct tls *tls; /* borrowed */
	struct ws_limits limits;
	struct ws_url url; /* its target is not kept */
	char *request;     /* owned */
	char key[WS_HANDSHAKE_KEY_BYTES];

	uv_getaddrinfo_t lookup;
	bool looking_up;
	struct addrinfo *trying; /* in lookup's list */
	struct conn_list conns;
	struct conn *conn;  /* the newest; ours from CONNECT to OPEN */
	struct ws *ws;      /* NULL outside of OPEN */
	struct buffer came; /* of the server's answer to the handshake */
};

static void step(struct ws_client *c, enum client_step s)
{
	c->state = next_state[c->state][s];
	assert(c->state != CLIENT_NONE);
}

static void free_if_closed(struct ws_client *c)
{
	if (c->state != CLIENT_OVER || c->conns.count > 0 || c->looking_up)
		return;
	uv_freeaddrinfo(c->lookup.addrinfo);
	buffer_done(&c->came);
	free(c->request);
	free(c);
}

static void on_conn_gone(void *arg, const struct conn *conn)
{
	(void)conn;
	free_if_closed(arg);
}

static void end(struct ws_client *c, unsigned code, const char *why)
{
	step(c, CLIENT_ENDED);
	c->ws = NULL;
	c->events->on_close(c->arg, c, code, why);
	free_if_closed(c);
}

static void fail(struct ws_client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* It did not come to a WebSocket. */
static void fail(struct ws_client *c, const char *fmt, ...)
{
	char why[WHY_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	if (c->conn != NULL)
		conn_drop(c->conn);
	end(c, WS_CLOSE_ABNORMAL, why);
}

/* The WebSocket's events, passed on. */
static void on_ws_message(void *arg, struct ws *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	struct ws_client *c = arg;

	(void)ws;
	c->events->on_message(c->arg, c, kind, bytes, n);
}

static void on_ws_close(void *arg, struct ws *ws, unsigned code, const char *why)
{
	(void)ws;
	end(arg, code, why);
}

static const struct ws_events ws_events = { .on_message = on_ws_message, .on_close = on_ws_close };

static void open_ws(struct ws_client *c, const struct ws_answer *answer)
{
	char accept[WS_HANDSHAKE_ACCEPT_BYTES];

	ws_handshake_accept(c->key, accept);
	if (strcmp(accept, answer->accept) != 0) {
		fail(c, "%s answered 101 with a wrong Sec-WebSocket-Accept '%s'", c->url.where,
		    answer->accept);
		return;
	}
	step(c, CLIENT_LET_IN);
	c->ws = ws_start(c->conn, WS_CLIENT, &c->limits, &ws_events, c);
	c->conn = NULL;
	ws_unread(
	    c->ws, buffer_head(&c->came) + answer->head_bytes, c->came.len - answer->head_bytes);
	c->events->on_open(c->arg, c);
}

/* `is_all`: no more of it will come. */
static void read_answer(struct ws_client *c, bool is_all)
{
	struct ws_answer answer;

	if (ws_answer_read(buffer_head(&c->came), c->came.len, &answer) != 0)
		fail(c, "%s does not speak HTTP", c->url.where);
	else if (answer.is_upgrade)
		open_ws(c, &answer);
	else if (answer.is_told || (is_all && answer.status != 0))
		fail(c, "the server answered %u%s%s", answer.status,
		    answer.line[0] != '\0' ? ": " : "", answer.line);
	else if (is_all)
		fail(c, "%s closed the connection without an answer", c->url.where);
}

static void on_read(void *arg, const uint8_t *bytes, size_t n)
{
	struct ws_client *c = arg;

	if (buffer_append(&c->came, bytes, n) != 0)
		fail(c, "the answer of %s is over %d bytes", c->url.where, ANSWER_MAX_BYTES);
	else
		read_answer(c, false);
}

static void on_end(void *arg, int status)
{
	struct ws_client *c = arg;

	if (status == UV_EPROTO)
		fail(c, "no TLS with %s: %s", c->url.where, conn_tls_why(c->conn));
	else if (c->state == CLIENT_HANDSHAKE && status == UV_EOF && c->came.len > 0)
		read_answer(c, true);
	else if (status == UV_EOF)
		fail(c, "%s closed the connection without an answer", c->url.where);
	else
		fail(c, "lost the connection to %s: %s", c->url.where, uv_strerror(status));
}

static void on_deadline(void *arg)
{
	struct ws_client *c = arg;

	if (c->state == CLIENT_CONNECT)
		fail(c, "cannot connect to %s: no answer in time", c->url.where);
	else
		fail(c, "%s did not answer the handshake in time", c->url.where);
}

/* ws_client_close asked for it. */
static void on_kick(void *arg)
{
	fail(arg, "closed before it was open");
}

static void try_next(struct ws_client *c, int status);

static void on_connected(void *arg, int status)
{
	struct ws_client *c = arg;
	uv_buf_t part;

	if (c->state == CLIENT_GIVING_UP)
		return; /* on_kick is to come */
	if (status != 0) {
		conn_drop(c->conn);
		c->conn = NULL;
		try_next(c, status);
		return;
	}
	step(c, CLIENT_CONNECTED);
	if (c->url.secure && conn_secure_as_client(c->conn, c->tls, c->url.host) != 0) {
		fail(c, "no TLS with %s: it cannot be set up", c->url.where);
		return;
	}
	part = uv_buf_init(c->request, (unsigned)strlen(c->request));
	conn_write(c->conn, &part, 1);
	conn_read_start(c->conn);
}

static const struct conn_events conn_events = {
	.on_open = on_connected,
	.on_read = on_read,
	.on_end = on_end,
	.on_deadline = on_deadline,
	.on_kick = on_kick,
};

/* `status` is why the last address failed. */
static void try_next(struct ws_client *c, int status)
{
	while (c->trying != NULL) {
		const struct addrinfo *ai = c->trying;

		c->trying = ai->ai_next;
		c->conn = conn_connect(&c->conns, c->loop, ai->ai_addr, &conn_events, c, &status);
		if (c->conn != NULL) {
			conn_set_deadline(c->conn, c->limits.linger_ms);
			return;
		}
	}
	fail(c, "cannot connect to %s: %s", c->url.where, uv_strerror(status));
}

static void on_found(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	struct ws_client *c = req->data;

	(void)found; /* it is in c->lookup */
	c->looking_up = false;
	if (c->state == CLIENT_GIVING_UP) {
		fail(c, "closed before it was open");
	} else if (status != 0) {
		fail(c, "cannot connect to %s: %s", c->url.where, uv_strerror(status));
	} else {
		step(c, CLIENT_FOUND);
		c->trying = c->lookup.addrinfo;
		try_next(c, UV_EADDRNOTAVAIL);
	}
}

static char *format_request(const struct ws_client *c, const struct ws_client_config *cfg)
{
	const char *target = c->url.target;
	const char *headers = cfg->headers != NULL ? cfg->headers : "";
	const char *offer = cfg->subprotocol != NULL ? cfg->subprotocol : "";
	size_t size = strlen(target) + strlen(headers) + strlen(offer) + 1024;
	char *text = xcalloc(1, size);

	(void)snprintf(text, size,
	    "GET %s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s%s%s%s\r\n",
	    target[0] == '/' ? "" : "/", target, c->url.where, c->key,
	    offer[0] != '\0' ? "Sec-WebSocket-Protocol: " : "", offer,
	    offer[0] != '\0' ? "\r\n" : "", headers);
	return text;
}

static int make_key(char key[WS_HANDSHAKE_KEY_BYTES], struct error *err)
{
	uint8_t nonce[WS_HANDSHAKE_NONCE_BYTES];

	if (getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
		return error_set_errno(err, ERROR_SYSTEM, "no random bytes");
	ws_handshake_key(nonce, key);
	return 0;
}

static int look_up(struct ws_client *c, struct error *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	char port[8];
	int status;

	(void)snprintf(port, sizeof port, "%u", c->url.port);
	c->lookup.data = c;
	status = uv_getaddrinfo(c->loop, &c->lookup, on_found, c->url.host, port, &hints);
	if (status != 0)
		return error_set(err, ERROR_CONFIG, "cannot connect to %s: %s", c->url.where,
		    uv_strerror(status));
	c->looking_up = true;
	return 0;
}

struct ws_client *ws_client_connect(uv_loop_t *loop, const struct ws_client_config *cfg,
    const struct ws_client_events *events, void *arg, struct error *err)
{
	struct ws_client *c = xcalloc(1, sizeof *c);

	conn_ignore_sigpipe();
	c->loop = loop;
	c->events = events;
	c->arg = arg;
	c->state = CLIENT_LOOKUP;
	c->tls = cfg->tls;
	c->limits.message_bytes = cfg->max_message_bytes;
	c->limits.send_bytes = cfg->send_buffer_bytes;
	c->limits.linger_ms = cfg->timeout_ms;
	c->conns = (struct conn_list){ .on_gone = on_conn_gone, .arg = c };
	buffer_init(&c->came, ANSWER_MAX_BYTES);
	if (ws_url_parse(cfg->url, &c->url, err) != 0 || make_key(c->key, err) != 0)
		goto fail;
	assert(!c->url.secure || c->tls != NULL);
	c->request = format_request(c, cfg);
	if (look_up(c, err) != 0)
		goto fail;
	return c;
fail:
	free(c->request);
	free(c);
	return NULL;
}

int ws_client_send_text(struct ws_client *c, const char *text, size_t n)
{
	return c->ws == NULL ? -1 : ws_send_text(c->ws, text, n);
}

int ws_client_send_binary(struct ws_client *c, const void *bytes, size_t n)
{
	return c->ws == NULL ? -1 : ws_send_binary(c->ws, bytes, n);
}

size_t ws_client_unsent_bytes(const struct ws_client *c)
{
	return c->ws == NULL ? 0 : ws_unsent_bytes(c->ws);
}

void ws_client_close(struct ws_client *c, unsigned code, const char *reason)
{
	if (c->state == CLIENT_OPEN) {
		ws_close(c->ws, code, reason);
		return;
	}
	if (c->state == CLIENT_OVER || c->state == CLIENT_GIVING_UP)
		return;
	step(c, CLIENT_GIVE_UP);
	if (c->conn != NULL)
		conn_kick(c->conn);
}
