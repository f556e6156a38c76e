/* route: which handler answers which path. A table, looked up by method and path; what is in no row is answered
 * here with 404 or 405. Server process, loop thread only. */
#ifndef ACCESS_ROUTE_H
#define ACCESS_ROUTE_H

#include <stddef.h>

struct error;
struct http_exchange;

struct route {
	const char *method; /* "GET"; HEAD comes to it too */
	const char
	    *path; /* one that ends in a slash: all below it that have no row of their own before */
	void (*handle)(void *arg, struct http_exchange *x); /* must answer, now or later */
	/* The client left before the answer. NULL: it is always answered from inside. */
	void (*abort)(void *arg, struct http_exchange *x);
};

/* Answers in the words of those whose path it is; headers are lines, or "". */
typedef void route_refuse_f(
    struct http_exchange *x, unsigned status, const char *message, const char *headers);
/* In those of the native protocol: {"error":{"code":...,"message":...}}. */
route_refuse_f route_refuse_plain;

/* Finds the row and calls it, or has it refused with 404 or 405. */
void route_request(
    const struct route *rows, size_t n, route_refuse_f *refuse, void *arg, struct http_exchange *x);
/* struct http_events, on_abort. */
void route_abort(const struct route *rows, size_t n, void *arg, struct http_exchange *x);

/* {"error":{"code":...,"message":...,"retry_after_ms":...}} with `status`; retry_after_ms 0: not said, and no
 * Retry-After either. A 401 asks for a Bearer. */
void route_refuse(
    struct http_exchange *x, unsigned status, const char *message, unsigned retry_after_ms);
/* The same with the error's own code and sentence. */
void route_refuse_for(
    struct http_exchange *x, unsigned status, const struct error *why, unsigned retry_after_ms);

/* What route_refuse says, as its body: to be freed; NULL: no memory. */
char *route_refusal_text(unsigned status, const char *message);
/* "not_found" for 404 and so on; "error" for a status without a word. */
const char *route_status_word(unsigned status);

enum { ROUTE_HEADERS_BYTES = 48 };
/* The header line that says when to try again, in whole seconds, rounded up; "" for 0. */
void route_retry_after(char out[ROUTE_HEADERS_BYTES], unsigned retry_after_ms);
/* What goes with a refusal whoever words it: a 401 asks for a Bearer, another one says when to try again. */
void route_refusal_headers(char out[ROUTE_HEADERS_BYTES], unsigned status, unsigned retry_after_ms);

#endif
