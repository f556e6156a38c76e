#include "net/http_parse.h"

#include <http_parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"
#include "net/http.h"
#include "net/http_chunks.h"
#include "net/http_guard.h"

enum { HEADERS_MAX = 100, LENGTH_DIGITS_MAX = 18 };

enum parse_place {
	PARSE_HEADER,
	PARSE_LENGTH_BODY,
	PARSE_CHUNKED_BODY,
	PARSE_ENDED,
	PARSE_REFUSED
};

struct text { /* in the header's memory, which does not move once the header is complete */
	char *at;
	size_t n;
};

struct http_parse {
	size_t max_header_bytes;
	struct http_body_limit max_body, limit; /* of all requests, and of this one */
	enum parse_place place;
	unsigned status; /* of the refusal */
	struct http_guard guard;
	struct buffer head; /* the header as it came; then its strings, each ended by a NUL */
	struct text target;
	struct text names[HEADERS_MAX], values[HEADERS_MAX];
	unsigned headers;
	bool too_many, keeps_alive;
	enum http_method method;
	unsigned short major, minor;
	uint64_t body_left; /* announced and not yet come */
	uint64_t body_came; /* of a chunked body */
	struct http_chunks chunks;
};

struct http_parse *http_parse_new(size_t max_header_bytes, const struct http_body_limit *body)
{
	struct http_parse *p = xcalloc(1, sizeof *p);

	p->max_header_bytes = max_header_bytes;
	p->max_body = p->limit = *body;
	buffer_init(&p->head, max_header_bytes);
	return p;
}

void http_parse_free(struct http_parse **p)
{
	if (*p == NULL)
		return;
	buffer_done(&(*p)->head);
	free(*p);
	*p = NULL;
}

void http_parse_reset(struct http_parse *p)
{
	buffer_consume(&p->head, p->head.len);
	p->place = PARSE_HEADER;
	p->guard = (struct http_guard){ .place = HTTP_GUARD_START };
	p->chunks = (struct http_chunks){ .place = HTTP_CHUNKS_SIZE };
	p->headers = 0;
	p->too_many = false;
	p->limit = p->max_body;
	p->body_left = 0;
	p->body_came = 0;
}

static int refuse(struct http_parse *p, struct error *err, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static int refuse(struct http_parse *p, struct error *err, unsigned status, const char *fmt, ...)
{
	va_list ap;

	p->place = PARSE_REFUSED;
	p->status = status;
	err->code = status == 413 || status == 431 ? ERROR_LIMIT : ERROR_INVALID;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return -1;
}

static struct text text_at(struct http_parse *p, const char *at, size_t n)
{
	return (struct text){ (char *)p->head.data + (at - (const char *)p->head.data), n };
}

/* The library's callbacks. The whole header is given to it at once, so that each text comes in one piece. */
static int on_url(http_parser *lib, const char *at, size_t n)
{
	struct http_parse *p = lib->data;

	p->target = text_at(p, at, n);
	return 0;
}

static int on_field(http_parser *lib, const char *at, size_t n)
{
	struct http_parse *p = lib->data;

	if (p->headers == HEADERS_MAX) {
		p->too_many = true;
		return -1;
	}
	p->names[p->headers] = text_at(p, at, n);
	p->values[p->headers] = text_at(p, at + n, 0);
	p->headers++;
	return 0;
}

static int on_value(http_parser *lib, const char *at, size_t n)
{
	struct http_parse *p = lib->data;

	while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
		n--;
	p->values[p->headers - 1] = text_at(p, at, n);
	return 0;
}

static int on_headers_complete(http_parser *lib)
{
	struct http_parse *p = lib->data;

	p->keeps_alive = http_should_keep_alive(lib) != 0;
	return 2; /* the library stops here: bodies are ours */
}

static const http_parser_settings callbacks = {
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
};

static int refuse_by_library(struct http_parse *p, enum http_errno why, struct error *err)
{
	if (p->too_many)
		return refuse(p, err, 431, "the request has more than %d headers", HEADERS_MAX);
	if (why == HPE_HEADER_OVERFLOW)
		return refuse(p, err, 431, "the request's header is over %zu bytes", p->head.len);
	if (why == HPE_INVALID_METHOD)
		return refuse(p, err, 501, "the request's method is not known");
	if (why == HPE_UNEXPECTED_CONTENT_LENGTH)
		return refuse(p, err, 400, "the length of the request's body is given twice");
	return refuse(
	    p, err, 400, "the request's header is malformed: %s", http_errno_description(why));
}

static int read_header(struct http_parse *p, struct error *err)
{
	http_parser lib;
	size_t used;

	http_parser_init(&lib, HTTP_REQUEST);
	lib.data = p;
	used = http_parser_execute(&lib, &callbacks, (const char *)p->head.data, p->head.len);
	if (HTTP_PARSER_ERRNO(&lib) != HPE_OK || used != p->head.len)
		return refuse_by_library(p, HTTP_PARSER_ERRNO(&lib), err);
	p->method = (enum http_method)lib.method;
	p->major = lib.http_major;
	p->minor = lib.http_minor;
	p->target.at[p->target.n] = '\0';
	for (unsigned i = 0; i < p->headers; i++) {
		p->names[i].at[p->names[i].n] = '\0';
		p->values[i].at[p->values[i].n] = '\0';
	}
	return 0;
}

const char *http_parse_header(const struct http_parse *p, const char *name, unsigned nth)
{
	for (unsigned i = 0; i < p->headers; i++)
		if (strcasecmp(p->names[i].at, name) == 0 && nth-- == 0)
			return p->values[i].at;
	return NULL;
}

static int check_host(struct http_parse *p, struct error *err)
{
	const char *host = http_parse_header(p, "host", 0);

	if (host == NULL && p->minor >= 1)
		return refuse(p, err, 400, "the request has no Host header");
	if (http_parse_header(p, "host", 1) != NULL)
		return refuse(p, err, 400, "the request has more than one Host header");
	if (host != NULL && strpbrk(host, " \t,/?#@\\") != NULL)
		return refuse(p, err, 400, "Host '%.64s' is not a host", host);
	return 0;
}

static bool is_path(const char *target)
{
	return target[0] == '/' || strncasecmp(target, "http://", 7) == 0 ||
	    strncasecmp(target, "https://", 8) == 0;
}

static int check_line(struct http_parse *p, struct error *err)
{
	bool any = p->method == HTTP_OPTIONS && strcmp(p->target.at, "*") == 0;

	if (p->major != 1 || p->minor > 1)
		return refuse(
		    p, err, 505, "HTTP/%u.%u is not supported; HTTP/1.1 is", p->major, p->minor);
	if (p->method == HTTP_CONNECT)
		return refuse(p, err, 501, "CONNECT is not supported");
	if (!any && !is_path(p->target.at))
		return refuse(
		    p, err, 400, "request target '%.64s' does not begin with /", p->target.at);
	if (strchr(p->target.at, '#') != NULL)
		return refuse(p, err, 400, "request target '%.64s' has a fragment", p->target.at);
	return 0;
}

static int read_length(struct http_parse *p, const char *text, struct error *err)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || text[digits] != '\0')
		return refuse(p, err, 400, "Content-Length '%.64s' is not a number", text);
	if (digits > LENGTH_DIGITS_MAX)
		return refuse(p, err, 413, "Content-Length %.64s is over %s %llu", text,
		    p->limit.setting, (unsigned long long)p->limit.bytes);
	p->body_left = strtoull(text, NULL, 10);
	return 0;
}

