/* A body is [preamble] --boundary CRLF, then of each part its header, an empty line and its bytes, then CRLF --boundary and
 * CRLF for another part or -- for the end. The CRLF before a delimiter belongs to it; the first delimiter, at the body's
 * beginning, has none. Blanks may stand behind a delimiter. What follows the end is not looked at. */
#define _GNU_SOURCE
#include "net/multipart.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/util.h"

struct cursor {
	const uint8_t *at, *end;
	char delimiter[MULTIPART_BOUNDARY_MAX + 5]; /* CRLF, two dashes and the boundary */
	size_t delimiter_n;
};

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* Reads a token or a quoted string, of which each \" is a quote and any other backslash itself, as browsers write them.
 * What `cap` does not take is left away. Returns what is behind it; NULL: it has no end. */
static const char *read_value(const char *s, char *out, size_t cap)
{
	size_t n = 0;
	bool quoted = *s == '"';

	s += quoted;
	while (*s != '\0' && (quoted ? *s != '"' : strchr("; \t", *s) == NULL)) {
		s += quoted && s[0] == '\\' && s[1] == '"';
		if (n + 1 < cap)
			out[n++] = *s;
		s++;
	}
	out[n] = '\0';
	if (!quoted)
		return s;
	return *s == '"' ? s + 1 : NULL;
}

/* The parameter of that name behind the first ';' of `value`, as far as `cap` takes it: 1, or 0 when there is none, or -1 when
 * one has no end. */
static int read_parameter(const char *value, const char *name, char *out, size_t cap)
{
	char other[MULTIPART_HEADER_MAX + 1];
	const char *s = value + strcspn(value, ";");

	while (*s == ';') {
		size_t n;
		bool found;

		s = skip_blanks(s + 1);
		n = strcspn(s, "=; \t");
		found = n == strlen(name) && strncasecmp(s, name, n) == 0;
		s = skip_blanks(s + n);
		if (*s != '=')
			continue;
		s = read_value(skip_blanks(s + 1), found ? out : other, found ? cap : sizeof other);
		if (s == NULL)
			return -1;
		if (found)
			return 1;
		s = skip_blanks(s);
	}
	return 0;
}

static int read_boundary(struct cursor *c, const char *content_type, struct error *err)
{
	static const char type[] = "multipart/form-data";
	char boundary[MULTIPART_BOUNDARY_MAX + 2] = ""; /* room for one that is too long */

	if (content_type == NULL || strncasecmp(content_type, type, sizeof type - 1) != 0 ||
	    strchr("; \t", content_type[sizeof type - 1]) == NULL)
		return error_set(err, ERROR_INVALID, "the body must be %s, not %.80s", type,
		    content_type == NULL ? "of no Content-Type" : content_type);
	if (strlen(content_type) > MULTIPART_HEADER_MAX ||
	    read_parameter(content_type, "boundary", boundary, sizeof boundary) != 1 ||
	    *boundary == '\0' || strlen(boundary) > MULTIPART_BOUNDARY_MAX)
		return error_set(err, ERROR_INVALID,
		    "the Content-Type %.80s has no boundary of 1 to %d bytes", content_type,
		    MULTIPART_BOUNDARY_MAX);
	c->delimiter_n = (size_t)(stpcpy(stpcpy(c->delimiter, "\r\n--"), boundary) - c->delimiter);
	return 0;
}

static const uint8_t *find(const struct cursor *c, const void *what, size_t n)
{
	return memmem(c->at, (size_t)(c->end - c->at), what, n);
}

/* To what is behind the first delimiter. */
static int skip_preamble(struct cursor *c, struct error *err)
{
	const uint8_t *found;
	size_t bare = c->delimiter_n - 2;

	if ((size_t)(c->end - c->at) >= bare && memcmp(c->at, c->delimiter + 2, bare) == 0) {
		c->at += bare;
		return 0;
	}
	found = find(c, c->delimiter, c->delimiter_n);
	if (found == NULL)
		return error_set(
		    err, ERROR_INVALID, "the boundary that Content-Type names is not in the body");
	c->at = found + c->delimiter_n;
	return 0;
}

/* Behind a delimiter: 1 for another part, 0 at the end of all. */
static int read_delimiter_end(struct cursor *c, struct error *err)
{
	if (c->end - c->at >= 2 && memcmp(c->at, "--", 2) == 0)
		return 0;
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
	if (c->end - c->at < 2 || memcmp(c->at, "\r\n", 2) != 0)
		return error_set(
		    err, ERROR_INVALID, "behind a boundary neither a line's end nor -- follows");
	c->at += 2;
	return 1;
}

