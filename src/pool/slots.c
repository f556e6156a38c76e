/* An asker is in its tenant's list for what it asks, and in that of all who wait, while it WAITS; and in the list of those to be
 * named by slots_take_granted from the moment it HOLDS a slot until it is named. A tenant is in the heap of a use while somebody of it
 * waits for that; it is there while it has an asker.
 *
 * The load is a mean of the waits of those that got a slot lately (each counts for an eighth, and all fade when nobody comes),
 * or the present wait of the oldest ask where that is longer. */
#include "pool/slots.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/util.h"
#include "pool/heap.h"
#include "pool/id_table.h"
#include "pool/slot_list.h"

#define FADES_IN_NS (1 * NS_PER_S) /* to the half, where nobody asks */

enum { MEAN_WEIGHT = 8 };
enum slot_event { SLOT_ASK, SLOT_GIVE, SLOT_LEAVE, SLOT_EVENTS };

/* What is SLOT_NONE on another event than SLOT_LEAVE must not happen. */
static const enum slot_state table[SLOT_STATES][SLOT_EVENTS] = {
	[SLOT_NONE] = { [SLOT_ASK] = SLOT_WAITS },
	[SLOT_WAITS] = { [SLOT_GIVE] = SLOT_HELD, [SLOT_LEAVE] = SLOT_NONE },
	[SLOT_HELD] = { [SLOT_LEAVE] = SLOT_NONE },
};

/* At this wait the load is so high, and at half of it no more. */
static const uint64_t load_from_ns[SLOTS_LOAD_MAX + 1] = { 0, 100 * NS_PER_MS, 300 * NS_PER_MS,
	900 * NS_PER_MS };

struct slot_tenant {
	struct id_node node;
	unsigned askers, held;
	uint64_t since; /* numbers that rise: when it got or gave back a slot last, or came */
	struct slot_list waiting[SLOT_USES];
	struct heap_node turns[SLOT_USES];
};

struct slot_asker {
	struct slots *slots;
	struct slot_tenant *tenant;
	void *of;
	enum slot_state state;
	enum slot_use use;
	uint64_t asked_ns;
	bool overtaken; /* HELD for a partial that was named as to be broken off */
	struct slot_link home, age, granted, partial;
};

struct slots {
	unsigned n, held, waiting;
	clock_now_f *now_ns;
	void *clock;
	uint64_t last_turn;
	struct id_table tenants;
	struct heap turns[SLOT_USES];
	struct slot_list ages, granted;
	struct slot_list partials; /* HELD for one, and not overtaken; the newest last */
	unsigned finals_waiting, overtaken;
	uint64_t mean_ns, waited_at_ns; /* of waits; when somebody waited last */
	unsigned load;
};

static bool goes_before(const void *left, const void *right)
{
	const struct slot_tenant *a = left, *b = right;

	return a->held != b->held ? a->held < b->held : a->since < b->since;
}

struct slots *slots_new(unsigned n, clock_now_f *now_ns, void *clock)
{
	struct slots *s = xcalloc(1, sizeof *s);

	assert(n > 0);
	s->n = n;
	s->now_ns = now_ns;
	s->clock = clock;
	for (unsigned use = 0; use < SLOT_USES; use++)
		s->turns[use].before = goes_before;
	return s;
}

void slots_free(struct slots **slots)
{
	struct slots *s = *slots;

	if (s == NULL)
		return;
	*slots = NULL;
	assert(s->held == 0 && s->waiting == 0);
	for (unsigned use = 0; use < SLOT_USES; use++)
		heap_done(&s->turns[use]);
	id_table_done(&s->tenants);
	free(s);
}

/* The only writer of a->state. */
static void step(struct slot_asker *a, enum slot_event e)
{
	enum slot_state to = table[a->state][e];

	assert(to != SLOT_NONE || e == SLOT_LEAVE);
	a->state = to;
}

static void note_turn(struct slots *s, struct slot_tenant *t)
{
	t->since = ++s->last_turn;
	for (unsigned use = 0; use < SLOT_USES; use++)
		heap_moved(&s->turns[use], &t->turns[use]);
}

/* Faded by the time in which nobody has waited. */
static uint64_t mean_ns(const struct slots *s, uint64_t now_ns)
{
	uint64_t halves = s->waiting > 0 ? 0 : (now_ns - s->waited_at_ns) / FADES_IN_NS;

	return halves < 64 ? s->mean_ns >> halves : 0;
}

static void join_waiting(struct slot_asker *a, enum slot_use use)
{
	struct slots *s = a->slots;

	a->use = use;
	a->asked_ns = s->now_ns(s->clock);
	s->mean_ns = mean_ns(s, a->asked_ns);
	slot_list_append(&a->tenant->waiting[use], &a->home);
	slot_list_append(&s->ages, &a->age);
	if (a->tenant->turns[use].at == 0)
		heap_add(&s->turns[use], &a->tenant->turns[use]);
	s->waiting++;
	s->finals_waiting += use != SLOT_PARTIAL;
}

static void leave_waiting(struct slot_asker *a)
{
	struct slots *s = a->slots;
	struct slot_list *list = &a->tenant->waiting[a->use];

	slot_list_remove(list, &a->home);
	slot_list_remove(&s->ages, &a->age);
	if (list->first == NULL)
		heap_remove(&s->turns[a->use], &a->tenant->turns[a->use]);
	s->waiting--;
	s->finals_waiting -= a->use != SLOT_PARTIAL;
	s->waited_at_ns = s->now_ns(s->clock);
}