/* Decides where the body ends, or refuses what two servers could decide differently. */
static int check_framing(struct http_parse *p, struct error *err)
{
	const char *length = http_parse_header(p, "content-length", 0);
	const char *coding = http_parse_header(p, "transfer-encoding", 0);

	p->place = PARSE_LENGTH_BODY;
	if (coding != NULL && length != NULL)
		return refuse(
		    p, err, 400, "the request has both Content-Length and Transfer-Encoding");
	if (http_parse_header(p, "content-length", 1) != NULL)
		return refuse(p, err, 400, "the request has more than one Content-Length header");
	if (http_parse_header(p, "transfer-encoding", 1) != NULL)
		return refuse(
		    p, err, 400, "the request has more than one Transfer-Encoding header");
	if (length != NULL)
		return read_length(p, length, err);
	if (coding == NULL)
		return 0;
	if (p->minor == 0)
		return refuse(p, err, 400, "Transfer-Encoding in an HTTP/1.0 request");
	if (strcasecmp(coding, "chunked") != 0)
		return refuse(
		    p, err, 501, "Transfer-Encoding '%.64s' is not supported; chunked is", coding);
	p->place = PARSE_CHUNKED_BODY;
	return 0;
}

static int check_expect(struct http_parse *p, struct error *err)
{
	const char *expect = http_parse_header(p, "expect", 0);

	if (expect != NULL && p->minor >= 1 && strcasecmp(expect, "100-continue") != 0)
		return refuse(
		    p, err, 417, "Expect '%.64s' is not supported; 100-continue is", expect);
	return 0;
}

/* A compressed body would be taken for what it is not. */
static int check_coding(struct http_parse *p, struct error *err)
{
	const char *coding = http_parse_header(p, "content-encoding", 0);

	if (coding == NULL || !http_parse_has_body(p) || strcasecmp(coding, "identity") == 0)
		return 0;
	return refuse(p, err, 415,
	    "Content-Encoding '%.64s' is not supported; send the body as it is, without one",
	    coding);
}

static enum http_parse_result take_header(
    struct http_parse *p, struct http_bytes *in, struct error *err)
{
	size_t room = p->max_header_bytes - p->head.len;
	long n = http_guard_scan(&p->guard, in->bytes, MIN(in->n, room), err);

