#include "models/cursor.h"

size_t cursor_left(const struct cursor *c)
{
	return c->n - c->at;
}

const uint8_t *cursor_take(struct cursor *c, uint64_t n)
{
	const uint8_t *here = c->data + c->at;

	if (n > cursor_left(c))
		return NULL;
	c->at += (size_t)n;
	return here;
}

bool cursor_u8(struct cursor *c, uint8_t *out)
{
	const uint8_t *b = cursor_take(c, 1);

	if (b != NULL)
		*out = b[0];
	return b != NULL;
}

bool cursor_u16(struct cursor *c, uint16_t *out)
{
	const uint8_t *b = cursor_take(c, 2);

	if (b != NULL)
		*out = (uint16_t)(b[0] | b[1] << 8);
	return b != NULL;
}

bool cursor_u32(struct cursor *c, uint32_t *out)
{
	const uint8_t *b = cursor_take(c, 4);

	if (b != NULL)
		*out = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
		    (uint32_t)b[3] << 24;
	return b != NULL;
}
