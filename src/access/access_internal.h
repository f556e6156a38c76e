/* What the protocols of src/access share; nobody else includes it. */
#ifndef ACCESS_ACCESS_INTERNAL_H
#define ACCESS_ACCESS_INTERNAL_H

#include <stdbool.h>

#include "access/access.h"
#include "access/client.h"

struct native;

struct access {
	struct access_config cfg;
	struct pool *const *pools;
	unsigned pools_n;
	struct roster *roster;
	struct work *work;
	struct keys *keys;           /* owned; NULL: everybody is let in */
	struct client_set clients;   /* those with a session */
	bool leaving;                /* nobody new is let in */
	unsigned retry_after_ms;     /* told while leaving */
	void (*on_empty)(void *arg); /* NULL: nobody waits for that */
	void *empty_arg;
	struct native *first; /* open connections of the native protocol */
};

/* Why nobody new is let in. */
void access_word_leaving(struct error *err);
/* To be called when a connection has gone from the list. */
void access_note_closed(struct access *a);
/* The pool of that name, or the first one for NULL; NULL and a sentence with the names there are otherwise. */
struct pool *access_pool(const struct access *a, const char *name, struct error *err);

void native_look(struct native *n, uint64_t now_ns);
/* Tells a client that has not said start, and closes; one that has is left alone. */
void native_leave(struct native *n, const struct error *why);
void native_stop(struct native *n, const struct error *why);
struct native *native_next(const struct native *n);

#endif
