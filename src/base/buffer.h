/* buffer: bytes that are appended at the end and taken from the front, with a bound.
 * Plain data: embed it, buffer_init it, buffer_done it. One thread at a time. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *data; /* owned; the bytes in use start at data + head */
	size_t head;   /* bytes already taken */
	size_t len;    /* bytes in use; head + len <= cap */
	size_t cap;    /* bytes allocated: up to twice max; 0 before the first append */
	size_t max;    /* bytes allowed in use */
};

void buffer_init(struct buffer *b, size_t max_bytes);
void buffer_done(struct buffer *b);

/* 0, or -1 when the bound would be passed or memory is out; then nothing has changed. */
int buffer_append(struct buffer *b, const void *bytes, size_t n);
/* Room for n more bytes at the end, to be filled by the caller and then kept by buffer_grow; NULL as
 * buffer_append's -1. */
uint8_t *buffer_reserve(struct buffer *b, size_t n);
void buffer_grow(struct buffer *b, size_t n); /* n <= what was reserved */

void buffer_cut(struct buffer *b, size_t n); /* takes the last n bytes away; n <= len */
const uint8_t *buffer_head(const struct buffer *b);
void buffer_consume(
    struct buffer *b, size_t n); /* n <= len; frees the memory of a large empty buffer */

#endif
