/* Compute slots in long random runs, beside a naive model that looks through all askers each time. */
#include "pool/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/util.h"

enum { ASKERS = 24, TENANTS = 5, OPERATIONS = 4000, SEEDS = 6 };

static struct slots *slots;
static uint64_t now_ns, seed;
static struct slot_asker *askers[ASKERS];
static char names[ASKERS]; /* what stands for each: its `of` */

static struct model {
	uint64_t tenant, asked; /* asked: numbers that rise */
	enum slot_state state;
	enum slot_use use;
	bool overtaken;
} models[ASKERS];

static struct {
	unsigned askers, held;
	uint64_t since;
} tenants[TENANTS];

static unsigned slots_n, held;
static uint64_t last_turn, asks;
static unsigned granted[ASKERS], granted_n;

static uint64_t clock_now(void *arg)
{
	(void)arg;
	return now_ns;
}

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static bool goes_before(const struct model *a, const struct model *b)
{
	if (a->use != b->use)
		return a->use == SLOT_FINAL;
	if (a->tenant == b->tenant)
		return a->asked < b->asked;
	if (tenants[a->tenant].held != tenants[b->tenant].held)
		return tenants[a->tenant].held < tenants[b->tenant].held;
	return tenants[a->tenant].since < tenants[b->tenant].since;
}

static void name_not(unsigned i)
{
	for (unsigned k = 0; k < granted_n; k++)
		if (granted[k] == i) {
			granted_n--;
			memmove(granted + k, granted + k + 1, (granted_n - k) * sizeof *granted);
			return;
		}
}

static void model_give_out(void)
{
	for (;;) {
		struct model *best = NULL;

		for (unsigned i = 0; i < ASKERS; i++)
			if (models[i].state == SLOT_WAITS &&
			    (best == NULL || goes_before(&models[i], best)))
				best = &models[i];
		if (best == NULL || held >= slots_n)
			return;
		best->state = SLOT_HELD;
		tenants[best->tenant].held++;
		tenants[best->tenant].since = ++last_turn;
		held++;
		granted[granted_n++] = (unsigned)(best - models);
	}
}

static void model_ask(unsigned i, enum slot_use use)
{
	struct model *m = &models[i];

	if (m->state == SLOT_NONE || (m->use == SLOT_PARTIAL && use == SLOT_FINAL)) {
		if (m->state == SLOT_HELD) {
			name_not(i);
			granted[granted_n++] = i;
			m->overtaken = false;
		} else {
			m->state = SLOT_WAITS;
			m->asked = ++asks;
		}
		m->use = use;
	}
	model_give_out();
}

static void model_release(unsigned i)
{
	struct model *m = &models[i];

	if (m->state == SLOT_HELD) {
		held--;
		tenants[m->tenant].held--;
		tenants[m->tenant].since = ++last_turn;
		name_not(i);
	}
	m->state = SLOT_NONE;
	m->overtaken = false;
	model_give_out();
}

static void model_make(unsigned i)
{
	models[i] = (struct model){ .tenant = rnd(TENANTS) };
	if (tenants[models[i].tenant].askers++ == 0)
		tenants[models[i].tenant].since = ++last_turn;
	askers[i] = slots_asker_new(slots, models[i].tenant, &names[i]);
}

static void model_leave(unsigned i)
{
	model_release(i);
	slots_asker_free(&askers[i]);
	tenants[models[i].tenant].askers--;
}

static void step(void)
{
	unsigned i = rnd(ASKERS), what = rnd(20);

	now_ns += rnd(50) * NS_PER_MS;
	if (what < 12) {
		enum slot_use use = rnd(3) == 0 ? SLOT_FINAL : SLOT_PARTIAL;

		slots_ask(askers[i], use);
		model_ask(i, use);
	} else if (what < 18) {
		slots_release(askers[i]);
		model_release(i);
	} else if (what < 19) {
		model_leave(i);
		model_make(i);
	} else {
		slots_n = 1 + rnd(4);
		slots_resize(slots, slots_n);
		model_give_out();
	}
}

/* Whoever is overtaken holds a slot for a partial, is named once, and gives it back for a final that waits. */
static void check_overtaken(void)
{
	const char *name = rnd(2) == 0 ? NULL : slots_take_overtaken(slots);
	unsigned finals = 0, i;

	if (name == NULL)
		return;
	i = (unsigned)(name - names);
	for (unsigned k = 0; k < ASKERS; k++)
		finals += models[k].state == SLOT_WAITS && models[k].use == SLOT_FINAL;
	assert_int_equal(models[i].state, SLOT_HELD);
	assert_int_equal(models[i].use, SLOT_PARTIAL);
	assert_false(models[i].overtaken);
	models[i].overtaken = true;
	for (unsigned k = 0; k < ASKERS; k++)
		finals -= models[k].overtaken;
	assert_true((int)finals >= 0);
}

static void check(void)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < ASKERS; i++) {
		assert_int_equal(slots_state(askers[i]), models[i].state);
		if (models[i].state != SLOT_NONE)
			assert_int_equal(slots_use(askers[i]), models[i].use);
		waiting += models[i].state == SLOT_WAITS;
	}
	assert_int_equal(slots_held(slots), held);
	assert_int_equal(slots_waiting(slots), waiting);
	assert_true(waiting == 0 || held >= slots_n);
	assert_true(slots_load(slots) <= SLOTS_LOAD_MAX);
	while (rnd(4) > 0 && granted_n > 0) {
		assert_ptr_equal(slots_take_granted(slots), &names[granted[0]]);
		name_not(granted[0]);
	}
	if (granted_n == 0)
		assert_null(slots_take_granted(slots));
	check_overtaken();
}

/* Whoever holds one gives it back: all that waited get one, whatever they asked for. */
static void check_nobody_waits_for_ever(void)
{
	for (unsigned rounds = 0; slots_waiting(slots) > 0; rounds++) {
		assert_true(rounds < ASKERS);
		for (unsigned i = 0; i < ASKERS; i++)
			if (models[i].state == SLOT_HELD) {
				slots_release(askers[i]);
				model_release(i);
				break;
			}
		check();
	}
}

static void run(uint64_t n)
{
	seed = 0x9e3779b97f4a7c15ull * n;
	now_ns = 1000 * NS_PER_S;
	memset(tenants, 0, sizeof tenants);
	held = granted_n = 0;
	last_turn = asks = 0;
	slots_n = 1 + (unsigned)n % 4;
	slots = slots_new(slots_n, clock_now, NULL);
	for (unsigned i = 0; i < ASKERS; i++)
		model_make(i);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		step();
		check();
		if (i % 500 == 499)
			check_nobody_waits_for_ever();
	}
	for (unsigned i = 0; i < ASKERS; i++)
		slots_asker_free(&askers[i]);
	assert_int_equal(slots_held(slots) + slots_waiting(slots), 0);
	slots_free(&slots);
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= SEEDS; n++)
		run(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "as a naive model has it", test_random, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("slots_random", tests, NULL, NULL);
}
