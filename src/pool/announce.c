/* Each waiter is told its place in the queue when it changes, and a wait estimated from how long places were kept lately. */
#include "pool/pool_internal.h"

static void place(void *arg, struct lease *l, unsigned position)
{
	(void)arg;
	l->position = position;
	if (l->announced != position)
		lease_tell_queued(l);
}

void announce_check(struct pool *p)
{
	if (!p->queue_moved || p->cfg.lease == LEASE_BY_UTTERANCE)
		return;
	p->queue_moved = false;
	queue_each(p, place, NULL);
}
