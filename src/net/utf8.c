#include "net/utf8.h"

#include <string.h>

static bool begin(struct utf8 *u, uint8_t c)
{
	*u = (struct utf8){ .need = 0, .low = 0x80, .high = 0xbf };
	if (c < 0x80)
		return true;
	if (c < 0xc2 || c > 0xf4)
		return false;
	u->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	if (c == 0xe0)
		u->low = 0xa0; /* less would be a longer form of a shorter character */
	else if (c == 0xed)
		u->high = 0x9f; /* more would be a surrogate */
	else if (c == 0xf0)
		u->low = 0x90;
	else if (c == 0xf4)
		u->high = 0x8f; /* more would be above U+10FFFF */
	return true;
}

static bool go_on(struct utf8 *u, uint8_t c)
{
	if (c < u->low || c > u->high)
		return false;
	u->low = 0x80;
	u->high = 0xbf;
	u->need--;
	return true;
}

/* Bytes at the start that are plain ASCII, counted by eights. */
static size_t ascii_run(const uint8_t *bytes, size_t n)
{
	size_t i;
	uint64_t word;

	for (i = 0; i + sizeof word <= n; i += sizeof word) {
		memcpy(&word, bytes + i, sizeof word);
		if ((word & 0x8080808080808080u) != 0)
			break;
	}
	return i;
}

bool utf8_take(struct utf8 *u, const uint8_t *bytes, size_t n)
{
	size_t i = u->need == 0 ? ascii_run(bytes, n) : 0;

	for (; i < n; i++)
		if (!(u->need == 0 ? begin(u, bytes[i]) : go_on(u, bytes[i])))
			return false;
	return true;
}

bool utf8_is_whole(const struct utf8 *u)
{
	return u->need == 0;
}
