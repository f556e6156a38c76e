/* What an engine writes, which nobody vouches for, as a client is told it: the same whether it is told again, at whatever word it is
 * cut, and what was UTF-8 is. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/letter.h"
#include "session/wording.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool is_utf8(const char *text, size_t n)
{
	char same[4];

	for (size_t at = 0, bytes; at < n; at += bytes) {
		uint32_t c = letter_at(text + at, n - at, &bytes);

		if (c >= 0x110000 || (bytes == 1 && c >= 0x80) || letter_put(c, same) != bytes)
			return false;
	}
	return true;
}

static void check_again(const struct wording *how, enum wording_of of, const struct worded *once)
{
	struct worded twice;

	wording_make(how, of, once->text, once->bytes, &twice);
	if (of != WORDING_GROWING)
		assert(
		    twice.bytes == once->bytes && memcmp(twice.text, once->text, once->bytes) == 0);
	worded_done(&twice);
}

static void check_growing(struct wording how, const char *text, size_t n)
{
	struct worded all, some;

	how.full_stop = false;
	wording_make(&how, WORDING_WHOLE, text, n, &all);
	for (size_t i = 0; i < all.words_n && i < 24; i++) {
		wording_make(&how, WORDING_GROWING, text, all.words[i].to, &some);
		assert(some.bytes <= all.bytes && memcmp(some.text, all.text, some.bytes) == 0);
		assert(worded_place(&some, all.words[i].to) == some.bytes);
		worded_done(&some);
	}
	worded_done(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t how = n > 0 ? bytes[0] : 0;
	const struct wording wording = { how & 1, how & 2, how & 4, how & 8 };
	enum wording_of of = (how >> 4) % 3;
	struct worded told;
	char *text;

	if (n == 0)
		return 0;
	text = malloc(n); /* a byte more than it takes */
	assert(text != NULL);
	memcpy(text, bytes + 1, --n);
	wording_make(&wording, of, text, n, &told);
	assert(told.bytes <= n + 1 && (told.words_n == 0 || told.bytes > 0));
	assert(!is_utf8(text, n) || is_utf8(told.text, told.bytes));
	for (size_t at = 0, place = 0; at <= n && n < 512; at++) {
		assert(worded_place(&told, at) >= place);
		place = worded_place(&told, at);
		assert(place <= told.bytes);
	}
	check_again(&wording, of, &told);
	check_growing(wording, text, n);
	worded_done(&told);
	free(text);
	return 0;
}
