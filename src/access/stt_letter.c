#include "access/stt_letter.h"

#include <string.h>

uint32_t stt_letter_at(const char *text, size_t n, size_t *bytes_out)
{
	const uint8_t *b = (const uint8_t *)text;
	size_t more = b[0] >= 0xf0 ? 3 : b[0] >= 0xe0 ? 2 : b[0] >= 0xc2 ? 1 : 0;
	uint32_t c = b[0] & (0x3fu >> more);

	*bytes_out = 1;
	if (more == 0 || more >= n)
		return b[0];
	for (size_t i = 1; i <= more; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return b[0];
		c = c << 6 | (b[i] & 0x3fu);
	}
	*bytes_out = more + 1;
	return c;
}

static bool in(uint32_t c, uint32_t from, uint32_t to)
{
	return c >= from && c <= to;
}

/* Where capitals and small letters alternate, and the capitals are the even ones, or the odd ones. */
static bool alternates_even(uint32_t c)
{
	return (in(c, 0x100, 0x137) && c != 0x130 && c != 0x131) || in(c, 0x14a, 0x177) ||
	    in(c, 0x460, 0x481) || in(c, 0x48a, 0x4bf) || in(c, 0x4d0, 0x52f);
}

static bool alternates_odd(uint32_t c)
{
	return in(c, 0x139, 0x148) || in(c, 0x179, 0x17e);
}

uint32_t stt_letter_lower(uint32_t c)
{
	if (in(c, 'A', 'Z') || (in(c, 0xc0, 0xde) && c != 0xd7) || in(c, 0x391, 0x3a9) ||
	    in(c, 0x410, 0x42f))
		return c + 32;
	if (in(c, 0x400, 0x40f))
		return c + 80;
	if (alternates_even(c))
		return c | 1;
	if (alternates_odd(c))
		return c + (c & 1);
	return c;
}

uint32_t stt_letter_upper(uint32_t c)
{
	if (in(c, 'a', 'z') || (in(c, 0xe0, 0xfe) && c != 0xf7) ||
	    (in(c, 0x3b1, 0x3c9) && c != 0x3c2) || in(c, 0x430, 0x44f))
		return c - 32;
	if (in(c, 0x450, 0x45f))
		return c - 80;
	if (alternates_even(c))
		return c & ~1u;
	if (alternates_odd(c))
		return c - !(c & 1);
	return c;
}

bool stt_letter_is_space(uint32_t c)
{
	return c == ' ' || in(c, '\t', '\r') || c == 0xa0 || in(c, 0x2000, 0x200a) || c == 0x3000;
}

bool stt_letter_is_punctuation(uint32_t c)
{
	if (c < 0x80)
		return c > ' ' && strchr("!\"#%&'()*,-./:;?@[\\]_{}", (int)c) != NULL;
	return c == 0xa1 || c == 0xa7 || c == 0xab || c == 0xb6 || c == 0xb7 || c == 0xbb ||
	    c == 0xbf || in(c, 0x2010, 0x2027) || in(c, 0x2030, 0x2043) || in(c, 0x3001, 0x3003) ||
	    in(c, 0x3008, 0x3011) || in(c, 0xff01, 0xff0f);
}

size_t stt_letter_put(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = (char)(0xc0 | c >> 6);
	out[1] = (char)(0x80 | (c & 0x3f));
	return 2;
}
