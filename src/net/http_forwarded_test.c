#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "net/address.h"
#include "net/address_list.h"
#include "net/http_forwarded.h"

static struct row {
	const char *name, *value;
	enum http_forwarded what;
	const char *client;
} rows[] = {
	{ "one client", "1.2.3.4", HTTP_FORWARDED_CLIENT, "1.2.3.4:0" },
	{ "the last one counts", "9.9.9.9, 1.2.3.4", HTTP_FORWARDED_CLIENT, "1.2.3.4:0" },
	{ "proxies behind it are passed over", "9.9.9.9,1.2.3.4 ,\t10.0.0.2 , 10.0.0.1",
	    HTTP_FORWARDED_CLIENT, "1.2.3.4:0" },
	{ "what stands before it is not looked at", "<script>,,1.2.3.4, 10.0.0.1",
	    HTTP_FORWARDED_CLIENT, "1.2.3.4:0" },
	{ "only proxies: the first", "10.0.0.3, 10.0.0.2", HTTP_FORWARDED_PROXIES, "10.0.0.3:0" },
	{ "IPv6", "fd00::1", HTTP_FORWARDED_CLIENT, "[fd00::1]:0" },
	{ "IPv6 in brackets", "[fd00::1]", HTTP_FORWARDED_CLIENT, "[fd00::1]:0" },
	{ "IPv6 with a port", "[fd00::1]:443", HTTP_FORWARDED_CLIENT, "[fd00::1]:0" },
	{ "IPv4 with a port", "1.2.3.4:443, 10.0.0.1:80", HTTP_FORWARDED_CLIENT, "1.2.3.4:0" },
	{ "IPv4 inside IPv6", "::ffff:1.2.3.4, ::ffff:10.0.0.1", HTTP_FORWARDED_CLIENT,
	    "1.2.3.4:0" },
	{ "nothing", "", HTTP_FORWARDED_MALFORMED, NULL },
	{ "nothing before a proxy", ", 10.0.0.1", HTTP_FORWARDED_MALFORMED, NULL },
	{ "nothing behind a comma", "1.2.3.4,", HTTP_FORWARDED_MALFORMED, NULL },
	{ "a name", "unknown", HTTP_FORWARDED_MALFORMED, NULL },
	{ "a name before a proxy", "1.2.3.4, unknown, 10.0.0.1", HTTP_FORWARDED_MALFORMED, NULL },
	{ "a port without digits", "1.2.3.4:", HTTP_FORWARDED_MALFORMED, NULL },
	{ "a port with letters", "1.2.3.4:8a", HTTP_FORWARDED_MALFORMED, NULL },
	{ "half a bracket", "[fd00::1", HTTP_FORWARDED_MALFORMED, NULL },
	{ "more behind a bracket", "[fd00::1]x", HTTP_FORWARDED_MALFORMED, NULL },
	{ "two in one entry", "1.2.3.4 5.6.7.8", HTTP_FORWARDED_MALFORMED, NULL },
	{ "too many bytes", "1.2.3.4.1.2.3.4.1.2.3.4.1.2.3.4.1.2.3.4.1.2.3.4.1.2.3.4.1.2.3.4",
	    HTTP_FORWARDED_MALFORMED, NULL },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct address_list trusted;
	struct error err = ERROR_INIT;
	struct address_ip ip;
	char out[ADDRESS_BYTES];

	assert_int_equal(address_list_parse("10.0.0.0/8", &trusted, &err), 0);
	assert_int_equal(http_forwarded_read(r->value, &trusted, &ip), r->what);
	if (r->client == NULL)
		return;
	address_ip_format(&ip, out, sizeof out);
	assert_string_equal(out, r->client);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("http_forwarded", tests, NULL, NULL);
}
