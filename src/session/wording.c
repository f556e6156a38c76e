#include "session/wording.h"

#include <stdlib.h>
#include <string.h>

#include "base/letter.h"
#include "base/util.h"
#include "ipc/message.h"

const struct wording wording_tidy = { .uppercase = true, .full_stop = true, .clean_spaces = true };

enum { NO_CHARACTER = 0x110000 };

/* As letter_at, and what is no UTF-8 is no character. */
static uint32_t character(const char *text, size_t n, size_t *bytes_out)
{
	char same[4];
	uint32_t c = letter_at(text, n, bytes_out);

	return c < NO_CHARACTER && letter_put(c, same) == *bytes_out ? c : NO_CHARACTER;
}

/* The end of what is all blank, or all not. */
static size_t pass(const char *text, size_t n, size_t at, bool blank)
{
	size_t bytes;

	while (at < n && letter_is_space(character(text + at, n - at, &bytes)) == blank)
		at += bytes;
	return at;
}

static void split(const char *text, size_t n, struct worded *out)
{
	out->words = xcalloc(n / 2 + 1, sizeof *out->words);
	for (size_t at = pass(text, n, 0, true); at < n; at = pass(text, n, at, true)) {
		struct worded_word *w = &out->words[out->words_n++];

		w->from = at;
		w->to = at = pass(text, n, at, false);
	}
}

/* ---- repetitions ---- */

/* The words that stand, and behind them those that are held, as they may be the beginning of one repetition too many. */
struct row {
	const char *text;
	const struct worded_word *words;
	size_t *at; /* owned; indices of words */
	size_t n, held;
};

static size_t times(size_t period)
{
	return period == 1 ? WORDING_WORD_TIMES : WORDING_PHRASE_TIMES;
}

