/* client: who is at the other end of a session: the name of its key, on whose behalf it waits for a place, and how urgent it
 * is. A protocol embeds one in each of its connections: client_admit fills it from the request, client_set lets status
 * find it by its session. Server process, loop thread only. */
#ifndef ACCESS_CLIENT_H
#define ACCESS_CLIENT_H

#include <stdint.h>

#include "access/keys.h"
#include "pool/pool.h"

struct error;
struct http_exchange;

struct client {
	char key[KEYS_NAME_MAX +
	    1]; /* a copy: the table may be replaced while the session goes on; "": no keys */
	uint64_t tenant; /* the key's, or without keys the address's */
	enum priority priority;
	struct quota_limits limits;
	char pools[KEYS_POOLS_BYTES]; /* those the key may use; "": all */
	struct client *next;          /* client_set's */
	uint64_t session;             /* likewise */
};

/* Lets the client in and fills *out, or answers the request with 401 and returns -1; `x` is invalid then. Without keys
 * (NULL) everybody is let in. */
int client_admit(const struct keys *keys, struct http_exchange *x, struct client *out);
/* The same for a protocol that words its refusals itself: nothing is answered, and *err has the sentence. */
int client_check(
    const struct keys *keys, const struct http_exchange *x, struct client *out, struct error *err);

/* The same for a key that comes in a message, NULL: none came. Without keys *out stays as it is. */
int client_check_secret(
    const struct keys *keys, const char *secret, struct client *out, struct error *err);

/* One key is one tenant, whatever line of the file it stands in. */
uint64_t client_tenant_of_key(const char *name);
/* "127.0.0.1:80": one IPv4 address is one tenant, as is one /64 of IPv6, which is what a customer is given. */
uint64_t client_tenant_of_peer(const char *peer);

/* The clients that have a session. Plain data, zeroed is empty. */
enum { CLIENT_BUCKETS = 1024 };
struct client_set {
	struct client *buckets[CLIENT_BUCKETS];
};

void client_set_add(struct client_set *set, struct client *c, uint64_t session);
void client_set_remove(
    struct client_set *set, struct client *c); /* no effect on one that is not in it */
const struct client *client_set_find(
    const struct client_set *set, uint64_t session); /* NULL: none; lent */

/* Gives it the limits of its key, and the pools it may use. */
void client_limit(struct client *c, const struct key *key);
/* -1 and ERROR_FORBIDDEN: its key does not allow that pool. */
int client_check_pool(const struct client *c, const char *pool, struct error *err);

#endif
