#include "net/conn.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/buffer.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/address.h"
#include "net/stall.h"

enum {
	READ_BYTES = 64 * 1024,
	DRAIN_MAX_BYTES = 64 * 1024 * 1024, /* read and thrown away after our end of file */
	KEEPALIVE_S = 60,
};

/* OPEN: owned. FLUSHING: the last bytes are being sent. DRAINING: our end of file is sent, the peer's is
 * awaited. CLOSED: libuv is closing the handles. */
enum conn_state { CONN_NONE, CONN_OPEN, CONN_FLUSHING, CONN_DRAINING, CONN_CLOSED, CONN_STATES };
enum conn_step { CONN_FINISH, CONN_FLUSHED, CONN_PEER_ENDED, CONN_DROP, CONN_STEPS };

static const enum conn_state next_state[CONN_STATES][CONN_STEPS] = {
	[CONN_OPEN] = { [CONN_FINISH] = CONN_FLUSHING, [CONN_DROP] = CONN_CLOSED },
	[CONN_FLUSHING] = { [CONN_FLUSHED] = CONN_DRAINING, [CONN_DROP] = CONN_CLOSED },
	[CONN_DRAINING] = { [CONN_PEER_ENDED] = CONN_CLOSED, [CONN_DROP] = CONN_CLOSED },
};

/* What the socket did not take at once. Two buffers, because libuv holds on to the one being written. */
struct backlog {
	uv_write_t req;
	struct buffer sending; /* untouched while req is under way */
	struct buffer waiting;
};

struct conn {
	uv_tcp_t tcp;
	uv_timer_t timer; /* the deadline or the next look at what was sent, or now for a kick */
	union {
		uv_connect_t connect;
		uv_shutdown_t shutdown;
	} req;
	struct conn_list *list; /* borrowed */
	struct conn *prev, *next;
	const struct conn_events *events; /* borrowed; NULL: nobody listens */
	void *arg;                        /* borrowed */
	struct backlog *backlog;          /* owned; NULL while the socket takes everything */
	uint64_t deadline_ms;             /* in uv_now's time; 0: none */
	uint64_t written;                 /* bytes given to conn_write */
	struct stall stall;
	size_t drained_bytes;
	enum conn_state state;
	int broken;      /* 0, or the libuv code with which a write failed; told by the timer */
	bool peer_ended; /* nothing more can be read */
	bool reading;    /* the owner wants to read */
	bool kicked;
	bool stalled;
	uint8_t handles; /* not yet closed */
	char peer[ADDRESS_BYTES];
};

/* One for all connections of a loop: libuv asks for it right before it calls on_read, which is done with it on return. */
static _Thread_local uint8_t read_bytes[READ_BYTES];

static void on_timer(uv_timer_t *timer);
static void send_waiting(struct conn *c);

static void step(struct conn *c, enum conn_step s)
{
	c->state = next_state[c->state][s];
	assert(c->state != CONN_NONE);
}

/* 0: never. */
static uint64_t next_time_ms(const struct conn *c)
{
	uint64_t look = c->stall.look_at_ms;

	if (c->deadline_ms == 0 || look == 0)
		return MAX(c->deadline_ms, look);
	return MIN(c->deadline_ms, look);
}

static void arm_timer(struct conn *c)
{
	uint64_t now = uv_now(c->tcp.loop), at = next_time_ms(c);

	if (c->kicked || c->broken != 0)
		(void)uv_timer_start(&c->timer, on_timer, 0, 0);
	else if (at != 0)
		(void)uv_timer_start(&c->timer, on_timer, at > now ? at - now : 0, 0);
	else
		(void)uv_timer_stop(&c->timer);
}

static void backlog_free(struct conn *c)
{
	if (c->backlog == NULL)
		return;
	buffer_done(&c->backlog->sending);
	buffer_done(&c->backlog->waiting);
	free(c->backlog);
	c->backlog = NULL;
}

static void unlink_conn(struct conn *c)
{
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		c->list->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->list->count--;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct conn_list *list = c->list;

	if (--c->handles > 0)
		return;
	unlink_conn(c);
	backlog_free(c);
	free(c);
	if (list->on_gone != NULL)
		list->on_gone(list->arg);
}

static void close_handles(struct conn *c, enum conn_step why)
{
	step(c, why);
	c->events = NULL;
	uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

void conn_drop(struct conn *c)
{
	if (c->state != CONN_CLOSED)
		close_handles(c, CONN_DROP);
}

/* The owner's way to hear that reading or writing has ended. It may be gone or have finished meanwhile. */
static void tell_end(struct conn *c, int status)
{
	const struct conn_events *events = c->events;

	c->peer_ended = true;
	(void)uv_read_stop((uv_stream_t *)&c->tcp);
	if (c->state == CONN_DRAINING)
		close_handles(c, CONN_PEER_ENDED);
	else if (c->state == CONN_FLUSHING && status != UV_EOF)
		conn_drop(c);
	else if (events != NULL)
		events->on_end(c->arg, status);
}

/* Bytes of what was written that the peer's machine has not acknowledged: ours, and what the kernel still holds. With a peer
 * that does not read the latter is most of it. */
static uint64_t untaken_bytes(const struct conn *c)
{
	int in_kernel = 0;
	uv_os_fd_t fd;

	if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) != 0 ||
	    ioctl(fd, TIOCOUTQ, &in_kernel) < 0)
		in_kernel = 0;
	return MIN(conn_unsent_bytes(c) + (uint64_t)MAX(in_kernel, 0), c->written);
}

