#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/address_tally.h"

enum { MANY = 5000 };

static struct address_ip make(unsigned i)
{
	struct address_ip ip = { { 0 } };

	ip.bytes[15] = (uint8_t)i;
	ip.bytes[4] = (uint8_t)(i >> 8);
	return ip;
}

static void test_each_address_is_counted_by_itself(void **state)
{
	struct address_tally *t = address_tally_new();

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		for (unsigned k = 0; k < i % 3 + 1; k++) {
			struct address_ip ip = make(i);

			assert_int_equal(address_tally_count(t, &ip), k);
			address_tally_add(t, &ip);
		}
	for (unsigned i = 0; i < MANY; i++) {
		struct address_ip ip = make(i);

		assert_int_equal(address_tally_count(t, &ip), i % 3 + 1);
		address_tally_remove(t, &ip);
		assert_int_equal(address_tally_count(t, &ip), i % 3);
	}
	address_tally_free(&t); /* with some still in it */
	assert_null(t);
	address_tally_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_address_is_counted_by_itself),
	};

	return cmocka_run_group_tests_name("address_tally", tests, NULL, NULL);
}
