#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "net/address.h"
#include "net/address_list.h"

static struct row {
	const char *name, *list, *ip;
	bool has;
	const char *words; /* of the refusal of the list; NULL: it is taken */
} rows[] = {
	{ "nobody is in the empty list", "", "127.0.0.1", false, NULL },
	{ "nor in one of commas", " , ,", "127.0.0.1", false, NULL },
	{ "an address is in it", "10.0.0.1, 127.0.0.1", "127.0.0.1", true, NULL },
	{ "spaces are enough", "10.0.0.1 127.0.0.1\t::1", "::1", true, NULL },
	{ "its neighbour is not", "10.0.0.1", "10.0.0.2", false, NULL },
	{ "the first of a network", "10.0.0.0/8", "10.0.0.0", true, NULL },
	{ "the last of a network", "10.0.0.0/8", "10.255.255.255", true, NULL },
	{ "the one behind a network", "10.0.0.0/8", "11.0.0.0", false, NULL },
	{ "a network that ends inside a byte", "172.16.0.0/12", "172.31.255.255", true, NULL },
	{ "and the one behind it", "172.16.0.0/12", "172.32.0.0", false, NULL },
	{ "a network of one", "10.0.0.1/32", "10.0.0.1", true, NULL },
	{ "all of IPv4", "0.0.0.0/0", "255.255.255.255", true, NULL },
	{ "which is not IPv6", "0.0.0.0/0", "::1", false, NULL },
	{ "all of both", "::/0", "1.2.3.4", true, NULL },
	{ "an IPv6 network", "fd00::/8", "fdff::1", true, NULL },
	{ "and the one behind it", "fd00::/8", "fe00::1", false, NULL },
	{ "IPv4 inside IPv6 is IPv4", "10.0.0.0/8", "::ffff:10.1.2.3", true, NULL },
	{ "and has 128 bits when written so", "::ffff:10.0.0.0/104", "10.1.2.3", true, NULL },
	{ "a name is refused", "proxy", "::1", false,
	    "'proxy' is not an IP address, nor a network such as 10.0.0.0/8" },
	{ "a port is refused", "10.0.0.1:80", "::1", false, "'10.0.0.1:80' is not an IP address" },
	{ "brackets are refused", "[::1]", "::1", false, "'[::1]' is not an IP address" },
	{ "33 bits are refused", "10.0.0.0/33", "::1", false, "/0 to /32 may stand behind" },
	{ "129 bits are refused", "fd00::/129", "::1", false, "/0 to /128 may stand behind" },
	{ "no bits are refused", "10.0.0.0/", "::1", false, "'10.0.0.0/' is not a network" },
	{ "signed bits are refused", "10.0.0.0/+8", "::1", false, "is not a network" },
	{ "an address in place of a network is refused", "10.0.0.1/8", "::1", false,
	    "'10.0.0.1/8' is not a network: its address has bits behind /8" },
	{ "so for IPv6", "fd00::1/64", "::1", false, "bits behind /64" },
	{ "the second is looked at too", "10.0.0.0/8, x", "::1", false, "'x' is not" },
	{ "33 are refused",
	    "::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 "
	    "::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1",
	    "::1", false, "more than 32 addresses and networks" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct address_list list = { .n = 1, .nets = { { .bits = 0 } } };
	struct error err = ERROR_INIT;
	struct address_ip ip;

	assert_true(address_ip_parse(r->ip, strlen(r->ip), &ip));
	if (r->words == NULL) {
		assert_int_equal(address_list_parse(r->list, &list, &err), 0);
		assert_int_equal(address_list_has(&list, &ip), r->has);
		return;
	}
	assert_int_equal(address_list_parse(r->list, &list, &err), -1);
	assert_int_equal(err.code, ERROR_CONFIG);
	if (strstr(err.text, r->words) == NULL)
		fail_msg("no '%s' in '%s'", r->words, err.text);
	assert_int_equal(list.n, 1);
}

static void test_an_address_is_written_as_it_was_read(void **state)
{
	const char *texts[][2] = { { "1.2.3.4", "1.2.3.4:0" }, { "fd00::1", "[fd00::1]:0" },
		{ "::ffff:1.2.3.4", "1.2.3.4:0" } };
	struct address_ip ip;
	char out[ADDRESS_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_true(address_ip_parse(texts[i][0], strlen(texts[i][0]), &ip));
		address_ip_format(&ip, out, sizeof out);
		assert_string_equal(out, texts[i][1]);
	}
	assert_false(address_ip_parse("1.2.3.4\0", 8, &ip));
	assert_false(address_ip_parse("", 0, &ip));
	assert_false(address_ip_parse("fe80::1%lo", 10, &ip));
}

static void test_an_ipv6_address_belongs_to_its_network(void **state)
{
	struct address_ip a, b;

	(void)state;
	(void)address_ip_parse("fd00::1:2:3:4", 13, &a);
	(void)address_ip_parse("fd00::", 6, &b);
	a = address_ip_owner(&a);
	assert_memory_equal(&a, &b, sizeof a);
	(void)address_ip_parse("1.2.3.4", 7, &a);
	b = address_ip_owner(&a);
	assert_memory_equal(&a, &b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_an_address_is_written_as_it_was_read),
		cmocka_unit_test(test_an_ipv6_address_belongs_to_its_network),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	int failed;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	failed = cmocka_run_group_tests_name("address_list rows", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("address_list", others, NULL, NULL);
}