/* The peer is not read from any more either, and closing resets: else the kernel would go on offering it what it does not
 * take, and keep that in memory. */
static void end_stalled(struct conn *c)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	uv_os_fd_t fd;

	metric_add(METRIC_connections_slow_total, 1);
	if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	c->stalled = true;
	tell_end(c, UV_ETIMEDOUT);
}

static void look_at_sent(struct conn *c)
{
	uint64_t left;
	bool stalled;

	if (c->stall.look_at_ms == 0)
		return;
	left = untaken_bytes(c);
	stalled = stall_look(&c->stall, c->written - left, left, uv_now(c->tcp.loop));
	arm_timer(c);
	if (stalled)
		end_stalled(c);
}

static void on_time(struct conn *c)
{
	if (c->deadline_ms == 0 || c->deadline_ms > uv_now(c->tcp.loop)) {
		look_at_sent(c);
		return;
	}
	c->deadline_ms = 0;
	arm_timer(c);
	if (c->state != CONN_OPEN)
		conn_drop(c);
	else
		c->events->on_deadline(c->arg);
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *c = timer->data;
	bool kicked = c->kicked;
	int broken = c->broken;

	c->kicked = false;
	c->broken = 0;
	if (!kicked && broken == 0) {
		on_time(c);
		return;
	}
	arm_timer(c);
	if (c->state != CONN_OPEN)
		conn_drop(c);
	else if (broken != 0)
		tell_end(c, broken);
	else
		c->events->on_kick(c->arg);
}

static void on_alloc(uv_handle_t *handle, size_t wish, uv_buf_t *out)
{
	(void)handle;
	(void)wish;
	*out = uv_buf_init((char *)read_bytes, sizeof read_bytes);
}

static void on_stream_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;

	if (n < 0) {
		tell_end(c, (int)n);
	} else if (c->state == CONN_OPEN) {
		if (n > 0)
			c->events->on_read(c->arg, (const uint8_t *)buf->base, (size_t)n);
	} else {
		c->drained_bytes += (size_t)n;
		if (c->drained_bytes > DRAIN_MAX_BYTES)
			conn_drop(c);
	}
}

void conn_read_start(struct conn *c)
{
	if (c->state == CONN_CLOSED || c->peer_ended || c->reading)
		return;
	c->reading = true;
	(void)uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_stream_read);
}

void conn_read_stop(struct conn *c)
{
	c->reading = false;
	(void)uv_read_stop((uv_stream_t *)&c->tcp);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
	struct conn *c = req->data;

	if (c->state != CONN_DRAINING)
		return;
	if (status < 0)
		conn_drop(c);
	else if (c->peer_ended)
		close_handles(c, CONN_PEER_ENDED);
}

