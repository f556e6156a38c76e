/* What a connection sends: at once what the socket takes, the rest from a backlog, with an eye on whether the peer takes any
 * of it. */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/metric.h"
#include "base/util.h"
#include "net/conn_internal.h"

static void send_waiting(struct conn *c);

void conn_backlog_free(struct conn *c)
{
	if (c->backlog == NULL)
		return;
	buffer_done(&c->backlog->sending);
	buffer_done(&c->backlog->waiting);
	free(c->backlog);
	c->backlog = NULL;
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
	return MIN(conn_backlog_bytes(c) + (uint64_t)MAX(in_kernel, 0), c->written);
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
	c->ops->tell_end(c, UV_ETIMEDOUT);
}

void conn_look_at_sent(struct conn *c)
{
	uint64_t left;
	bool stalled;

	if (c->stall.look_at_ms == 0)
		return;
	left = untaken_bytes(c);
	stalled = stall_look(&c->stall, c->written - left, left, uv_now(c->tcp.loop));
	c->ops->arm_timer(c);
	if (stalled)
		end_stalled(c);
}

static void on_written(uv_write_t *req, int status)
{
	struct conn *c = req->data;

	if (c->state != CONN_OPEN && c->state != CONN_FLUSHING)
		return;
	buffer_consume(&c->backlog->sending, c->backlog->sending.len);
	if (status < 0) {
		conn_backlog_free(c);
		c->broken = status;
		c->ops->arm_timer(c);
	} else if (c->backlog->waiting.len > 0) {
		send_waiting(c);
	} else {
		conn_backlog_free(c);
		c->ops->all_sent(c);
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
		conn_backlog_free(c);
		c->broken = status;
		c->ops->arm_timer(c);
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
		c->ops->arm_timer(c);
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
		c->ops->arm_timer(c);
}

void conn_set_send_timeout(struct conn *c, unsigned ms)
{
	c->stall.limit_ms = ms;
}

unsigned conn_stalled_ms(const struct conn *c)
{
	return c->stalled ? c->stall.limit_ms : 0;
}

void conn_send(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	size_t total = 0, taken;

	if ((c->state != CONN_OPEN && c->state != CONN_FLUSHING) || c->broken != 0)
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
		c->ops->arm_timer(c);
	} else if (c->backlog->sending.len == 0) {
		send_waiting(c);
	}
}

size_t conn_backlog_bytes(const struct conn *c)
{
	return c->backlog == NULL ? 0
				  : c->backlog->waiting.len +
		uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}
