#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/stt_pair.h"

static struct stt_end end(enum stt_side side, const char *peer, uint64_t tenant)
{
	struct stt_end e = { .side = side, .tenant = tenant };

	stt_end_set_address(&e, peer);
	return e;
}

static void an_address_has_no_port(void **state)
{
	struct stt_end e = end(STT_DATA, "[::1]:80", 1);

	(void)state;
	assert_string_equal(e.address, "[::1]");
	e = end(STT_DATA, "10.0.0.1:12", 1);
	assert_string_equal(e.address, "10.0.0.1");
	e = end(STT_DATA, "odd", 1);
	assert_string_equal(e.address, "odd");
}

static void pairs_are_made_in_the_order_of_opening(void **state)
{
	struct stt_pairs p = { 0 };
	struct stt_end c1 = end(STT_CONTROL, "a:1", 1), c2 = end(STT_CONTROL, "a:2", 1);
	struct stt_end d1 = end(STT_DATA, "a:3", 1), d2 = end(STT_DATA, "a:4", 1);

	(void)state;
	stt_pairs_add(&p, &c1);
	stt_pairs_add(&p, &c2);
	stt_pairs_add(&p, &d1);
	stt_pairs_add(&p, &d2);
	assert_ptr_equal(c1.other, &d1);
	assert_ptr_equal(d2.other, &c2);
}

static void who_is_elsewhere_or_has_another_key_is_no_partner(void **state)
{
	struct stt_pairs p = { 0 };
	struct stt_end d = end(STT_DATA, "a:1", 1), address = end(STT_CONTROL, "b:1", 1),
		       key = end(STT_CONTROL, "a:1", 2), same = end(STT_DATA, "a:2", 1);

	(void)state;
	stt_pairs_add(&p, &d);
	stt_pairs_add(&p, &address);
	stt_pairs_add(&p, &key);
	stt_pairs_add(&p, &same);
	assert_null(d.other);
	assert_null(address.other);
	assert_null(key.other);
	assert_null(same.other);
}

static void who_is_left_finds_another(void **state)
{
	struct stt_pairs p = { 0 };
	struct stt_end look = end(STT_CONTROL, "a:1", 1), c = end(STT_CONTROL, "a:2", 1);
	struct stt_end d = end(STT_DATA, "a:3", 1);

	(void)state;
	stt_pairs_add(&p, &look);
	stt_pairs_add(&p, &c);
	stt_pairs_add(&p, &d);
	assert_ptr_equal(d.other, &look);
	assert_ptr_equal(stt_pairs_remove(&p, &look), &d);
	assert_ptr_equal(d.other, &c);
	assert_null(stt_pairs_remove(&p, &look));
	assert_ptr_equal(stt_pairs_remove(&p, &d), &c);
	assert_null(c.other);
	assert_null(stt_pairs_remove(&p, &c));
	assert_null(p.first);
	assert_null(p.last);
}

static void a_partner_is_certain_while_nobody_else_is_there(void **state)
{
	struct stt_pairs p = { 0 };
	struct stt_end c = end(STT_CONTROL, "a:1", 1), d = end(STT_DATA, "a:2", 1);
	struct stt_end elsewhere = end(STT_DATA, "b:1", 1), key = end(STT_CONTROL, "a:1", 2);
	struct stt_end same = end(STT_DATA, "a:3", 1);

	(void)state;
	stt_pairs_add(&p, &c);
	stt_pairs_add(&p, &d);
	stt_pairs_add(&p, &elsewhere);
	stt_pairs_add(&p, &key);
	assert_true(stt_pairs_is_certain(&p, &c));
	stt_pairs_add(&p, &same);
	assert_false(stt_pairs_is_certain(&p, &c));
	(void)stt_pairs_remove(&p, &same);
	assert_true(stt_pairs_is_certain(&p, &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_no_port),
		cmocka_unit_test(pairs_are_made_in_the_order_of_opening),
		cmocka_unit_test(who_is_elsewhere_or_has_another_key_is_no_partner),
		cmocka_unit_test(who_is_left_finds_another),
		cmocka_unit_test(a_partner_is_certain_while_nobody_else_is_there),
	};

	return cmocka_run_group_tests_name("stt_pair", tests, NULL, NULL);
}
