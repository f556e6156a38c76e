/* language: what a name says of a language: a pool's that is called by the one it hears ("de", "pt_BR", "en-small"), or what a
 * client asks for. Pure. */
#ifndef ACCESS_LANGUAGE_H
#define ACCESS_LANGUAGE_H

#include <stdbool.h>

/* Two letters with their NUL: those that the name begins with, when it is a language's; else "en". */
void language_of(const char *name, char out[3]);
/* The pool is one for that language, whatever the regions. */
bool language_is_of(const char *pool, const char *language);
/* It may be: only where both names are a language's, and not of the same one, it is not. */
bool language_may_be_of(const char *pool, const char *language);

#endif