	if (n < 0 || (p->guard.place != HTTP_GUARD_DONE && in->n > room))
		(void)buffer_append(&p->head, in->bytes, MIN(in->n, room)); /* to be peeked into */
	if (n < 0) {
		p->place = PARSE_REFUSED;
		p->status = 400;
		return HTTP_PARSE_REFUSED;
	}
	if ((p->guard.place != HTTP_GUARD_DONE && in->n > room) ||
	    buffer_append(&p->head, in->bytes, (size_t)n) != 0) {
		(void)refuse(p, err, 431, "the request's header is over max_header_bytes %zu",
		    p->max_header_bytes);
		return HTTP_PARSE_REFUSED;
	}
	in->bytes += n;
	in->n -= (size_t)n;
	if (p->guard.place != HTTP_GUARD_DONE)
		return HTTP_PARSE_MORE;
	if (read_header(p, err) != 0 || check_line(p, err) != 0 || check_host(p, err) != 0 ||
	    check_framing(p, err) != 0 || check_expect(p, err) != 0 || check_coding(p, err) != 0)
		return HTTP_PARSE_REFUSED;
	return HTTP_PARSE_HEAD;
}

static enum http_parse_result take_length_body(
    struct http_parse *p, struct http_bytes *in, struct http_bytes *body, struct error *err)
{
	if (p->body_left > p->limit.bytes) { /* only before the first byte */
		(void)refuse(p, err, 413, "body of %llu bytes is over %s %llu",
		    (unsigned long long)p->body_left, p->limit.setting,
		    (unsigned long long)p->limit.bytes);
		return HTTP_PARSE_REFUSED;
	}
	if (p->body_left == 0) {
		p->place = PARSE_ENDED;
		return HTTP_PARSE_END;
	}
	if (in->n == 0)
		return HTTP_PARSE_MORE;
	*body = *in;
	if (body->n > p->body_left)
		body->n = (size_t)p->body_left;
	p->body_left -= body->n;
	in->bytes += body->n;
	in->n -= body->n;
	return HTTP_PARSE_BODY;
}

static enum http_parse_result take_chunked_body(
    struct http_parse *p, struct http_bytes *in, struct http_bytes *body, struct error *err)
{
	long n = http_chunks_take(&p->chunks, in->bytes, in->n, &body->bytes, &body->n, err);
	uint64_t announced;

	if (n < 0) {
		p->place = PARSE_REFUSED;
		p->status = 400;
		return HTTP_PARSE_REFUSED;
	}
	in->bytes += n;
	in->n -= (size_t)n;
	p->body_came += body->n;
	/* what is left of the chunk is announced, and so refused before it comes */
	announced = p->chunks.place == HTTP_CHUNKS_DATA ? p->chunks.size : 0;
	if (p->body_came + announced > p->limit.bytes) {
		(void)refuse(p, err, 413, "chunked body is over %s %llu", p->limit.setting,
		    (unsigned long long)p->limit.bytes);
		return HTTP_PARSE_REFUSED;
	}
	if (body->n > 0)
		return HTTP_PARSE_BODY;
	if (p->chunks.place != HTTP_CHUNKS_DONE)
		return HTTP_PARSE_MORE;
	p->place = PARSE_ENDED;
	return HTTP_PARSE_END;
}

enum http_parse_result http_parse_next(
    struct http_parse *p, struct http_bytes *in, struct http_bytes *body, struct error *err)
{
	switch (p->place) {
	case PARSE_HEADER:
		return take_header(p, in, err);
	case PARSE_LENGTH_BODY:
		return take_length_body(p, in, body, err);
	case PARSE_CHUNKED_BODY:
		return take_chunked_body(p, in, body, err);
	case PARSE_REFUSED:
		return HTTP_PARSE_REFUSED;
	case PARSE_ENDED:
		break;
	}
	return HTTP_PARSE_END;
}

unsigned http_parse_status(const struct http_parse *p)
{
	return p->status;
}

bool http_parse_has_begun(const struct http_parse *p)
{
	return p->head.len > 0;
}

/* Empty lines before the request are let pass; the target of a header that was read ends in a zero. */
char *http_parse_peek_target(const struct http_parse *p)
{
	const char *at = (const char *)buffer_head(&p->head), *end = at + p->head.len, *to;

	while (at < end && (*at == '\r' || *at == '\n'))
		at++;
	at = at == end ? NULL : memchr(at, ' ', (size_t)(end - at));
	if (at == NULL)
		return NULL;
	for (to = ++at; to < end && *to != ' ' && *to != '\0'; to++)
		;
	return to == end ? NULL : strndup(at, (size_t)(to - at));
}

const char *http_parse_method(const struct http_parse *p)
{
	return http_method_str(p->method);
}

const char *http_parse_target(const struct http_parse *p)
{
	return p->target.at;
}

bool http_parse_is_1_1(const struct http_parse *p)
{
	return p->minor == 1;
}

bool http_parse_keeps_alive(const struct http_parse *p)
{
	return p->keeps_alive;
}

bool http_parse_has_body(const struct http_parse *p)
{
	return p->place == PARSE_CHUNKED_BODY || p->body_left > 0;
}

bool http_parse_wants_continue(const struct http_parse *p)
{
	return p->minor == 1 && http_parse_header(p, "expect", 0) != NULL &&
	    http_parse_has_body(p) && p->body_left <= p->limit.bytes;
}

void http_parse_limit_body(struct http_parse *p, const struct http_body_limit *limit)
{
	p->limit = *limit;
}