static void flush_done(struct conn *c)
{
	step(c, CONN_FLUSHED);
	c->req.shutdown.data = c;
	if (uv_shutdown(&c->req.shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0)
		conn_drop(c);
}

static void on_written(uv_write_t *req, int status)
{
	struct conn *c = req->data;

	if (c->state != CONN_OPEN && c->state != CONN_FLUSHING)
		return;
	buffer_consume(&c->backlog->sending, c->backlog->sending.len);
	if (status < 0) {
		backlog_free(c);
		c->broken = status;
		arm_timer(c);
	} else if (c->backlog->waiting.len > 0) {
		send_waiting(c);
	} else {
		backlog_free(c);
		if (c->state == CONN_FLUSHING)
			flush_done(c);
		else if (c->events != NULL && c->events->on_drained != NULL)
			c->events->on_drained(c->arg);
	}
}

static void send_waiting(struct conn *c)
{
	struct backlog *b = c->backlog;
	struct buffer empty = b->sending;
	uv_buf_t buf;
	int status;

	b->sending = b->waiting;
	b->waiting = empty;
	buf = uv_buf_init((char *)b->sending.data + b->sending.head, (unsigned)b->sending.len);
	b->req.data = c;
	status = uv_write(&b->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
	if (status < 0) {
		backlog_free(c);
		c->broken = status;
		arm_timer(c);
	}
}

/* Bytes the socket took at once. */
static size_t try_now(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	int took;

	if (c->backlog != NULL)
		return 0;
	took = uv_try_write((uv_stream_t *)&c->tcp, parts, n);
	if (took >= 0)
		return (size_t)took;
	if (took != UV_EAGAIN) {
		c->broken = took;
		arm_timer(c);
	}
	return 0;
}

static int keep_rest(struct conn *c, const uv_buf_t *parts, unsigned n, size_t taken)
{
	if (c->backlog == NULL) {
		c->backlog = xcalloc(1, sizeof *c->backlog);
		buffer_init(&c->backlog->sending, SIZE_MAX / 2);
		buffer_init(&c->backlog->waiting, SIZE_MAX / 2);
	}
	for (unsigned i = 0; i < n; i++) {
		size_t skip = MIN(taken, parts[i].len);

		taken -= skip;
		if (skip == parts[i].len)
			continue;
		if (buffer_append(
			&c->backlog->waiting, parts[i].base + skip, parts[i].len - skip) != 0)
			return -1;
	}
	return 0;
}

static void watch_sent(struct conn *c)
{
	if (c->stall.look_at_ms == 0 && stall_begin(&c->stall, c->written, uv_now(c->tcp.loop)))
		arm_timer(c);
}

void conn_set_send_timeout(struct conn *c, unsigned ms)
{
	c->stall.limit_ms = ms;
}

unsigned conn_stalled_ms(const struct conn *c)
{
	return c->stalled ? c->stall.limit_ms : 0;
}

void conn_write(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	size_t total = 0, taken;

	if (c->state != CONN_OPEN || c->broken != 0)
		return;
	for (unsigned i = 0; i < n; i++)
		total += parts[i].len;
	watch_sent(c);
	c->written += total;
	taken = try_now(c, parts, n);
	if (taken == total || c->broken != 0)
		return;
	if (keep_rest(c, parts, n, taken) != 0) {
		c->broken = UV_ENOMEM;
		arm_timer(c);
	} else if (c->backlog->sending.len == 0) {
		send_waiting(c);
	}
}

size_t conn_unsent_bytes(const struct conn *c)
{
	return c->backlog == NULL ? 0
				  : c->backlog->waiting.len +
		uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

void conn_set_deadline(struct conn *c, unsigned ms)
{
	c->deadline_ms = ms == 0 ? 0 : uv_now(c->tcp.loop) + ms;
	if (c->state != CONN_CLOSED)
		arm_timer(c);
}

void conn_kick(struct conn *c)
{
	if (c->state != CONN_OPEN)
		return;
	c->kicked = true;
	arm_timer(c);
}

void conn_finish(struct conn *c, unsigned linger_ms)
{
	if (c->state != CONN_OPEN)
		return;
	step(c, CONN_FINISH);
	c->events = NULL;
	c->kicked = false;
	c->stall = (struct stall){ 0 }; /* the deadline is the shorter time */
	conn_set_deadline(c, MAX(linger_ms, 1u));
	conn_read_start(c);
	if (c->backlog == NULL)
		flush_done(c);
}

void conn_set_owner(struct conn *c, const struct conn_events *events, void *arg)
{
	c->events = events;
	c->arg = arg;
}

const char *conn_peer(const struct conn *c)
{
	return c->peer;
}

uv_loop_t *conn_loop(const struct conn *c)
{
	return c->tcp.loop;
}

static struct conn *new_conn(struct conn_list *list, uv_loop_t *loop)
{
	struct conn *c = xcalloc(1, sizeof *c);

	c->list = list;
	c->state = CONN_OPEN;
	c->handles = 2;
	(void)uv_tcp_init(loop, &c->tcp); /* without a socket yet, so it cannot fail */
	(void)uv_timer_init(loop, &c->timer);
	c->tcp.data = c;
	c->timer.data = c;
	c->next = list->first;
	if (c->next != NULL)
		c->next->prev = c;
	list->first = c;
	list->count++;
	return c;
}

static void set_peer(struct conn *c)
{
	struct sockaddr_storage ss;
	int size = sizeof ss;

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&ss, &size) == 0)
		address_format((const struct sockaddr *)&ss, c->peer, sizeof c->peer);
}

void conn_ignore_sigpipe(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
}

struct conn *conn_accept(struct conn_list *list, uv_stream_t *listener)
{
	struct conn *c = new_conn(list, listener->loop);

	if (uv_accept(listener, (uv_stream_t *)&c->tcp) < 0) {
		conn_drop(c);
		return NULL;
	}
	(void)uv_tcp_nodelay(&c->tcp, 1);
	(void)uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
	set_peer(c);
	return c;
}

static void on_connected(uv_connect_t *req, int status)
{
	struct conn *c = req->data;

	if (c->state == CONN_CLOSED)
		return;
	if (status == 0)
		(void)uv_tcp_nodelay(&c->tcp, 1);
	c->events->on_open(c->arg, status);
}

struct conn *conn_connect(struct conn_list *list, uv_loop_t *loop, const struct sockaddr *to,
    const struct conn_events *events, void *arg, int *status_out)
{
	struct conn *c = new_conn(list, loop);

	conn_set_owner(c, events, arg);
	address_format(to, c->peer, sizeof c->peer);
	c->req.connect.data = c;
	*status_out = uv_tcp_connect(&c->req.connect, &c->tcp, to, on_connected);
	if (*status_out == 0)
		return c;
	conn_drop(c);
	return NULL;
}

void conn_list_drop(struct conn_list *list)
{
	struct conn *c, *next;

	for (c = list->first; c != NULL; c = next) {
		const struct conn_events *events = c->events;

		if (c->state == CONN_OPEN && events != NULL)
			events->on_end(c->arg, UV_ECANCELED);
		conn_drop(c);
		next = c->next;
	}
}
