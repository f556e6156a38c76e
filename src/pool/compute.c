/* The slots only decide. What they decide is told at the end of the turn, so that nobody is called back from inside his own
 * call, or another one's. */
#include "pool/compute.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/turn.h"
#include "base/util.h"

struct compute {
	struct slots *slots;
	unsigned n;
	struct turn *turn;
	struct teller teller;
};

/* One asker after the other; what it does may lead to other grants. */
static void tell(struct teller *teller)
{
	struct compute *c = (struct compute *)((char *)teller - offsetof(struct compute, teller));
	struct compute_asker *a = slots_take_granted(c->slots);

	if (a != NULL) {
		turn_add(c->turn, teller);
		a->on_slot(a, slots_use(a->slot));
		return;
	}
	a = slots_take_overtaken(c->slots);
	if (a == NULL)
		return;
	turn_add(c->turn, teller);
	a->on_overtaken(a);
}

struct compute *compute_new(unsigned slots, struct turn *turn, clock_now_f *now_ns, void *clock)
{
	struct compute *c = xcalloc(1, sizeof *c);

	c->slots = slots_new(slots, now_ns, clock);
	c->n = slots;
	c->turn = turn;
	c->teller.tell = tell;
	return c;
}

void compute_free(struct compute **compute)
{
	struct compute *c = *compute;

	if (c == NULL)
		return;
	*compute = NULL;
	turn_remove(c->turn, &c->teller);
	slots_free(&c->slots);
	free(c);
}

void compute_resize(struct compute *c, unsigned slots)
{
	c->n = slots;
	slots_resize(c->slots, slots);
	turn_add(c->turn, &c->teller);
}

void compute_enter(struct compute *c, struct compute_asker *a, uint64_t tenant)
{
	a->slot = slots_asker_new(c->slots, tenant, a);
}

void compute_leave(struct compute *c, struct compute_asker *a)
{
	if (a->slot == NULL)
		return;
	slots_asker_free(&a->slot);
	turn_add(c->turn, &c->teller);
}

void compute_ask(struct compute *c, struct compute_asker *a, enum slot_use use)
{
	slots_ask(a->slot, use);
	turn_add(c->turn, &c->teller);
}

void compute_release(struct compute *c, struct compute_asker *a)
{
	slots_release(a->slot);
	turn_add(c->turn, &c->teller);
}

unsigned compute_slots(const struct compute *c)
{
	return c->n;
}

unsigned compute_held(const struct compute *c)
{
	return slots_held(c->slots);
}

unsigned compute_waiting(const struct compute *c)
{
	return slots_waiting(c->slots);
}

unsigned compute_level(const struct compute *c)
{
	return slots_load(c->slots);
}
