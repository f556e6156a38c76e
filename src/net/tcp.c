#include "net/tcp.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"
#include "net/conn.h"
#include "net/tcp_internal.h"

/* NEW: nobody listens yet. FINISHING and DROPPING: the owner wants the end, and will hear of it from the loop. CLOSED: on_close
 * has been called. */
enum raw_state { RAW_NONE, RAW_NEW, RAW_OPEN, RAW_FINISHING, RAW_DROPPING, RAW_CLOSED, RAW_STATES };
enum raw_step { RAW_STARTED, RAW_CLOSE, RAW_DROP, RAW_ENDED, RAW_STEPS };

static const enum raw_state next_state[RAW_STATES][RAW_STEPS] = {
	[RAW_NEW] = { [RAW_STARTED] = RAW_OPEN, [RAW_DROP] = RAW_CLOSED },
	[RAW_OPEN] = { [RAW_CLOSE] = RAW_FINISHING,
	    [RAW_DROP] = RAW_DROPPING,
	    [RAW_ENDED] = RAW_CLOSED },
	[RAW_FINISHING] = { [RAW_DROP] = RAW_DROPPING, [RAW_ENDED] = RAW_CLOSED },
	[RAW_DROPPING] = { [RAW_ENDED] = RAW_CLOSED },
};

struct tcp {
	struct conn *conn;               /* ours until CLOSED */
	const struct tcp_events *events; /* borrowed */
	void *arg;                       /* borrowed */
	struct tcp_limits limits;
	enum raw_state state;
	bool paused;
	uint64_t heard_ns;
	char why[128]; /* the first reason that was given */
};

static void step(struct tcp *t, enum raw_step s)
{
	t->state = next_state[t->state][s];
	assert(t->state != RAW_NONE);
}

static void note(struct tcp *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct tcp *t, const char *fmt, ...)
{
	va_list ap;

	if (t->why[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(t->why, sizeof t->why, fmt, ap);
	va_end(ap);
}

/* The connection is not ours any more; the owner hears it. */
static void end(struct tcp *t)
{
	step(t, RAW_ENDED);
	t->events->on_close(t->arg, t, t->why);
	free(t);
}

static void end_in_order(struct tcp *t)
{
	conn_finish(t->conn, t->limits.linger_ms);
	end(t);
}

static void end_at_once(struct tcp *t)
{
	conn_drop(t->conn);
	end(t);
}

static void on_read(void *arg, const uint8_t *bytes, size_t n)
{
	struct tcp *t = arg;

	t->heard_ns = clock_now_ns();
	conn_set_worth(t->conn, CONN_WORTH_WORK);
	if (t->state == RAW_OPEN)
		t->events->on_bytes(t->arg, t, bytes, n);
}

static void on_end(void *arg, int status)
{
	struct tcp *t = arg;

	if (status == UV_EOF && t->state != RAW_OPEN)
		return; /* the kick that was asked for ends it */
	if (status == UV_EOF && t->events->on_end != NULL) {
		t->events->on_end(t->arg, t);
		return;
	}
	if (status == UV_EOF) {
		note(t, "the peer has ended the connection");
		end_in_order(t);
		return;
	}
	if (status == UV_EBUSY)
		note(t, "all connections are taken (max_connections), and it had said nothing");
	if (conn_stalled_ms(t->conn) > 0)
		note(t, "nothing of what was sent was taken for send_timeout_ms %u",
		    conn_stalled_ms(t->conn));
	note(t, "the connection was lost: %s", uv_strerror(status));
	end_at_once(t);
}

/* The owner's wish for the end: carried out from the loop, so that it hears nothing from inside its own call. */
static void on_kick(void *arg)
{
	struct tcp *t = arg;

	if (t->state == RAW_FINISHING)
		end_in_order(t);
	else if (t->state == RAW_DROPPING)
		end_at_once(t);
}

/* Of the handshake; there is none for what follows. */
static void on_deadline(void *arg)
{
	struct tcp *t = arg;

	if (conn_is_secured(t->conn))
		return;
	note(t, "the TLS handshake was not done within header_timeout_ms %u",
	    t->limits.handshake_ms);
	end_at_once(t);
}

static const struct conn_events conn_events = {
	.on_read = on_read,
	.on_end = on_end,
	.on_deadline = on_deadline,
	.on_kick = on_kick,
};

struct tcp *tcp_new(struct conn *c, const struct tcp_limits *limits)
{
	struct tcp *t = xcalloc(1, sizeof *t);

	t->conn = c;
	t->limits = *limits;
	t->state = RAW_NEW;
	t->heard_ns = clock_now_ns();
	return t;
}

void tcp_start(struct tcp *t, const struct tcp_events *events, void *arg)
{
	step(t, RAW_STARTED);
	t->events = events;
	t->arg = arg;
	conn_set_owner(t->conn, &conn_events, t);
	if (!conn_is_secured(t->conn))
		conn_set_deadline(t->conn, t->limits.handshake_ms);
	conn_set_worth(t->conn, CONN_WORTH_HALF);
	if (!t->paused)
		conn_read_start(t->conn);
}

int tcp_send(struct tcp *t, const void *bytes, size_t n)
{
	size_t unsent = tcp_unsent_bytes(t);
	uv_buf_t part = { .base = (char *)(uintptr_t)bytes, .len = n };

	if (t->state != RAW_OPEN)
		return -1;
	if (n > t->limits.send_bytes || unsent > t->limits.send_bytes - n) {
		note(t, "%zu unsent bytes and %zu more are over send_buffer_bytes %zu", unsent, n,
		    t->limits.send_bytes);
		tcp_drop(t);
		return -1;
	}
	conn_write(t->conn, &part, 1);
	return 0;
}

size_t tcp_unsent_bytes(const struct tcp *t)
{
	return t->state == RAW_CLOSED ? 0 : conn_unsent_bytes(t->conn);
}

uint64_t tcp_last_heard_ns(const struct tcp *t)
{
	return t->heard_ns;
}

const char *tcp_peer(const struct tcp *t)
{
	return conn_peer(t->conn);
}

void tcp_close(struct tcp *t)
{
	if (t->state != RAW_OPEN)
		return;
	note(t, "closed by the server");
	step(t, RAW_CLOSE);
	conn_kick(t->conn);
}

void tcp_drop(struct tcp *t)
{
	if (t->state == RAW_NEW) {
		step(t, RAW_DROP);
		conn_drop(t->conn);
		free(t);
	} else if (t->state == RAW_OPEN || t->state == RAW_FINISHING) {
		note(t, "dropped by the server");
		step(t, RAW_DROP);
		conn_kick(t->conn);
	}
}

void tcp_pause(struct tcp *t)
{
	t->paused = true;
	conn_read_stop(t->conn);
}

void tcp_resume(struct tcp *t)
{
	if (t->paused && t->state == RAW_OPEN)
		conn_read_start(t->conn);
	t->paused = false;
}

bool tcp_is_paused(const struct tcp *t)
{
	return t->paused;
}
