/* letter: characters of UTF-8 text and their case, for Latin, Greek, Cyrillic and Armenian; those of other scripts have none here. No
 * locale is asked. Pure. */
#ifndef BASE_LETTER_H
#define BASE_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at `text`, n > 0 bytes long; *bytes_out: how many it takes. What is no UTF-8 is a character a byte. */
uint32_t letter_at(const char *text, size_t n, size_t *bytes_out);
/* Each takes as many bytes of UTF-8 as c does. */
uint32_t letter_lower(uint32_t c);
uint32_t letter_upper(uint32_t c);
bool letter_is_space(uint32_t c);
bool letter_is_punctuation(uint32_t c);
/* Of a word's inside: a letter, a digit or an accent, of a script whose sentences are ended here, with ".". */
bool letter_takes_full_stop(uint32_t c);
/* Writes a character, 1 to 4 bytes; returns how many. */
size_t letter_put(uint32_t c, char *out);

#endif
