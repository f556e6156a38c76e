#include "monitor/exposition.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { NAME_MAX_BYTES = 128, LINE_MAX_BYTES = 512, SERIES_MAX = 4096, FAMILIES_MAX = 256 };

struct checker {
	char wrong[LINE_MAX_BYTES + 200]; /* "": nothing so far */
	unsigned line;
	char family[NAME_MAX_BYTES],
	    kind[16]; /* of the last HELP and TYPE; kind "": TYPE is awaited */
	char families[FAMILIES_MAX][NAME_MAX_BYTES];
	unsigned families_n, family_series;
	char *series[SERIES_MAX]; /* owned */
	unsigned series_n;
	/* Of the histogram that is being read: */
	char labels[LINE_MAX_BYTES]; /* but `le`; those of the bucket before */
	double last_le, last_value;
	bool in_buckets, has_sum;
};

static void wrong(struct checker *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What is wrong first is what is told. */
static void wrong(struct checker *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (c->wrong[0] != '\0')
		return;
	n = snprintf(c->wrong, sizeof c->wrong, "line %u: ", c->line);
	va_start(ap, fmt);
	(void)vsnprintf(c->wrong + n, sizeof c->wrong - (size_t)n, fmt, ap);
	va_end(ap);
}

/* Bytes of a legal name at the front of `s`; 0: none. */
static size_t name_length(const char *s, bool colon)
{
	size_t n = 0;

	while (isalpha((unsigned char)s[n]) || s[n] == '_' || (colon && s[n] == ':') ||
	    (n > 0 && isdigit((unsigned char)s[n])))
		n++;
	return n;
}

static bool ends_in(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	return n > t && strcmp(name + n - t, tail) == 0;
}

static void end_family(struct checker *c)
{
	if (c->family[0] != '\0' && c->family_series == 0)
		wrong(c, "%s has no sample", c->family);
	if (c->in_buckets)
		wrong(c, "%s: the buckets have no _sum and _count", c->family);
}

static void take_help(struct checker *c, const char *rest)
{
	size_t n = name_length(rest, true);

	end_family(c);
	if (n == 0 || n >= NAME_MAX_BYTES || rest[n] != ' ' || rest[n + 1] == '\0')
		wrong(c, "HELP without a legal name and a text");
	if (c->wrong[0] != '\0')
		return;
	for (const char *s = rest; *s != '\0'; s++)
		if (*s == '\\' && *++s != '\\' && *s != 'n')
			wrong(c, "an escape that HELP does not know");
	(void)snprintf(c->family, sizeof c->family, "%.*s", (int)n, rest);
	c->kind[0] = '\0';
	c->family_series = 0;
	for (unsigned i = 0; i < c->families_n; i++)
		if (strcmp(c->families[i], c->family) == 0)
			wrong(c, "%s a second time", c->family);
	(void)snprintf(
	    c->families[c->families_n++ % FAMILIES_MAX], NAME_MAX_BYTES, "%s", c->family);
}

static void take_type(struct checker *c, const char *rest)
{
	size_t n = name_length(rest, true);

	if (c->kind[0] != '\0' || strlen(c->family) != n || strncmp(rest, c->family, n) != 0 ||
	    rest[n] != ' ')
		wrong(c, "TYPE that does not follow its HELP");
	else if (strcmp(rest + n, " counter") != 0 && strcmp(rest + n, " gauge") != 0 &&
	    strcmp(rest + n, " histogram") != 0)
		wrong(c, "a kind that is not known:%s", rest + n);
	else
		(void)snprintf(c->kind, sizeof c->kind, "%s", rest + n + 1);
	if (strcmp(c->kind, "counter") == 0 && !ends_in(c->family, "_total"))
		wrong(c, "a counter must end in _total");
}

/* Reads one label, name="value"; the bytes of it, or 0. */
static size_t label_length(const char *s)
{
	size_t n = name_length(s, false);

	if (n == 0 || s[n] != '=' || s[n + 1] != '"')
		return 0;
	for (n += 2; s[n] != '"'; n++) {
		if (s[n] == '\0')
			return 0;
		if (s[n] == '\\' && s[++n] != '\\' && s[n] != '"' && s[n] != 'n')
			return 0;
	}
	return n + 1;
}

/* Puts the labels but `le` into *others and that one's value into *le; the bytes up to and with '}', or 0. */
static size_t read_labels(const char *s, char *others, double *le)
{
	size_t at = 1;

	others[0] = '\0';
	*le = NAN;
	while (s[at] != '}') {
		size_t n = label_length(s + at);

		if (n == 0 || (s[at + n] != ',' && s[at + n] != '}'))
			return 0;
		if (strncmp(s + at, "le=\"", 4) == 0)
			*le =
			    strcmp(s + at + 4, "+Inf\"") == 0 ? INFINITY : strtod(s + at + 4, NULL);
		else
			(void)strncat(others, s + at, n);
		at += n + (s[at + n] == ',');
	}
	return at + 1;
}

static void take_bucket(struct checker *c, const char *others, double le, double value)
{
	if (isnan(le))
		wrong(c, "a bucket without le");
	else if (c->in_buckets && strcmp(others, c->labels) != 0)
		wrong(c, "buckets of two series mixed");
	else if (c->in_buckets && (le <= c->last_le || value < c->last_value))
		wrong(c, "buckets must rise");
	c->in_buckets = true;
	c->has_sum = false;
	c->last_le = le;
	c->last_value = value;
	(void)snprintf(c->labels, sizeof c->labels, "%s", others);
}

static void take_sum_or_count(struct checker *c, const char *others, bool is_count, double value)
{
	if (!c->in_buckets || strcmp(others, c->labels) != 0 || !isinf(c->last_le))
		wrong(c, "_sum or _count without buckets up to +Inf before it");
	else if (!is_count)
		c->has_sum = true;
	else if (value != c->last_value || !c->has_sum)
		wrong(c, "_count must be that of the bucket +Inf and follow _sum");
	if (is_count)
		c->in_buckets = false;
}

static void take_value(
    struct checker *c, const char *name, const char *others, double le, double value)
{
	size_t family = strlen(c->family);
	const char *tail = name + family;
	bool histogram = strcmp(c->kind, "histogram") == 0;

	if (strncmp(name, c->family, family) != 0 || c->kind[0] == '\0')
		wrong(c, "%s stands below %s", name, c->family);
	else if (!histogram && (*tail != '\0' || !isnan(le)))
		wrong(c, "%s is not %s", name, c->family);
	else if (histogram && strcmp(tail, "_bucket") == 0)
		take_bucket(c, others, le, value);
	else if (histogram && (strcmp(tail, "_sum") == 0 || strcmp(tail, "_count") == 0))
		take_sum_or_count(c, others, strcmp(tail, "_count") == 0, value);
	else if (histogram)
		wrong(c, "%s is no part of a histogram", name);
	if (strcmp(c->kind, "gauge") != 0 && value < 0)
		wrong(c, "less than nothing was counted");
}

static void note_series(struct checker *c, const char *line, size_t n)
{
	for (unsigned i = 0; i < c->series_n; i++)
		if (strlen(c->series[i]) == n && strncmp(c->series[i], line, n) == 0)
			wrong(c, "%s a second time", c->series[i]);
	if (c->series_n == SERIES_MAX)
		return;
	c->series[c->series_n] = xcalloc(1, n + 1);
	memcpy(c->series[c->series_n++], line, n);
	c->family_series++;
}

static void take_sample(struct checker *c, const char *line)
{
	char name[NAME_MAX_BYTES], others[LINE_MAX_BYTES] = "", *end;
	size_t n = name_length(line, true), labels = 0;
	double le = NAN, value;

	if (n == 0 || n >= sizeof name) {
		wrong(c, "a sample without a legal name");
		return;
	}
	(void)snprintf(name, sizeof name, "%.*s", (int)n, line);
	if (line[n] == '{' && (labels = read_labels(line + n, others, &le)) == 0)
		wrong(c, "labels that are not legal");
	n += labels;
	value = strtod(line + n, &end);
	if (line[n] != ' ' || isspace((unsigned char)line[n + 1]) || end == line + n + 1 ||
	    *end != '\0')
		wrong(c, "a sample without just one value");
	if (c->wrong[0] != '\0')
		return;
	note_series(c, line, n);
	take_value(c, name, others, le, value);
}

static void take_line(struct checker *c, const char *line)
{
	if (strncmp(line, "# HELP ", 7) == 0)
		take_help(c, line + 7);
	else if (strncmp(line, "# TYPE ", 7) == 0)
		take_type(c, line + 7);
	else
		take_sample(c, line);
}

const char *exposition_check(const char *page)
{
	static struct checker c;
	char line[LINE_MAX_BYTES];

	memset(&c, 0, sizeof c);
	while (*page != '\0' && c.wrong[0] == '\0') {
		size_t n = strcspn(page, "\n");

		c.line++;
		if (page[n] == '\0')
			wrong(&c, "the last line does not end");
		if (n >= sizeof line)
			wrong(&c, "too long for this checker");
		(void)snprintf(line, sizeof line, "%.*s", (int)MIN(n, sizeof line - 1), page);
		take_line(&c, line);
		page += n + (page[n] == '\n');
	}
	end_family(&c);
	while (c.series_n > 0)
		free(c.series[--c.series_n]);
	return c.wrong[0] == '\0' ? NULL : c.wrong;
}

double exposition_value(const char *page, const char *series)
{
	size_t n = strlen(series);

	for (const char *at = strstr(page, series); at != NULL; at = strstr(at + 1, series))
		if ((at == page || at[-1] == '\n') && at[n] == ' ')
			return strtod(at + n, NULL);
	return -1;
}
