/* The order in which slots are given out, what takes the place of what, who makes room, and the load that is made of the waits. */
#include "pool/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

enum { ASKERS = 8 };

static struct slots *slots;
static uint64_t now_ns;
static struct slot_asker *askers[ASKERS];
static char names[ASKERS]; /* what stands for each: its `of` */

static uint64_t clock_now(void *arg)
{
	return *(uint64_t *)arg;
}

static void pass_ms(uint64_t ms)
{
	now_ns += ms * NS_PER_MS;
}

static void make(unsigned i, uint64_t tenant)
{
	names[i] = (char)('a' + i);
	askers[i] = slots_asker_new(slots, tenant, &names[i]);
}

static int setup(void **state)
{
	(void)state;
	now_ns = 1000 * NS_PER_S;
	slots = slots_new(1, clock_now, &now_ns);
	for (unsigned i = 0; i < ASKERS; i++)
		make(i, i);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ASKERS; i++)
		slots_asker_free(&askers[i]);
	assert_int_equal(slots_held(slots) + slots_waiting(slots), 0);
	assert_null(slots_take_granted(slots));
	slots_free(&slots);
	assert_null(slots);
	return 0;
}

/* One for all, as if each tenant's. */
static void put_in_tenant(unsigned i, uint64_t tenant)
{
	slots_asker_free(&askers[i]);
	make(i, tenant);
}

static void expect_granted(const char *who)
{
	char got[ASKERS + 1] = "", *name;

	for (unsigned n = 0; (name = slots_take_granted(slots)) != NULL; n++)
		got[n] = *name;
	assert_string_equal(got, who);
}

/* Whoever holds the only slot gives it back, until nobody waits. */
static void expect_order(const char *who)
{
	for (; *who != '\0'; who++) {
		const char one[] = { *who, '\0' };

		expect_granted(one);
		slots_release(askers[*who - 'a']);
	}
	expect_granted("");
}

static void test_a_free_slot_at_once(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_PARTIAL);
	assert_int_equal(slots_state(askers[0]), SLOT_HELD);
	expect_granted("a");
	slots_ask(askers[1], SLOT_PARTIAL);
	assert_int_equal(slots_state(askers[1]), SLOT_WAITS);
	expect_granted("");
	slots_release(askers[0]);
	assert_int_equal(slots_state(askers[0]), SLOT_NONE);
	expect_granted("b");
}

static void test_finals_go_first(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_PARTIAL);
	slots_ask(askers[1], SLOT_PARTIAL);
	slots_ask(askers[2], SLOT_FINAL);
	slots_ask(askers[3], SLOT_FINAL);
	expect_order("acdb");
}

static void test_oldest_of_a_tenant(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		put_in_tenant(i, 100);
	for (unsigned i = 0; i < 4; i++)
		slots_ask(askers[3 - i], SLOT_FINAL);
	expect_order("dcba");
}

static void test_tenants_take_turns(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		put_in_tenant(i, 100);
	for (unsigned i = 0; i < 6; i++) /* four of one, and two that have come before it */
		slots_ask(askers[i], SLOT_FINAL);
	expect_order("aefbcd");
}

static void test_fewest_slots_first(void **state)
{
	(void)state;
	slots_resize(slots, 2);
	for (unsigned i = 0; i < 3; i++)
		put_in_tenant(i, 100);
	slots_ask(askers[0], SLOT_FINAL);
	slots_ask(askers[1], SLOT_FINAL);
	slots_ask(askers[2], SLOT_FINAL);
	slots_ask(askers[3], SLOT_FINAL);
	expect_granted("ab");
	slots_release(askers[0]); /* whose tenant holds one still */
	expect_granted("d");
}

static void test_a_later_partial_keeps_the_place(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_FINAL);
	slots_ask(askers[1], SLOT_PARTIAL);
	slots_ask(askers[2], SLOT_PARTIAL);
	slots_ask(askers[1], SLOT_PARTIAL);
	assert_int_equal(slots_waiting(slots), 2);
	expect_order("abc");
}

