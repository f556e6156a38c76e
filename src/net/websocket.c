/* The library parses and builds frames; what frames mean is decided here: which may follow which, what a message is,
 * which code a violation is closed with. (The library's own layer for this copies every message twice, keeps 8 KiB
 * a connection, and cannot say 1002 to a bad control frame.)
 *
 * A message that lies whole in the library's buffer is delivered from there; any other is collected. A violation is
 * answered at the first payload byte of the frame that commits it, so a length that is too great costs nothing. */
#include "net/websocket.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/util.h"
#include "net/conn.h"
#include "net/utf8.h"
#include "net/websocket_internal.h"

enum {
	CONTROL_MAX_BYTES = 125,
	REASON_MAX_BYTES = CONTROL_MAX_BYTES - 2,
	HEADER_MAX_BYTES = 14,
	MASK_POOL_BYTES = 256,
};

/* CLOSING: our close frame is on its way, the peer's is awaited. CLOSED: on_close has been called. */
enum ws_state { WS_NONE, WS_OPEN, WS_CLOSING, WS_CLOSED, WS_STATES };
enum ws_step { WS_CLOSE_SENT, WS_ENDED, WS_STEPS };

static const enum ws_state next_state[WS_STATES][WS_STEPS] = {
	[WS_OPEN] = { [WS_CLOSE_SENT] = WS_CLOSING, [WS_ENDED] = WS_CLOSED },
	[WS_CLOSING] = { [WS_ENDED] = WS_CLOSED },
};

struct ws {
	struct conn *conn;              /* ours until CLOSED */
	const struct ws_events *events; /* borrowed */
	void *arg;                      /* borrowed */
	struct ws_limits limits;
	enum ws_role role;
	enum ws_state state;
	wslay_frame_context_ptr frames; /* owned */
	const uint8_t *in;              /* lent: what is being fed */
	size_t in_n;
	bool feeding; /* feed() is on the stack and frees a closed ws */
	bool paused;
	bool
	    held; /* in `unread`, or in the library, is what came before the pause and was not looked at */

	struct { /* the frame being received */
		bool open;
		uint8_t opcode;
		uint64_t left; /* payload bytes that are still to come */
	} frame;
	struct { /* the message being received, in one frame or several */
		bool open;
		enum ws_kind kind;
		struct buffer bytes; /* empty for one that is delivered from the library's buffer */
		const void *lent;    /* while it is being delivered */
		size_t lent_n;
		struct utf8 utf8; /* at the start of a character between messages */
	} message;
	uint8_t control[CONTROL_MAX_BYTES];
	uint8_t control_n;

	uint8_t header[HEADER_MAX_BYTES]; /* of the frame being sent, until its payload comes */
	uint8_t header_n;
	struct buffer unread;
	uint64_t heard_ns;
	unsigned close_code; /* 0: none yet */
	char why[128];
};

static void step(struct ws *ws, enum ws_step s)
{
	ws->state = next_state[ws->state][s];
	assert(ws->state != WS_NONE);
}

