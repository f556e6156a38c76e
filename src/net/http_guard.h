/* http_guard: finds the end of a request's header and refuses one whose lines could be read in two ways: bare LF or
 * CR, white space at the start of a line or before the colon, control characters. Pure. */
#ifndef NET_HTTP_GUARD_H
#define NET_HTTP_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum http_guard_place {
	HTTP_GUARD_START, /* before the request line, where empty lines are let pass */
	HTTP_GUARD_START_LF,
	HTTP_GUARD_REQUEST,
	HTTP_GUARD_LINE_LF, /* CR seen: LF must follow */
	HTTP_GUARD_NAME_FIRST,
	HTTP_GUARD_NAME,
	HTTP_GUARD_VALUE,
	HTTP_GUARD_LAST_LF, /* CR of the empty line seen */
	HTTP_GUARD_DONE,
};

struct http_guard { /* plain data, zeroed is the start */
	enum http_guard_place place;
	unsigned line;   /* header lines begun, the request line not counted */
	unsigned spaces; /* in the request line */
};

/* Bytes of `bytes` that belong to the header; g->place says whether it ended. -1: *err has the sentence. */
long http_guard_scan(struct http_guard *g, const uint8_t *bytes, size_t n, struct error *err);

#endif