static void give(struct slot_asker *a)
{
	struct slots *s = a->slots;
	uint64_t wait_ns = s->now_ns(s->clock) - a->asked_ns;

	s->mean_ns = (s->mean_ns * (MEAN_WEIGHT - 1) + wait_ns) / MEAN_WEIGHT;
	leave_waiting(a);
	step(a, SLOT_GIVE);
	s->held++;
	a->tenant->held++;
	note_turn(s, a->tenant);
	slot_list_append(&s->granted, &a->granted);
	if (a->use == SLOT_PARTIAL)
		slot_list_append(&s->partials, &a->partial);
}

/* It holds a slot, but for a partial no more. */
static void leave_partials(struct slot_asker *a)
{
	slot_list_remove(&a->slots->partials, &a->partial);
	a->slots->overtaken -= a->overtaken;
	a->overtaken = false;
}

static struct slot_asker *first_waiting(const struct slots *s)
{
	for (unsigned use = 0; use < SLOT_USES; use++) {
		const struct slot_tenant *t = heap_first(&s->turns[use]);

		if (t != NULL)
			return t->waiting[use].first->of;
	}
	return NULL;
}

static void give_out(struct slots *s)
{
	struct slot_asker *a;

	while (s->held < s->n && (a = first_waiting(s)) != NULL)
		give(a);
}

void slots_resize(struct slots *s, unsigned n)
{
	assert(n > 0);
	s->n = n;
	give_out(s);
}

static struct slot_tenant *enter(struct slots *s, uint64_t id)
{
	struct slot_tenant *t = id_table_find(&s->tenants, id);

	if (t == NULL) {
		t = xcalloc(1, sizeof *t);
		t->node = (struct id_node){ .id = id, .of = t };
		t->since = ++s->last_turn;
		for (unsigned use = 0; use < SLOT_USES; use++)
			t->turns[use].of = t;
		id_table_add(&s->tenants, &t->node);
	}
	t->askers++;
	return t;
}

struct slot_asker *slots_asker_new(struct slots *s, uint64_t tenant, void *of)
{
	struct slot_asker *a = xcalloc(1, sizeof *a);

	a->slots = s;
	a->tenant = enter(s, tenant);
	a->of = of;
	a->home.of = a->age.of = a->granted.of = a->partial.of = a;
	return a;
}

void slots_asker_free(struct slot_asker **asker)
{
	struct slot_asker *a = *asker;

	if (a == NULL)
		return;
	*asker = NULL;
	slots_release(a);
	if (--a->tenant->askers == 0) {
		id_table_remove(&a->slots->tenants, &a->tenant->node);
		free(a->tenant);
	}
	free(a);
}

/* It waits for, or computes, what goes behind what is wanted now. */
static void go_before(struct slot_asker *a, enum slot_use use)
{
	if (a->state == SLOT_WAITS) {
		leave_waiting(a);
		join_waiting(a, use);
		return;
	}
	a->use = use;
	leave_partials(a);
	slot_list_remove(&a->slots->granted, &a->granted);
	slot_list_append(&a->slots->granted, &a->granted);
}

void slots_ask(struct slot_asker *a, enum slot_use use)
{
	if (a->state == SLOT_NONE) {
		step(a, SLOT_ASK);
		join_waiting(a, use);
		give_out(a->slots);
	} else if (use < a->use) {
		go_before(a, use);
	}
}

void slots_release(struct slot_asker *a)
{
	struct slots *s = a->slots;

	if (a->state == SLOT_WAITS)
		leave_waiting(a);
	if (a->state == SLOT_HELD) {
		s->held--;
		a->tenant->held--;
		note_turn(s, a->tenant);
		slot_list_remove(&s->granted, &a->granted);
		leave_partials(a);
	}
	step(a, SLOT_LEAVE);
	give_out(s);
}

enum slot_state slots_state(const struct slot_asker *a)
{
	return a->state;
}

enum slot_use slots_use(const struct slot_asker *a)
{
	return a->use;
}

void *slots_take_granted(struct slots *s)
{
	struct slot_asker *a = s->granted.first == NULL ? NULL : s->granted.first->of;

	if (a == NULL)
		return NULL;
	slot_list_remove(&s->granted, &a->granted);
	return a->of;
}

void *slots_take_overtaken(struct slots *s)
{
	struct slot_asker *a = s->partials.last == NULL ? NULL : s->partials.last->of;

	if (a == NULL || s->finals_waiting <= s->overtaken)
		return NULL;
	slot_list_remove(&s->partials, &a->partial);
	a->overtaken = true;
	s->overtaken++;
	return a->of;
}

unsigned slots_held(const struct slots *s)
{
	return s->held;
}

unsigned slots_waiting(const struct slots *s)
{
	return s->waiting;
}

unsigned slots_load(struct slots *s)
{
	uint64_t now_ns = s->now_ns(s->clock), wait_ns = mean_ns(s, now_ns);
	const struct slot_asker *oldest = s->ages.first == NULL ? NULL : s->ages.first->of;

	if (oldest != NULL)
		wait_ns = MAX(wait_ns, now_ns - oldest->asked_ns);
	while (s->load < SLOTS_LOAD_MAX && wait_ns >= load_from_ns[s->load + 1])
		s->load++;
	while (s->load > 0 && wait_ns < load_from_ns[s->load] / 2)
		s->load--;
	return s->load;
}