static void test_a_final_replaces_its_partial(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_FINAL);
	slots_ask(askers[1], SLOT_PARTIAL);
	slots_ask(askers[2], SLOT_FINAL);
	slots_ask(askers[1], SLOT_FINAL);
	slots_ask(askers[1], SLOT_PARTIAL); /* too late for that */
	assert_int_equal(slots_waiting(slots), 2);
	assert_int_equal(slots_use(askers[1]), SLOT_FINAL);
	expect_order("abc"); /* b has been without a slot for longer than c */
}

static void test_a_final_takes_its_partials_slot(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_PARTIAL);
	expect_granted("a");
	slots_ask(askers[1], SLOT_FINAL);
	slots_ask(askers[0], SLOT_FINAL);
	assert_int_equal(slots_state(askers[0]), SLOT_HELD);
	assert_int_equal(slots_use(askers[0]), SLOT_FINAL);
	expect_granted("a");
	slots_ask(askers[0], SLOT_FINAL);
	expect_granted(""); /* it has that one */
}

static void test_given_back_before_it_was_named(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_FINAL);
	slots_release(askers[0]);
	slots_release(askers[0]);
	expect_granted("");
	slots_ask(askers[1], SLOT_FINAL);
	slots_ask(askers[2], SLOT_FINAL);
	slots_release(askers[2]); /* withdrawn */
	slots_asker_free(&askers[1]);
	expect_granted("");
}

static void test_more_and_fewer_slots(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		slots_ask(askers[i], SLOT_FINAL);
	slots_resize(slots, 3);
	expect_granted("abc");
	slots_resize(slots, 1);
	assert_int_equal(slots_held(slots), 3); /* nobody is broken off */
	slots_release(askers[0]);
	slots_release(askers[1]);
	expect_granted("");
	slots_release(askers[2]);
	expect_granted("d");
}

/* Load. */

static void wait_ms(unsigned ms)
{
	slots_ask(askers[0], SLOT_FINAL);
	slots_ask(askers[1], SLOT_FINAL);
	pass_ms(ms);
	slots_release(askers[0]);
	slots_release(askers[1]);
}

static void wait_often_ms(unsigned ms)
{
	for (int i = 0; i < 60; i++)
		wait_ms(ms);
}

static void test_load_follows_the_waits(void **state)
{
	(void)state;
	assert_int_equal(slots_load(slots), 0);
	wait_often_ms(100); /* half of the asks: 50 ms in the mean */
	assert_int_equal(slots_load(slots), 0);
	wait_often_ms(300);
	assert_int_equal(slots_load(slots), 1);
	wait_often_ms(900);
	assert_int_equal(slots_load(slots), 2);
	wait_often_ms(2500);
	assert_int_equal(slots_load(slots), 3);
	wait_often_ms(1);
	assert_int_equal(slots_load(slots), 0);
}

static void test_load_falls_late(void **state)
{
	(void)state;
	wait_often_ms(240);
	assert_int_equal(slots_load(slots), 1);
	wait_often_ms(120); /* not enough to rise, too much to fall */
	assert_int_equal(slots_load(slots), 1);
	wait_often_ms(80);
	assert_int_equal(slots_load(slots), 0);
	wait_often_ms(120);
	assert_int_equal(slots_load(slots), 0);
}

static void test_load_of_one_that_waits_still(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_FINAL);
	slots_ask(askers[1], SLOT_PARTIAL);
	pass_ms(99);
	assert_int_equal(slots_load(slots), 0);
	pass_ms(1);
	assert_int_equal(slots_load(slots), 1);
	pass_ms(800);
	assert_int_equal(slots_load(slots), 3);
}

static void test_load_fades(void **state)
{
	(void)state;
	wait_often_ms(900);
	assert_int_equal(slots_load(slots), 2);
	pass_ms(1000);
	assert_int_equal(slots_load(slots), 2); /* to the half: not below 150 ms */
	pass_ms(1000);
	assert_int_equal(slots_load(slots), 1);
	pass_ms(3600000);
	assert_int_equal(slots_load(slots), 0);
}

