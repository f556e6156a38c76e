/* stt_letter: characters of UTF-8 text and their case, for the alphabets of two bytes: Latin, Greek, Cyrillic. No locale is asked.
 * Pure. */
#ifndef ACCESS_STT_LETTER_H
#define ACCESS_STT_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at `text`, n > 0 bytes long; *bytes_out: how many it takes. What is no UTF-8 is a character a byte. */
uint32_t stt_letter_at(const char *text, size_t n, size_t *bytes_out);
uint32_t stt_letter_lower(uint32_t c);
uint32_t stt_letter_upper(uint32_t c); /* takes as many bytes of UTF-8 as c does */
bool stt_letter_is_space(uint32_t c);
bool stt_letter_is_punctuation(uint32_t c);
/* Writes a character below 0x800: 1 or 2 bytes; returns how many. */
size_t stt_letter_put(uint32_t c, char *out);

#endif
