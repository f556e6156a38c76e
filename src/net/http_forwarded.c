#include "net/http_forwarded.h"

#include <stdbool.h>
#include <string.h>

#include "net/address_list.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_port(const char *text, size_t n)
{
	return n >= 1 && n <= 5 && strspn(text, "0123456789") >= n;
}

/* "[::1]" or "[::1]:80". */
static bool read_bracketed(const char *text, size_t n, struct address_ip *out)
{
	const char *end = memchr(text, ']', n);
	size_t behind;

	if (end == NULL)
		return false;
	behind = n - (size_t)(end + 1 - text);
	return (behind == 0 || (end[1] == ':' && is_port(end + 2, behind - 1))) &&
	    address_ip_parse(text + 1, (size_t)(end - text) - 1, out);
}

static bool read_address(const char *text, size_t n, struct address_ip *out)
{
	const char *colon = memchr(text, ':', n);
	size_t before = colon == NULL ? n : (size_t)(colon - text);

	if (n > 0 && text[0] == '[')
		return read_bracketed(text, n, out);
	if (colon != NULL && memchr(text, '.', before) != NULL) /* only IPv4 has a point first */
		return is_port(colon + 1, n - before - 1) && address_ip_parse(text, before, out);
	return address_ip_parse(text, n, out);
}

/* The entry that ends at `end`; *from_out is where it begins. */
static bool read_entry(const char *value, size_t end, size_t *from_out, struct address_ip *out)
{
	size_t from = end;

	while (from > 0 && value[from - 1] != ',')
		from--;
	*from_out = from;
	while (end > from && is_blank(value[end - 1]))
		end--;
	while (from < end && is_blank(value[from]))
		from++;
	return read_address(value + from, end - from, out);
}

enum http_forwarded http_forwarded_read(
    const char *value, const struct address_list *trusted, struct address_ip *out)
{
	size_t end = strlen(value), from;

	for (;;) {
		if (!read_entry(value, end, &from, out))
			return HTTP_FORWARDED_MALFORMED;
		if (!address_list_has(trusted, out))
			return HTTP_FORWARDED_CLIENT;
		if (from == 0)
			return HTTP_FORWARDED_PROXIES;
		end = from - 1; /* the comma */
	}
}
