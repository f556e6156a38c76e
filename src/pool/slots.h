/* slots: who may compute now, where an engine decodes whole: in bursts as long as the utterance, so that no more of them run at
 * once than there are slots. An asker asks for one to get a final or a partial, and gives it back when it has it.
 *
 * Finals go before eager finals, and these before partials. Among those of a kind the tenant goes first that holds the fewest slots, and of those with equally many
 * the one that has been without for longest; within a tenant the oldest ask. An asker asks for one thing at a time: a
 * later ask for a partial takes over the place of the earlier one, and a final, eager or not, is asked for instead of what it goes before;
 * where that is being computed, its slot is the final's at once.
 *
 * Where a final waits, eager or not, and a partial is being computed, that one is overtaken: it is to be broken off, which frees its slot.
 *
 * Calls change states and call nobody back: who has got a slot is asked for by slots_take_granted, and who is overtaken by
 * slots_take_overtaken. Server process, loop thread only; pure. */
#ifndef POOL_SLOTS_H
#define POOL_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct slots;
struct slot_asker;

/* The first goes first. EAGER: what will be the final, if the utterance has ended, which is not known yet. */
enum slot_use { SLOT_FINAL, SLOT_EAGER, SLOT_PARTIAL, SLOT_USES };
enum slot_state { SLOT_NONE, SLOT_WAITS, SLOT_HELD, SLOT_STATES };

enum { SLOTS_LOAD_MAX = 3 };

/* `n`: 1 or more. `now_ns` is called with `clock`, which is borrowed. */
struct slots *slots_new(unsigned n, clock_now_f *now_ns, void *clock);
void slots_free(struct slots **s); /* every asker must be gone */
/* Slots above a smaller `n` are not taken away: they are not given out again. */
void slots_resize(struct slots *s, unsigned n);

/* `of` is who asks, for slots_take_granted; borrowed. */
struct slot_asker *slots_asker_new(struct slots *s, uint64_t tenant, void *of);
void slots_asker_free(
    struct slot_asker **a); /* gives back what it holds, withdraws what it asked for */

/* No effect while it holds a slot, or waits for one, for the same or for what goes before it; but a partial that waits is the later one
 * now. */
void slots_ask(struct slot_asker *a, enum slot_use use);
/* Gives the slot back, or withdraws the ask; no effect if there is neither. */
void slots_release(struct slot_asker *a);
enum slot_state slots_state(const struct slot_asker *a);
enum slot_use slots_use(const struct slot_asker *a); /* of what it waits for or holds */

/* The `of` of one that has got a slot since it was asked last, or whose slot has become its final's; each is named once, in the order in
 * which they got it; who has given it back meanwhile is not. NULL: none. */
void *slots_take_granted(struct slots *s);

/* The `of` of one that holds a slot for a partial and is to have it broken off, as more finals wait than slots will be given back for
 * that; the one that got its slot last. Each is named once while it holds that slot. NULL: none. */
void *slots_take_overtaken(struct slots *s);

unsigned slots_held(const struct slots *s);
unsigned slots_waiting(const struct slots *s);
/* How much the interval of partials is to be stretched, by how long asks have waited lately: 0, not at all, to SLOTS_LOAD_MAX. It falls
 * only when they wait much less than what made it rise, so that it does not flicker. */
unsigned slots_load(struct slots *s);

#endif
