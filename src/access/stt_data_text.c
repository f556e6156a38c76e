#include "access/stt_data_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/letter.h"
#include "base/util.h"

enum { FLOAT_BYTES = 4, GROUP_SAMPLES = 3 /* whose bytes are whole groups of base64 */ };

static const char dots[] = "...";
enum { DOTS = sizeof dots - 1 };

static size_t skip_blanks(const char *text, size_t n, size_t at)
{
	size_t bytes;

	while (at < n && letter_is_space(letter_at(text + at, n - at, &bytes)))
		at += bytes;
	return at;
}

static bool ends_in_quoted_dots(const char *text, size_t n)
{
	return n > DOTS && text[n - 1] == '\'' && memcmp(text + n - 1 - DOTS, dots, DOTS) == 0;
}

/* In place: letters of both cases take as many bytes. */
static void raise_first(char *text, size_t n)
{
	size_t bytes;
	uint32_t c;

	if (n == 0)
		return;
	c = letter_at(text, n, &bytes);
	if (c < 0x80 || (bytes == 2 && c < 0x800))
		(void)letter_put(letter_upper(c), text);
}

char *stt_sentence(const char *text, size_t n)
{
	size_t from = skip_blanks(text, n, 0);
	char *out;

	if (n - from >= DOTS && memcmp(text + from, dots, DOTS) == 0)
		from = skip_blanks(text, n, from + DOTS);
	n -= from;
	if (ends_in_quoted_dots(text + from, n))
		n--;
	out = malloc(n + 1);
	if (out == NULL)
		return NULL;
	memcpy(out, text + from, n);
	out[n] = '\0';
	raise_first(out, n);
	return out;
}

size_t stt_audio_base64_bytes(size_t samples_n)
{
	return BASE64_LENGTH(samples_n * FLOAT_BYTES);
}

static void put_float(int16_t sample, uint8_t *out)
{
	float f = (float)sample / 32768.0f;
	uint32_t bits;

	memcpy(&bits, &f, sizeof bits);
	for (unsigned i = 0; i < FLOAT_BYTES; i++)
		out[i] = (uint8_t)(bits >> 8 * i);
}

void stt_audio_base64(const int16_t *samples, size_t n, char *out)
{
	uint8_t group[GROUP_SAMPLES * FLOAT_BYTES];

	*out = '\0';
	for (size_t at = 0; at < n; at += GROUP_SAMPLES) {
		size_t some = MIN(n - at, (size_t)GROUP_SAMPLES);

		for (size_t i = 0; i < some; i++)
			put_float(samples[at + i], group + i * FLOAT_BYTES);
		base64_encode(group, some * FLOAT_BYTES, out);
		out += BASE64_LENGTH(some * FLOAT_BYTES);
	}
}
