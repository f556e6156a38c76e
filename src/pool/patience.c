/* Who has waited for queue_timeout_ms is told so: for a place, or with one for an instance in it. So is who has lacked something for
 * longer than he said that he bears (lease_give_up_in). */
#include "base/util.h"
#include "pool/pool_internal.h"

static uint64_t waits_until_ns(const struct lease *l)
{
	return l->asked_ns + l->pool->cfg.queue_timeout_ms * NS_PER_MS;
}

/* Where there is no host, or it can bear nobody, that is what is wrong, and not that others are served. */
static void word_late(
    const struct pool *p, const char *what, const char *within, unsigned ms, struct error *err)
{
	const char *why = p->failure.text[0] != '\0' ? p->failure.text : p->unborn.text;

	(void)error_set(err, p->state == POOL_FAILED ? p->failure.code : ERROR_BUSY,
	    "pool %s: no %s within %s %u%s%s", p->name, what, within, ms,
	    why[0] == '\0' ? "" : ", because of: ", why);
}

static bool check_queue(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);
	struct lease *l;
	bool any = false;

	while ((l = p->oldest) != NULL && waits_until_ns(l) <= now_ns) {
		struct error err;

		word_late(p, "place came free", "queue_timeout_ms", p->cfg.queue_timeout_ms, &err);
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

	word_late(
	    l->pool, "instance came", "queue_timeout_ms", l->pool->cfg.queue_timeout_ms, &err);
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

/* What the next one lacks is not anew. */
static void give_up_lacking(struct lease *l)
{
	uint64_t since_ns = lease_lacks_since_ns(l);
	const char *what = l->state == LEASE_WAITING ? "place came free"
	    : lease_lacks_slot(l)                    ? "compute slot came free"
						     : "instance came";
	struct error err;

	word_late(l->pool, what, "finals_wait_ms", l->bears_ms, &err);
	lease_forget_utterance(l);
	l->lacked_since_ns = since_ns;
	lease_tell_failed(l, &err);
}

static bool check_lacking(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);
	bool any = false;

	if (now_ns < p->lack_look_ns)
		return false;
	p->lack_look_ns = UINT64_MAX;
	for (struct lease *l = p->limited; l != NULL; l = l->limited_next) {
		if (lease_bears_until_ns(l) <= now_ns) {
			give_up_lacking(l);
			any = true;
		} else {
			lease_note_lack(l);
		}
	}
	return any;
}

bool patience_check(struct pool *p)
{
	bool queue = check_queue(p), bare = check_bare(p), lacking = check_lacking(p);

	return queue || bare || lacking;
}

uint64_t patience_next_ns(const struct pool *p)
{
	uint64_t at_ns = MIN(p->bare_look_ns, p->lack_look_ns);

	return p->oldest == NULL ? at_ns : MIN(at_ns, waits_until_ns(p->oldest));
}
