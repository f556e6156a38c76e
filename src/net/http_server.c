#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/address.h"
#include "net/http_internal.h"
#include "net/tcp_internal.h"

enum {
	LISTEN_BACKLOG = 1024,
	REFUSED_MAX =
	    64, /* being told 503 at once; more are just closed, since each costs a descriptor */
	RETRY_AFTER_S = 2,
	DESCRIPTORS_KEPT = 32,
};

static void free_if_ended(struct http_server *s)
{
	void (*done)(void *arg) = s->done;
	void *arg = s->done_arg;
	struct http_listener *l;

	if (!s->freeing || s->handles > 0 || s->conns.count > 0 || s->refused.count > 0)
		return;
	while ((l = s->listeners) != NULL) {
		s->listeners = l->next;
		free(l);
	}
	free(s);
	if (done != NULL)
		done(arg);
}

static void tell_if_empty(struct http_server *s)
{
	void (*on_empty)(void *arg) = s->on_empty;

	if (on_empty == NULL || s->freeing || s->conns.count > 0)
		return;
	s->on_empty = NULL;
	on_empty(s->empty_arg);
}

static void on_conn_gone(void *arg)
{
	metric_sub(METRIC_connections, 1);
	tell_if_empty(arg);
	free_if_ended(arg);
}

static void on_refused_gone(void *arg)
{
	free_if_ended(arg);
}

struct http_server *http_server_new(
    uv_loop_t *loop, const struct http_config *cfg, const struct http_events *events, void *arg)
{
	struct http_server *s = xcalloc(1, sizeof *s);

	conn_ignore_sigpipe();
	s->loop = loop;
	s->events = events;
	s->arg = arg;
	s->cfg = *cfg;
	s->conns = (struct conn_list){ .on_gone = on_conn_gone, .arg = s };
	s->refused = (struct conn_list){ .on_gone = on_refused_gone, .arg = s };
	(void)uv_timer_init(loop, &s->end);
	s->end.data = s;
	s->handles = 1;
	return s;
}

/* False: it has been dropped. */
static bool secure(const struct http_listener *l, struct conn *c)
{
	if (l->cfg.tls == NULL || conn_secure(c, l->cfg.tls) == 0)
		return true;
	conn_drop(c);
	return false;
}

/* Says 503 to a connection that is one too many. Its request is not read, only waited for and thrown away. A raw one has no
 * words for it. */
static void turn_away(struct http_listener *l, const char *why)
{
	struct http_server *s = l->server;
	struct conn *c = conn_accept(&s->refused, (uv_stream_t *)&l->tcp);
	char text[512];
	uv_buf_t part;
	int n;

	if (c == NULL)
		return;
	if (!secure(l, c))
		return;
	if (l->cfg.raw || s->refused.count > REFUSED_MAX) {
		conn_drop(c);
		return;
	}
	n = snprintf(text, sizeof text,
	    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nConnection: close\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
	    RETRY_AFTER_S, (int)strlen(why), why);
	part = uv_buf_init(text, (unsigned)n);
	conn_write(c, &part, 1);
	conn_finish(c, s->cfg.linger_timeout_ms);
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
		http_exchange_start(l, c);
}

/* With no descriptor at all libuv gives up its spare one to accept and close the newcomer; `status` says when that failed. */
static void on_connection(uv_stream_t *stream, int status)
{
	struct http_listener *l = stream->data;
	struct http_server *s = l->server;
	struct conn *c;
	char why[128];

	if (status < 0) {
		tell_unaccepted(s, uv_strerror(status));
		return;
	}
	if (s->conns.count >= s->cfg.max_connections) {
		(void)snprintf(why, sizeof why, "all %u connections (max_connections) are taken",
		    s->cfg.max_connections);
		metric_add(METRIC_connections_refused_total, 1);
		turn_away(l, why);
		return;
	}
	if (is_short_of_descriptors(stream)) {
		tell_unaccepted(s, "the server is short of descriptors (ulimit -n)");
		turn_away(l, "the server is short of descriptors");
		return;
	}
	metric_add(METRIC_connections, 1);
	c = conn_accept(&s->conns, stream);
	if (c == NULL)
		return;
	metric_add(METRIC_connections_total, 1);
	if (secure(l, c))
		start_conn(l, c);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct http_listener *l = handle->data;

	l->server->handles--;
	free_if_ended(l->server);
}

