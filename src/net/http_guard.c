#include "net/http_guard.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

enum { CR = '\r', LF = '\n', SP = ' ', TAB = '\t', DEL = 0x7f };

/* RFC 9110, 5.6.2: what a header's name may be made of. */
static bool is_token(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_control(uint8_t c)
{
	return c < SP || c == DEL;
}

static int refuse_byte(const struct http_guard *g, uint8_t c, const char *where, struct error *err)
{
	if (c == LF)
		return error_set(
		    err, ERROR_INVALID, "line feed without carriage return in %s", where);
	if (c == CR)
		return error_set(
		    err, ERROR_INVALID, "carriage return without line feed in %s", where);
	if (c > SP && c < DEL)
		return error_set(err, ERROR_INVALID, "character '%c' in %s of header line %u", c,
		    where, g->line);
	return error_set(err, ERROR_INVALID, "byte 0x%02x in %s", c, where);
}

static int expect_lf(struct http_guard *g, uint8_t c, enum http_guard_place then, struct error *err)
{
	if (c != LF)
		return error_set(
		    err, ERROR_INVALID, "carriage return without line feed in the header");
	g->place = then;
	return 0;
}

static int in_start(struct http_guard *g, uint8_t c, struct error *err)
{
	if (c == CR) {
		g->place = HTTP_GUARD_START_LF;
		return 0;
	}
	if (!is_token(c))
		return refuse_byte(g, c, "the method", err);
	g->place = HTTP_GUARD_REQUEST;
	return 0;
}

static int in_request(struct http_guard *g, uint8_t c, struct error *err)
{
	if (c == CR) {
		if (g->spaces != 2)
			return error_set(err, ERROR_INVALID,
			    "the request line has %u spaces; METHOD TARGET VERSION has 2",
			    g->spaces);
		g->place = HTTP_GUARD_LINE_LF;
		return 0;
	}
	if (is_control(c) || c > DEL)
		return refuse_byte(g, c, "the request line", err);
	g->spaces += c == SP;
	return 0;
}

static int in_name_first(struct http_guard *g, uint8_t c, struct error *err)
{
	if (c == CR) {
		g->place = HTTP_GUARD_LAST_LF;
		return 0;
	}
	g->line++;
	if (c == SP || c == TAB)
		return error_set(
		    err, ERROR_INVALID, "header line %u begins with white space", g->line);
	if (!is_token(c))
		return refuse_byte(g, c, "the name", err);
	g->place = HTTP_GUARD_NAME;
	return 0;
}

static int in_name(struct http_guard *g, uint8_t c, struct error *err)
{
	if (c == SP || c == TAB)
		return error_set(
		    err, ERROR_INVALID, "white space before the colon of header line %u", g->line);
	if (c == CR)
		return error_set(err, ERROR_INVALID, "header line %u has no colon", g->line);
	if (c != ':' && !is_token(c))
		return refuse_byte(g, c, "the name", err);
	if (c == ':')
		g->place = HTTP_GUARD_VALUE;
	return 0;
}

static int in_value(struct http_guard *g, uint8_t c, struct error *err)
{
	if (c == CR)
		g->place = HTTP_GUARD_LINE_LF;
	else if (is_control(c) && c != TAB)
		return refuse_byte(g, c, "the value of a header", err);
	return 0;
}

static int take(struct http_guard *g, uint8_t c, struct error *err)
{
	switch (g->place) {
	case HTTP_GUARD_START:
		return in_start(g, c, err);
	case HTTP_GUARD_START_LF:
		return expect_lf(g, c, HTTP_GUARD_START, err);
	case HTTP_GUARD_REQUEST:
		return in_request(g, c, err);
	case HTTP_GUARD_LINE_LF:
		return expect_lf(g, c, HTTP_GUARD_NAME_FIRST, err);
	case HTTP_GUARD_NAME_FIRST:
		return in_name_first(g, c, err);
	case HTTP_GUARD_NAME:
		return in_name(g, c, err);
	case HTTP_GUARD_VALUE:
		return in_value(g, c, err);
	case HTTP_GUARD_LAST_LF:
	case HTTP_GUARD_DONE:
		break;
	}
	return expect_lf(g, c, HTTP_GUARD_DONE, err);
}

long http_guard_scan(struct http_guard *g, const uint8_t *bytes, size_t n, struct error *err)
{
	size_t i;

	for (i = 0; i < n && g->place != HTTP_GUARD_DONE; i++)
		if (take(g, bytes[i], err) != 0)
			return -1;
	return (long)i;
}
