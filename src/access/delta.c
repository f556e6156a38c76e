#include "access/delta.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void delta_reset(struct delta *d)
{
	free(d->sent);
	*d = (struct delta){ 0 };
}

static bool goes_on(const struct delta *d, const char *text, size_t n)
{
	return n >= d->n && (d->n == 0 || memcmp(text, d->sent, d->n) == 0);
}

/* Keeps what is sent now; without memory nothing is sent. */
static const char *take(struct delta *d, const char *text, size_t to, size_t *n_out)
{
	size_t from = d->n;
	char *sent = to > from ? realloc(d->sent, to) : NULL;

	*n_out = 0;
	if (sent == NULL)
		return text + from;
	memcpy(sent + from, text + from, to - from);
	d->sent = sent;
	d->n = to;
	*n_out = to - from;
	return text + from;
}

/* A blank behind a word is not sent before the next word is. */
static size_t without_blanks(const char *text, size_t n)
{
	while (n > 0 && text[n - 1] == ' ')
		n--;
	return n;
}

const char *delta_of_partial(struct delta *d, const char *text, size_t stable, size_t *n_out)
{
	size_t to = without_blanks(text, stable);

	if (goes_on(d, text, to))
		return take(d, text, to, n_out);
	*n_out = 0;
	return text;
}

const char *delta_of_final(struct delta *d, const char *text, size_t n, size_t *n_out)
{
	if (goes_on(d, text, n))
		return take(d, text, n, n_out);
	*n_out = 0;
	return text;
}
