/* Who has waited for queue_timeout_ms is told so: for a place, or with one for an instance in it. */
#include "base/util.h"
#include "pool/pool_internal.h"

static uint64_t waits_until_ns(const struct lease *l)
{
	return l->asked_ns + l->pool->cfg.queue_timeout_ms * NS_PER_MS;
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

	while ((l = p->oldest) != NULL && waits_until_ns(l) <= now_ns) {
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

	if (now_ns < p->bare_look_ns)
		return false;
	p->bare_look_ns = UINT64_MAX;
	for (struct lease *l = p->bare.first, *next; l != NULL; l = next) {
		next = l->next;
		if (serves_until_ns(l) <= now_ns) {
			fail_unserved(l);
			any = true;
		} else {
			lease_note_bare(l);
		}
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
	return p->oldest == NULL ? p->bare_look_ns
				 : MIN(p->bare_look_ns, waits_until_ns(p->oldest));
}
