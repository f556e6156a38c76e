/* http_parse: bytes into HTTP/1.1 requests, strictly. The one place that knows the parser library: the header
 * is collected whole, checked byte by byte for what lets two servers read one request in two ways, and only then
 * given to the library; bodies are measured here, because the library is lenient in the framing of chunks.
 * Pure: no I/O, no clock. One thread at a time. */
#ifndef NET_HTTP_PARSE_H
#define NET_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_body_limit;
struct http_parse;

enum http_parse_result {
	HTTP_PARSE_MORE, /* all input is taken, more is needed */
	HTTP_PARSE_HEAD, /* the header is complete: the functions below answer */
	HTTP_PARSE_BODY, /* a piece of the body is in *body */
	HTTP_PARSE_END,  /* the request is complete; nothing is taken before http_parse_reset */
	HTTP_PARSE_REFUSED, /* *err has the sentence, http_parse_status the status; nothing more is taken */
};

struct http_bytes {
	const uint8_t *bytes; /* lent */
	size_t n;
};

/* Bodies may have this limit, unless a request gets one of its own. Copies it. */
struct http_parse *http_parse_new(size_t max_header_bytes, const struct http_body_limit *body);
void http_parse_free(struct http_parse **p);
void http_parse_reset(struct http_parse *p); /* for the next request; keeps the memory */

/* The next thing in *in, which is moved past what was taken. *body points into *in. */
enum http_parse_result http_parse_next(
    struct http_parse *p, struct http_bytes *in, struct http_bytes *body, struct error *err);
unsigned http_parse_status(
    const struct http_parse *p); /* after HTTP_PARSE_REFUSED: 400, 413, 431, ... */
bool http_parse_has_begun(const struct http_parse *p); /* a byte of the request has come */
/* Before HTTP_PARSE_HEAD, or when that was refused: the target in what has come of it, to be freed; NULL: it has not. */
char *http_parse_peek_target(const struct http_parse *p);

/* From HTTP_PARSE_HEAD to the reset; strings are lent. */
const char *http_parse_method(const struct http_parse *p);
const char *http_parse_target(const struct http_parse *p);
const char *http_parse_header(
    const struct http_parse *p, const char *name, unsigned nth); /* or NULL */
bool http_parse_is_1_1(const struct http_parse *p);
bool http_parse_keeps_alive(const struct http_parse *p);
bool http_parse_has_body(const struct http_parse *p); /* one of some length is announced */
/* It waits to be told before it sends its body, which is not too long. */
bool http_parse_wants_continue(const struct http_parse *p);
/* After HTTP_PARSE_HEAD, for the body of this request: a body that is announced to be longer is refused next. */
void http_parse_limit_body(struct http_parse *p, const struct http_body_limit *limit);

#endif
