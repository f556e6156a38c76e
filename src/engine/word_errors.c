#include "engine/word_errors.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

struct word {
	const char *at;
	size_t n;
};

static bool is_of_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || c == '\'';
}

static size_t split(const char *text, struct word words[WORD_ERRORS_WORDS_MAX])
{
	size_t n = 0;

	while (*text != '\0' && n < WORD_ERRORS_WORDS_MAX) {
		const char *from;

		while (*text != '\0' && !is_of_word(*text))
			text++;
		for (from = text; is_of_word(*text); text++)
			continue;
		if (text > from)
			words[n++] = (struct word){ from, (size_t)(text - from) };
	}
	return n;
}

static bool is_same(const struct word *a, const struct word *b)
{
	return a->n == b->n && strncasecmp(a->at, b->at, a->n) == 0;
}

/* Row by row: row[j] is what the words so far and the first j heard ones differ by. */
static void next_row(size_t *row, const struct word *word, const struct word *heard, size_t n)
{
	size_t diagonal = row[0];

	row[0]++;
	for (size_t j = 1; j <= n; j++) {
		size_t above = row[j];
		size_t replaced = diagonal + !is_same(word, &heard[j - 1]);

		row[j] = MIN(replaced, MIN(above, row[j - 1]) + 1);
		diagonal = above;
	}
}

size_t word_errors(const char *meant, const char *heard)
{
	struct word a[WORD_ERRORS_WORDS_MAX], b[WORD_ERRORS_WORDS_MAX];
	size_t row[WORD_ERRORS_WORDS_MAX + 1];
	size_t an = split(meant, a), bn = split(heard, b);

	for (size_t j = 0; j <= bn; j++)
		row[j] = j;
	for (size_t i = 0; i < an; i++)
		next_row(row, &a[i], b, bn);
	return row[bn];
}

size_t word_errors_words(const char *text)
{
	struct word words[WORD_ERRORS_WORDS_MAX];

	return split(text, words);
}
