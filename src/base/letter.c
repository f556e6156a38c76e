#include "base/letter.h"

#include <string.h>

#include "base/util.h"

uint32_t letter_at(const char *text, size_t n, size_t *bytes_out)
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

/* Small letters in a row, each or each second of which has its capital so far before it. Not here are those whose capital has another
 * length in UTF-8 (dotless i) or is two (sharp s), and those that have none of their own (the sigma of a word's end). */
static const struct row {
	uint16_t first, last;
	uint8_t step;
	int16_t back;
} rows[] = {
	{ 'a', 'z', 1, 32 },
	{ 0xe0, 0xf6, 1, 32 },
	{ 0xf8, 0xfe, 1, 32 },
	{ 0xff, 0xff, 1, -121 },
	{ 0x101, 0x12f, 2, 1 },
	{ 0x133, 0x137, 2, 1 },
	{ 0x13a, 0x148, 2, 1 },
	{ 0x14b, 0x177, 2, 1 },
	{ 0x17a, 0x17e, 2, 1 },
	{ 0x199, 0x199, 1, 1 },
	{ 0x1a1, 0x1a5, 2, 1 },
	{ 0x1b0, 0x1b0, 1, 1 },
	{ 0x1ce, 0x1dc, 2, 1 },
	{ 0x1df, 0x1ef, 2, 1 },
	{ 0x1f9, 0x21f, 2, 1 },
	{ 0x223, 0x233, 2, 1 },
	{ 0x253, 0x253, 1, 210 },
	{ 0x254, 0x254, 1, 206 },
	{ 0x256, 0x257, 1, 205 },
	{ 0x259, 0x259, 1, 202 },
	{ 0x25b, 0x25b, 1, 203 },
	{ 0x263, 0x263, 1, 207 },
	/* Greek */
	{ 0x3ac, 0x3ac, 1, 38 },
	{ 0x3ad, 0x3af, 1, 37 },
	{ 0x3b1, 0x3c1, 1, 32 },
	{ 0x3c3, 0x3cb, 1, 32 },
	{ 0x3cc, 0x3cc, 1, 64 },
	{ 0x3cd, 0x3ce, 1, 63 },
	/* Cyrillic */
	{ 0x430, 0x44f, 1, 32 },
	{ 0x450, 0x45f, 1, 80 },
	{ 0x461, 0x481, 2, 1 },
	{ 0x48b, 0x4bf, 2, 1 },
	{ 0x4c2, 0x4ce, 2, 1 },
	{ 0x4cf, 0x4cf, 1, 15 },
	{ 0x4d1, 0x52f, 2, 1 },
	/* Armenian */
	{ 0x561, 0x586, 1, 48 },
	/* more Latin, and Greek with breathings */
	{ 0x1e01, 0x1e95, 2, 1 },
	{ 0x1ea1, 0x1eff, 2, 1 },
	{ 0x1f00, 0x1f07, 1, -8 },
	{ 0x1f10, 0x1f15, 1, -8 },
	{ 0x1f20, 0x1f27, 1, -8 },
	{ 0x1f30, 0x1f37, 1, -8 },
	{ 0x1f40, 0x1f45, 1, -8 },
	{ 0x1f60, 0x1f67, 1, -8 },
};

static bool has(const struct row *r, uint32_t small)
{
	return in(small, r->first, r->last) && (small - r->first) % r->step == 0;
}

uint32_t letter_lower(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t small = c + (uint32_t)(int32_t)rows[i].back;

		if (has(&rows[i], small))
			return small;
	}
	return c;
}

uint32_t letter_upper(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (has(&rows[i], c))
			return c - (uint32_t)(int32_t)rows[i].back;
	return c;
}

bool letter_is_space(uint32_t c)
{
	return c == ' ' || in(c, '\t', '\r') || c == 0xa0 || in(c, 0x2000, 0x200a) || c == 0x3000;
}

bool letter_is_punctuation(uint32_t c)
{
	if (c < 0x80)
		return c > ' ' && strchr("!\"#%&'()*,-./:;?@[\\]_{}", (int)c) != NULL;
	return c == 0xa1 || c == 0xa7 || c == 0xab || c == 0xb6 || c == 0xb7 || c == 0xbb ||
	    c == 0xbf || in(c, 0x2010, 0x2027) || in(c, 0x2030, 0x2043) || in(c, 0x3001, 0x3003) ||
	    in(c, 0x3008, 0x3011) || in(c, 0xff01, 0xff0f);
}

/* Latin with its accents, Greek, Cyrillic, Hebrew, Georgian. Arabic, Armenian, Ethiopian, Indian and Chinese scripts have full stops of
 * their own, Thai has none, and Hangul is left as its recognisers write it. */
bool letter_takes_full_stop(uint32_t c)
{
	if (c < 0x80)
		return in(c, '0', '9') || in(c, 'a', 'z') || in(c, 'A', 'Z');
	return (in(c, 0xc0, 0x2af) && c != 0xd7 && c != 0xf7) || in(c, 0x300, 0x373) ||
	    in(c, 0x376, 0x37d) || c == 0x37f || c == 0x386 || in(c, 0x388, 0x52f) ||
	    in(c, 0x5d0, 0x5ea) || in(c, 0x10a0, 0x10fa) || in(c, 0x1e00, 0x1fbc);
}

size_t letter_put(uint32_t c, char *out)
{
	size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = more; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[more] | c);
	return more + 1;
}
