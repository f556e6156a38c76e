#include "net/query.h"

#include <string.h>

bool query_next(const char **query, struct query_pair *out)
{
	const char *at = *query + strspn(*query, "&"), *value;
	size_t n = strcspn(at, "&");

	*query = at + n;
	out->name = (struct query_span){ at, strcspn(at, "=&") };
	value = at + out->name.n;
	out->has_value = *value == '=';
	value += out->has_value;
	out->value = (struct query_span){ value, (size_t)(at + n - value) };
	return n > 0;
}

bool query_is(struct query_span s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.at, text, s.n) == 0;
}

bool query_find(const char *query, const char *name, struct query_span *value_out)
{
	struct query_pair pair;

	while (query_next(&query, &pair))
		if (pair.has_value && query_is(pair.name, name)) {
			*value_out = pair.value;
			return true;
		}
	return false;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = memchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c, 16);

	return at == NULL ? -1 : (int)(at - digits);
}

/* Takes one character; 0: it is broken. */
static char next_character(struct query_span *s, enum query_plus plus)
{
	char c = *s->at;
	size_t n = c == '%' ? 3 : 1;

	if (n > s->n)
		return 0;
	if (c == '%') {
		int high = hex_digit(s->at[1]), low = hex_digit(s->at[2]);

		c = high < 0 || low < 0 ? 0 : (char)(high << 4 | low);
	} else if (c == '+' && plus == QUERY_PLUS_IS_SPACE) {
		c = ' ';
	}
	s->at += n;
	s->n -= n;
	return c;
}

enum query_decoded query_decode(
    struct query_span s, enum query_plus plus, char *out, size_t out_bytes)
{
	size_t n = 0;

	out[0] = '\0';
	while (s.n > 0) {
		char c = next_character(&s, plus);

		if (c == 0 || n + 1 == out_bytes) {
			out[0] = '\0';
			return c == 0 ? QUERY_BROKEN : QUERY_TOO_LONG;
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return QUERY_DECODED;
}
