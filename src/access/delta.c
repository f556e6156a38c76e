#include "access/delta.h"

#include <stdlib.h>
#include <string.h>

#include "session/session.h"

void delta_reset(struct delta *d)
{
	free(d->sent);
	*d = (struct delta){ 0 };
}

bool delta_goes_on(const struct delta *d, const char *text, size_t n)
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

	if (delta_goes_on(d, text, to))
		return take(d, text, to, n_out);
	*n_out = 0;
	return text;
}

const char *delta_of_final(struct delta *d, const char *text, size_t n, size_t *n_out)
{
	if (delta_goes_on(d, text, n))
		return take(d, text, n, n_out);
	*n_out = 0;
	return text;
}

static size_t count_words(const char *text, size_t n)
{
	size_t words = 0;

	for (size_t i = 0; i < n; i++)
		words += text[i] != ' ' && (i == 0 || text[i - 1] == ' ');
	return words;
}

void delta_note_time(struct delta *d, const struct session_event *e)
{
	size_t n = count_words(d->sent, d->n);

	if (n > 0 && n <= e->partial.words_n)
		d->end_ms = e->partial.words[n - 1].end_ms;
}

/* The first of the final's words of which more was said behind that time than before it. */
static size_t first_behind(uint64_t end_ms, const struct session_event *e)
{
	size_t i = 0;

	while (i < e->final.words_n &&
	    e->final.words[i].start_ms + e->final.words[i].end_ms < 2 * end_ms)
		i++;
	return i;
}

const char *delta_behind(const struct delta *d, const struct session_event *e, size_t *n_out)
{
	bool timed =
	    d->end_ms > 0 && e->final.words_n == count_words(e->final.text, e->final.text_bytes);
	size_t skip = timed ? first_behind(d->end_ms, e) : count_words(d->sent, d->n), at = 0;

	for (; at < e->final.text_bytes; at++)
		if (e->final.text[at] != ' ' && (at == 0 || e->final.text[at - 1] == ' ') &&
		    skip-- == 0)
			break;
	*n_out = e->final.text_bytes - at;
	return e->final.text + at;
}
