/* The leases that wait for a place: first come, first served. Each is told its place when it changes, and a wait
 * estimated from how long places were kept lately. */
#include <assert.h>

#include "base/util.h"
#include "pool/pool_internal.h"

enum { RETRY_AFTER_MIN_MS = 1000, MEAN_WEIGHT = 5 /* a lease counts for one fifth of the mean */ };

void lease_list_append(struct lease_list *list, struct lease *l)
{
	assert(l->list == NULL);
	l->list = list;
	l->next = NULL;
	l->prev = list->last;
	if (list->last != NULL)
		list->last->next = l;
	else
		list->first = l;
	list->last = l;
	list->count++;
}

void lease_list_remove(struct lease *l)
{
	struct lease_list *list = l->list;

	if (list == NULL)
		return;
	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		list->first = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	else
		list->last = l->prev;
	list->count--;
	l->prev = l->next = NULL;
	l->list = NULL;
}

void queue_note_lease(struct pool *p, uint64_t duration_ns)
{
	p->mean_lease_ns = (p->mean_lease_ns * (MEAN_WEIGHT - 1) + duration_ns) / MEAN_WEIGHT;
}

/* One of `max` places is given back every mean_lease / max. */
uint64_t queue_estimate_ms(const struct pool *p, unsigned position)
{
	return p->mean_lease_ns / NS_PER_MS * position / p->cfg.max;
}

unsigned queue_retry_after_ms(const struct pool *p)
{
	uint64_t ms = queue_estimate_ms(p, p->queue.count + 1);

	return (unsigned)MIN(MAX(ms, (uint64_t)RETRY_AFTER_MIN_MS), (uint64_t)3600000);
}

/* A callback that changes the queue asks for another round, which starts over from the front. */
void queue_announce(struct pool *p)
{
	unsigned position = 0;

	if (p->again)
		return;
	for (struct lease *l = p->queue.first; l != NULL; l = l->next) {
		if (l->announced == ++position)
			continue;
		l->announced = position;
		l->events->on_queued(l->arg, position, queue_estimate_ms(p, position));
		if (p->again)
			return; /* `l` may be gone */
	}
}

void queue_refuse(struct lease *l, const struct error *why)
{
	unsigned retry_after_ms = queue_retry_after_ms(l->pool);

	lease_list_remove(l);
	l->state = LEASE_REFUSED;
	l->events->on_refused(l->arg, why, retry_after_ms);
}

static uint64_t waits_until_ns(const struct pool *p, const struct lease *l)
{
	return l->asked_ns + p->cfg.queue_timeout_ms * NS_PER_MS;
}

uint64_t queue_check_deadlines(struct pool *p)
{
	uint64_t now_ns = pool_now_ns(p);

	while (p->queue.first != NULL && waits_until_ns(p, p->queue.first) <= now_ns) {
		struct error err;

		(void)error_set(&err, ERROR_BUSY,
		    "pool %s: no place came free within queue_timeout_ms %u", p->name,
		    p->cfg.queue_timeout_ms);
		p->counts.refused_timeout++;
		p->again = true; /* the others move up */
		queue_refuse(p->queue.first, &err);
	}
	return p->queue.first == NULL ? UINT64_MAX : waits_until_ns(p, p->queue.first);
}
