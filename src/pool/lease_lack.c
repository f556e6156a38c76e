/* How long an utterance may lack what it needs, where whoever wants it heard has something else to tell: a place, an instance in it, or
 * a slot to come to its final. Only that counts: one that is heard may take its time, as all others. */
#include "base/util.h"
#include "pool/pool_internal.h"

void lease_join_limited(struct lease *l)
{
	struct pool *p = l->pool;

	l->by_utterance = true;
	l->limited_next = p->limited;
	if (p->limited != NULL)
		p->limited->limited_prev = l;
	p->limited = l;
}

void lease_leave_limited(struct lease *l)
{
	if (!l->by_utterance)
		return;
	if (l->limited_prev != NULL)
		l->limited_prev->limited_next = l->limited_next;
	else
		l->pool->limited = l->limited_next;
	if (l->limited_next != NULL)
		l->limited_next->limited_prev = l->limited_prev;
}

bool lease_lacks_slot(const struct lease *l)
{
	return l->attempt == ATTEMPT_ENDED && !l->end_sent && !l->slot_unused;
}

uint64_t lease_lacks_since_ns(const struct lease *l)
{
	uint64_t since_ns = l->attempt == ATTEMPT_WAITING ? l->wish_ns : l->ended_ns;

	if (l->attempt != ATTEMPT_WAITING && !lease_lacks_slot(l))
		return 0;
	return l->lacked_since_ns > 0 ? l->lacked_since_ns : since_ns;
}

uint64_t lease_bears_until_ns(const struct lease *l)
{
	uint64_t since_ns = lease_lacks_since_ns(l);

	if (!l->by_utterance || l->bears_ms == LEASE_BEARS_ALL || since_ns == 0)
		return UINT64_MAX;
	return MAX(since_ns, l->bears_from_ns) + l->bears_ms * NS_PER_MS;
}

void lease_note_lack(struct lease *l)
{
	l->pool->lack_look_ns = MIN(l->pool->lack_look_ns, lease_bears_until_ns(l));
}