static void test_load_does_not_fade_meanwhile(void **state)
{
	(void)state;
	wait_often_ms(480); /* 256 ms in the mean */
	slots_ask(askers[0], SLOT_FINAL);
	slots_ask(askers[1], SLOT_FINAL);
	pass_ms(2000);
	slots_ask(askers[2], SLOT_FINAL);
	slots_release(askers[0]);
	slots_release(askers[2]); /* which was first, as it had none yet */
	slots_release(askers[1]);
	assert_int_equal(slots_load(slots), 2);
}

#define T(name, f)                                                                                 \
	{                                                                                          \
		name, f, setup, teardown, NULL                                                     \
	}

static void expect_overtaken(const char *who)
{
	char got[ASKERS + 1] = "", *name;

	for (unsigned n = 0; (name = slots_take_overtaken(slots)) != NULL; n++)
		got[n] = *name;
	assert_string_equal(got, who);
}

static void test_a_final_overtakes_a_partial(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_PARTIAL);
	slots_ask(askers[1], SLOT_PARTIAL);
	expect_overtaken(""); /* a partial that waits overtakes nobody */
	slots_ask(askers[2], SLOT_FINAL);
	expect_overtaken("a");
	expect_granted("a");
	slots_release(askers[0]);
	expect_granted("c");
	expect_overtaken("");
}

static void test_as_many_as_finals_wait(void **state)
{
	(void)state;
	slots_resize(slots, 3);
	for (unsigned i = 0; i < 3; i++)
		slots_ask(askers[i], SLOT_PARTIAL);
	slots_ask(askers[3], SLOT_FINAL);
	expect_overtaken("c"); /* which has computed for the shortest time */
	slots_ask(askers[4], SLOT_FINAL);
	expect_overtaken("b");
	slots_release(askers[2]);
	slots_ask(askers[5], SLOT_FINAL);
	expect_overtaken("a");
	slots_ask(askers[6], SLOT_FINAL);
	expect_overtaken(""); /* none is left */
}

static void test_none_while_a_final_is_computed_for_it(void **state)
{
	(void)state;
	slots_ask(askers[0], SLOT_PARTIAL);
	slots_ask(askers[1], SLOT_FINAL);
	slots_ask(askers[0], SLOT_FINAL); /* its own, in the slot that it has */
	expect_overtaken("");
	slots_release(askers[0]);
	assert_int_equal(slots_state(askers[1]), SLOT_HELD);
	slots_release(askers[1]);
	slots_ask(askers[2], SLOT_PARTIAL);
	slots_ask(askers[3], SLOT_FINAL);
	expect_overtaken("c");
	slots_release(askers[3]); /* it is not wanted any more */
	slots_release(askers[2]);
	slots_ask(askers[2], SLOT_PARTIAL);
	expect_overtaken("");
	slots_ask(askers[4], SLOT_FINAL);
	expect_overtaken("c"); /* again */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T("a free slot is given at once", test_a_free_slot_at_once),
		T("finals go before partials", test_finals_go_first),
		T("within a tenant the oldest goes first", test_oldest_of_a_tenant),
		T("tenants take turns", test_tenants_take_turns),
		T("who holds fewer slots goes first", test_fewest_slots_first),
		T("a later partial keeps the place of the earlier one",
		    test_a_later_partial_keeps_the_place),
		T("a final is asked for instead of its partial", test_a_final_replaces_its_partial),
		T("a running partial leaves its slot to its final",
		    test_a_final_takes_its_partials_slot),
		T("a final overtakes a partial that is computed", test_a_final_overtakes_a_partial),
		T("as many as finals wait, the newest first", test_as_many_as_finals_wait),
		T("who has its own final in its slot is not overtaken",
		    test_none_while_a_final_is_computed_for_it),
		T("who has given it back is not named", test_given_back_before_it_was_named),
		T("more slots are given out, fewer are not taken away", test_more_and_fewer_slots),
		T("the load follows the waits", test_load_follows_the_waits),
		T("it falls later than it rises", test_load_falls_late),
		T("one that waits still counts", test_load_of_one_that_waits_still),
		T("it fades when nobody asks", test_load_fades),
		T("but not while somebody waits", test_load_does_not_fade_meanwhile),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
