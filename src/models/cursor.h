/* cursor: reads a file's bytes from memory, one thing after the other, and never beyond their end. What is read is little-endian.
 * Plain data; pure. */
#ifndef MODELS_CURSOR_H
#define MODELS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *data; /* borrowed */
	size_t n, at;        /* at <= n */
};

size_t cursor_left(const struct cursor *c);
/* The next n bytes, which are passed by; NULL: there are not so many, and nothing has moved. */
const uint8_t *cursor_take(struct cursor *c, uint64_t n);
/* False: the bytes end before it. */
bool cursor_u8(struct cursor *c, uint8_t *out);
bool cursor_u16(struct cursor *c, uint16_t *out);
bool cursor_u32(struct cursor *c, uint32_t *out);

#endif
