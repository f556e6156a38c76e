/* Who tells what in which order, and who may be freed by whom meanwhile. */
#include "base/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { OBJECTS = 4 };

/* An object that says its letter so often, and what is done then. */
struct object {
	struct teller teller; /* first */
	char letter;
	unsigned left;
	void (*then)(struct object *o);
};

static struct turn turn;
static struct object *objects[OBJECTS];
static char said[64];

static void tell(struct teller *t)
{
	struct object *o = (struct object *)t;
	size_t n = strlen(said);

	assert_in_range(o->left, 1, 100);
	if (--o->left > 0)
		turn_add(&turn, t);
	said[n] = o->letter;
	said[n + 1] = '\0';
	if (o->then != NULL)
		o->then(o);
}

static void say(unsigned i, unsigned times)
{
	objects[i]->left += times;
	turn_add(&turn, &objects[i]->teller);
}

static void drop(unsigned i)
{
	turn_remove(&turn, &objects[i]->teller);
	free(objects[i]);
	objects[i] = NULL;
}

static int setup(void **state)
{
	(void)state;
	memset(&turn, 0, sizeof turn);
	said[0] = '\0';
	for (unsigned i = 0; i < OBJECTS; i++) {
		objects[i] = xcalloc(1, sizeof *objects[i]);
		objects[i]->teller.tell = tell;
		objects[i]->letter = (char)('a' + i);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < OBJECTS; i++)
		if (objects[i] != NULL)
			drop(i);
	assert_null(turn.first);
	assert_null(turn.last);
	assert_null(turn.flushes);
	return 0;
}

static void test_each_tells_one_thing_after_the_other(void **state)
{
	(void)state;
	say(0, 3);
	say(1, 1);
	say(2, 2);
	turn_run(&turn);
	assert_string_equal(said, "abcaca");
}

static void test_nothing_is_told_before_the_end_of_the_turn(void **state)
{
	(void)state;
	say(0, 1);
	turn_add(&turn, &objects[0]->teller);
	assert_string_equal(said, "");
	turn_run(&turn);
	turn_run(&turn);
	assert_string_equal(said, "a");
}

static void drop_itself(struct object *o)
{
	drop((unsigned)(o->letter - 'a'));
}

static void test_who_is_told_may_free_who_tells(void **state)
{
	(void)state;
	say(0, 3);
	say(1, 2);
	objects[0]->then = drop_itself;
	turn_run(&turn);
	assert_string_equal(said, "abb");
	assert_null(objects[0]);
}

static void drop_next(struct object *o)
{
	drop((unsigned)(o->letter - 'a') + 1);
	o->then = NULL;
}

static void test_who_is_told_may_free_who_would_tell_next(void **state)
{
	(void)state;
	for (unsigned i = 0; i < OBJECTS; i++)
		say(i, 1);
	objects[1]->then = drop_next;
	turn_run(&turn);
	assert_string_equal(said, "abd");
}

static void say_more(struct object *o)
{
	turn_run(&turn); /* of no effect: it is under way */
	if (o->letter == 'a')
		say(1, 1);
}

static void test_what_follows_is_told_in_the_same_turn(void **state)
{
	(void)state;
	objects[0]->then = objects[1]->then = say_more;
	say(0, 2);
	turn_run(&turn);
	assert_string_equal(said, "aabb");
}

static void test_one_tells_all_at_once_when_it_has_to(void **state)
{
	(void)state;
	say(0, 2);
	say(1, 3);
	turn_flush(&turn, &objects[1]->teller);
	assert_string_equal(said, "bbb");
	turn_flush(&turn, &objects[1]->teller);
	turn_run(&turn);
	assert_string_equal(said, "bbbaa");
}

static void test_one_that_tells_all_may_be_freed(void **state)
{
	(void)state;
	say(0, 3);
	objects[0]->then = drop_itself;
	turn_flush(&turn, &objects[0]->teller);
	assert_string_equal(said, "a");
}

static void flush_next(struct object *o)
{
	turn_flush(&turn, &objects[(unsigned)(o->letter - 'a') + 1]->teller);
}

static void drop_first(struct object *o)
{
	(void)o;
	if (objects[0] != NULL)
		drop(0);
}

static void test_it_may_be_freed_by_another_that_tells_all(void **state)
{
	(void)state;
	say(0, 3);
	say(1, 2);
	objects[0]->then = flush_next;
	objects[1]->then = drop_first;
	turn_flush(&turn, &objects[0]->teller);
	assert_string_equal(said, "abb");
	turn_run(&turn);
	assert_string_equal(said, "abb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_each_tells_one_thing_after_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_nothing_is_told_before_the_end_of_the_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_who_is_told_may_free_who_tells, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_who_is_told_may_free_who_would_tell_next, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_what_follows_is_told_in_the_same_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_one_tells_all_at_once_when_it_has_to, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_one_that_tells_all_may_be_freed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_it_may_be_freed_by_another_that_tells_all, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
