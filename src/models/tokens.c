#include "models/tokens.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

static const char end_of_text[] = "<|endoftext|>";

/* The next line, without its end. NULL: there is none. */
static const uint8_t *next_line(struct tokens *t, size_t *n_out)
{
	const uint8_t *line = t->text + t->at, *end;

	if (t->at >= t->n)
		return NULL;
	end = memchr(line, '\n', t->n - t->at);
	*n_out = end != NULL ? (size_t)(end - line) : t->n - t->at;
	t->at += *n_out + (end != NULL);
	return line;
}

int tokens_count(
    const uint8_t *text, size_t n, const struct whisper_sizes *sizes, struct error *err)
{
	struct tokens t = { text, n, 0 };
	const uint8_t *line;
	size_t line_n = 0;
	int count = 0;

	while ((line = next_line(&t, &line_n)) != NULL) {
		bool is_end =
		    line_n == strlen(end_of_text) && memcmp(line, end_of_text, line_n) == 0;

		/* In English models it is a token like others. */
		if (is_end)
			return count + !whisper_sizes_is_multilingual(sizes);
		if ((uint32_t)++count >= sizes->vocabulary)
			return error_set(err, ERROR_CONFIG,
			    "the vocabulary has %d tokens and no %s among them", count,
			    end_of_text);
	}
	return error_set(err, ERROR_CONFIG,
	    "the vocabulary ends after %d tokens, and none of them is %s", count, end_of_text);
}

/* GPT-2's table: what can be printed stands for itself, the others follow from 256 on in their order. */
static int byte_of(unsigned c)
{
	if ((c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174 && c <= 255))
		return (int)c;
	if (c >= 256 && c <= 288)
		return (int)c - 256;
	if (c >= 289 && c <= 322)
		return (int)c - 289 + 127;
	return c == 323 ? 173 : -1;
}

/* All of them have one byte of UTF-8 or two. How many bytes it took; 0: it is neither. */
static size_t character(const uint8_t *at, size_t n, unsigned *out)
{
	if (at[0] < 0x80) {
		*out = at[0];
		return 1;
	}
	if (at[0] < 0xc2 || at[0] > 0xdf || n < 2 || (at[1] & 0xc0) != 0x80)
		return 0;
	*out = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
	return 2;
}

int tokens_next(struct tokens *t, uint8_t out[WHISPER_TOKEN_MAX_BYTES], struct error *err)
{
	size_t line_n = 0, at = 0, taken;
	const uint8_t *line = next_line(t, &line_n);
	int n = 0;

	if (line == NULL)
		return error_set(err, ERROR_CONFIG, "the vocabulary has ended");
	for (; at < line_n; at += taken) {
		unsigned c = 0;
		int byte;

		taken = character(line + at, line_n - at, &c);
		byte = taken > 0 ? byte_of(c) : -1;
		if (byte < 0)
			return error_set(err, ERROR_CONFIG,
			    "the vocabulary has a character at byte %zu that stands for none",
			    (size_t)(line - t->text) + at);
		if (n == WHISPER_TOKEN_MAX_BYTES)
			return error_set(err, ERROR_CONFIG,
			    "the vocabulary has a token of more than %d bytes",
			    WHISPER_TOKEN_MAX_BYTES);
		out[n++] = (uint8_t)byte;
	}
	return n;
}
