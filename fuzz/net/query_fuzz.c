/* A query of any bytes: its pairs follow one another and stay within it, and what is decoded is no longer than what it was. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_decode(struct query_span s, enum query_plus plus, size_t out_bytes)
{
	char *out = malloc(out_bytes);
	enum query_decoded what;

	assert(out != NULL);
	what = query_decode(s, plus, out, out_bytes);
	assert(strlen(out) < out_bytes && strlen(out) <= s.n);
	assert(what == QUERY_DECODED ? s.n == 0 || *out != '\0' : *out == '\0');
	assert(what != QUERY_TOO_LONG || s.n >= out_bytes);
	free(out);
}

static void check_pair(const struct query_pair *p, const char *from, const char *end)
{
	assert(p->name.at >= from && p->name.n + p->value.n + p->has_value > 0);
	assert(p->value.at == p->name.at + p->name.n + p->has_value);
	assert(p->value.at + p->value.n == end);
	assert(memchr(p->name.at, '&', (size_t)(end - p->name.at)) == NULL);
	assert(memchr(p->name.at, '=', p->name.n) == NULL);
	check_decode(p->value, QUERY_PLUS_IS_SPACE, 1 + p->value.n);
	check_decode(p->value, QUERY_PLUS_STAYS, 1 + p->value.n / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = strndup((const char *)data, n);
	const char *query = text, *from = text;
	struct query_span value;
	struct query_pair p;

	assert(text != NULL);
	for (; query_next(&query, &p); from = query)
		check_pair(&p, from, query);
	assert(*query == '\0');
	(void)query_find(text, "a", &value);
	free(text);
	return 0;
}
