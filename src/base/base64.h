/* base64: RFC 4648, section 4, with padding. Pure. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_LENGTH(bytes) (((bytes) + 2) / 3 * 4)

/* Writes BASE64_LENGTH(n) characters and a terminating zero. */
void base64_encode(const uint8_t *bytes, size_t n, char *out);
/* Whole groups, no stray bits; blanks and line breaks may stand anywhere, as MIME and many programs break lines. Returns the
 * bytes written, or -1, also when there are more than `cap`. */
long base64_decode(const char *text, size_t n, uint8_t *out, size_t cap);
/* The same piece by piece: from *at on, which is moved behind what was decoded, as many groups as `cap` has room for; all of
 * it is decoded when *at is n. */
long base64_decode_some(const char *text, size_t n, size_t *at, uint8_t *out, size_t cap);

#endif
