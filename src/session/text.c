#include "session/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

void text_init(struct text *t)
{
	memset(t, 0, sizeof *t);
}

void text_done(struct text *t)
{
	free(t->last);
	text_init(t);
}

/* Bytes of whole words that a and b begin with alike. A word at the very end of one of them may still grow. */
static size_t common_words(const char *a, size_t an, const char *b, size_t bn)
{
	size_t n = MIN(an, bn), words = 0;

	for (size_t i = 0; i < n && a[i] == b[i]; i++)
		if (a[i] == ' ')
			words = i;
	return words;
}

size_t text_partial(struct text *t, const char *partial, size_t n)
{
	size_t same = common_words(t->last == NULL ? "" : t->last, t->last_bytes, partial, n);
	size_t stable = same;
	char *copy;

	for (size_t i = 0; i < ARRAY_SIZE(t->agreed); i++)
		stable = MIN(stable, t->agreed[i]);
	memmove(t->agreed + 1, t->agreed, sizeof t->agreed - sizeof t->agreed[0]);
	t->agreed[0] = same;
	t->stable = MAX(stable, MIN(t->stable, same));
	copy = realloc(t->last, n + 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, partial, n);
	t->last = copy;
	t->last_bytes = n;
	return t->stable;
}