static int read_disposition(struct multipart_part *p, const char *value, struct error *err)
{
	char name[MULTIPART_NAME_MAX + 2] = ""; /* room for one that is too long */
	int named, filed;

	if (strncasecmp(value, "form-data", 9) != 0 || strchr("; \t", value[9]) == NULL)
		return error_set(err, ERROR_INVALID,
		    "a part has Content-Disposition %.40s; it must be form-data", value);
	named = read_parameter(value, "name", name, sizeof name);
	filed = read_parameter(value, "filename", p->filename, sizeof p->filename);
	if (named < 0 || filed < 0)
		return error_set(
		    err, ERROR_INVALID, "a part's name or file name is cut: %.80s", value);
	if (strlen(name) > MULTIPART_NAME_MAX)
		return error_set(err, ERROR_INVALID, "a part's name is longer than %d bytes",
		    MULTIPART_NAME_MAX);
	(void)strcpy(p->name, name);
	return 0;
}

static int read_field(struct multipart_part *p, char *line, struct error *err)
{
	char *colon = strchr(line, ':');
	const char *value;

	if (colon == NULL)
		return error_set(
		    err, ERROR_INVALID, "a line of a part's header has no colon: %.40s", line);
	*colon = '\0';
	value = skip_blanks(colon + 1);
	if (strcasecmp(line, "Content-Disposition") == 0)
		return read_disposition(p, value, err);
	if (strcasecmp(line, "Content-Type") == 0)
		(void)strncat(p->content_type, value,
		    MULTIPART_NAME_MAX - strnlen(p->content_type, MULTIPART_NAME_MAX));
	return 0;
}

static int read_header(struct cursor *c, struct multipart_part *p, struct error *err)
{
	char header[MULTIPART_HEADER_MAX + 1], *line, *rest = header;
	size_t left = (size_t)(c->end - c->at), n;
	const uint8_t *empty = left >= 2 && memcmp(c->at, "\r\n", 2) == 0
	    ? c->at
	    : memmem(c->at, MIN(left, MULTIPART_HEADER_MAX + 4u), "\r\n\r\n", 4);

	if (empty == NULL)
		return error_set(err, ERROR_INVALID,
		    "the header of a part has no end within %d bytes", MULTIPART_HEADER_MAX);
	n = (size_t)(empty - c->at);
	if (memchr(c->at, '\0', n) != NULL)
		return error_set(err, ERROR_INVALID, "the header of a part has a zero byte in it");
	memcpy(header, c->at, n);
	header[n] = '\0';
	c->at = empty + (n == 0 ? 2 : 4);
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, "\r")] = '\0';
		if (*line != '\0' && read_field(p, line, err) != 0)
			return -1;
	}
	if (*p->name == '\0')
		return error_set(err, ERROR_INVALID, "a part of the body has no name");
	return 0;
}

static int read_bytes(struct cursor *c, struct multipart_part *p, struct error *err)
{
	const uint8_t *end;

	/* of a part without bytes the empty line's CRLF may be the delimiter's */
	if ((size_t)(c->end - c->at) >= c->delimiter_n - 2 &&
	    memcmp(c->at, c->delimiter + 2, c->delimiter_n - 2) == 0) {
		p->bytes = c->at;
		c->at += c->delimiter_n - 2;
		return 0;
	}
	end = find(c, c->delimiter, c->delimiter_n);
	if (end == NULL)
		return error_set(err, ERROR_INVALID,
		    "the body ends within its part \"%.40s\"; no boundary follows", p->name);
	p->bytes = c->at;
	p->n = (size_t)(end - c->at);
	c->at = end + c->delimiter_n;
	return 0;
}

static int read_parts(struct multipart *m, struct cursor *c, struct error *err)
{
	int more;

	if (skip_preamble(c, err) != 0)
		return -1;
	while ((more = read_delimiter_end(c, err)) > 0) {
		if (m->n == MULTIPART_PARTS_MAX)
			return error_set(err, ERROR_INVALID, "the body has more than %d parts",
			    MULTIPART_PARTS_MAX);
		if (read_header(c, &m->parts[m->n], err) != 0 ||
		    read_bytes(c, &m->parts[m->n], err) != 0)
			return -1;
		m->n++;
	}
	return more;
}

int multipart_read(
    struct multipart *out, const char *content_type, const void *body, size_t n, struct error *err)
{
	struct cursor c = { .at = body, .end = (const uint8_t *)body + n };
	struct multipart m = { 0 };

	if (read_boundary(&c, content_type, err) != 0)
		return -1;
	m.parts = xcalloc(MULTIPART_PARTS_MAX, sizeof *m.parts);
	if (read_parts(&m, &c, err) != 0) {
		multipart_done(&m);
		return -1;
	}
	*out = m;
	return 0;
}

void multipart_done(struct multipart *m)
{
	free(m->parts);
	*m = (struct multipart){ 0 };
}

const struct multipart_part *multipart_find(const struct multipart *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->parts[i].name, name) == 0)
			return &m->parts[i];
	return NULL;
}
