/* Where the server listens, and what is spoken there. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "access/protocols.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/listen_tls.h"
#include "cli/server_internal.h"
#include "net/address.h"
#include "net/http.h"
#include "net/tls.h"

static void copy_settings(struct access_listener *l, const struct config_listen *c)
{
	*l = (struct access_listener){ .protocol = c->protocol,
		.pool = c->pool == NULL || *c->pool == '\0' ? NULL : c->pool,
		.sample_rate = c->sample_rate };
	(void)snprintf(l->name, sizeof l->name, "%s", c->name);
}

static int word(struct server *s, const struct config_listen *c, struct http_listener_config *out,
    struct error *err)
{
	unsigned i = s->listeners_n++;

	copy_settings(&s->listeners[i], c);
	if (listen_tls_new(c, &s->tls[i], err) < 0)
		return -1;
	*out = (struct http_listener_config){ .address = c->address,
		.data = &s->listeners[i],
		.raw = protocols_is_raw(c->protocol),
		.allow_unmasked = c->allow_unmasked,
		.tls = s->tls[i] };
	return 0;
}

/* The listener a socket was opened for: that of its name, or where somebody else than an old server named it, that of its
 * place. */
static const struct config_listen *settings_of(const struct server *s, unsigned i)
{
	const char *name = s->inherited.names[i];

	for (unsigned n = 0; n < s->cfg->listens_n; n++)
		if (strcmp(s->cfg->listens[n].name, name) == 0)
			return &s->cfg->listens[n];
	if (s->inherited.ready_fd >= 0 && *name != '\0')
		return NULL;
	return i < s->cfg->listens_n ? &s->cfg->listens[i] : NULL;
}

static int adopt(struct server *s, unsigned i, struct error *err)
{
	const struct config_listen *c = settings_of(s, i);
	struct http_listener_config cfg;

	if (c == NULL)
		return error_set(err, ERROR_CONFIG,
		    "socket %u of those handed to us is named \"%.40s\", which no [listen NAME] "
		    "is; "
		    "there are %u",
		    i + 1, s->inherited.names[i], s->cfg->listens_n);
	if (word(s, c, &cfg, err) < 0)
		return -1;
	return http_server_adopt(s->http, s->inherited.fds[i], &cfg, err);
}

static int open_at(
    struct server *s, const struct config_listen *c, const char *address, struct error *err)
{
	struct http_listener_config cfg;

	if (word(s, c, &cfg, err) < 0)
		return -1;
	cfg.address = address;
	return http_server_listen(s->http, &cfg, err);
}

/* Port 0 is one for both. */
static int open_localhost(struct server *s, const struct config_listen *c, struct error *err)
{
	char v4[ADDRESS_BYTES], v6[ADDRESS_BYTES];
	unsigned i = s->listeners_n;

	(void)snprintf(v4, sizeof v4, "127.0.0.1%s", strrchr(c->address, ':'));
	if (open_at(s, c, v4, err) < 0)
		return -1;
	(void)snprintf(v6, sizeof v6, "[::1]%s", strrchr(http_server_address(s->http, i), ':'));
	return open_at(s, c, v6, err);
}

static int open_own(struct server *s, unsigned i, struct error *err)
{
	const struct config_listen *c = &s->cfg->listens[i];

	return address_is_of_both_families(c->address) ? open_localhost(s, c, err)
						       : open_at(s, c, c->address, err);
}

static const char *scheme_of(enum protocol p, bool tls)
{
	if (p == PROTOCOL_STENOPOOL || p == PROTOCOL_STT_FASTAPI)
		return tls ? "https" : "http";
	if (protocols_is_raw(p))
		return tls ? "tls" : "tcp";
	return tls ? "wss" : "ws";
}

static void say_where(const struct server *s)
{
	const char *address;

	for (unsigned i = 0; (address = http_server_address(s->http, i)) != NULL; i++) {
		const struct access_listener *l = &s->listeners[i];
		const char *scheme = scheme_of(l->protocol, s->tls[i] != NULL);
		char what[64] = "";

		if (l->protocol != PROTOCOL_STENOPOOL)
			(void)snprintf(what, sizeof what, "for %s ", protocol_names[l->protocol]);
		(void)printf("stenopool: listening %son %s://%s\n", what, scheme, address);
		log_info("server: listening %son %s://%s%s", what, scheme, address,
		    s->inherited.n > 0 ? ", which was handed to us" : "");
	}
	if (fflush(stdout) != 0)
		clearerr(stdout); /* the log has it */
}

/* Sockets that were handed to us take the place of all addresses in the settings. */
int server_listen(struct server *s, struct error *err)
{
	for (unsigned i = 0; i < s->inherited.n; i++)
		if (adopt(s, i, err) < 0)
			return -1;
	for (unsigned i = 0; s->inherited.n == 0 && i < s->cfg->listens_n; i++)
		if (open_own(s, i, err) < 0)
			return -1;
	say_where(s);
	return 0;
}

/* "main:vosk": the names of our listeners in the order of their descriptors, for a successor. */
void server_listen_names(const struct server *s, char *out, size_t cap)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < s->listeners_n && used < cap; i++)
		used += (size_t)snprintf(
		    out + used, cap - used, "%s%s", i == 0 ? "" : ":", s->listeners[i].name);
}

void server_listen_reload(struct server *s)
{
	for (unsigned i = 0; i < s->listeners_n; i++)
		if (s->tls[i] != NULL)
			listen_tls_reload(s->tls[i], s->listeners[i].name);
}

void server_listen_done(struct server *s)
{
	for (unsigned i = 0; i < s->listeners_n; i++)
		tls_free(&s->tls[i]);
}

void server_tcp(void *arg, struct tcp *t, void *listener_data)
{
	struct server *s = arg;

	protocols_tcp(s->access, listener_data, t);
}
