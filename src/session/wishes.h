/* wishes: a copy of what a client wishes of the hearing (struct session_wishes). Nothing is owned of what is not wished, so that who
 * wishes nothing costs nothing. */
#ifndef SESSION_WISHES_H
#define SESSION_WISHES_H

#include <stdbool.h>

struct error;
struct ipc_begin;
struct session_wishes;

/* Among the phrases, as Vosk's clients have it: and whatever else is said, which is no word likelier than others. */
#define WISHES_ANY_OTHER "[unk]"

struct wishes {                                        /* zeroed: nothing is wished */
	char *language, *prompt, *hot_words, *phrases; /* owned; NULL: none */
	char *
	    likely; /* owned; the hot words and the phrases, for who takes none of the latter; NULL: there are none of these */
	bool translate;
};

/* -1 with a sentence where one of them is longer than a message carries. */
int wishes_check(const struct session_wishes *from, struct error *err);
/* Into an empty *w; they have been checked. */
void wishes_take(struct wishes *w, const struct session_wishes *from);
void wishes_copy(struct wishes *w, const struct wishes *from); /* likewise */
/* For an engine that takes these (IPC_TAKES_*): one that takes no phrases gets them as hot words. *b borrows from *w. */
void wishes_fill(struct ipc_begin *b, const struct wishes *w, unsigned takes);
void wishes_done(struct wishes *w); /* empty afterwards */
void wishes_free(struct wishes **w);

#endif
