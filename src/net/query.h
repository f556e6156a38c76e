/* query: the pairs of a URL's query, "name=value&name=value". Nothing is copied until a value is decoded. Pure. */
#ifndef NET_QUERY_H
#define NET_QUERY_H

#include <stdbool.h>
#include <stddef.h>

struct query_span { /* a piece of the query, still percent-encoded; lent by it */
	const char *at;
	size_t n;
};

struct query_pair {
	struct query_span name; /* up to the first '=' */
	struct query_span value;
	bool has_value; /* there is a '='; else the value is empty */
};

/* Takes the next pair off *query; false when there is none left. What is empty between two '&' is passed over. */
bool query_next(const char **query, struct query_pair *out);
/* The first pair with that name and a '='; false: there is none. */
bool query_find(const char *query, const char *name, struct query_span *value_out);
/* Whether it is written so. Names are compared as they stand: nobody encodes the letters of one. */
bool query_is(struct query_span s, const char *text);

enum query_plus { QUERY_PLUS_IS_SPACE, QUERY_PLUS_STAYS };
/* BROKEN: a '%' without two hexadecimal digits behind it, or one that makes a zero byte. */
enum query_decoded { QUERY_DECODED, QUERY_BROKEN, QUERY_TOO_LONG };

/* Writes the text it stands for, with a zero behind it; "" when that cannot be. `out_bytes` is at least 1. */
enum query_decoded query_decode(
    struct query_span s, enum query_plus plus, char *out, size_t out_bytes);

#endif
