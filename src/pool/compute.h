/* compute: the slots of all pools whose engines decode whole (pool/slots.h). It takes what is asked for, and at the end of the turn
 * (base/turn.h) tells each asker that has got a slot; and where finals wait and partials hold slots, it tells as many of
 * those that they are overtaken.
 *
 * One a server; it outlives all who ask. Server process, loop thread only. Knows nothing of leases. */
#ifndef POOL_COMPUTE_H
#define POOL_COMPUTE_H

#include <stdint.h>

#include "base/clock.h"
#include "pool/slots.h"

struct compute;
struct turn;

struct compute_asker {           /* embedded in who asks; zeroed but for the functions */
	struct slot_asker *slot; /* owned; NULL before compute_enter and after compute_leave */
	/* It has a slot, or the slot that it has is for its final now. */
	void (*on_slot)(struct compute_asker *a, enum slot_use use);
	/* What it computes is to be broken off; it gives the slot back when that is done. */
	void (*on_overtaken)(struct compute_asker *a);
};

/* `slots`: 1 or more; `turn` and `clock`, with which `now_ns` is called, are borrowed. */
struct compute *compute_new(unsigned slots, struct turn *turn, clock_now_f *now_ns, void *clock);
void compute_free(struct compute **c); /* all who ask have left */
void compute_resize(struct compute *c, unsigned slots);

void compute_enter(struct compute *c, struct compute_asker *a, uint64_t tenant);
void compute_leave(
    struct compute *c, struct compute_asker *a); /* no effect if it has not entered */
/* As slots_ask and slots_release. */
void compute_ask(struct compute *c, struct compute_asker *a, enum slot_use use);
void compute_release(struct compute *c, struct compute_asker *a);

unsigned compute_slots(const struct compute *c);
unsigned compute_held(const struct compute *c);
unsigned compute_waiting(const struct compute *c);
/* How much the interval of partials is stretched now: 0, not at all, to SLOTS_LOAD_MAX. Each level doubles it. */
unsigned compute_level(const struct compute *c);

#endif
