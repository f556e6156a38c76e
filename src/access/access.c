#include "access/access.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_internal.h"
#include "access/folder.h"
#include "access/language.h"
#include "access/twilio_signature.h"
#include "access/wanted.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/name_list.h"
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
	a->quota = quota_new();
	return a;
}

void access_set_decoders(struct access *a, struct decoders *decoders)
{
	a->decoders = decoders;
}

void access_add_part(struct access *a, struct access_part *p)
{
	p->next = a->parts;
	a->parts = p;
}

static void free_parts(struct access *a)
{
	struct access_part *next;

	for (struct access_part *p = a->parts; p != NULL; p = next) {
		next = p->next;
		p->free(p);
	}
	a->parts = NULL;
}

void access_free(struct access **a)
{
	if (*a == NULL)
		return;
	assert((*a)->first == NULL);
	free_parts(*a);
	twilio_tokens_free(&(*a)->twilio_tokens);
	folder_free(&(*a)->stt_page);
	keys_free(&(*a)->keys);
	quota_free(&(*a)->quota);
	free(*a);
	*a = NULL;
}

bool access_has_pool(const struct access *a, const char *name, size_t n)
{
	for (unsigned i = 0; i < a->pools_n; i++)
		if (strncmp(pool_name(a->pools[i]), name, n) == 0 &&
		    pool_name(a->pools[i])[n] == '\0')
			return true;
	return false;
}

/* A slip in a name shuts a client out of its pool, and cannot be seen in the file alone. */
static void warn_of_pools(const struct access *a, const struct key *key)
{
	const char *list = key->pools, *name;
	size_t n;

	while ((name = name_list_next(&list, &n)) != NULL)
		if (!access_has_pool(a, name, n))
			log_warn(
			    "server: key %s: there is no pool \"%.*s\"", key->name, (int)n, name);
}

static void take_limits(struct access *a)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < keys_count(a->keys); i++) {
		const struct key *key = keys_at(a->keys, i);

		warn_of_pools(a, key);
		quota_limit(a->quota, client_tenant_of_key(key->name), &key->limits, now_ns);
	}
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
	take_limits(a);
	log_info("server: %u keys from %s", keys_count(keys), path);
	if (keys_count(keys) == 0)
		log_warn("server: there is no key in %s, so nobody is let in", path);
	return 0;
}

void access_take_twilio_tokens(struct access *a, struct twilio_tokens *tokens)
{
	twilio_tokens_free(&a->twilio_tokens);
	a->twilio_tokens = tokens;
	if (tokens != NULL)
		log_info("server: calls must be signed by Twilio with one of %u tokens",
		    twilio_tokens_count(tokens));
}

void access_take_page(struct access *a, struct folder *page)
{
	folder_free(&a->stt_page);
	a->stt_page = page;
	if (page != NULL)
		log_info("server: %u files of realtimestt_page are served", folder_count(page));
}

const struct client *access_client_of(const struct access *a, uint64_t session)
{
	return client_set_find(&a->clients, session);
}

void access_look(struct access *a, uint64_t now_ns)
{
	struct access_link *next;

	quota_look(a->quota, now_ns);
	roster_look(a->roster, now_ns);
	for (struct access_link *l = a->first; l != NULL; l = next) {
		next = l->next;
		if (l->ops->look != NULL)
			l->ops->look(l, now_ns);
	}
}

static void note_closed(struct access *a)
{
	void (*on_empty)(void *arg) = a->on_empty;

	if (a->first != NULL || on_empty == NULL)
		return;
	a->on_empty = NULL;
	on_empty(a->empty_arg);
}

void access_link_add(struct access *a, struct access_link *l, const struct access_link_ops *ops)
{
	l->ops = ops;
	l->prev = NULL;
	l->next = a->first;
	if (l->next != NULL)
		l->next->prev = l;
	a->first = l;
}

void access_link_remove(struct access *a, struct access_link *l)
{
	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		a->first = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	l->prev = l->next = NULL;
	note_closed(a);
}

void access_reconfigure(struct access *a, const struct access_config *cfg)
{
	a->cfg = *cfg;
}

void access_word_leaving(struct error *err)
{
	(void)error_set(err, ERROR_RESTARTING, "the server is shutting down");
}

/* Nobody new is let in from here on. */
static void begin_leaving(struct access *a, unsigned retry_after_ms, struct error *why)
{
	a->leaving = true;
	a->retry_after_ms = retry_after_ms;
	access_word_leaving(why);
}

void access_drain(struct access *a, unsigned retry_after_ms)
{
	struct access_link *next;
	struct error why;

	begin_leaving(a, retry_after_ms, &why);
	for (struct access_link *l = a->first; l != NULL; l = next) {
		next = l->next;
		if (l->ops->leave != NULL)
			l->ops->leave(l, &why);
	}
	roster_leave_all(a->roster, retry_after_ms);
}

