#include "access/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "access/credential.h"
#include "access/route.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/name_list.h"
#include "base/util.h"
#include "net/http.h"

enum { IPV6_NETWORK_BYTES = 8, HOST_BYTES = 64 };

/* FNV-1a, 64 bits. `kind` keeps names and addresses apart. */
static uint64_t hash(char kind, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t h = (14695981039346656037ull ^ (uint8_t)kind) * 1099511628211ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * 1099511628211ull;
	return h;
}

uint64_t client_tenant_of_key(const char *name)
{
	return hash('k', name, strlen(name));
}

uint64_t client_tenant_of_peer(const char *peer)
{
	const char *colon = strrchr(peer, ':');
	size_t n = colon == NULL ? strlen(peer) : (size_t)(colon - peer);
	struct in6_addr v6;
	char host[HOST_BYTES];

	if (n < 2 || peer[0] != '[' || peer[n - 1] != ']' || n - 2 >= sizeof host)
		return hash('4', peer, n);
	memcpy(host, peer + 1, n - 2);
	host[n - 2] = '\0';
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return hash('4', peer, n);
	return hash('6', &v6, IPV6_NETWORK_BYTES);
}

static int refuse(const struct http_exchange *x, const char *why, struct error *err)
{
	log_debug("client %s: refused: %s", http_peer(x), why);
	metric_add(METRIC_keys_refused_total, 1);
	return error_set(err, ERROR_INVALID, "%s", why);
}

static void become(struct client *out, const struct key *key)
{
	(void)snprintf(out->key, sizeof out->key, "%s", key->name);
	out->tenant = client_tenant_of_key(key->name);
	out->priority = key->priority;
	client_limit(out, key);
}

int client_check(
    const struct keys *keys, const struct http_exchange *x, struct client *out, struct error *err)
{
	char secret[CREDENTIAL_BYTES];
	enum credential_found found;
	const struct key *key;

	*out = (struct client){ .priority = PRIORITY_NORMAL };
	if (keys == NULL) {
		out->tenant = client_tenant_of_peer(http_peer(x));
		return 0;
	}
	found = credential_of(x, secret);
	if (found == CREDENTIAL_NONE)
		return refuse(x,
		    "a key is needed and none was sent; send Authorization: Bearer KEY, or "
		    "?api_key=KEY "
		    "where headers cannot be set",
		    err);
	key = keys_match(keys, secret, strlen(secret));
	if (found == CREDENTIAL_BROKEN || key == NULL)
		return refuse(x, "the key that was sent is not one of this server's", err);
	become(out, key);
	return 0;
}

int client_check_secret(
    const struct keys *keys, const char *secret, struct client *out, struct error *err)
{
	const struct key *key = NULL;

	if (keys == NULL)
		return 0;
	if (secret != NULL)
		key = keys_match(keys, secret, strlen(secret));
	if (key != NULL) {
		become(out, key);
		return 0;
	}
	metric_add(METRIC_keys_refused_total, 1);
	return error_set(err, ERROR_INVALID, "%s",
	    secret == NULL ? "a key is needed and none was sent"
			   : "the key that was sent is not one of this server's");
}

int client_admit(const struct keys *keys, struct http_exchange *x, struct client *out)
{
	struct error err;

	if (client_check(keys, x, out, &err) == 0)
		return 0;
	route_refuse(x, 401, err.text, 0);
	return -1;
}

void client_limit(struct client *c, const struct key *key)
{
	c->limits = key->limits;
	memcpy(c->pools, key->pools, sizeof c->pools);
}

int client_check_pool(const struct client *c, const char *pool, struct error *err)
{
	if (*c->pools == '\0' || name_list_has(c->pools, pool))
		return 0;
	return error_set(err, ERROR_FORBIDDEN,
	    "the key may not use the pool \"%.40s\"; it may use: %.120s", pool, c->pools);
}

static struct client **bucket(struct client_set *set, uint64_t session)
{
	return &set->buckets[session % CLIENT_BUCKETS];
}

void client_set_add(struct client_set *set, struct client *c, uint64_t session)
{
	struct client **first = bucket(set, session);

	c->session = session;
	c->next = *first;
	*first = c;
}

void client_set_remove(struct client_set *set, struct client *c)
{
	struct client **at = bucket(set, c->session);

	while (*at != NULL && *at != c)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = c->next;
	c->next = NULL;
}

const struct client *client_set_find(const struct client_set *set, uint64_t session)
{
	const struct client *c = set->buckets[session % CLIENT_BUCKETS];

	while (c != NULL && c->session != session)
		c = c->next;
	return c;
}
