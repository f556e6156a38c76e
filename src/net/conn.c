#include "net/conn.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "net/conn_internal.h"

enum {
	READ_BYTES = 16 * 1024,
	DRAIN_MAX_BYTES = 64 * 1024 * 1024, /* read and thrown away after our end of file */
	KEEPALIVE_S = 60,
	GRACE_MS = 1000, /* half a request stands still when nothing has come of it for so long */
	NEVER = 3,       /* beyond the turns of turn_to_go */
};

static const enum conn_state next_state[CONN_STATES][CONN_STEPS] = {
	[CONN_OPEN] = { [CONN_FINISH] = CONN_FLUSHING, [CONN_DROP] = CONN_CLOSED },
	[CONN_FLUSHING] = { [CONN_FLUSHED] = CONN_DRAINING, [CONN_DROP] = CONN_CLOSED },
	[CONN_DRAINING] = { [CONN_PEER_ENDED] = CONN_CLOSED, [CONN_DROP] = CONN_CLOSED },
};

/* One for all connections of a loop: libuv asks for it right before it calls on_read, which is done with it on return. */
static _Thread_local uint8_t read_bytes[READ_BYTES];

static void on_timer(uv_timer_t *timer);

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

	if (c->kicked || c->broken != 0 || c->tls_due)
		(void)uv_timer_start(&c->timer, on_timer, 0, 0);
	else if (at != 0)
		(void)uv_timer_start(&c->timer, on_timer, at > now ? at - now : 0, 0);
	else
		(void)uv_timer_stop(&c->timer);
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
	c->list->lingering -= c->lingers;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct conn_list *list = c->list;

	if (--c->handles > 0)
		return;
	unlink_conn(c);
	conn_backlog_free(c);
	conn_tls_free(c);
	if (list->on_gone != NULL)
		list->on_gone(list->arg, c);
	free(c);
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
	if (c->state == CONN_OPEN && conn_tls_has_failed(c))
		conn_tls_drop_failed(c);
	else if (c->state != CONN_CLOSED)
		close_handles(c, CONN_DROP);
}

static void tell_end(struct conn *c, int status)
{
	const struct conn_events *events = c->events;

	c->peer_ended = true;
	(void)uv_read_stop((uv_stream_t *)&c->tcp);
	if (c->state == CONN_DRAINING)
		close_handles(c, CONN_PEER_ENDED);
	else if (c->state == CONN_FLUSHING && (status != UV_EOF || conn_tls_early_bytes(c) > 0))
		conn_drop(c);
	else if (events != NULL)
		events->on_end(c->arg, status);
}

static void on_time(struct conn *c)
{
	if (c->deadline_ms == 0 || c->deadline_ms > uv_now(c->tcp.loop)) {
		conn_look_at_sent(c);
		return;
	}
	c->deadline_ms = 0;
	arm_timer(c);
	if (c->state != CONN_OPEN)
		conn_drop(c);
	else
		c->events->on_deadline(c->arg);
}

static void read_socket(struct conn *c);

/* What TLS has kept comes first, then the socket's turn. */
static void on_tls_due(struct conn *c)
{
	c->tls_due = false;
	arm_timer(c);
	conn_tls_take_kept(c);
	if (c->reading && c->state == CONN_OPEN && !c->peer_ended)
		read_socket(c);
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *c = timer->data;
	bool kicked = c->kicked;
	int broken = c->broken;

	c->kicked = false;
	c->broken = 0;
	if (!kicked && broken == 0 && c->tls_due) {
		on_tls_due(c);
		return;
	}
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

	c->received += n > 0 ? (uint64_t)n : 0;
	if (n < 0) {
		tell_end(c, (int)n);
	} else if (c->tls != NULL && conn_tls_take(c, (const uint8_t *)buf->base, (size_t)n)) {
		return;
	} else if (c->state == CONN_OPEN) {
		if (n > 0)
			c->events->on_read(c->arg, (const uint8_t *)buf->base, (size_t)n);
	} else {
		c->drained_bytes += (size_t)n;
		if (c->drained_bytes > DRAIN_MAX_BYTES)
			conn_drop(c);
	}
}

static void read_socket(struct conn *c)
{
	(void)uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_stream_read);
}

void conn_read_start(struct conn *c)
{
	if (c->state == CONN_CLOSED || c->peer_ended || c->reading ||
	    (c->state == CONN_OPEN && conn_tls_has_failed(c)))
		return;
	c->reading = true;
	if (c->state == CONN_OPEN && conn_tls_has_input(c)) {
		c->tls_due = true;
		arm_timer(c);
	} else {
		read_socket(c);
	}
}

