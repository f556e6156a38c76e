#include "base/base64.h"

#include <stdbool.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const uint8_t *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t group = (uint32_t)bytes[i] << 16;

		if (have > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (have > 2)
			group |= bytes[i + 2];
		for (size_t k = 0; k < 4; k++)
			*out++ = k <= have ? alphabet[group >> (18 - 6 * k) & 63] : '=';
	}
	*out = '\0';
}

/* One more than a character's value; 0: it has none. A table, for audio of many clients is read this way. */
static const uint8_t values[256] = { ['A'] = 1,
	['B'] = 2,
	['C'] = 3,
	['D'] = 4,
	['E'] = 5,
	['F'] = 6,
	['G'] = 7,
	['H'] = 8,
	['I'] = 9,
	['J'] = 10,
	['K'] = 11,
	['L'] = 12,
	['M'] = 13,
	['N'] = 14,
	['O'] = 15,
	['P'] = 16,
	['Q'] = 17,
	['R'] = 18,
	['S'] = 19,
	['T'] = 20,
	['U'] = 21,
	['V'] = 22,
	['W'] = 23,
	['X'] = 24,
	['Y'] = 25,
	['Z'] = 26,
	['a'] = 27,
	['b'] = 28,
	['c'] = 29,
	['d'] = 30,
	['e'] = 31,
	['f'] = 32,
	['g'] = 33,
	['h'] = 34,
	['i'] = 35,
	['j'] = 36,
	['k'] = 37,
	['l'] = 38,
	['m'] = 39,
	['n'] = 40,
	['o'] = 41,
	['p'] = 42,
	['q'] = 43,
	['r'] = 44,
	['s'] = 45,
	['t'] = 46,
	['u'] = 47,
	['v'] = 48,
	['w'] = 49,
	['x'] = 50,
	['y'] = 51,
	['z'] = 52,
	['0'] = 53,
	['1'] = 54,
	['2'] = 55,
	['3'] = 56,
	['4'] = 57,
	['5'] = 58,
	['6'] = 59,
	['7'] = 60,
	['8'] = 61,
	['9'] = 62,
	['+'] = 63,
	['/'] = 64 };

static int value_of(char c)
{
	return values[(unsigned char)c] - 1;
}

/* Bytes in a group of four characters, which become *group; -1 when it is none. */
static int read_group(const char *text, uint32_t *group)
{
	int have = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;

	*group = 0;
	for (int k = 0; k < 4; k++) {
		int v = k <= have ? value_of(text[k]) : 0;

		if (v < 0 || (k > have && text[k] != '='))
			return -1;
		*group = *group << 6 | (uint32_t)v;
	}
	return (*group & ((1u << (24 - 8 * have)) - 1)) == 0 ? have : -1;
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

static bool has_only_breaks(const char *text, size_t n)
{
	while (n > 0 && is_break(text[n - 1]))
		n--;
	return n == 0;
}

/* Bytes in the group from *at on, which is moved behind it; 0: nothing but breaks is left; -1: what follows is none. */
static int next_group(const char *text, size_t n, size_t *at, uint32_t *group)
{
	int bytes = n - *at >= 4 ? read_group(text + *at, group) : -1;
	size_t have = 0;
	char own[4];

	if (bytes > 0) { /* as it mostly is: nothing lies between */
		*at += 4;
		return bytes;
	}
	for (; *at < n && have < sizeof own; ++*at)
		if (!is_break(text[*at]))
			own[have++] = text[*at];
	if (have == 0)
		return 0;
	return have == sizeof own ? read_group(own, group) : -1;
}

long base64_decode_some(const char *text, size_t n, size_t *at, uint8_t *out, size_t cap)
{
	size_t used = 0;

	while (*at < n) {
		const size_t before = *at;
		uint32_t group;
		int have = next_group(text, n, at, &group);

		if (have < 0 || (have > 0 && have < 3 && !has_only_breaks(text + *at, n - *at)))
			return -1;
		if (used + (size_t)have > cap) {
			*at = before;
			break;
		}
		for (int k = 0; k < have; k++)
			out[used++] = (uint8_t)(group >> (16 - 8 * k));
	}
	return (long)used;
}

long base64_decode(const char *text, size_t n, uint8_t *out, size_t cap)
{
	size_t at = 0;
	long bytes = base64_decode_some(text, n, &at, out, cap);

	return at == n ? bytes : -1;
}
