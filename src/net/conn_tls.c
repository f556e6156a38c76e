/* TLS between the socket and the feed. What the socket brings is lent to the session and taken from it as far as the owner
 * reads; the rest is kept, and the socket is not read again before that is taken, so pausing works as without TLS. What the
 * owner writes before the handshake is done waits in `early`.
 *
 * A session that breaks has an alert to tell the peer of it: the owner hears UV_EPROTO, and its conn_drop lets the alert
 * arrive. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "net/conn_internal.h"
#include "net/tls_session.h"

enum {
	RECORD_BYTES = 16 * 1024, /* as many as one record can hold */
	ALERT_LINGER_MS = 2000,
};

static const char not_http[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
			       "Content-Type: text/plain; charset=utf-8\r\n"
			       "Content-Length: 62\r\n\r\n"
			       "this address speaks TLS: write https:// (or wss://) in the URL";

struct conn_tls {
	struct tls_session *session; /* owned */
	struct buffer early;
	bool is_client;
	bool failed;
	char *why; /* owned; NULL: it has not failed */
};

static int adopt(struct conn *c, struct tls_session *session)
{
	if (session == NULL)
		return -1;
	c->tls = xcalloc(1, sizeof *c->tls);
	c->tls->session = session;
	buffer_init(&c->tls->early, SIZE_MAX / 2);
	return 0;
}

int conn_secure(struct conn *c, struct tls *tls)
{
	return adopt(c, tls_session_new(tls));
}

void conn_tls_free(struct conn *c)
{
	if (c->tls == NULL)
		return;
	tls_session_free(&c->tls->session);
	buffer_done(&c->tls->early);
	free(c->tls->why);
	free(c->tls);
	c->tls = NULL;
}

bool conn_is_secured(const struct conn *c)
{
	return c->tls == NULL || tls_session_is_open(c->tls->session);
}

bool conn_tls_has_failed(const struct conn *c)
{
	return c->tls != NULL && c->tls->failed;
}

size_t conn_tls_early_bytes(const struct conn *c)
{
	return c->tls == NULL ? 0 : c->tls->early.len;
}

bool conn_tls_has_input(const struct conn *c)
{
	return c->tls != NULL && tls_session_has_input(c->tls->session);
}

const char *conn_tls_why(const struct conn *c)
{
	return c->tls == NULL || c->tls->why == NULL ? "" : c->tls->why;
}

/* The session's output goes to the socket. */
static void send_output(struct conn *c)
{
	struct buffer *out = tls_session_output(c->tls->session);
	uv_buf_t part = { .base = (char *)(uintptr_t)buffer_head(out), .len = out->len };

	if (out->len > 0)
		conn_send(c, &part, 1);
	buffer_done(out);
}

int conn_secure_as_client(struct conn *c, struct tls *tls, const char *host)
{
	if (adopt(c, tls_session_new_client(tls, host)) != 0)
		return -1;
	c->tls->is_client = true;
	send_output(c); /* its first word */
	return 0;
}

static void break_off(struct conn *c)
{
	c->broken = UV_ENOMEM;
	c->ops->arm_timer(c);
}

/* Small parts share a record: a header and its payload, say. */
static int encrypt(struct tls_session *session, const uv_buf_t *parts, unsigned n)
{
	static _Thread_local uint8_t record[RECORD_BYTES];
	size_t filled = 0;

	for (unsigned i = 0; i < n; i++)
		for (size_t at = 0; at < parts[i].len;) {
			size_t take = MIN(parts[i].len - at, sizeof record - filled);

			memcpy(record + filled, parts[i].base + at, take);
			at += take;
			filled += take;
			if (filled < sizeof record)
				continue;
			if (tls_session_put(session, record, filled) != 0)
				return -1;
			filled = 0;
		}
	return tls_session_put(session, record, filled);
}

void conn_tls_write(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	bool open = tls_session_is_open(c->tls->session);
	int rc = 0;

	if (c->tls->failed)
		return;
	if (open)
		rc = encrypt(c->tls->session, parts, n);
	for (unsigned i = 0; !open && rc == 0 && i < n; i++)
		rc = buffer_append(&c->tls->early, parts[i].base, parts[i].len);
	if (rc != 0)
		break_off(c);
	else
		send_output(c);
}

/* The handshake is done, and what was written meanwhile is sent. */
static void send_early(struct conn *c)
{
	struct buffer early = c->tls->early;
	uv_buf_t part = { .base = (char *)(uintptr_t)buffer_head(&early), .len = early.len };

	buffer_init(&c->tls->early, early.max);
	if (encrypt(c->tls->session, &part, 1) != 0)
		break_off(c);
	buffer_done(&early);
	if (c->state == CONN_FLUSHING)
		tls_session_say_end(c->tls->session);
	send_output(c);
	if (c->backlog == NULL && c->broken == 0)
		c->ops->all_sent(c);
}

void conn_tls_finish(struct conn *c)
{
	if (c->tls->failed || !tls_session_is_open(c->tls->session))
		return;
	tls_session_say_end(c->tls->session);
	send_output(c);
}

static void fail(struct conn *c, const struct error *why)
{
	uv_buf_t part = { .base = (char *)(uintptr_t)not_http, .len = sizeof not_http - 1 };

	if (!c->tls->is_client) /* a client's user is told by its owner */
		log_info("connection %s: TLS: %s", c->peer, why->text);
	c->tls->why = xstrdup(why->text);
	if (tls_session_met_http(c->tls->session)) {
		buffer_done(
		    tls_session_output(c->tls->session)); /* an alert would not be understood */
		conn_send(c, &part, 1);
	}
	send_output(c);
	c->tls->failed = true;
	buffer_done(&c->tls->early);
	c->ops->read_stop(c);
	if (c->state == CONN_OPEN)
		c->events->on_end(c->arg, UV_EPROTO);
	else
		c->ops->drop(c);
}

void conn_tls_drop_failed(struct conn *c)
{
	c->ops->finish(c, ALERT_LINGER_MS);
}

static bool wants_bytes(const struct conn *c)
{
	return c->reading && !c->tls->failed &&
	    (c->state == CONN_OPEN || (c->state == CONN_FLUSHING && c->tls->early.len > 0));
}

/* Takes one piece; false: there is no more for now. */
static bool take_piece(struct conn *c)
{
	static _Thread_local uint8_t plain[RECORD_BYTES];
	struct error err = ERROR_INIT;
	size_t n;
	enum tls_take took = tls_session_take(c->tls->session, plain, sizeof plain, &n, &err);

	if (took == TLS_BROKEN) {
		fail(c, &err);
		return false;
	}
	send_output(c);
	if (c->tls->early.len > 0 && tls_session_is_open(c->tls->session))
		send_early(c);
	if (took == TLS_BYTES && c->state == CONN_OPEN)
		c->events->on_read(c->arg, plain, n);
	else if (took == TLS_END)
		c->ops->tell_end(c, UV_EOF);
	return took == TLS_BYTES;
}

static void take_all(struct conn *c)
{
	while (wants_bytes(c) && take_piece(c))
		;
}

bool conn_tls_take(struct conn *c, const uint8_t *bytes, size_t n)
{
	if (!wants_bytes(c))
		return false;
	tls_session_lend(c->tls->session, bytes, n);
	take_all(c);
	if (tls_session_keep(c->tls->session) != 0)
		break_off(c);
	return true;
}

void conn_tls_take_kept(struct conn *c)
{
	take_all(c);
}
