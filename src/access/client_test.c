#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "access/client.h"
#include "base/error.h"
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

static void test_secret(void **state)
{
	/* SHA-256 of "secret". */
	char line[] = "alice:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b:"
		      "priority=high\n";
	FILE *from = fmemopen(line, sizeof line - 1, "r");
	struct keys *keys = NULL;
	struct client c = { .tenant = 7 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(client_check_secret(NULL, NULL, &c, &err), 0);
	assert_int_equal(c.tenant, 7);
	assert_int_equal(keys_read(&keys, from, "keys", &err), 0);
	(void)fclose(from);
	assert_int_equal(client_check_secret(keys, NULL, &c, &err), -1);
	assert_string_equal(err.text, "a key is needed and none was sent");
	assert_int_equal(client_check_secret(keys, "secreT", &c, &err), -1);
	assert_int_equal(c.tenant, 7);
	assert_int_equal(client_check_secret(keys, "secret", &c, &err), 0);
	assert_string_equal(c.key, "alice");
	assert_true(c.tenant == client_tenant_of_key("alice"));
	assert_int_equal(c.priority, PRIORITY_HIGH);
	keys_free(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_names_are_no_addresses),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
