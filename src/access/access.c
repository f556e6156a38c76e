#include "access/access.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_internal.h"
#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "pool/pool.h"
#include "session/roster.h"

struct access *access_new(const struct access_config *cfg, struct pool *const *pools,
    unsigned pools_n, struct roster *roster, struct work *work)
{
	struct access *a = xcalloc(1, sizeof *a);

	assert(pools_n > 0);
	a->cfg = *cfg;
	a->pools = pools;
	a->pools_n = pools_n;
	a->roster = roster;
	a->work = work;
	return a;
}

void access_free(struct access **a)
{
	if (*a == NULL)
		return;
	assert((*a)->first == NULL);
	keys_free(&(*a)->keys);
	free(*a);
	*a = NULL;
}

int access_load_keys(struct access *a, const char *path, struct error *err)
{
	struct keys *keys = NULL;

	if (path != NULL && *path != '\0' && keys_load(&keys, path, err) != 0)
		return -1;
	keys_free(&a->keys);
	a->keys = keys;
	if (keys == NULL)
		return 0;
	log_info("server: %u keys from %s", keys_count(keys), path);
	if (keys_count(keys) == 0)
		log_warn("server: there is no key in %s, so nobody is let in", path);
	return 0;
}

const struct client *access_client_of(const struct access *a, uint64_t session)
{
	return client_set_find(&a->clients, session);
}

void access_look(struct access *a, uint64_t now_ns)
{
	struct native *next;

	roster_look(a->roster, now_ns);
	for (struct native *n = a->first; n != NULL; n = next) {
		next = native_next(n);
		native_look(n, now_ns);
	}
}

void access_note_closed(struct access *a)
{
	void (*on_empty)(void *arg) = a->on_empty;

	if (a->first != NULL || on_empty == NULL)
		return;
	a->on_empty = NULL;
	on_empty(a->empty_arg);
}

void access_reconfigure(struct access *a, const struct access_config *cfg)
{
	a->cfg = *cfg;
}

void access_word_leaving(struct error *err)
{
	(void)error_set(err, ERROR_RESTARTING, "the server is shutting down");
}

static void tell_all(struct access *a, unsigned retry_after_ms,
    void (*tell)(struct native *n, const struct error *why))
{
	struct native *next;
	struct error err;

	a->leaving = true;
	a->retry_after_ms = retry_after_ms;
	access_word_leaving(&err);
	for (struct native *n = a->first; n != NULL; n = next) {
		next = native_next(n);
		tell(n, &err);
	}
}

void access_drain(struct access *a, unsigned retry_after_ms)
{
	tell_all(a, retry_after_ms, native_leave);
	roster_leave_all(a->roster, retry_after_ms);
}

void access_stop(struct access *a, unsigned retry_after_ms)
{
	tell_all(a, retry_after_ms, native_stop);
}

void access_when_empty(struct access *a, void (*on_empty)(void *arg), void *arg)
{
	a->on_empty = on_empty;
	a->empty_arg = arg;
	access_note_closed(a);
}

static void name_pools(const struct access *a, char *names, size_t cap)
{
	names[0] = '\0';
	for (unsigned i = 0; i < a->pools_n; i++) {
		size_t used = strlen(names);

		(void)snprintf(
		    names + used, cap - used, "%s%s", i == 0 ? "" : ", ", pool_name(a->pools[i]));
	}
}

struct pool *access_pool(const struct access *a, const char *name, struct error *err)
{
	char names[128];

	if (name == NULL)
		return a->pools[0];
	for (unsigned i = 0; i < a->pools_n; i++)
		if (strcmp(pool_name(a->pools[i]), name) == 0)
			return a->pools[i];
	name_pools(a, names, sizeof names);
	(void)error_set(
	    err, ERROR_INVALID, "there is no pool \"%.40s\"; there is: %s", name, names);
	return NULL;
}
