/* Who is let in: whoever comes is accepted, since only then is it known who it is, and then becomes one of the server's
 * connections or is told why not. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/address_tally.h"
#include "net/http_internal.h"
#include "net/tcp_internal.h"

enum {
	/* One too many each, and being told so, or having its question for the server's health answered; more are just closed,
	 * since each costs a descriptor. */
	RESERVE = 64,
	DESCRIPTORS_KEPT = 32,
	LINGERING_MAX = 256, /* beyond them the oldest is closed for each newcomer */
};

/* False: it has been dropped. */
static bool secure(const struct http_listener *l, struct conn *c)
{
	if (l->cfg.tls == NULL || conn_secure(c, l->cfg.tls) == 0)
		return true;
	conn_drop(c);
	return false;
}

/* A place among those that are one too many; the rules are the same there. */
static bool has_reserve(struct http_server *s)
{
	return s->refused.count <= RESERVE || conn_list_drop_lingering(&s->refused) ||
	    conn_list_give_up(&s->refused, NULL);
}

/* Hears what a connection wants that is one too many: whoever asks for the server's health is answered, others are told 503.
 * A raw one has no words for it. */
static void turn_away(struct http_listener *l, struct conn *c, const char *why)
{
	if (l->cfg.raw || !has_reserve(l->server))
		conn_drop(c);
	else if (secure(l, c))
		http_exchange_start(l, c, why);
}

/* Once a second, however many there are. */
static void tell_unaccepted(struct http_server *s, const char *why)
{
	uint64_t now_ns = clock_now_ns();

	metric_add(METRIC_connections_unaccepted_total, 1);
	if (s->told_ns != 0 && now_ns < s->told_ns + NS_PER_S)
		return;
	s->told_ns = now_ns;
	log_error("cannot take connections: %s; trying on", why);
}

/* Descriptors that are left belong to those who are here already: a newborn recogniser brings three. The next one that is
 * free tells how many there are at most. */
static bool is_short_of_descriptors(uv_stream_t *stream)
{
	struct rlimit limit;
	uv_os_fd_t listener;
	int next;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || uv_fileno((uv_handle_t *)stream, &listener) < 0)
		return false;
	next = fcntl(listener, F_DUPFD_CLOEXEC, 0);
	if (next < 0)
		return true;
	(void)close(next);
	return (rlim_t)next + DESCRIPTORS_KEPT > limit.rlim_cur;
}

static void start_tcp(struct http_listener *l, struct conn *c)
{
	struct http_server *s = l->server;
	const struct tcp_limits limits = { .send_bytes = s->cfg.send_buffer_bytes,
		.linger_ms = s->cfg.linger_timeout_ms,
		.handshake_ms = s->cfg.header_timeout_ms };

	conn_set_send_timeout(c, s->cfg.send_timeout_ms);
	s->events->on_tcp(s->arg, tcp_new(c, &limits), l->cfg.data);
}

static void start_conn(struct http_listener *l, struct conn *c)
{
	if (l->cfg.raw)
		start_tcp(l, c);
	else
		http_exchange_start(l, c, NULL);
}

static void take(struct http_listener *l, struct conn *c)
{
	struct http_server *s = l->server;
	struct address_ip owner = address_ip_owner(conn_peer_ip(c));

	if (s->conns.lingering > LINGERING_MAX)
		(void)conn_list_drop_lingering(&s->conns);
	address_tally_add(s->tally, &owner);
	conn_move(c, &s->conns);
	metric_add(METRIC_connections, 1);
	metric_add(METRIC_connections_total, 1);
	if (secure(l, c))
		start_conn(l, c);
}

void http_accept_gone(struct http_server *s, const struct conn *c)
{
	struct address_ip owner = address_ip_owner(conn_peer_ip(c));

	address_tally_remove(s->tally, &owner);
	metric_sub(METRIC_connections, 1);
}

/* Proxies bring the connections of many. */
static bool is_one_too_many(const struct http_server *s, const struct address_ip *ip)
{
	const unsigned max = s->cfg.max_connections_per_address;
	struct address_ip owner = address_ip_owner(ip);

	return max > 0 && address_tally_count(s->tally, &owner) >= max &&
	    !address_list_has(&s->cfg.trusted_proxies, ip);
}

/* What speaks against one more connection from this address. */
enum obstacle { NOTHING, ALL_TAKEN, ADDRESS_TAKEN, NO_DESCRIPTORS };

static enum obstacle obstacle_to(
    const struct http_server *s, const struct address_ip *ip, bool is_short)
{
	/* One that was told all and does not go must not keep others out. */
	if (s->conns.count - s->conns.lingering >= s->cfg.max_connections)
		return ALL_TAKEN;
	if (is_one_too_many(s, ip))
		return ADDRESS_TAKEN;
	return is_short ? NO_DESCRIPTORS : NOTHING;
}

static void word_obstacle(const struct http_server *s, enum obstacle o, char *why, size_t room)
{
	if (o == ALL_TAKEN)
		(void)snprintf(why, room, "all %u connections (max_connections) are taken",
		    s->cfg.max_connections);
	else if (o == ADDRESS_TAKEN)
		(void)snprintf(why, room,
		    "all %u connections of one address (max_connections_per_address) are taken",
		    s->cfg.max_connections_per_address);
	else
		(void)snprintf(why, room, "the server is short of descriptors");
}

/* Somebody goes who has asked for nothing yet, or not to the end, so that half-open requests keep nobody out. */
static bool make_room(struct http_server *s, enum obstacle o, const struct address_ip *ip)
{
	struct address_ip owner = address_ip_owner(ip);

	if (!conn_list_give_up(&s->conns, o == ADDRESS_TAKEN ? &owner : NULL))
		return false;
	metric_add(METRIC_connections_given_up_total, 1);
	return true;
}

/* With no descriptor at all libuv gives up its spare one to accept and close the newcomer; `status` says when that failed. */
void http_accept(struct http_listener *l, int status)
{
	struct http_server *s = l->server;
	uv_stream_t *stream = (uv_stream_t *)&l->tcp;
	enum obstacle o;
	bool is_short;
	struct conn *c;
	char why[128];

	if (status < 0) {
		tell_unaccepted(s, uv_strerror(status));
		return;
	}
	is_short = is_short_of_descriptors(stream);
	c = conn_accept(&s->refused, stream);
	if (c == NULL)
		return;
	o = obstacle_to(s, conn_peer_ip(c), is_short);
	if (o == NOTHING || make_room(s, o, conn_peer_ip(c))) {
		take(l, c);
		return;
	}
	word_obstacle(s, o, why, sizeof why);
	if (o == NO_DESCRIPTORS)
		tell_unaccepted(s, "the server is short of descriptors (ulimit -n)");
	else
		metric_add(METRIC_connections_refused_total, 1);
	turn_away(l, c, why);
}
