/* base64: RFC 4648, section 4, with padding. Pure. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_LENGTH(bytes) (((bytes) + 2) / 3 * 4)

/* Writes BASE64_LENGTH(n) characters and a terminating zero. */
void base64_encode(const uint8_t *bytes, size_t n, char *out);
/* Strict: whole groups, no white space, no stray bits. Returns the bytes written, at most `cap`, or -1. */
long base64_decode(const char *text, size_t n, uint8_t *out, size_t cap);

#endif
