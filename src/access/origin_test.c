#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/origin.h"
#include "base/error.h"
#include "base/util.h"

static const struct origin_rules
    bare = { 0 },
    keyed = { .has_keys = true }, open = { .allowed = "", .is_open = true },
    any = { .allowed = "*" },
    list = { .allowed = "https://a.example http://b.example:81,null chrome-extension://abc",
	    .has_keys = true };

static const struct row {
	const char *name;
	const struct origin_rules *rules;
	const char *origin, *host;
	enum origin_verdict want;
} rows[] = {
	{ "a program", &bare, NULL, "127.0.0.1:8080", ORIGIN_NONE },
	{ "its own page", &bare, "http://127.0.0.1:8080", "127.0.0.1:8080", ORIGIN_OWN },
	{ "its own page by IPv6", &bare, "http://[::1]:8080", "[::1]:8080", ORIGIN_OWN },
	{ "its own page by localhost", &bare, "http://LOCALHOST:8080", "localhost:8080",
	    ORIGIN_OWN },
	{ "its own page, the port unsaid", &bare, "http://127.0.0.1", "127.0.0.1:80", ORIGIN_OWN },
	{ "its own page by https", &open, "https://a.example", "a.example:443", ORIGIN_OWN },
	{ "another port is another server", &bare, "http://localhost:3000", "localhost:8080",
	    ORIGIN_REFUSED },
	{ "another name for this machine", &bare, "http://localhost:8080", "127.0.0.1:8080",
	    ORIGIN_REFUSED },
	{ "another page", &bare, "https://evil.example", "127.0.0.1:8080", ORIGIN_REFUSED },
	{ "a page without an origin", &bare, "null", "127.0.0.1:8080", ORIGIN_REFUSED },
	{ "a name that was pointed at this machine", &bare, "http://evil.example:8080",
	    "evil.example:8080", ORIGIN_REFUSED },
	{ "a name that begins as an address", &bare, "http://127.0.0.1.evil.example",
	    "127.0.0.1.evil.example", ORIGIN_REFUSED },
	{ "a name that begins as localhost", &bare, "http://localhost.evil.example",
	    "localhost.evil.example", ORIGIN_REFUSED },
	{ "a request without Host", &bare, "http://127.0.0.1:8080", NULL, ORIGIN_REFUSED },
	{ "nothing at all", &bare, "", "", ORIGIN_REFUSED },
	{ "a scheme alone", &bare, "http://", "", ORIGIN_REFUSED },
	{ "a page of an extension", &bare, "chrome-extension://abc", "abc", ORIGIN_REFUSED },
	{ "an open server's name", &open, "http://stt.lan:8080", "stt.lan:8080", ORIGIN_OWN },
	{ "another page of an open server", &open, "http://other.lan", "stt.lan", ORIGIN_REFUSED },
	{ "any page with keys", &keyed, "https://evil.example", "stt.lan", ORIGIN_KEYED },
	{ "its own page with keys", &keyed, "https://stt.lan", "stt.lan", ORIGIN_OWN },
	{ "a listed page", &list, "https://a.example", "stt.lan", ORIGIN_LISTED },
	{ "a listed page, in capitals", &list, "https://A.example", "stt.lan", ORIGIN_LISTED },
	{ "a listed page with its port", &list, "http://b.example:81", "stt.lan", ORIGIN_LISTED },
	{ "a listed page of an extension", &list, "chrome-extension://abc", "stt.lan",
	    ORIGIN_LISTED },
	{ "a page of another extension", &list, "chrome-extension://abd", "stt.lan",
	    ORIGIN_REFUSED },
	{ "a listed null", &list, "null", "stt.lan", ORIGIN_LISTED },
	{ "its own page beside a list", &list, "http://stt.lan", "stt.lan", ORIGIN_OWN },
	{ "a page that is not listed, in spite of keys", &list, "https://c.example", "stt.lan",
	    ORIGIN_REFUSED },
	{ "a page whose beginning is listed", &list, "https://a.example.org", "stt.lan",
	    ORIGIN_REFUSED },
	{ "a listed page with another scheme", &list, "http://a.example", "stt.lan",
	    ORIGIN_REFUSED },
	{ "any page where all are listed", &any, "https://c.example", "stt.lan", ORIGIN_LISTED },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(origin_check(r->rules, r->origin, r->host, &err), r->want);
	assert_int_equal(err.code, r->want == ORIGIN_REFUSED ? ERROR_FORBIDDEN : ERROR_NONE);
}

static void test_an_origin_has_a_bound(void **state)
{
	char origin[ORIGIN_BYTES_MAX + 2] = "http://";
	struct error err;

	(void)state;
	memset(origin + 7, 'a', sizeof origin - 8);
	assert_int_equal(origin_check(&any, origin, "b", &err), ORIGIN_REFUSED);
	origin[sizeof origin - 2] = '\0';
	assert_int_equal(origin_check(&any, origin, "b", &err), ORIGIN_LISTED);
}

static void test_the_refusal_says_what_to_do(void **state)
{
	struct error err;

	(void)state;
	(void)origin_check(&bare, "https://evil.example", "localhost", &err);
	assert_string_equal(err.text,
	    "pages of https://evil.example may not use this server; its allowed_origins would have "
	    "to name them");
}

static void test_lists(void **state)
{
	static const char *const good[] = { "", "*", "null", " https://a.example ,http://b:81\t",
		"chrome-extension://abc, moz-extension://0a-1b" };
	static const char *const wrong[] = { "a.example", "https://a.example/", "https://*.example",
		"* https://a.example", "https://", "chrome-extension://", "chrome-extension://*",
		"ftp://a" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(origin_check_list(good[i], &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(origin_check_list(wrong[i], &err), -1);
	assert_string_equal(err.text,
	    "\"ftp://a\" is no origin; allowed are * alone, null, or ones such as "
	    "https://example.org:8443 or chrome-extension://ID, without a path");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_origin_has_a_bound),
		cmocka_unit_test(test_the_refusal_says_what_to_do),
		cmocka_unit_test(test_lists),
	};
	struct CMUnitTest named[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		named[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("origin", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("origin of", named, NULL, NULL);
}