static bool is_same(const struct row *r, size_t a, size_t b)
{
	const struct worded_word *x = &r->words[r->at[a]], *y = &r->words[r->at[b]];
	size_t n = x->to - x->from;

	if (n != y->to - y->from || memcmp(r->text + x->from, r->text + y->from, n) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (r->text[x->from + i] >= '0' && r->text[x->from + i] <= '9')
			return false;
	return true;
}

/* How many words at its end are as the one so far before them, `most` at most. */
static size_t run(const struct row *r, size_t period, size_t most)
{
	size_t n = 0;

	while (n < most && n + period < r->n && is_same(r, r->n - 1 - n, r->n - 1 - n - period))
		n++;
	return n;
}

/* The length of the phrase of which its last word is in a repetition too many; 0: it is in none. */
static size_t excess(const struct row *r, bool *whole_out)
{
	for (size_t period = 1; period <= WORDING_PHRASE_WORDS; period++) {
		size_t most = times(period) * period, n = run(r, period, most);

		*whole_out = n == most;
		if (n > most - period)
			return period;
	}
	return 0;
}

static void take_word(struct row *r, size_t word)
{
	bool whole;
	size_t period;

	r->at[r->n++] = word;
	period = excess(r, &whole);
	if (period == 0) {
		r->held = 0;
		return;
	}
	r->held++;
	if (!whole)
		return;
	r->n -= period;
	r->held -= MIN(r->held, period);
}

/* ---- the text that is told ---- */

struct writer {
	const struct wording *wording;
	const char *from;
	struct worded *out;
	size_t read; /* bytes of the text as it was */
};

static void put(struct writer *w, const char *bytes, size_t n)
{
	if (n > 0)
		memcpy(w->out->text + w->out->bytes, bytes, n);
	w->out->bytes += n;
}

static void put_gap(struct writer *w, const struct worded_word *word)
{
	if (!w->wording->clean_spaces) {
		size_t from = word == w->out->words ? 0 : word[-1].to;

		put(w, w->from + from, word->from - from);
	} else if (w->out->bytes > 0) {
		put(w, " ", 1);
	}
}

static void put_word(struct writer *w, struct worded_word *word)
{
	put_gap(w, word);
	word->told_from = w->out->bytes;
	put(w, w->from + word->from, word->to - word->from);
	word->told_to = w->out->bytes;
}

static void put_rest(struct writer *w, size_t n)
{
	size_t from = w->out->words_n == 0 ? 0 : w->out->words[w->out->words_n - 1].to;

	if (!w->wording->clean_spaces)
		put(w, w->from + from, n - from);
}

static void write_kept(struct writer *w, const struct row *r, size_t kept)
{
	size_t next = 0;

	for (size_t i = 0; i < w->out->words_n; i++) {
		struct worded_word *word = &w->out->words[i];

		if (next < kept && r->at[next] == i) {
			put_word(w, word);
			next++;
		} else {
			word->told_from = word->told_to = w->out->bytes;
		}
	}
}

static void choose_words(const struct wording *w, enum wording_of of, const char *text,
    struct worded *out, struct writer *to)
{
	struct row r = {
		.text = text, .words = out->words, .at = xcalloc(out->words_n + 1, sizeof *r.at)
	};

	for (size_t i = 0; i < out->words_n; i++)
		if (w->clean_repeats)
			take_word(&r, i);
		else
			r.at[r.n++] = i;
	write_kept(to, &r, of == WORDING_GROWING ? r.n - r.held : r.n);
	free(r.at);
}

/* In place: it takes as many bytes. */
static void raise_first(struct worded *out)
{
	size_t at = pass(out->text, out->bytes, 0, true), bytes;
	uint32_t c;

	if (at == out->bytes)
		return;
	c = character(out->text + at, out->bytes - at, &bytes);
	if (letter_upper(c) != c)
		(void)letter_put(letter_upper(c), out->text + at);
}

static bool ends_in_letter(const struct worded *out)
{
	size_t at = out->bytes, bytes;
	uint32_t c;

	if (at == 0)
		return false;
	do
		at--;
	while (at > 0 && ((unsigned char)out->text[at] & 0xc0) == 0x80);
	c = character(out->text + at, out->bytes - at, &bytes);
	return at + bytes == out->bytes && letter_takes_full_stop(c);
}

static void end_sentence(struct worded *out)
{
	if (!ends_in_letter(out))
		return;
	out->text[out->bytes++] = '.';
	for (size_t i = out->words_n; i > 0; i--) {
		struct worded_word *w = &out->words[i - 1];
		bool is_last = w->told_to > w->told_from;

		w->told_to = out->bytes;
		if (is_last)
			break;
		w->told_from = out->bytes;
	}
}

void wording_make(
    const struct wording *w, enum wording_of of, const char *text, size_t n, struct worded *out)
{
	struct writer to = { .wording = w, .from = text, .out = out };

	*out = (struct worded){ .text = xcalloc(n + 2, 1) };
	split(text, n, out);
	choose_words(w, of, text, out, &to);
	put_rest(&to, n);
	if (w->uppercase)
		raise_first(out);
	if (w->full_stop && of == WORDING_WHOLE)
		end_sentence(out);
}

size_t worded_place(const struct worded *w, size_t at)
{
	size_t place = 0;

	if (w->text == NULL)
		return at;
	for (size_t i = 0; i < w->words_n && w->words[i].from < at; i++) {
		const struct worded_word *word = &w->words[i];

		place = at >= word->to
		    ? word->told_to
		    : word->told_from + MIN(at - word->from, word->told_to - word->told_from);
	}
	return place;
}

static size_t count(struct ipc_text text)
{
	struct worded words = { .bytes = 0 };
	size_t n;

	split(text.bytes, text.length, &words);
	n = words.words_n;
	worded_done(&words);
	return n;
}

static bool is_raw(const struct wording *w)
{
	return !w->uppercase && !w->full_stop && !w->clean_spaces && !w->clean_repeats;
}

static bool is_told(const struct worded_word *w)
{
	return w->told_to > w->told_from;
}

static void respell(struct ipc_result *r, struct worded *out)
{
	uint16_t n = 0;

	out->told_words = xcalloc(r->words_n, sizeof *out->told_words);
	for (uint16_t i = 0; i < r->words_n; i++) {
		const struct worded_word *w = &out->words[i];

		if (!is_told(w))
			continue;
		out->told_words[n] = r->words[i];
		out->told_words[n++].text = (struct ipc_text){ out->text + w->told_from,
			(uint32_t)(w->told_to - w->told_from) };
	}
	r->words = out->told_words;
	r->words_n = n;
}

void wording_result(
    const struct wording *w, enum wording_of of, struct ipc_result *r, struct worded *out)
{
	struct wording fit = *w;

	*out = (struct worded){ .bytes = 0 };
	if (is_raw(w) || r->text.length == 0)
		return;
	if (r->words_n > 0)
		fit.clean_repeats &= r->words_n == count(r->text);
	wording_make(&fit, of, r->text.bytes, r->text.length, out);
	if (r->words_n > 0 && r->words_n == out->words_n)
		respell(r, out);
	r->text = (struct ipc_text){ out->text, (uint32_t)out->bytes };
}

void worded_done(struct worded *w)
{
	free(w->text);
	free(w->words);
	free(w->told_words);
	*w = (struct worded){ .bytes = 0 };
}
