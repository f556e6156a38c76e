#define _GNU_SOURCE
#include "access/openai_cues.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Words in a row, as cues while they are not put together. */
struct pieces {
	struct openai_cue *at; /* owned */
	size_t n;
};

static bool is_continued(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t letters_of(const char *text, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		n += !is_continued(text[i]);
	return n;
}

static size_t skip_blanks(const struct session_event *e, size_t at)
{
	while (at < e->final.text_bytes && e->final.text[at] == ' ')
		at++;
	return at;
}

static size_t without_blanks(const struct session_event *e, size_t to)
{
	while (to > 0 && e->final.text[to - 1] == ' ')
		to--;
	return to;
}

/* Finds each word in the text; what stands between them goes with the one before. False: some word is not there. */
static bool take_words(const struct session_event *e, struct pieces *p)
{
	const char *text = e->final.text;
	size_t at = 0;

	for (size_t i = 0; i < e->final.words_n; i++) {
		const struct session_word *w = &e->final.words[i];
		const char *found =
		    memmem(text + at, e->final.text_bytes - at, w->text, w->text_bytes);

		if (found == NULL || w->text_bytes == 0)
			return false;
		if (i > 0)
			p->at[i - 1].to = without_blanks(e, (size_t)(found - text));
		p->at[i] = (struct openai_cue){ .from = i == 0 ? skip_blanks(e, 0)
							       : (size_t)(found - text),
			.start_ms = w->start_ms,
			.end_ms = w->end_ms };
		at = (size_t)(found - text) + w->text_bytes;
	}
	p->n = e->final.words_n;
	if (p->n > 0)
		p->at[p->n - 1].to = without_blanks(e, e->final.text_bytes);
	return p->n > 0;
}

/* The end of what is behind the blanks, or of as much of it as a cue holds. */
static size_t end_of_run(const struct session_event *e, size_t from)
{
	size_t to = from, letters = 0;

	for (; to < e->final.text_bytes && e->final.text[to] != ' '; to++)
		if (!is_continued(e->final.text[to]) && ++letters > OPENAI_CUE_LETTERS)
			break;
	return to;
}

static uint64_t time_of(const struct session_event *e, size_t at)
{
	const struct session_word *words = e->final.words;
	size_t n = e->final.words_n;
	uint64_t start_ms = n > 0 ? words[0].start_ms : e->final.start_ms;
	uint64_t end_ms = n > 0 ? words[n - 1].end_ms : e->final.end_ms;

	return start_ms +
	    (MAX(end_ms, start_ms) - start_ms) * at / MAX(e->final.text_bytes, (size_t)1);
}

static void take_runs(const struct session_event *e, struct pieces *p)
{
	size_t from = skip_blanks(e, 0);

	for (p->n = 0; from < e->final.text_bytes; p->n++) {
		size_t to = end_of_run(e, from);

		p->at[p->n] = (struct openai_cue){ .from = from,
			.to = to,
			.start_ms = time_of(e, from),
			.end_ms = time_of(e, to) };
		from = skip_blanks(e, to);
	}
}

static bool fits(const struct session_event *e, const struct pieces *p, size_t i, size_t j)
{
	return p->at[j].end_ms <= p->at[i].start_ms + OPENAI_CUE_MS &&
	    letters_of(e->final.text, p->at[i].from, p->at[j].to) <= OPENAI_CUE_LETTERS;
}

static uint64_t gap_behind(const struct pieces *p, size_t i)
{
	return p->at[i + 1].start_ms - MIN(p->at[i].end_ms, p->at[i + 1].start_ms);
}

/* The last word of the cue that begins with word i: the last of all, or in the second half of what fits the one before the
 * longest pause. */
static size_t last_of_cue(const struct session_event *e, const struct pieces *p, size_t i)
{
	size_t j = i, best;

	while (j + 1 < p->n && fits(e, p, i, j + 1))
		j++;
	if (j + 1 == p->n)
		return j;
	best = j;
	for (size_t k = j; k > i + (j - i) / 2; k--)
		if (gap_behind(p, k - 1) > gap_behind(p, best))
			best = k - 1;
	return best;
}

static int put_together(const struct session_event *e, const struct pieces *p,
    int (*add)(void *arg, const struct openai_cue *cue), void *arg)
{
	uint64_t after_ms = 0; /* no two overlap */
	size_t j;

	for (size_t i = 0; i < p->n; i = j + 1) {
		struct openai_cue cue = p->at[i];

		j = last_of_cue(e, p, i);
		cue.to = p->at[j].to;
		cue.start_ms = MAX(cue.start_ms, after_ms);
		cue.end_ms = after_ms = MAX(p->at[j].end_ms, cue.start_ms);
		if (add(arg, &cue) != 0)
			return -1;
	}
	return 0;
}

int openai_cues_of(
    const struct session_event *e, int (*add)(void *arg, const struct openai_cue *cue), void *arg)
{
	size_t most = MAX(e->final.words_n, e->final.text_bytes / 2 + 1);
	struct pieces p = { calloc(most, sizeof *p.at), 0 };
	int rc;

	if (p.at == NULL)
		return -1;
	if (!take_words(e, &p))
		take_runs(e, &p);
	rc = put_together(e, &p, add, arg);
	free(p.at);
	return rc;
}
