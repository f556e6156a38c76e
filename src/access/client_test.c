#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/client.h"
#include "base/util.h"

static const struct {
	const char *a, *b;
	int same;
} peers[] = {
	{ "127.0.0.1:1", "127.0.0.1:65535", 1 },
	{ "127.0.0.1:1", "127.0.0.2:1", 0 },
	{ "127.0.0.1:1", "127.0.0.11:1", 0 },
	{ "[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff:ffff:ffff:ffff]:2", 1 },
	{ "[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", 0 },
	{ "[::1]:1", "127.0.0.1:1", 0 },
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		assert_int_equal(
		    client_tenant_of_peer(peers[i].a) == client_tenant_of_peer(peers[i].b),
		    peers[i].same);
}

static void test_names_are_no_addresses(void **state)
{
	(void)state;
	assert_true(client_tenant_of_key("alice") == client_tenant_of_key("alice"));
	assert_true(client_tenant_of_key("alice") != client_tenant_of_key("alicf"));
	assert_true(client_tenant_of_key("127.0.0.1") != client_tenant_of_peer("127.0.0.1:1"));
}

static void test_set(void **state)
{
	static struct client_set set;
	struct client a = { .tenant = 1 }, b = { .tenant = 2 }, c = { .tenant = 3 };

	(void)state;
	client_set_add(&set, &a, 7);
	client_set_add(&set, &b, 7 + CLIENT_BUCKETS);
	client_set_add(&set, &c, 7 + 2 * CLIENT_BUCKETS);
	assert_ptr_equal(client_set_find(&set, 7), &a);
	assert_ptr_equal(client_set_find(&set, 7 + CLIENT_BUCKETS), &b);
	assert_null(client_set_find(&set, 8));
	client_set_remove(&set, &b);
	client_set_remove(&set, &b);
	assert_null(client_set_find(&set, 7 + CLIENT_BUCKETS));
	assert_ptr_equal(client_set_find(&set, 7 + 2 * CLIENT_BUCKETS), &c);
	client_set_remove(&set, &a);
	client_set_remove(&set, &c);
	assert_null(client_set_find(&set, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_names_are_no_addresses),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
