#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "net/sha1.h"
#include "net/ws_handshake.h"
#include "net/ws_url.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static void expect_sha1(const char *text, const char *hex)
{
	uint8_t digest[SHA1_BYTES];
	char got[2 * SHA1_BYTES + 1];

	sha1_digest(text, strlen(text), digest);
	for (unsigned i = 0; i < SHA1_BYTES; i++)
		(void)snprintf(got + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(got, hex);
}

/* The values were computed by another implementation. */
static void test_sha1_of_every_way_to_end_a_block(void **state)
{
	char text[120];

	(void)state;
	expect_sha1("", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	expect_sha1("abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
	memset(text, 'a', sizeof text);
	text[55] = '\0';
	expect_sha1(text, "c1c8bbdc22796e28c0e15163d20899b65621d65a");
	text[55] = 'a';
	text[56] = '\0';
	expect_sha1(text, "c2db330f6083854c99d4b5bfb6e8f29f201be699");
	text[56] = 'a';
	text[64] = '\0';
	expect_sha1(text, "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

static void test_accepts_as_the_rfc_does(void **state)
{
	char accept[WS_HANDSHAKE_ACCEPT_BYTES], key[WS_HANDSHAKE_KEY_BYTES];

	(void)state;
	ws_handshake_accept(KEY, accept);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	ws_handshake_key((const uint8_t *)"the sample nonce", key);
	assert_string_equal(key, KEY);
}

static struct row {
	const char *name;
	struct ws_handshake_request request;
	const char *refusal; /* NULL: good */
} rows[] = {
	{ "the RFC's request is good",
	    { "GET", "websocket", "Upgrade", "13", KEY, false, true, false }, NULL },
	{ "a list in Connection is good",
	    { "GET", "websocket", "keep-alive, upgrade", "13", KEY, false, true, false }, NULL },
	{ "POST is refused", { "POST", "websocket", "Upgrade", "13", KEY, false, true, false },
	    "not by POST" },
	{ "HTTP/1.0 is refused", { "GET", "websocket", "Upgrade", "13", KEY, false, false, false },
	    "HTTP/1.0" },
	{ "a body is refused", { "GET", "websocket", "Upgrade", "13", KEY, false, true, true },
	    "no body" },
	{ "no Connection is refused", { "GET", "websocket", NULL, "13", KEY, false, true, false },
	    "Connection" },
	{ "another Connection is refused",
	    { "GET", "websocket", "close, upgraded", "13", KEY, false, true, false },
	    "Connection" },
	{ "no version is refused", { "GET", "websocket", "Upgrade", NULL, KEY, false, true, false },
	    "13 is" },
	{ "version 8 is refused", { "GET", "websocket", "Upgrade", "8", KEY, false, true, false },
	    "'8'" },
	{ "no key is refused", { "GET", "websocket", "Upgrade", "13", NULL, false, true, false },
	    "no Sec-" },
	{ "two keys are refused", { "GET", "websocket", "Upgrade", "13", KEY, true, true, false },
	    "more than" },
	{ "a short key is refused",
	    { "GET", "websocket", "Upgrade", "13", "abc=", false, true, false }, "'abc='" },
	{ "a key that is not base64 is refused",
	    { "GET", "websocket", "Upgrade", "13", "dGhlIHNhbXBs!SBub25jZQ==", false, true, false },
	    "base64" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(ws_handshake_check(&r->request, &err), r->refusal == NULL ? 0 : -1);
	if (r->refusal != NULL)
		assert_non_null(strstr(err.text, r->refusal));
}

static void test_finds_words_in_lists(void **state)
{
	(void)state;
	assert_true(ws_handshake_has_word("a,\t Upgrade ,b", "upgrade"));
	assert_true(ws_handshake_has_word("UPGRADE", "upgrade"));
	assert_false(ws_handshake_has_word("upgrades, xupgrade", "upgrade"));
	assert_false(ws_handshake_has_word(" , ,", "upgrade"));
}

static struct url_row {
	const char *name, *url, *where, *host, *target;
	unsigned port; /* 0: refused */
} url_rows[] = {
	{ "a host alone", "ws://a", "a:80", "a", "", 80 },
	{ "a port and a path", "WS://127.0.0.1:8080/v1/stream?x=y:z", "127.0.0.1:8080", "127.0.0.1",
	    "/v1/stream?x=y:z", 8080 },
	{ "a query without a path", "ws://a:1?q", "a:1", "a", "?q", 1 },
	{ "IPv6 without a port", "ws://[::1]/", "[::1]:80", "::1", "/", 80 },
	{ "IPv6 with a port", "ws://[::1]:9/", "[::1]:9", "::1", "/", 9 },
	{ "over TLS", "wss://a/b", "a:443", "a", "/b", 443 },
	{ "over TLS at a port", "WSS://a:8443", "a:8443", "a", "", 8443 },
	{ "http is refused", "http://a", NULL, NULL, "does not begin with ws://", 0 },
	{ "no host is refused", "ws:///x", NULL, NULL, "is not HOST", 0 },
	{ "a user is refused", "ws://me@a", NULL, NULL, "is not HOST", 0 },
	{ "a port that is no number is refused", "ws://a:x", NULL, NULL, "port 'x'", 0 },
	{ "a port that is too great is refused", "ws://a:65536", NULL, NULL, "port '65536'", 0 },
	{ "bare IPv6 is refused", "ws://::1/", NULL, NULL, "more than one colon", 0 },
	{ "a line end is refused", "ws://a/\r\nX: y", NULL, NULL, "white space", 0 },
};

static void test_url(void **state)
{
	const struct url_row *r = *state;
	struct error err = ERROR_INIT;
	struct ws_url url;

	if (r->port == 0) {
		assert_int_equal(ws_url_parse(r->url, &url, &err), -1);
		assert_non_null(strstr(err.text, r->target));
		return;
	}
	assert_int_equal(ws_url_parse(r->url, &url, &err), 0);
	assert_string_equal(url.where, r->where);
	assert_string_equal(url.host, r->host);
	assert_string_equal(url.target, r->target);
	assert_int_equal(url.port, r->port);
}

int main(void)
{
	const struct CMUnitTest more[] = {
		cmocka_unit_test(test_sha1_of_every_way_to_end_a_block),
		cmocka_unit_test(test_accepts_as_the_rfc_does),
		cmocka_unit_test(test_finds_words_in_lists),
	};
	struct CMUnitTest checks[ARRAY_SIZE(rows)], urls[ARRAY_SIZE(url_rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		checks[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(url_rows); i++)
		urls[i] =
		    (struct CMUnitTest){ url_rows[i].name, test_url, NULL, NULL, &url_rows[i] };
	return cmocka_run_group_tests_name("ws_handshake", more, NULL, NULL) +
	    cmocka_run_group_tests_name("ws_handshake_check", checks, NULL, NULL) +
	    cmocka_run_group_tests_name("ws_url", urls, NULL, NULL);
}
