#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/transcribe_url.h"

struct row {
	const char *name, *server, *want; /* want NULL: refused */
};

static const struct row rows[] = {
	{ "ws and port", "ws://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/stream" },
	{ "a slash at the end", "ws://127.0.0.1:8080/", "ws://127.0.0.1:8080/v1/stream" },
	{ "http and port", "http://localhost:9000", "ws://localhost:9000/v1/stream" },
	{ "http without port has that of http", "http://localhost", "ws://localhost/v1/stream" },
	{ "host and port", "localhost:9000", "ws://localhost:9000/v1/stream" },
	{ "host alone has our port", "localhost", "ws://localhost:8080/v1/stream" },
	{ "IPv6 with port", "[::1]:9000", "ws://[::1]:9000/v1/stream" },
	{ "IPv6 alone", "[::1]", "ws://[::1]:8080/v1/stream" },
	{ "behind a path", "http://host/speech/", "ws://host/speech/v1/stream" },
	{ "the whole url", "ws://host:1/v1/stream", "ws://host:1/v1/stream" },
	{ "over TLS", "wss://host:8443", "wss://host:8443/v1/stream" },
	{ "https without port has that of https", "https://host/", "wss://host/v1/stream" },
	{ "another scheme is refused", "ftp://host", NULL },
	{ "nothing is refused", "", NULL },
	{ "no host is refused", "ws://", NULL },
	{ "a query is refused", "ws://host?x", NULL },
	{ "a line break is refused", "ws://host/\r\nX: y", NULL },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;
	char *url = transcribe_url_new(r->server, &err);

	if (r->want != NULL)
		assert_string_equal(url, r->want);
	else
		assert_null(url);
	assert_int_equal(err.code, r->want != NULL ? ERROR_NONE : ERROR_CONFIG);
	free(url);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	struct row copies[ARRAY_SIZE(rows)];

	memcpy(copies, rows, sizeof rows);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ copies[i].name, test_row, NULL, NULL, &copies[i] };
	return cmocka_run_group_tests_name("transcribe_url", tests, NULL, NULL);
}
