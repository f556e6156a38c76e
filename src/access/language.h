/* language: what a name says of a language: a pool's that is called by the one it hears ("de", "pt_BR", "en-small") or is said to
 * hear some, or what a client asks for. Pure. */
#ifndef ACCESS_LANGUAGE_H
#define ACCESS_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

struct error;

enum { LANGUAGE_BYTES = 16 }; /* of a code, with its NUL; as IPC_LANGUAGE_MAX */

/* What is known of a pool. */
struct language_pool {
	const char *name;
	const char *
	    languages; /* that it is set to, a list with "any" for all; "" or NULL: it is called by its own */
	bool
	    is_told; /* its engine hears the language that it is told to, so one that is set to none and called by none hears any */
};

/* Two letters with their NUL: those that the name begins with, when it is a language's; else "en". */
void language_of(const char *name, char out[3]);
/* The code of the first language of a list that a client asks for, as an engine is told it: "de" of "DE-at", "yue"; "auto" of "auto"
 * and "multi". False, and "": none of them is one. */
bool language_code(const char *languages, char out[LANGUAGE_BYTES]);
/* What a client is told: what was heard, or else, where that is NULL or "", what the pool is for. */
void language_told(const char *heard, const struct language_pool *pool, char out[LANGUAGE_BYTES]);
/* "german" of "de", in lower case; NULL of what is not known here. */
const char *language_english(const char *code);
/* Which of the pools is for the first language of a list (base/name_list.h) that any is for: the one that is called just so, else
 * the first for it, whatever the regions, else the first for any. -1: none is. One without a name is passed over. */
int language_choose(const char *languages, const struct language_pool *pools, unsigned n);
/* All that a pool is for, one after the other from *at = 0 on; what is for any has all that are known. False: that was all. */
bool language_next(const struct language_pool *pool, size_t *at, char out[LANGUAGE_BYTES]);
/* The i-th of the codes of language_english; NULL: there are no more. */
const char *language_known(size_t i);
/* The pool is one for that language, whatever the regions. */
bool language_is_of(const struct language_pool *pool, const char *language);
/* A sentence for a client that asks for another language than it is heard in; false where it does not, or that cannot be told. */
bool language_word_other(
    const struct language_pool *pool, const char *languages, struct error *out);

#endif
