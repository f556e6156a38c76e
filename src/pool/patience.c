/* Who has waited for queue_timeout_ms is told so: for a place, or with one for an instance in it. */
#include "base/util.h"
#include "pool/pool_internal.h"

static uint64_t waits_until_ns(const struct lease *l)
{
	return l->asked_ns + l->pool->cfg.queue_timeout_ms * NS_PER_MS;
}

/* The one that has waited longest: each list has its own at its front. */
static struct lease *oldest(const struct pool *p)
{
	struct lease *found = NULL;

	for (const struct tenant *t = p->tenants; t != NULL && p->waiting > 0; t = t->next)
		for (unsigned level = 0; level < PRIORITIES; level++) {
			struct lease *l = t->waiting[level].first;

			if (l != NULL && (found == NULL || l->asked_ns < found->asked_ns))
				found = l;
		}
	return found;
}

/* Where there is no host, or it can bear nobody, that is what is wrong, and not that others are served. */
static void word_late(const struct pool *p, const char *what, struct error *err)
{
	const char *why = p->failure.text[0] != '\0' ? p->failure.text : p->unborn.text;

	(void)error_set(err, p->state == POOL_FAILED ? p->failure.code : ERROR_BUSY,
	    "pool %s: no %s within queue_timeout_ms %u%s%s", p->name, what, p->cfg.queue_timeout_ms,
	    why[0] == '\0' ? "" : ", because of: ", why);
}

static bool check_queue(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);
	struct lease *l;
	bool any = false;

	while ((l = oldest(p)) != NULL && waits_until_ns(l) <= now_ns) {
		struct error err;

		word_late(p, "place came free", &err);
		p->counts.refused_timeout++;
		lease_refuse(l, &err);
		any = true;
	}
	return any;
}

static uint64_t serves_until_ns(const struct lease *l)
{
	return l->attempt != ATTEMPT_WAITING
	    ? UINT64_MAX
	    : l->wish_ns + l->pool->cfg.queue_timeout_ms * NS_PER_MS;
}

static void fail_unserved(struct lease *l)
{
	struct error err;

	word_late(l->pool, "instance came", &err);
	lease_unserved(l, &err);
}

static bool check_bare(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);
	bool any = false;

	for (struct lease *l = p->bare.first, *next; l != NULL; l = next) {
		next = l->next;
		if (serves_until_ns(l) > now_ns)
			continue;
		fail_unserved(l);
		any = true;
	}
	return any;
}

bool patience_check(struct pool *p)
{
	bool queue = check_queue(p), bare = check_bare(p);

	return queue || bare;
}

uint64_t patience_next_ns(const struct pool *p)
{
	const struct lease *l = oldest(p);
	uint64_t next = l == NULL ? UINT64_MAX : waits_until_ns(l);

	for (l = p->bare.first; l != NULL; l = l->next)
		next = MIN(next, serves_until_ns(l));
	return next;
}
