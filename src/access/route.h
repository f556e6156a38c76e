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

/* Finds the row and calls it, or answers with an error. */
void route_request(const struct route *rows, size_t n, void *arg, struct http_exchange *x);
/* struct http_events, on_abort. */
void route_abort(const struct route *rows, size_t n, void *arg, struct http_exchange *x);

/* {"error":{"code":...,"message":...,"retry_after_ms":...}} with `status`; retry_after_ms 0: not said, and no
 * Retry-After either. A 401 asks for a Bearer. */
void route_refuse(
    struct http_exchange *x, unsigned status, const char *message, unsigned retry_after_ms);
/* The same with the error's own code and sentence. */
void route_refuse_for(
    struct http_exchange *x, unsigned status, const struct error *why, unsigned retry_after_ms);

#endif
