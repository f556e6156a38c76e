/* wanted: what a client wishes of the hearing, in whatever words its protocol has for it, made fit for its session. What does not fit
 * is left out, as no client knows our bounds: of a prompt the beginning, as OpenAI does it, of hot words and phrases the last ones. Nothing
 * is owned of what is not wished. Pure. */
#ifndef ACCESS_WANTED_H
#define ACCESS_WANTED_H

#include <stdbool.h>
#include <stddef.h>

#include "access/language.h"
#include "session/session.h"

enum { WANTED_NAMES_BYTES = 64 };

struct wanted {                        /* plain data; zeroed: nothing is wished */
	char language[LANGUAGE_BYTES]; /* "": none; "auto": to be found out */
	char *prompt, *hot_words;      /* owned; NULL: none */
	char *phrases;                 /* likewise; one a line */
	bool translate;
};

/* The first of a list that is one; else none. */
void wanted_language(struct wanted *w, const char *languages);
/* Takes the place of the one before; what is not UTF-8 is none. */
void wanted_prompt(struct wanted *w, const char *text, size_t n);
/* One more, or some with commas between. */
void wanted_hot_words(struct wanted *w, const char *text, size_t n);
void wanted_forget_hot_words(struct wanted *w);
/* One more of those that are all that may be said; what is between its words becomes a space each. */
void wanted_phrase(struct wanted *w, const char *text, size_t n);
void wanted_forget_phrases(struct wanted *w);
void wanted_done(struct wanted *w); /* zeroed afterwards */
/* Borrows from *w. */
struct session_wishes wanted_lend(const struct wanted *w);

/* The kinds of them that there are: IPC_TAKES_*. */
unsigned wanted_kinds(const struct session_wishes *w);
/* Kinds in words for people: "prompt, hot words, phrases". Of languages there is more to be said (access/language.h), so
 * they have none; "": there are no others. */
void wanted_names(unsigned kinds, char out[WANTED_NAMES_BYTES]);

#endif
