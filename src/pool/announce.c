/* Each waiter is told its place in the queue when it changes, and a wait estimated from how long places were kept lately. Where
 * many wait that is a lot to find out and to tell, so it is done a few times a second and not whenever somebody comes or
 * goes. */
#include "base/util.h"
#include "pool/pool_internal.h"

enum { FEW = 64 }; /* waiters that are told at once */

#define NOT_BEFORE_NS (250 * NS_PER_MS) /* since the last time */

static void place(void *arg, struct lease *l, unsigned position)
{
	const struct pool *p = arg;

	l->position = position;
	l->ranked_at = p->queue_moves;
	if (l->announced != position && !lease_is_by_utterance(l))
		lease_tell_queued(l);
}

static uint64_t due_ns(const struct pool *p)
{
	if (p->announced_moves == p->queue_moves || p->waiting == 0 ||
	    p->cfg.lease == LEASE_BY_UTTERANCE)
		return UINT64_MAX;
	return p->waiting <= FEW ? 0 : p->announced_ns + NOT_BEFORE_NS;
}

void announce_check(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);

	if (now_ns < due_ns(p))
		return;
	p->announced_moves = p->queue_moves;
	p->announced_ns = now_ns;
	queue_each(p, place, p);
}

uint64_t announce_next_ns(const struct pool *p)
{
	return due_ns(p);
}
