/* inih asks `next_line` for lines as from fgets and calls `on_pair` for each key. So that its line numbers and ours
 * agree, next_line gives exactly one whole line a call:
 *  - one that does not fit ends the reading with an error (inih would take its rest for the next line),
 *  - blanks in front are dropped (inih would take an indented line for the last value going on),
 *  - section headers are noted on the way (inih does not tell of one without keys).
 * inih is used without the global variables and build options that only some distributions' inih has. */
#include "cli/config_file.h"

#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/config.h"
#include "cli/config_finals.h"
#include "cli/config_place.h"
#include "cli/config_table.h"
#include "cli/config_value.h"

enum { ROWS_MAX = 128 };

struct reading {
	struct config *config; /* borrowed */
	FILE *from;            /* borrowed */
	unsigned line;         /* of the one read last, from 1 */
	char header[96];       /* the section we are in, as written; "" before the first */
	struct config_place place;
	unsigned wrong_line; /* 0: nothing is wrong so far */
	struct error wrong;
	unsigned lines[CONFIG_PLACES][ROWS_MAX]; /* where each setting was given; 0: not yet */
};

/* Only the first complaint counts; the file is not read beyond it. Returns 0, as inih wants it. */
static int complain(struct reading *r, const struct error *err)
{
	if (r->wrong_line == 0) {
		r->wrong_line = r->line;
		r->wrong = *err;
	}
	return 0;
}

/* "pool  en " in two, in place; the name is "" when there is none. */
static void split_header(char *text, char **kind, char **name)
{
	size_t n = strlen(text);
	char *end;

	while (n > 0 && strchr(" \t", text[n - 1]) != NULL)
		text[--n] = '\0';
	*kind = text + strspn(text, " \t");
	end = *kind + strcspn(*kind, " \t");
	*name = end + strspn(end, " \t");
	*end = '\0';
}

static void enter_section(struct reading *r, const char *line)
{
	struct error err = ERROR_INIT;
	const char *end = strchr(line, ']');
	char copy[sizeof r->header], *kind, *name;

	if (end == NULL)
		return; /* inih will say so */
	if ((size_t)(end - line) >= sizeof copy) {
		(void)error_set(&err, ERROR_CONFIG, "[%.40s...] is too long", line + 1);
		(void)complain(r, &err);
		return;
	}
	(void)snprintf(r->header, sizeof r->header, "%.*s", (int)(end - line - 1), line + 1);
	memcpy(copy, r->header, sizeof copy);
	split_header(copy, &kind, &name);
	if (config_place_open(r->config, kind, name, &r->place, &err) != 0) {
		(void)error_prefix(&err, "[%.60s]", r->header);
		(void)complain(r, &err);
	}
}

/* As fgets, but a line is whole or an error, and one byte shorter: newer inih takes a full buffer for half a line. False at the end and on an error. */
static bool read_line(struct reading *r, char *to, size_t size)
{
	struct error err = ERROR_INIT;
	size_t n = 0;
	int c;

	while ((c = getc(r->from)) != EOF && c != '\n' && c != '\0' && n + 2 < size)
		to[n++] = (char)c;
	to[n] = '\0';
	if (c == EOF || c == '\n')
		return n > 0 || c == '\n';
	if (c == '\0')
		(void)error_set(
		    &err, ERROR_CONFIG, "there is a zero byte in this line; is this a text file?");
	else
		(void)error_set(
		    &err, ERROR_CONFIG, "the line is too long; at most %zu bytes", size - 2);
	(void)complain(r, &err);
	return false;
}

static char *next_line(char *to, int size, void *arg)
{
	struct reading *r = arg;
	size_t skip = 0;

	if (r->wrong_line != 0)
		return NULL;
	r->line++;
	if (!read_line(r, to, (size_t)size))
		return NULL;
	if (r->line == 1 && strncmp(to, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
		skip = 3;
	skip += strspn(to + skip, " \t");
	memmove(to, to + skip, strlen(to + skip) + 1);
	if (*to == '[')
		enter_section(r, to);
	return to;
}

static int check_new(
    struct reading *r, const struct config_row *row, const char *key, struct error *err)
{
	unsigned *line = &r->lines[r->place.number][row - config_table];
	const char *param = row->type == CONFIG_PARAMS ? key + strlen("param.") : key;

	if (row->type != CONFIG_PARAMS && *line != 0)
		return error_set(err, ERROR_CONFIG, "this is given twice; first in line %u", *line);
	*line = r->line;
	if ((row->type == CONFIG_PARAM || row->type == CONFIG_PARAMS) &&
	    config_value_has_param(r->place.object, param))
		return error_set(err, ERROR_CONFIG, "the parameter %.40s is given twice", param);
	return 0;
}

static int apply(struct reading *r, const char *key, const char *value, struct error *err)
{
	const struct config_row *row = config_table_find(r->place.section, key, err);

	if (row == NULL || check_new(r, row, key, err) != 0)
		return -1;
	config_finals_note(row, r->place.object, r->line);
	return config_value_apply(row, r->place.object, key, value, err);
}

static int on_pair(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *r = arg;
	struct error err = ERROR_INIT;

	(void)section; /* enter_section knows it, uncut */
	if (r->wrong_line != 0 || key == NULL)
		return 0;
	if (*r->header == '\0') {
		(void)error_set(&err, ERROR_CONFIG, "%.40s stands before the first [section]", key);
		return complain(r, &err);
	}
	if (apply(r, key, value, &err) == 0)
		return 1;
	(void)error_prefix(&err, "[%s] %.60s", r->header, key);
	return complain(r, &err);
}

int config_file_read(struct config *c, FILE *from, const char *name, struct error *err)
{
	struct reading *r = xcalloc(1, sizeof *r);
	int bad_line, rc = 0;

	r->config = c;
	r->from = from;
	bad_line = ini_parse_stream(next_line, r, on_pair, r);
	if (bad_line > 0 && (r->wrong_line == 0 || (unsigned)bad_line < r->wrong_line)) {
		r->wrong_line = (unsigned)bad_line;
		(void)error_set(&r->wrong, ERROR_CONFIG,
		    "this is neither a [section] nor a setting, KEY = VALUE");
	}
	if (ferror(from)) {
		rc = error_set_errno(err, ERROR_CONFIG, "cannot read %.120s", name);
	} else if (r->wrong_line != 0) {
		*err = r->wrong;
		rc = error_prefix(err, "%.120s:%u", name, r->wrong_line);
	} else if (bad_line < 0) {
		rc = error_set(err, ERROR_SYSTEM, "cannot read %.120s: out of memory", name);
	}
	free(r);
	return rc;
}
