#include "base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { FIRST_BYTES = 256, KEEP_BYTES = 4 * 1024 };

void buffer_init(struct buffer *b, size_t max_bytes)
{
	*b = (struct buffer){ .max = max_bytes };
}

void buffer_done(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ .max = b->max };
}

static void move_to_front(struct buffer *b)
{
	if (b->head > 0 && b->len > 0)
		memmove(b->data, b->data + b->head, b->len);
	b->head = 0;
}

uint8_t *buffer_reserve(struct buffer *b, size_t n)
{
	size_t want, cap;
	uint8_t *data;

	if (n > b->max || b->len > b->max - n)
		return NULL;
	want = b->len + n;
	if (b->data != NULL && b->head + want <= b->cap)
		return b->data + b->head + b->len;
	move_to_front(b);
	if (b->data != NULL && want <= b->cap)
		return b->data + b->len;
	cap = MAX(want, MAX(b->cap * 2, (size_t)FIRST_BYTES));
	data = realloc(b->data, cap);
	if (data == NULL)
		return NULL;
	b->data = data;
	b->cap = cap;
	return b->data + b->len;
}

void buffer_grow(struct buffer *b, size_t n)
{
	assert(b->head + b->len + n <= b->cap);
	b->len += n;
}

int buffer_append(struct buffer *b, const void *bytes, size_t n)
{
	uint8_t *to;

	if (n == 0)
		return 0;
	to = buffer_reserve(b, n);
	if (to == NULL)
		return -1;
	memcpy(to, bytes, n);
	b->len += n;
	return 0;
}

void buffer_cut(struct buffer *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
}

const uint8_t *buffer_head(const struct buffer *b)
{
	return b->data == NULL ? NULL : b->data + b->head;
}

void buffer_consume(struct buffer *b, size_t n)
{
	assert(n <= b->len);
	b->head += n;
	b->len -= n;
	if (b->len > 0)
		return;
	b->head = 0;
	if (b->cap > KEEP_BYTES) {
		free(b->data);
		b->data = NULL;
		b->cap = 0;
	}
}
