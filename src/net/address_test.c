#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "net/address.h"

static struct row {
	const char *name, *text;
	const char *written; /* by address_format; NULL: refused */
	const char *words;   /* of the refusal */
} rows[] = {
	{ "IPv4", "127.0.0.1:80", "127.0.0.1:80", NULL },
	{ "IPv6", "[::1]:65535", "[::1]:65535", NULL },
	{ "IPv4 inside IPv6 is written as IPv4", "[::ffff:10.0.0.1]:9", "10.0.0.1:9", NULL },
	{ "a name is looked up", "localhost:7", "", NULL },
	{ "no port is refused", "localhost", NULL, "'localhost' has no port" },
	{ "an empty port is refused", "localhost:", NULL, "port ''" },
	{ "port 65536 is refused", "a:65536", NULL,
	    "port '65536' of address 'a:65536' is not 0 to 65535" },
	{ "a signed port is refused", "a:+1", NULL, "port '+1'" },
	{ "IPv6 without brackets is refused", "::1:80", NULL, "write IPv6 as [IPV6]:PORT" },
	{ "half a bracket is refused", "[::1:80", NULL, "more than one colon" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;
	struct sockaddr_storage ss;
	char out[ADDRESS_BYTES];
	uv_loop_t loop;
	int result;

	assert_int_equal(uv_loop_init(&loop), 0);
	result = address_resolve(&loop, r->text, &ss, &err);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(result, r->written == NULL ? -1 : 0);
	if (r->written == NULL) {
		if (strstr(err.text, r->words) == NULL)
			fail_msg("no '%s' in '%s'", r->words, err.text);
		return;
	}
	address_format((const struct sockaddr *)&ss, out, sizeof out);
	if (r->written[0] != '\0')
		assert_string_equal(out, r->written);
	else
		assert_non_null(strstr(out, "1:7")); /* 127.0.0.1:7 or [::1]:7 */
}

static void test_an_empty_host_is_every_address(void **state)
{
	struct error err = ERROR_INIT;
	struct sockaddr_storage ss;
	char out[ADDRESS_BYTES];
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(address_resolve(&loop, ":80", &ss, &err), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
	address_format((const struct sockaddr *)&ss, out, sizeof out);
	assert_true(strcmp(out, "[::]:80") == 0 || strcmp(out, "0.0.0.0:80") == 0);
}

int main(void)
{
	const struct CMUnitTest more[] = { cmocka_unit_test(test_an_empty_host_is_every_address) };
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("address rows", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("address", more, NULL, NULL);
}