void access_stop(struct access *a, unsigned retry_after_ms)
{
	struct access_link *next;
	struct error why;

	begin_leaving(a, retry_after_ms, &why);
	for (struct access_link *l = a->first; l != NULL; l = next) {
		next = l->next;
		l->ops->stop(l, &why);
	}
}

void access_when_empty(struct access *a, void (*on_empty)(void *arg), void *arg)
{
	a->on_empty = on_empty;
	a->empty_arg = arg;
	note_closed(a);
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

struct pool *access_pool_for(
    const struct access *a, const struct client *c, const char *name, struct error *err)
{
	struct pool *pool = access_pool(a, name, err);

	for (unsigned i = 0; name == NULL && i < a->pools_n; i++)
		if (client_check_pool(c, pool_name(a->pools[i]), err) == 0)
			return a->pools[i];
	return pool != NULL && client_check_pool(c, pool_name(pool), err) == 0 ? pool : NULL;
}

struct language_pool access_language_pool(const struct pool *pool)
{
	return (struct language_pool){ .name = pool_name(pool),
		.languages = pool_languages(pool),
		.is_told = (pool_traits(pool)->takes & IPC_TAKES_LANGUAGE) != 0 };
}

struct language_pool *access_language_pools(const struct access *a, const struct client *c)
{
	struct language_pool *pools = xcalloc(a->pools_n, sizeof *pools);
	struct error ignored;

	for (unsigned i = 0; i < a->pools_n; i++)
		if (c == NULL || client_check_pool(c, pool_name(a->pools[i]), &ignored) == 0)
			pools[i] = access_language_pool(a->pools[i]);
	return pools;
}

const struct pool *access_pool_of_finals(const struct pool *pool)
{
	const struct pool_finals *finals = pool_finals(pool);

	return finals->n > 0 ? finals->pools[0] : pool;
}

unsigned access_passed_over(const struct pool *pool, const struct session_wishes *wishes)
{
	return wanted_kinds(wishes) & ~(unsigned)pool_traits(access_pool_of_finals(pool))->takes;
}

bool access_is_known(const struct pool *pool)
{
	return pool_traits(pool)->decode_threads > 0;
}

bool access_word_passed_over(const struct pool *pool, unsigned kinds, struct error *out)
{
	bool as_hot_words = (kinds & IPC_TAKES_PHRASES) != 0 &&
	    (pool_traits(pool)->takes & IPC_TAKES_HOT_WORDS) != 0;
	char names[WANTED_NAMES_BYTES];

	wanted_names(as_hot_words ? kinds & ~(unsigned)IPC_TAKES_PHRASES : kinds, names);
	if (names[0] == '\0' && !as_hot_words)
		return false;
	(void)error_set(out, ERROR_INVALID, "the engine of pool \"%.40s\" %s%s%s%s",
	    pool_name(pool), names[0] == '\0' ? "" : "passes over what is wished of it: ", names,
	    names[0] != '\0' && as_hot_words ? "; it " : "",
	    as_hot_words ? "takes phrases for hot words: other words are heard, too" : "");
	return true;
}

bool access_word_translation(
    const struct pool *pool, const struct session_wishes *wishes, struct error *out)
{
	pool = access_pool_of_finals(pool);
	if ((access_passed_over(pool, wishes) & IPC_TAKES_TRANSLATE) == 0 || !access_is_known(pool))
		return false;
	(void)error_set(out, ERROR_INVALID,
	    "translation is not available: the engine of pool \"%.40s\" does not translate",
	    pool_name(pool));
	return true;
}

static int choose(const struct access *a, const struct client *c, const char *languages, bool all)
{
	struct language_pool *pools = access_language_pools(a, all ? NULL : c);
	int i = language_choose(languages, pools, a->pools_n);

	free(pools);
	return i;
}

struct pool *access_pool_of_language(
    const struct access *a, const struct client *c, const char *languages, struct error *err)
{
	int i = choose(a, c, languages, false), denied;
	char names[128];

	if (i >= 0)
		return a->pools[i];
	denied = choose(a, c, languages, true);
	name_pools(a, names, sizeof names);
	if (denied >= 0)
		(void)client_check_pool(c, pool_name(a->pools[denied]), err);
	else
		(void)error_set(
		    err, ERROR_INVALID, "no pool is for \"%.40s\"; there is: %s", languages, names);
	return NULL;
}

struct pool *access_pool_for_language(
    const struct access *a, const struct client *c, const char *languages, struct error *err)
{
	struct pool *pool = access_pool_of_language(a, c, languages, err);

	return pool != NULL || err->code == ERROR_FORBIDDEN ? pool
							    : access_pool_for(a, c, NULL, err);
}

struct pool *access_pool_among(const struct access *a, const struct client *c,
    const char *const *names, unsigned n, const char *languages, struct error *err)
{
	for (unsigned i = 0; i < n; i++)
		if (names[i] != NULL && access_has_pool(a, names[i], strlen(names[i])))
			return access_pool_for(a, c, names[i], err);
	return access_pool_for_language(a, c, languages, err);
}
