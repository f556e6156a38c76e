/* wishes: a copy of what a client wishes of the hearing (struct session_wishes). Nothing is owned of what is not wished, so that who
 * wishes nothing costs nothing. */
#ifndef SESSION_WISHES_H
#define SESSION_WISHES_H

#include <stdbool.h>

struct error;
struct ipc_begin;
struct session_wishes;

struct wishes {                              /* zeroed: nothing is wished */
	char *language, *prompt, *hot_words; /* owned; NULL: none */
	bool translate;
};

/* -1 with a sentence where one of them is longer than a message carries. */
int wishes_check(const struct session_wishes *from, struct error *err);
/* Into an empty *w; they have been checked. */
void wishes_take(struct wishes *w, const struct session_wishes *from);
void wishes_copy(struct wishes *w, const struct wishes *from); /* likewise */
/* *b borrows from *w. */
void wishes_fill(struct ipc_begin *b, const struct wishes *w);
void wishes_done(struct wishes *w); /* empty afterwards */
void wishes_free(struct wishes **w);

#endif
