/* command: a line that starts a program, cut into words. Words have blanks or tabs between them; '...' and "..." keep those that are
 * inside, and a backslash keeps what follows it, but not within '...'. Nothing else has a meaning: no shell reads the line. Pure. */
#ifndef HOST_COMMAND_H
#define HOST_COMMAND_H

struct error;

enum { COMMAND_WORDS_MAX = 64 };

struct command {
	char *words[COMMAND_WORDS_MAX + 1]; /* in `bytes`; NULL at the end */
	char *bytes;                        /* owned */
};

/* -1: ERROR_CONFIG, with what is wrong with the line; then there is nothing to be done with *out. */
int command_split(struct command *out, const char *line, struct error *err);
void command_done(struct command *c);

#endif
