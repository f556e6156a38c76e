#include "host/command.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"

struct cutter {
	const char *at;
	char *to;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What a backslash keeps; one at the end of the line stands for itself. */
static void keep_next(struct cutter *c)
{
	if (c->at[1] != '\0')
		c->at++;
	*c->to++ = *c->at++;
}

static int cut_quoted(struct cutter *c, struct error *err)
{
	char quote = *c->at++;

	while (*c->at != quote) {
		if (*c->at == '\0')
			return error_set(err, ERROR_CONFIG, "a %c has no other one", quote);
		if (*c->at == '\\' && quote == '"')
			keep_next(c);
		else
			*c->to++ = *c->at++;
	}
	c->at++;
	return 0;
}

static int cut_word(struct cutter *c, struct error *err)
{
	while (*c->at != '\0' && !is_blank(*c->at)) {
		if (*c->at == '\'' || *c->at == '"') {
			if (cut_quoted(c, err) < 0)
				return -1;
		} else if (*c->at == '\\') {
			keep_next(c);
		} else {
			*c->to++ = *c->at++;
		}
	}
	*c->to++ = '\0';
	return 0;
}

static void skip_blanks(struct cutter *c)
{
	while (is_blank(*c->at))
		c->at++;
}

static int cut(struct command *out, struct cutter *c, struct error *err)
{
	unsigned n = 0;

	for (skip_blanks(c); *c->at != '\0'; skip_blanks(c)) {
		if (n == COMMAND_WORDS_MAX)
			return error_set(
			    err, ERROR_CONFIG, "it has more than %d words", COMMAND_WORDS_MAX);
		out->words[n++] = c->to;
		if (cut_word(c, err) < 0)
			return -1;
	}
	if (n == 0 || out->words[0][0] == '\0')
		return error_set(err, ERROR_CONFIG, "it names no program");
	return 0;
}

int command_split(struct command *out, const char *line, struct error *err)
{
	struct cutter c = { line, NULL };

	memset(out, 0, sizeof *out);
	/* A word is never longer than what it was cut from, with the blank or the end behind it. */
	c.to = out->bytes = xcalloc(strlen(line) + 2, 1);
	if (cut(out, &c, err) == 0)
		return 0;
	command_done(out);
	return -1;
}

void command_done(struct command *c)
{
	free(c->bytes);
	memset(c, 0, sizeof *c);
}
