/* A lease in a pool whose engine decodes whole: what computes for long waits for a slot (pool/compute.h). Audio is sent as it comes,
 * for such an engine only keeps it. A partial that was overtaken is asked for again, since whoever wants it waits for it
 * still, and is told what has been said by then. The clock of who is stuck runs from when the instance was asked. */
#include <stddef.h>

#include "base/clock.h"
#include "pool/pool_internal.h"

/* Rows of one process compute together, and that sees to when: the more are due, the better. */
bool lease_needs_slot(const struct lease *l)
{
	return l->pool->compute != NULL && l->pool->traits.decoding == IPC_DECODES_WHOLE &&
	    l->pool->traits.rows == 0;
}

/* What the instance computes now, or had no room to be told. */
static void ask_instance(struct lease *l, enum slot_use use)
{
	bool asked = use == SLOT_FINAL ? lease_send_end(l)
	    : use == SLOT_EAGER        ? lease_send_eager_request(l)
				       : lease_send_partial_request(l);

	l->slot_unused = !asked;
}

static struct lease *lease_of(struct compute_asker *a)
{
	return (struct lease *)((char *)a - offsetof(struct lease, slot));
}

static void on_slot(struct compute_asker *a, enum slot_use use)
{
	ask_instance(lease_of(a), use);
}

static void on_overtaken(struct compute_asker *a)
{
	struct lease *l = lease_of(a);
	const struct ipc_message m = { .type = IPC_CANCEL, .epoch = l->epoch };

	(void)lease_send(l, &m); /* without room the partial comes to its end */
}

void lease_ask_slot(struct lease *l, enum slot_use use)
{
	struct compute *c = l->pool->compute;

	l->slot.on_slot = on_slot;
	l->slot.on_overtaken = on_overtaken;
	if (l->slot.slot == NULL)
		compute_enter(c, &l->slot, l->tenant == NULL ? 0 : l->tenant->node.id);
	compute_ask(c, &l->slot, use);
}

void lease_use_slot(struct lease *l)
{
	if (l->slot_unused)
		ask_instance(l, slots_use(l->slot.slot));
}

void lease_release_slot(struct lease *l)
{
	l->slot_unused = false;
	if (l->slot.slot != NULL)
		compute_release(l->pool->compute, &l->slot);
}

void lease_ask_partial_again(struct lease *l)
{
	if (l->attempt != ATTEMPT_BEGUN)
		return;
	if (!lease_needs_slot(l)) {
		(void)lease_send_partial_request(l);
		return;
	}
	lease_release_slot(l);
	lease_ask_slot(l, SLOT_PARTIAL);
}

void lease_leave_slots(struct lease *l)
{
	compute_leave(l->pool->compute, &l->slot);
}

unsigned lease_partials_level(const struct lease *l)
{
	return lease_needs_slot(l) ? compute_level(l->pool->compute) : 0;
}

unsigned lease_partial_cost_ms(const struct lease *l)
{
	return lease_needs_slot(l) ? (unsigned)(l->partial_cost_ns / NS_PER_MS) : 0;
}

/* Until a host was ready that is not known. */
static bool has_partials(const struct pool *p)
{
	return p->traits.partials != IPC_PARTIALS_NONE || p->traits.decode_threads == 0;
}

bool lease_request_partial(struct lease *l)
{
	if (l->attempt != ATTEMPT_BEGUN || lease_owes_eager(l) || !has_partials(l->pool))
		return false;
	if (!lease_needs_slot(l))
		return lease_send_partial_request(l);
	lease_ask_slot(l, SLOT_PARTIAL);
	return true;
}

/* Instead of an eager one that waits still. */
static void ask_final(struct lease *l)
{
	if (l->eager == EAGER_ASKED)
		lease_eager_over(l);
	lease_ask_slot(l, SLOT_FINAL);
}

bool lease_end(struct lease *l)
{
	if (l->attempt != ATTEMPT_BEGUN || l->eager == EAGER_TOLD)
		return false;
	if (l->eager == EAGER_ASKED && l->eager_sent)
		lease_await_eager(l);
	else if (lease_needs_slot(l))
		ask_final(l);
	else if (!lease_send_end(l))
		return false;
	lease_step(l, ATTEMPT_END);
	l->ended_ns = pool_now_ns(l->pool);
	lease_note_lack(l);
	return true;
}
