#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "net/address.h"
#include "net/address_tally.h"
#include "net/http_internal.h"

enum { LISTEN_BACKLOG = 1024 };

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
	address_tally_free(&s->tally);
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

static void on_conn_gone(void *arg, const struct conn *c)
{
	http_accept_gone(arg, c);
	tell_if_empty(arg);
	free_if_ended(arg);
}

static void on_refused_gone(void *arg, const struct conn *c)
{
	(void)c;
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
	s->tally = address_tally_new();
	s->conns = (struct conn_list){ .on_gone = on_conn_gone, .arg = s };
	s->refused = (struct conn_list){ .on_gone = on_refused_gone, .arg = s };
	(void)uv_timer_init(loop, &s->end);
	s->end.data = s;
	s->handles = 1;
	return s;
}

static void on_connection(uv_stream_t *stream, int status)
{
	http_accept(stream->data, status);
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

	assert(!cfg->raw || s->events->on_tcp != NULL);
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