static void note(struct ws *ws, unsigned code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Keeps the first code and reason: they are the ones on_close tells. */
static void note(struct ws *ws, unsigned code, const char *fmt, ...)
{
	va_list ap;

	if (ws->close_code != 0)
		return;
	ws->close_code = code;
	va_start(ap, fmt);
	(void)vsnprintf(ws->why, sizeof ws->why, fmt, ap);
	va_end(ap);
}

static void free_ws(struct ws *ws)
{
	wslay_frame_context_free(ws->frames);
	buffer_done(&ws->message.bytes);
	buffer_done(&ws->unread);
	free(ws);
}

/* The connection is not ours any more; the owner hears it. */
static void end(struct ws *ws)
{
	step(ws, WS_ENDED);
	ws->events->on_close(ws->arg, ws, ws->close_code, ws->why);
	if (!ws->feeding)
		free_ws(ws);
}

static void end_in_order(struct ws *ws)
{
	conn_finish(ws->conn, ws->limits.linger_ms);
	end(ws);
}

/* The library's callbacks. */
static ssize_t on_frame_read(uint8_t *to, size_t n, int flags, void *arg)
{
	struct ws *ws = arg;
	size_t take = MIN(n, ws->in_n);

	(void)flags;
	if (take == 0)
		return -1;
	memcpy(to, ws->in, take);
	ws->in += take;
	ws->in_n -= take;
	return (ssize_t)take;
}

/* A frame's header is kept until its payload comes, so that both leave in one call. */
static ssize_t on_frame_write(const uint8_t *bytes, size_t n, int flags, void *arg)
{
	struct ws *ws = arg;
	uv_buf_t parts[2];

	if ((flags & WSLAY_MSG_MORE) != 0 && n <= sizeof ws->header) {
		memcpy(ws->header, bytes, n);
		ws->header_n = (uint8_t)n;
		return (ssize_t)n;
	}
	parts[0] = uv_buf_init((char *)ws->header, ws->header_n);
	parts[1] = (uv_buf_t){ .base = (char *)(uintptr_t)bytes, .len = n };
	conn_write(ws->conn, parts, 2);
	ws->header_n = 0;
	return (ssize_t)n;
}

/* Random bytes are fetched by the pool, not by the frame. */
static int on_mask(uint8_t *to, size_t n, void *arg)
{
	static _Thread_local uint8_t pool[MASK_POOL_BYTES];
	static _Thread_local size_t left;

	(void)arg;
	if (left < n) {
		if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
			return -1;
		left = sizeof pool;
	}
	left -= n;
	memcpy(to, pool + left, n);
	return 0;
}

static const struct wslay_frame_callbacks frame_callbacks = {
	.recv_callback = on_frame_read,
	.send_callback = on_frame_write,
	.genmask_callback = on_mask,
};

static void write_frame(struct ws *ws, uint8_t opcode, const void *bytes, size_t n)
{
	struct wslay_frame_iocb io = {
		.fin = 1,
		.opcode = opcode,
		.mask = ws->role == WS_CLIENT,
		.data = bytes,
		.data_length = n,
		.payload_length = n,
	};

	(void)wslay_frame_send(ws->frames, &io); /* our callback takes everything */
}

static size_t cut_reason(const char *reason)
{
	size_t n = reason == NULL ? 0 : strlen(reason);

	if (n <= REASON_MAX_BYTES)
		return n;
	for (n = REASON_MAX_BYTES; n > 0 && ((unsigned char)reason[n] & 0xc0) == 0x80; n--)
		; /* not in the middle of a character */
	return n;
}

static void write_close(struct ws *ws, unsigned code, const char *reason)
{
	uint8_t payload[CONTROL_MAX_BYTES] = { (uint8_t)(code >> 8), (uint8_t)code };
	size_t n = cut_reason(reason);

	memcpy(payload + 2, reason == NULL ? "" : reason, n);
	write_frame(ws, WSLAY_CONNECTION_CLOSE, payload, n + 2);
}

static void violated(struct ws *ws, unsigned code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The peer broke a rule: it is told which, and nothing it sends afterwards is looked at. */
static void violated(struct ws *ws, unsigned code, const char *fmt, ...)
{
	char why[sizeof ws->why];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	note(ws, code, "%s", why);
	if (ws->state == WS_OPEN)
		write_close(ws, code, why);
	end_in_order(ws);
}

bool ws_has_room(const struct ws *ws, size_t n)
{
	return conn_unsent_bytes(ws->conn) + n + HEADER_MAX_BYTES <= ws->limits.send_bytes;
}

static int send_frame(struct ws *ws, uint8_t opcode, const void *bytes, size_t n)
{
	size_t unsent = conn_unsent_bytes(ws->conn);

	if (ws->state != WS_OPEN)
		return -1;
	if (!ws_has_room(ws, n)) {
		char why[sizeof ws->why];

		(void)snprintf(why, sizeof why,
		    "%zu unsent bytes and a message of %zu are over send_buffer_bytes %zu", unsent,
		    n, ws->limits.send_bytes);
		ws_close(ws, WS_CLOSE_POLICY, why);
		return -1;
	}
	write_frame(ws, opcode, bytes, n);
	return 0;
}

static bool code_is_valid(unsigned code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
	    (code >= 3000 && code <= 4999);
}

static void take_close(struct ws *ws)
{
	unsigned code =
	    ws->control_n >= 2 ? (unsigned)ws->control[0] << 8 | ws->control[1] : WS_CLOSE_NONE;
	int reason_n = MAX(ws->control_n, 2) - 2;
	struct utf8 u = { 0 };

	if (ws->control_n == 1 || (ws->control_n >= 2 && !code_is_valid(code))) {
		violated(ws, WS_CLOSE_PROTOCOL, "close frame with an invalid code");
		return;
	}
	if (!utf8_take(&u, ws->control + 2, (size_t)reason_n) || !utf8_is_whole(&u)) {
		violated(ws, WS_CLOSE_BAD_TEXT, "the reason of a close frame is not UTF-8");
		return;
	}
	note(ws, code, "%.*s", reason_n, (const char *)ws->control + 2);
	if (ws->state == WS_OPEN)
		write_frame(ws, WSLAY_CONNECTION_CLOSE, ws->control, MIN(ws->control_n, 2));
	end_in_order(ws);
}

static void take_control(struct ws *ws)
{
	if (ws->frame.opcode == WSLAY_PING)
		(void)send_frame(ws, WSLAY_PONG, ws->control, ws->control_n);
	else if (ws->frame.opcode == WSLAY_CONNECTION_CLOSE)
		take_close(ws);
}

static void deliver(struct ws *ws, const void *bytes, size_t n)
{
	ws->message.open = false;
	if (ws->message.kind == WS_TEXT && !utf8_is_whole(&ws->message.utf8)) {
		violated(ws, WS_CLOSE_BAD_TEXT, "a text message ends inside a character");
		return;
	}
	ws->message.lent = bytes;
	ws->message.lent_n = n;
	ws->events->on_message(ws->arg, ws, ws->message.kind, bytes, n);
	ws->message.lent = NULL;
}

int ws_take_message(struct ws *ws, struct buffer *out)
{
	struct buffer *b = &ws->message.bytes;

	assert(ws->message.lent != NULL);
	buffer_init(out, b->max);
	if (b->len == 0)
		return buffer_append(out, ws->message.lent, ws->message.lent_n);
	*out = *b;
	buffer_init(b, out->max);
	return 0;
}

/* A piece of a message's frame; `last` is it of the whole message. */
static void take_data(struct ws *ws, const uint8_t *bytes, size_t n, bool last)
{
	struct buffer *b = &ws->message.bytes;

	if (ws->message.kind == WS_TEXT && !utf8_take(&ws->message.utf8, bytes, n)) {
		violated(ws, WS_CLOSE_BAD_TEXT, "a text message is not UTF-8");
		return;
	}
	if (last && b->len == 0) {
		deliver(ws, bytes, n);
		return;
	}
	if (buffer_append(b, bytes, n) != 0) {
		violated(ws, WS_CLOSE_INTERNAL, "no memory for a message");
		return;
	}
	if (!last)
		return;
	deliver(ws, buffer_head(b), b->len);
	buffer_done(b);
}

static bool is_control(uint8_t opcode)
{
	return wslay_is_ctrl_frame(opcode) != 0;
}

static bool mask_is_right(const struct ws *ws, const struct wslay_frame_iocb *io)
{
	if (ws->role == WS_CLIENT)
		return io->mask == 0;
	return io->mask != 0 || ws->limits.allow_unmasked;
}

/* Whether a frame may begin here; -1: the connection has been ended. */
static int check_frame(struct ws *ws, const struct wslay_frame_iocb *io)
{
	bool data = io->opcode == WSLAY_TEXT_FRAME || io->opcode == WSLAY_BINARY_FRAME;

	if (io->rsv != WSLAY_RSV_NONE)
		violated(
		    ws, WS_CLOSE_PROTOCOL, "a frame with reserved bits; no extension was agreed");
	else if (!mask_is_right(ws, io))
		violated(ws, WS_CLOSE_PROTOCOL, "a frame that is %s",
		    io->mask != 0 ? "masked" : "not masked");
	else if (!data && !is_control(io->opcode) && io->opcode != WSLAY_CONTINUATION_FRAME)
		violated(ws, WS_CLOSE_PROTOCOL, "a frame of the unknown kind %u", io->opcode);
	else if (is_control(io->opcode) && io->opcode > WSLAY_PONG)
		violated(ws, WS_CLOSE_PROTOCOL, "a frame of the unknown kind %u", io->opcode);
	else if (is_control(io->opcode) && (!io->fin || io->payload_length > CONTROL_MAX_BYTES))
		violated(
		    ws, WS_CLOSE_PROTOCOL, "a control frame that is fragmented or over 125 bytes");
	else if (data && ws->message.open)
		violated(ws, WS_CLOSE_PROTOCOL, "a new message before the end of the last one");
	else if (io->opcode == WSLAY_CONTINUATION_FRAME && !ws->message.open)
		violated(ws, WS_CLOSE_PROTOCOL, "a continuation without a message");
	else
		return 0;
	return -1;
}

static int check_size(struct ws *ws, const struct wslay_frame_iocb *io)
{
	uint64_t had = io->opcode == WSLAY_CONTINUATION_FRAME ? ws->message.bytes.len : 0;
	uint64_t max = ws->limits.message_bytes;

	if (is_control(io->opcode) || ws->state != WS_OPEN ||
	    (had <= max && io->payload_length <= max - had))
		return 0;
	violated(ws, WS_CLOSE_TOO_BIG, "message of %s%llu bytes is over max_message_bytes %llu",
	    io->fin ? "" : "at least ", (unsigned long long)(had + io->payload_length),
	    (unsigned long long)max);
	return -1;
}

static int begin_frame(struct ws *ws, const struct wslay_frame_iocb *io)
{
	if (check_frame(ws, io) != 0 || check_size(ws, io) != 0)
		return -1;
	ws->frame.open = true;
	ws->frame.opcode = io->opcode;
	ws->frame.left = io->payload_length;
	if (is_control(io->opcode)) {
		ws->control_n = 0;
	} else if (io->opcode != WSLAY_CONTINUATION_FRAME) {
		ws->message.open = true;
		ws->message.kind = io->opcode == WSLAY_TEXT_FRAME ? WS_TEXT : WS_BINARY;
	}
	return 0;
}

static void take_piece(struct ws *ws, const struct wslay_frame_iocb *io)
{
	if (!ws->frame.open && begin_frame(ws, io) != 0)
		return;
	ws->frame.left -= io->data_length;
	ws->frame.open = ws->frame.left > 0;
	if (is_control(ws->frame.opcode)) {
		if (io->data_length > 0) /* never past the end: check_frame bounds the payload */
			memcpy(ws->control + ws->control_n, io->data, io->data_length);
		ws->control_n += (uint8_t)io->data_length;
		if (!ws->frame.open)
			take_control(ws);
	} else if (ws->state == WS_OPEN) {
		take_data(ws, io->data, io->data_length, io->fin && !ws->frame.open);
	} else if (io->fin && !ws->frame.open) {
		ws->message.open = false; /* thrown away: we have said goodbye */
	}
}

/* What a pause has stopped us from looking at. */
static void hold_rest(struct ws *ws)
{
	ws->held = true;
	if (buffer_append(&ws->unread, ws->in, ws->in_n) != 0)
		violated(ws, WS_CLOSE_INTERNAL, "no memory for what came before a pause");
}

/* False when the ws is gone. */
static bool feed(struct ws *ws, const uint8_t *bytes, size_t n)
{
	struct wslay_frame_iocb io;

	ws->in = bytes;
	ws->in_n = n;
	ws->feeding = true;
	while (ws->state != WS_CLOSED && !ws->paused) {
		ssize_t r = wslay_frame_recv(ws->frames, &io);

		if (r == WSLAY_ERR_WANT_READ)
			break;
		if (r < 0)
			violated(ws, WS_CLOSE_PROTOCOL, "a malformed frame header");
		else
			take_piece(ws, &io);
	}
	if (ws->state != WS_CLOSED && ws->paused)
		hold_rest(ws);
	ws->feeding = false;
	if (ws->state != WS_CLOSED) {
		ws->heard_ns = clock_now_ns();
		return true;
	}
	free_ws(ws);
	return false;
}

static void on_read(void *arg, const uint8_t *bytes, size_t n)
{
	(void)feed(arg, bytes, n);
}

/* What came behind the handshake, or before a pause. */
static void on_kick(void *arg)
{
	struct ws *ws = arg;
	struct buffer b = ws->unread;

	if (ws->paused)
		return;
	ws->held = false;
	buffer_init(&ws->unread, b.max);
	if (feed(ws, buffer_head(&b), b.len) && !ws->paused)
		conn_read_start(ws->conn);
	buffer_done(&b);
}

static void on_end(void *arg, int status)
{
	struct ws *ws = arg;

	if (conn_stalled_ms(ws->conn) > 0)
		note(ws, WS_CLOSE_ABNORMAL,
		    "nothing of what was sent was taken for send_timeout_ms %u",
		    conn_stalled_ms(ws->conn));
	note(ws, WS_CLOSE_ABNORMAL, "the connection was lost without a close frame: %s",
	    uv_strerror(status));
	if (status == UV_EOF)
		conn_finish(ws->conn, ws->limits.linger_ms);
	else
		conn_drop(ws->conn);
	end(ws);
}

/* Our close frame was not answered in time. */
static void on_deadline(void *arg)
{
	struct ws *ws = arg;

	conn_drop(ws->conn);
	end(ws);
}

static const struct conn_events conn_events = {
	.on_read = on_read,
	.on_end = on_end,
	.on_deadline = on_deadline,
	.on_kick = on_kick,
};

struct ws *ws_start(struct conn *c, enum ws_role role, const struct ws_limits *limits,
    const struct ws_events *events, void *arg)
{
	struct ws *ws = xcalloc(1, sizeof *ws);

	ws->conn = c;
	ws->role = role;
	ws->limits = *limits;
	ws->events = events;
	ws->arg = arg;
	ws->state = WS_OPEN;
	ws->heard_ns = clock_now_ns();
	buffer_init(&ws->message.bytes, limits->message_bytes);
	buffer_init(&ws->unread, SIZE_MAX / 2);
	if (wslay_frame_context_init(&ws->frames, &frame_callbacks, ws) != 0)
		abort();
	conn_set_owner(c, &conn_events, ws);
	conn_set_deadline(c, 0);
	conn_read_start(c);
	return ws;
}

void ws_unread(struct ws *ws, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	if (buffer_append(&ws->unread, bytes, n) != 0) {
		ws_close(ws, WS_CLOSE_INTERNAL, "no memory for what came behind the handshake");
		return;
	}
	ws->held = true;
	conn_read_stop(ws->conn);
	conn_kick(ws->conn);
}

int ws_send_text(struct ws *ws, const char *text, size_t n)
{
	return send_frame(ws, WSLAY_TEXT_FRAME, text, n);
}

int ws_send_binary(struct ws *ws, const void *bytes, size_t n)
{
	return send_frame(ws, WSLAY_BINARY_FRAME, bytes, n);
}

int ws_ping(struct ws *ws)
{
	return send_frame(ws, WSLAY_PING, "", 0);
}

size_t ws_unsent_bytes(const struct ws *ws)
{
	return ws->state == WS_CLOSED ? 0 : conn_unsent_bytes(ws->conn);
}

uint64_t ws_last_heard_ns(const struct ws *ws)
{
	return ws->heard_ns;
}

static void go_on_reading(struct ws *ws)
{
	ws->paused = false;
	if (ws->held)
		conn_kick(ws->conn);
	else
		conn_read_start(ws->conn);
}

void ws_close(struct ws *ws, unsigned code, const char *reason)
{
	if (ws->state != WS_OPEN)
		return;
	note(ws, code, "%s", reason == NULL ? "" : reason);
	write_close(ws, code, reason);
	step(ws, WS_CLOSE_SENT);
	conn_set_deadline(ws->conn, MAX(ws->limits.linger_ms, 1u));
	go_on_reading(ws); /* the peer's close frame is behind what it sent before */
}

void ws_pause(struct ws *ws)
{
	if (ws->state != WS_OPEN || ws->paused)
		return;
	ws->paused = true;
	conn_read_stop(ws->conn);
}

void ws_resume(struct ws *ws)
{
	if (ws->state == WS_OPEN && ws->paused)
		go_on_reading(ws);
}

bool ws_is_paused(const struct ws *ws)
{
	return ws->paused;
}
