/* Each row is read twice, whole and byte by byte, and must mean the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "net/http.h"
#include "net/http_parse.h"

enum { MAX_HEADER = 300, MAX_BODY = 20 };

#define HOST    "Host: a\r\n"
#define GET     "GET / HTTP/1.1\r\n" HOST
#define POST    "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define HUNDRED                                                                                    \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
	"890123456789"

static struct row {
	const char *name;
	const char *bytes;
	unsigned status;    /* 0: understood */
	const char *result; /* the body, or words of the sentence */
} rows[] = {
	{ "a bare request is understood", GET "\r\n", 0, "" },
	{ "an empty line before it is let pass", "\r\n" GET "\r\n", 0, "" },
	{ "HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", 0, "" },
	{ "an absolute target is understood", "GET http://a/b HTTP/1.1\r\n" HOST "\r\n", 0, "" },
	{ "OPTIONS may ask for *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0, "" },
	{ "a body of a length is read", POST "Content-Length: 5\r\n\r\nhello", 0, "hello" },
	{ "an empty body is read", POST "Content-Length: 0\r\n\r\n", 0, "" },
	{ "a chunked body is read", CHUNKED "5\r\nhello\r\n2\r\n w\r\n0\r\n\r\n", 0, "hello w" },
	{ "sizes of chunks are hexadecimal", CHUNKED "00A\r\n0123456789\r\n0\r\n\r\n", 0,
	    "0123456789" },
	{ "extensions and trailers are thrown away",
	    CHUNKED "1;x=y\r\na\r\n0\r\nT: v\r\nU: w\r\n\r\n", 0, "a" },
	{ "ten chunks are read",
	    CHUNKED "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n1\r\ne\r\n1\r\nf\r\n1\r\ng\r\n"
		    "1\r\nh\r\n1\r\ni\r\n1\r\nj\r\n0\r\n\r\n",
	    0, "abcdefghij" },
	{ "a body at its bound is read", POST "Content-Length: 20\r\n\r\n01234567890123456789", 0,
	    "01234567890123456789" },

	{ "line feeds alone are refused", "GET / HTTP/1.1\nHost: a\n\n", 400, "line feed without" },
	{ "a line feed alone after a header is refused", GET "X: y\nZ: w\r\n\r\n", 400,
	    "line feed without" },
	{ "a line feed alone at the end is refused", GET "\n", 400, "line feed without" },
	{ "a carriage return alone is refused", GET "X: y\rZ: w\r\n\r\n", 400,
	    "carriage return without" },
	{ "a space before the colon is refused", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400,
	    "before the colon" },
	{ "a tab before the colon is refused", GET "X\t: a\r\n\r\n", 400,
	    "before the colon of header line 2" },
	{ "a folded header is refused", GET "X: a\r\n b\r\n\r\n", 400,
	    "line 3 begins with white space" },
	{ "a first line that is folded is refused", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400,
	    "begins with" },
	{ "a header without a colon is refused", GET "Xa\r\n\r\n", 400,
	    "header line 2 has no colon" },
	{ "a header without a name is refused", GET ": a\r\n\r\n", 400, "in the name" },
	{ "a name with a bracket is refused", GET "X[: a\r\n\r\n", 400,
	    "'[' in the name of header line 2" },
	{ "a control character is refused", GET "X: a\001\r\n\r\n", 400, "byte 0x01" },
	{ "a tab in the request line is refused", "GET /\t HTTP/1.1\r\n" HOST "\r\n", 400,
	    "byte 0x09" },
	{ "two spaces in the request line are refused", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400,
	    "has 3 spaces" },
	{ "HTTP/0.9 is refused", "GET /\r\n\r\n", 400, "has 1 spaces" },
	{ "no Host is refused", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400, "no Host" },
	{ "two Hosts are refused", GET HOST "\r\n", 400, "more than one Host" },
	{ "two hosts in one Host are refused", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400,
	    "not a host" },
	{ "a relative target is refused", "GET a HTTP/1.1\r\n" HOST "\r\n", 400, "" },
	{ "a fragment is refused", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, "fragment" },
	{ "length and chunks are refused",
	    POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "" },
	{ "chunks and length are refused",
	    POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400, "" },
	{ "two lengths are refused", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400,
	    "" },
	{ "two equal lengths are refused", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
	    400, "" },
	{ "a list of lengths is refused", POST "Content-Length: 5, 5\r\n\r\n", 400, "" },
	{ "a signed length is refused", POST "Content-Length: +5\r\n\r\n", 400, "" },
	{ "an empty length is refused", POST "Content-Length:\r\n\r\n", 400, "" },
	{ "a length beyond 64 bits is refused", POST "Content-Length: 99999999999999999999\r\n\r\n",
	    400, "" },
	{ "chunks in HTTP/1.0 are refused", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	    400, "1.0" },
	{ "two transfer encodings are refused",
	    POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
	    "more than one" },
	{ "another transfer encoding is refused", POST "Transfer-Encoding: gzip, chunked\r\n\r\n",
	    501, "gzip" },
	{ "an encoding that looks like chunked is refused",
	    POST "Transfer-Encoding: xchunked\r\n\r\n", 501, "" },
	{ "a size that is no number is refused", CHUNKED "x\r\n", 400, "size of a chunk" },
	{ "a negative size is refused", CHUNKED "-1\r\n", 400, "size of a chunk" },
	{ "a size with 0x is refused", CHUNKED "0x1\r\n", 400, "size of a chunk" },
	{ "an empty size is refused", CHUNKED "\r\n", 400, "size of a chunk" },
	{ "a size of nine digits is refused", CHUNKED "000000001\r\n", 400, "more than 8 digits" },
	{ "a great size of nine digits is refused alike", CHUNKED "CCCCCCCCC\r\n", 400,
	    "more than 8 digits" },
	{ "a size that ends in a line feed alone is refused", CHUNKED "1\na\r\n", 400,
	    "size of a chunk" },
	{ "a size that ends in another byte is refused", CHUNKED "1\rXa\r\n", 400,
	    "where a line must end" },
	{ "a chunk longer than its size is refused", CHUNKED "1\r\nab\r\n0\r\n\r\n", 400,
	    "where a line must end" },
	{ "a chunk that ends in a line feed alone is refused", CHUNKED "1\r\na\n0\r\n\r\n", 400,
	    "line must end" },
	{ "a line feed alone in an extension is refused", CHUNKED "1;a\nb\r\n", 400, "extension" },
	{ "HTTP/2.0 is refused", "GET / HTTP/2.0\r\n" HOST "\r\n", 505, "HTTP/2.0" },
	{ "HTTP/1.2 is refused", "GET / HTTP/1.2\r\n" HOST "\r\n", 505, "HTTP/1.2" },
	{ "an unknown method is refused", "BREW / HTTP/1.1\r\n" HOST "\r\n", 501, "method" },
	{ "CONNECT is refused", "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", 501, "CONNECT" },
	{ "another expectation is refused", POST "Expect: magic\r\nContent-Length: 1\r\n\r\n", 417,
	    "magic" },
	{ "a compressed body is refused by name",
	    POST "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", 415,
	    "Content-Encoding 'gzip' is not supported; send the body as it is" },
	{ "a compressed body in chunks is too",
	    POST "Transfer-Encoding: chunked\r\nContent-Encoding: deflate\r\n\r\n", 415,
	    "Content-Encoding 'deflate'" },
	{ "identity is no coding", POST "Content-Encoding: Identity\r\nContent-Length: 2\r\n\r\nhi",
	    0, "hi" },
	{ "without a body there is nothing to decode", GET "Content-Encoding: gzip\r\n\r\n", 0,
	    "" },
	{ "a body over its bound is refused by its length", POST "Content-Length: 21\r\n\r\n", 413,
	    "body of 21 bytes is over max_body_bytes 20" },
	{ "a chunk over the bound is refused by its size", CHUNKED "15\r\n", 413,
	    "over max_body_bytes 20" },
	{ "chunks over the bound together are refused",
	    CHUNKED "14\r\n01234567890123456789\r\n1\r\n", 413, "" },
	{ "a header over its bound is refused", GET "X: " HUNDRED HUNDRED HUNDRED "\r\n\r\n", 431,
	    "over max_header_bytes 300" },
	{ "a header that never ends is refused", GET "X: " HUNDRED HUNDRED HUNDRED, 431,
	    "max_header_bytes" },
	{ "beyond its bound a header is not looked at", GET "X: " HUNDRED HUNDRED HUNDRED "\001",
	    431, "" },
	{ "a TLS client is refused", "\026\003\001\002", 400, "byte 0x16 in the method" },
};

static const struct http_body_limit max_body = { MAX_BODY, "max_body_bytes" };

struct outcome {
	enum http_parse_result last;
	unsigned status;
	char text[400]; /* the body, or the sentence */
	size_t n;
};

static void feed(struct http_parse *p, const char *bytes, size_t n, struct outcome *o)
{
	struct http_bytes in = { (const uint8_t *)bytes, n }, body;
	struct error err = ERROR_INIT;

	do {
		o->last = http_parse_next(p, &in, &body, &err);
		if (o->last == HTTP_PARSE_BODY) {
			memcpy(o->text + o->n, body.bytes, body.n);
			o->n += body.n;
		}
	} while (o->last == HTTP_PARSE_HEAD || o->last == HTTP_PARSE_BODY);
	if (o->last == HTTP_PARSE_REFUSED && err.text[0] != '\0') {
		o->status = http_parse_status(p);
		o->n = (size_t)snprintf(o->text, sizeof o->text, "%s", err.text);
	}
}

static struct outcome parse(const char *bytes, size_t n, size_t piece)
{
	struct http_parse *p = http_parse_new(MAX_HEADER, &max_body);
	struct outcome o = { HTTP_PARSE_MORE, 0, "", 0 };

	for (size_t at = 0; at < n && o.last == HTTP_PARSE_MORE; at += piece)
		feed(p, bytes + at, MIN(piece, n - at), &o);
	http_parse_free(&p);
	return o;
}

static void test_row(void **state)
{
	const struct row *r = *state;
	size_t n = strlen(r->bytes);
	struct outcome whole = parse(r->bytes, n, n), single = parse(r->bytes, n, 1);

	assert_int_equal(whole.last, r->status == 0 ? HTTP_PARSE_END : HTTP_PARSE_REFUSED);
	assert_int_equal(whole.status, r->status);
	if (r->status == 0)
		assert_string_equal(whole.text, r->result);
	else if (strstr(whole.text, r->result) == NULL)
		fail_msg("no '%s' in '%s'", r->result, whole.text);
	assert_int_equal(single.last, whole.last);
	assert_int_equal(single.status, whole.status);
	assert_string_equal(single.text, whole.text);
}

static void test_headers(void **state)
{
	static const char text[] =
	    "PUT /x?y=1 HTTP/1.1\r\nHost: a\r\nX-One: 1 \t\r\nx-one:2\r\nEmpty:\r\n"
	    "Connection: close\r\n\r\n";
	struct http_parse *p = http_parse_new(MAX_HEADER, &max_body);
	struct http_bytes in = { (const uint8_t *)text, sizeof text - 1 }, body;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(http_parse_next(p, &in, &body, &err), HTTP_PARSE_HEAD);
	assert_string_equal(http_parse_method(p), "PUT");
	assert_string_equal(http_parse_target(p), "/x?y=1");
	assert_string_equal(http_parse_header(p, "X-ONE", 0), "1");
	assert_string_equal(http_parse_header(p, "X-ONE", 1), "2");
	assert_null(http_parse_header(p, "X-ONE", 2));
	assert_string_equal(http_parse_header(p, "empty", 0), "");
	assert_false(http_parse_keeps_alive(p));
	assert_false(http_parse_has_body(p));
	http_parse_free(&p);
}

static void test_second_request_after_reset(void **state)
{
	static const char text[] = POST "Content-Length: 2\r\n\r\nhi" GET "\r\nrest";
	struct http_parse *p = http_parse_new(MAX_HEADER, &max_body);
	struct http_bytes in = { (const uint8_t *)text, sizeof text - 1 }, body;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(http_parse_next(p, &in, &body, &err), HTTP_PARSE_HEAD);
	assert_int_equal(http_parse_next(p, &in, &body, &err), HTTP_PARSE_BODY);
	assert_int_equal(http_parse_next(p, &in, &body, &err), HTTP_PARSE_END);
	assert_int_equal(http_parse_next(p, &in, &body, &err), HTTP_PARSE_END);
	assert_true(http_parse_has_begun(p));
	http_parse_reset(p);
	assert_false(http_parse_has_begun(p));
	assert_int_equal(http_parse_next(p, &in, &body, &err), HTTP_PARSE_HEAD);
	assert_string_equal(http_parse_method(p), "GET");
	assert_int_equal(http_parse_next(p, &in, &body, &err), HTTP_PARSE_END);
	assert_int_equal(in.n, 4);
	http_parse_free(&p);
}

static void test_too_many_headers(void **state)
{
	struct http_parse *p = http_parse_new(100000, &max_body);
	struct http_bytes in, body;
	struct error err = ERROR_INIT;
	char text[2000] = GET;

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(text, "X: y\r\n");
	strcat(text, "\r\n");
	in = (struct http_bytes){ (const uint8_t *)text, strlen(text) };
	assert_int_equal(http_parse_next(p, &in, &body, &err), HTTP_PARSE_REFUSED);
	assert_int_equal(http_parse_status(p), 431);
	assert_string_equal(err.text, "the request has more than 100 headers");
	http_parse_free(&p);
}

int main(void)
{
	const struct CMUnitTest more[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_second_request_after_reset),
		cmocka_unit_test(test_too_many_headers),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("http_parse rows", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("http_parse", more, NULL, NULL);
}