static void close_listener(struct http_listener *l)
{
	if (l->open)
		uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
	l->open = false;
}

static void append_listener(struct http_server *s, struct http_listener *l)
{
	struct http_listener **at = &s->listeners;

	while (*at != NULL)
		at = &(*at)->next;
	*at = l;
}

/* What is bound, or was handed to us, listens. A libuv code. */
static int start_listener(struct http_listener *l)
{
	struct sockaddr_storage ss;
	int size = sizeof ss;
	int status = uv_listen((uv_stream_t *)&l->tcp, LISTEN_BACKLOG, on_connection);

	if (status == 0)
		status = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&ss, &size);
	if (status == 0)
		address_format((const struct sockaddr *)&ss, l->address, sizeof l->address);
	return status;
}

static struct http_listener *add_listener(
    struct http_server *s, const struct http_listener_config *cfg)
{
	struct http_listener *l = xcalloc(1, sizeof *l);

	l->server = s;
	l->cfg = *cfg;
	l->cfg.address = NULL;
	l->open = true;
	(void)uv_tcp_init(s->loop, &l->tcp);
	l->tcp.data = l;
	s->handles++;
	append_listener(s, l);
	return l;
}

int http_server_listen(
    struct http_server *s, const struct http_listener_config *cfg, struct error *err)
{
	const char *address = cfg->address;
	struct sockaddr_storage where;
	struct http_listener *l;
	int status;

	if (address_resolve(s->loop, address, &where, err) != 0)
		return error_prefix(err, "cannot listen on %.64s", address);
	l = add_listener(s, cfg);
	status = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&where, 0);
	if (status == 0)
		status = start_listener(l);
	if (status == 0)
		return 0;
	close_listener(l);
	return error_set(
	    err, ERROR_SYSTEM, "cannot listen on %.64s: %s", address, uv_strerror(status));
}

int http_server_adopt(
    struct http_server *s, int fd, const struct http_listener_config *cfg, struct error *err)
{
	struct http_listener *l = add_listener(s, cfg);
	int status = uv_tcp_open(&l->tcp, fd);

	if (status != 0)
		(void)close(fd);
	else
		status = start_listener(l);
	if (status == 0)
		return 0;
	close_listener(l);
	return error_set(err, ERROR_SYSTEM,
	    "cannot listen on descriptor %d, which was handed to us: %s", fd, uv_strerror(status));
}

int http_server_listener_fd(const struct http_server *s, unsigned i)
{
	uv_os_fd_t fd;

	for (const struct http_listener *l = s->listeners; l != NULL; l = l->next)
		if (l->open && i-- == 0)
			return uv_fileno((const uv_handle_t *)&l->tcp, &fd) == 0 ? fd : -1;
	return -1;
}

void http_server_when_empty(struct http_server *s, void (*on_empty)(void *arg), void *arg)
{
	s->on_empty = on_empty;
	s->empty_arg = arg;
	tell_if_empty(s);
}

void http_server_reconfigure(struct http_server *s, const struct http_config *cfg)
{
	s->cfg = *cfg;
}

/* A listener that could not be opened has no address. */
const char *http_server_address(const struct http_server *s, unsigned i)
{
	for (const struct http_listener *l = s->listeners; l != NULL; l = l->next)
		if (l->address[0] != '\0' && i-- == 0)
			return l->address;
	return NULL;
}

void http_server_stop_listening(struct http_server *s)
{
	s->stopped = true;
	for (struct http_listener *l = s->listeners; l != NULL; l = l->next)
		close_listener(l);
}

static void on_end_closed(uv_handle_t *handle)
{
	struct http_server *s = handle->data;

	s->handles--;
	free_if_ended(s);
}

void http_server_free(struct http_server **server, void (*done)(void *arg), void *arg)
{
	struct http_server *s = *server;

	*server = NULL;
	if (s == NULL)
		return;
	s->done = done;
	s->done_arg = arg;
	s->freeing = true;
	http_server_stop_listening(s);
	conn_list_drop(&s->conns);
	conn_list_drop(&s->refused);
	uv_close((uv_handle_t *)&s->end, on_end_closed);
}
