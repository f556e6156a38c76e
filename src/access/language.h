/* language: what a name says of a language: a pool's that is called by the one it hears ("de", "pt_BR", "en-small"), or what a
 * client asks for. Pure. */
#ifndef ACCESS_LANGUAGE_H
#define ACCESS_LANGUAGE_H

#include <stdbool.h>

struct error;

/* Two letters with their NUL: those that the name begins with, when it is a language's; else "en". */
void language_of(const char *name, char out[3]);
/* Which of the pools is for the first language of a list (base/name_list.h) that any is for: the one that is called just so, else
 * the first for it, whatever the regions. -1: none is. NULL among the pools is passed over. */
int language_choose(const char *languages, const char *const *pools, unsigned n);
/* The pool is one for that language, whatever the regions. */
bool language_is_of(const char *pool, const char *language);
/* A sentence for a client that asks for another language than it is heard in; false where it does not, or that cannot be told. */
bool language_word_other(const char *pool, const char *languages, struct error *out);

#endif