void conn_read_stop(struct conn *c)
{
	c->reading = false;
	if (c->tls_due) {
		c->tls_due = false;
		arm_timer(c);
	}
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

static void flushed(struct conn *c)
{
	step(c, CONN_FLUSHED);
	c->req.shutdown.data = c;
	if (uv_shutdown(&c->req.shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0)
		conn_drop(c);
}

/* What waits for the end of TLS's handshake is still to come. */
static void all_sent(struct conn *c)
{
	if (conn_tls_early_bytes(c) > 0)
		return;
	if (c->state == CONN_FLUSHING)
		flushed(c);
	else if (c->events != NULL && c->events->on_drained != NULL)
		c->events->on_drained(c->arg);
}

void conn_write(struct conn *c, const uv_buf_t *parts, unsigned n)
{
	if (c->state != CONN_OPEN || c->broken != 0)
		return;
	if (c->tls != NULL)
		conn_tls_write(c, parts, n);
	else
		conn_send(c, parts, n);
}

size_t conn_unsent_bytes(const struct conn *c)
{
	return conn_tls_early_bytes(c) + conn_backlog_bytes(c);
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
	if (c->tls_due)
		conn_read_stop(c);
	if (c->tls != NULL)
		conn_tls_finish(c);
	step(c, CONN_FINISH);
	c->lingers = true;
	c->list->lingering++;
	c->events = NULL;
	c->kicked = false;
	c->stall = (struct stall){ 0 }; /* the deadline is the shorter time */
	conn_set_deadline(c, MAX(linger_ms, 1u));
	conn_read_start(c);
	if (c->backlog == NULL && conn_tls_early_bytes(c) == 0)
		flushed(c);
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

const struct address_ip *conn_peer_ip(const struct conn *c)
{
	return &c->peer_ip;
}

uint64_t conn_received_bytes(const struct conn *c)
{
	return c->received;
}

uv_loop_t *conn_loop(const struct conn *c)
{
	return c->tcp.loop;
}

static void link_conn(struct conn *c, struct conn_list *list)
{
	c->list = list;
	c->prev = NULL;
	c->next = list->first;
	if (c->next != NULL)
		c->next->prev = c;
	list->first = c;
	list->count++;
	list->lingering += c->lingers;
}

void conn_move(struct conn *c, struct conn_list *to)
{
	unlink_conn(c);
	link_conn(c, to);
}

static const struct conn_ops ops = { .arm_timer = arm_timer,
	.tell_end = tell_end,
	.all_sent = all_sent,
	.read_stop = conn_read_stop,
	.finish = conn_finish,
	.drop = conn_drop };

static struct conn *new_conn(struct conn_list *list, uv_loop_t *loop)
{
	struct conn *c = xcalloc(1, sizeof *c);

	c->ops = &ops;
	c->state = CONN_OPEN;
	c->handles = 2;
	(void)uv_tcp_init(loop, &c->tcp); /* without a socket yet, so it cannot fail */
	(void)uv_timer_init(loop, &c->timer);
	c->tcp.data = c;
	c->timer.data = c;
	link_conn(c, list);
	return c;
}

static void set_peer(struct conn *c)
{
	struct sockaddr_storage ss;
	int size = sizeof ss;

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&ss, &size) == 0) {
		address_format((const struct sockaddr *)&ss, c->peer, sizeof c->peer);
		address_ip_of((const struct sockaddr *)&ss, &c->peer_ip);
	}
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

/* The list begins with the newest. */
bool conn_list_drop_lingering(struct conn_list *list)
{
	struct conn *oldest = NULL;

	for (struct conn *c = list->first; c != NULL; c = c->next)
		if (c->lingers && c->state != CONN_CLOSED)
			oldest = c;
	if (oldest == NULL)
		return false;
	conn_drop(oldest);
	return true;
}

void conn_set_worth(struct conn *c, enum conn_worth worth)
{
	c->worth = worth;
	c->worth_ms = uv_now(c->tcp.loop);
}

static bool is_owned_by(const struct conn *c, const struct address_ip *owner)
{
	struct address_ip own = address_ip_owner(&c->peer_ip);

	return owner == NULL || memcmp(&own, owner, sizeof own) == 0;
}

/* Whoever comes must have the time to say what it wants, else each newcomer would make the one before it go. */
static unsigned turn_to_go(const struct conn *c)
{
	if (c->state != CONN_OPEN || c->events == NULL || c->worth == CONN_WORTH_WORK)
		return NEVER;
	if (c->worth == CONN_WORTH_IDLE)
		return 1;
	return uv_now(c->tcp.loop) - c->worth_ms >= GRACE_MS ? 0 : 2;
}

bool conn_list_give_up(struct conn_list *list, const struct address_ip *owner)
{
	struct conn *found = NULL;
	unsigned turn = NEVER;

	/* the list begins with the newest */
	for (struct conn *c = list->first; c != NULL; c = c->next) {
		unsigned own = turn_to_go(c);

		if (own == NEVER || own > turn || !is_owned_by(c, owner) ||
		    (own == turn && c->worth_ms > found->worth_ms))
			continue;
		found = c;
		turn = own;
	}
	if (found == NULL)
		return false;
	found->events->on_end(found->arg, UV_EBUSY);
	assert(found->state != CONN_OPEN);
	return true;
}
