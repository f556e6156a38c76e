#include "session/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

void text_init(struct text *t)
{
	memset(t, 0, sizeof *t);
	t->agree = TEXT_AGREE;
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

static size_t word_bytes(const char *at, size_t n)
{
	const char *space = n == 0 ? NULL : memchr(at, ' ', n);

	return space == NULL ? n : (size_t)(space - at);
}

/* A word stands while it and all before it are as they were. */
static void count_standing(struct text *t, const char *b, size_t bn)
{
	const char *a = t->last;
	size_t an = a == NULL ? 0 : t->last_bytes;
	bool same = true;

	for (size_t i = 0; i < TEXT_WORDS_MAX; i++) {
		size_t aw = word_bytes(a, an), bw = word_bytes(b, bn);

		same = same && bw > 0 && aw == bw && memcmp(a, b, bw) == 0;
		t->stood[i] = same ? (uint8_t)MIN(t->stood[i] + 1, UINT8_MAX) : 0;
		if (!same) {
			t->since[i] = t->at;
			continue;
		}
		a += MIN(aw + 1, an);
		an -= MIN(aw + 1, an);
		b += MIN(bw + 1, bn);
		bn -= MIN(bw + 1, bn);
	}
}

/* The last word may still grow. */
size_t text_settled(const struct text *t, uint64_t while_heard)
{
	size_t at = 0;

	for (size_t i = 0; i < TEXT_WORDS_MAX && at < t->last_bytes; i++) {
		size_t end = at + word_bytes(t->last + at, t->last_bytes - at);

		if (t->at - t->since[i] < while_heard || end == t->last_bytes)
			break;
		at = end + 1;
	}
	return at > 0 ? at - 1 : 0;
}

size_t text_partial_at(struct text *t, const char *partial, size_t n, uint64_t at)
{
	t->at = MAX(t->at, at);
	return text_partial(t, partial, n);
}

float text_confidence(const struct text *t, size_t i)
{
	float stood = t->stood[MIN(i, (size_t)TEXT_WORDS_MAX - 1)];

	return (stood + 1) / (stood + 2);
}

float text_confidence_of_all(const struct text *t)
{
	size_t n = 1;
	float sum = 0;

	for (size_t i = 0; i < t->last_bytes; i++)
		n += t->last[i] == ' ';
	for (size_t i = 0; i < n; i++)
		sum += text_confidence(t, i);
	return sum / (float)n;
}

/* Whether it begins with what is stable, to the end of a word. */
static bool begins_stable(const struct text *t, const char *partial, size_t n)
{
	size_t kept;
	const char *stable = text_stable(t, &kept);

	return n >= kept && (kept == 0 || memcmp(partial, stable, kept) == 0) &&
	    (n == kept || partial[kept] == ' ');
}

size_t text_partial(struct text *t, const char *partial, size_t n)
{
	size_t same = common_words(t->last == NULL ? "" : t->last, t->last_bytes, partial, n);
	size_t stable = same, held = MIN(t->stable, same);
	char *copy;

	/* What is stable has not grown for being last. */
	if (begins_stable(t, partial, n))
		held = MIN(t->stable, n);
	count_standing(t, partial, n);
	for (size_t i = 0; i + 2 < t->agree; i++)
		stable = MIN(stable, t->agreed[i]);
	memmove(t->agreed + 1, t->agreed, sizeof t->agreed - sizeof t->agreed[0]);
	t->agreed[0] = same;
	t->stable = MAX(stable, held);
	copy = realloc(t->last, n + 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, partial, n);
	t->last = copy;
	t->last_bytes = n;
	return t->stable;
}

/* Where the words behind the first so many begin; n when there are none. */
static size_t after_words(const char *text, size_t n, size_t words)
{
	size_t at = 0;

	while (words-- > 0 && at < n)
		at = MIN(at + word_bytes(text + at, n - at) + 1, n);
	return at;
}

static size_t count_words(const char *text, size_t n)
{
	size_t words = n > 0;

	for (size_t i = 0; i < n; i++)
		words += text[i] == ' ';
	return words;
}

char *text_keep_stable(const struct text *t, const char *partial, size_t n, size_t *n_out)
{
	size_t kept, rest;
	const char *stable = text_stable(t, &kept);
	char *all;

	if (kept == 0 || begins_stable(t, partial, n))
		return NULL;
	rest = after_words(partial, n, count_words(stable, kept));
	all = xcalloc(1, kept + 1 + n - rest + 1);
	memcpy(all, stable, kept);
	*n_out = kept;
	if (rest < n) {
		all[kept] = ' ';
		memcpy(all + kept + 1, partial + rest, n - rest);
		*n_out += 1 + n - rest;
	}
	return all;
}

void text_settle(struct text *t, const char *text, size_t n)
{
	char *copy;

	if (!begins_stable(t, text, n))
		return;
	copy = realloc(t->last, n + 2);
	if (copy == NULL)
		return;
	t->last = copy;
	if (n > 0)
		memcpy(copy, text, n);
	copy[n] = ' '; /* its last word does not grow either */
	t->last_bytes = n > 0 ? n + 1 : 0;
	t->stable = n;
	for (size_t i = 0; i < ARRAY_SIZE(t->agreed); i++)
		t->agreed[i] = n;
}

const char *text_stable(const struct text *t, size_t *n_out)
{
	*n_out = t->last == NULL ? 0 : t->stable;
	while (*n_out > 0 && t->last[*n_out - 1] == ' ')
		--*n_out;
	return t->last == NULL ? "" : t->last;
}
