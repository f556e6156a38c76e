#include "fuzz_words.h"

#include <string.h>

static size_t put(const void *bytes, size_t n, uint8_t *out, size_t room)
{
	if (n > room)
		return 0;
	memcpy(out, bytes, n);
	return n;
}

size_t fuzz_words(const char *const *words, size_t words_n, const uint8_t *bytes, size_t n,
    uint8_t *out, size_t room)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		const char *word = words[bytes[i] % words_n];

		if (bytes[i] >= 0xf0 && i + 1 < n)
			at += put(bytes + ++i, 1, out + at, room - at);
		else
			at += put(word, strlen(word), out + at, room - at);
	}
	return at;
}
