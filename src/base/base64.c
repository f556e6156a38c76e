#include "base/base64.h"

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

/* By ranges, for audio of many clients is read this way. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
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

long base64_decode(const char *text, size_t n, uint8_t *out, size_t cap)
{
	size_t used = 0;

	if (n % 4 != 0)
		return -1;
	for (size_t i = 0; i < n; i += 4) {
		uint32_t group;
		int have = read_group(text + i, &group);

		if (have < 0 || (have < 3 && i + 4 < n) || used + (size_t)have > cap)
			return -1;
		for (int k = 0; k < have; k++)
			out[used++] = (uint8_t)(group >> (16 - 8 * k));
	}
	return (long)used;
}
