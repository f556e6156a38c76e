/* word_errors: how many words two texts differ by: those to be replaced, put in and left out, at least (Levenshtein, 1966), whatever
 * their case and punctuation. Pure. */
#ifndef ENGINE_WORD_ERRORS_H
#define ENGINE_WORD_ERRORS_H

#include <stddef.h>

enum { WORD_ERRORS_WORDS_MAX = 1024 }; /* of each text; what is behind them is passed over */

size_t word_errors(const char *meant, const char *heard);
size_t word_errors_words(const char *text); /* how many it has */

#endif
