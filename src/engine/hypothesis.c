#include "engine/hypothesis.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/engine.h"

enum {
	PERIOD_MAX = 64,      /* tokens: a sentence of forty words */
	LOOP_TOKENS_MIN = 12, /* in all: "no, no, no, no" is no loop */
	LOOP_ROUNDS_MIN = 3,
	SPOKEN_TOKENS_PER_S = 6, /* as fast as anybody speaks who repeats himself */
};

void hypothesis_done(struct hypothesis *h)
{
	free(h->tokens);
	*h = (struct hypothesis){ 0 };
}

void hypothesis_clear(struct hypothesis *h, uint32_t audio_ms)
{
	h->n = 0;
	h->no_speech = -1;
	h->at_limit = h->was_suspect = false;
	h->audio_ms = audio_ms;
}

void hypothesis_add(struct hypothesis *h, const struct hypothesis_token *t)
{
	if (h->n == h->cap) {
		size_t cap = MAX(2 * h->cap, 256);
		struct hypothesis_token *more = xcalloc(cap, sizeof *more);

		if (h->n > 0)
			memcpy(more, h->tokens, h->n * sizeof *more);
		free(h->tokens);
		h->tokens = more;
		h->cap = cap;
	}
	h->tokens[h->n++] = *t;
}

/* How many tokens at the end are as those `period` before them. */
static size_t tail_of_period(const struct hypothesis *h, size_t period)
{
	size_t same = 0;

	while (same + period < h->n &&
	    h->tokens[h->n - 1 - same].id == h->tokens[h->n - 1 - same - period].id)
		same++;
	return same;
}

size_t hypothesis_loop(const struct hypothesis *h)
{
	size_t most = 0;

	for (size_t period = 1; period <= PERIOD_MAX && period < h->n; period++) {
		size_t same = tail_of_period(h, period);
		size_t rounds = (same + period) / period;

		if (rounds >= LOOP_ROUNDS_MIN && same + period >= LOOP_TOKENS_MIN)
			most = MAX(most, same);
	}
	return most;
}

/* The end of a sentence that is said once more may be missing, so the second round counts by its beginning. */
bool hypothesis_is_suspect(const struct hypothesis *h)
{
	return h->at_limit || hypothesis_loop(h) > 0;
}

static bool could_be_said(const struct hypothesis *h, size_t repeated)
{
	const struct hypothesis_token *first = &h->tokens[h->n - repeated],
				      *last = &h->tokens[h->n - 1];
	int64_t ms = (int64_t)last->to_ms - first->from_ms;

	return !h->at_limit && (int64_t)repeated * 1000 <= ms * SPOKEN_TOKENS_PER_S;
}

void hypothesis_cut_loop(struct hypothesis *h)
{
	size_t repeated = hypothesis_loop(h);

	if (repeated > 0 && !could_be_said(h, repeated))
		h->n -= repeated;
}

float hypothesis_log_p(const struct hypothesis *h)
{
	double sum = 0;

	for (size_t i = 0; i < h->n; i++)
		sum += h->tokens[i].log_p;
	return h->n == 0 ? 0 : (float)(sum / (double)h->n);
}

/* Bytes of a sign for music at `at`, U+2669 to U+266C; 0: there is none. */
static size_t music_bytes(const char *at)
{
	return strncmp(at, "\xe2\x99", 2) == 0 && (unsigned char)at[2] >= 0xa9 &&
		(unsigned char)at[2] <= 0xac
	    ? 3
	    : 0;
}

static bool has_letters(const char *text)
{
	for (size_t n; *text != '\0'; text += n) {
		n = music_bytes(text);
		if (n == 0 && (isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80))
			return true;
		n = MAX(n, 1);
	}
	return false;
}

void hypothesis_cut_wordless(struct hypothesis *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (has_letters(h->tokens[i].bytes))
			return;
	h->n = 0;
}

void hypothesis_cut_invention(struct hypothesis *h, float no_speech_max, float log_p_min)
{
	if (h->no_speech < 0 ? hypothesis_log_p(h) < log_p_min : h->no_speech > no_speech_max)
		h->n = 0;
}

struct writing {
	const struct hypothesis_room *room;
	size_t text_n, spelled_n, words_n;
};

static bool has_room(const struct writing *w, size_t bytes)
{
	return w->words_n < ENGINE_WORDS_MAX && w->text_n + bytes + 2 <= w->room->cap &&
	    w->spelled_n + bytes + 1 <= w->room->cap;
}

/* Tokens from `from` to `to` are one word; its first may begin with spaces. */
static size_t word_bytes(const struct hypothesis *h, size_t from, size_t to)
{
	size_t bytes = 0;

	for (size_t i = from; i < to; i++)
		bytes += strlen(h->tokens[i].bytes);
	return bytes - strspn(h->tokens[from].bytes, " ");
}

static void spell(char *out, const struct hypothesis *h, size_t from, size_t to)
{
	const char *bytes = h->tokens[from].bytes + strspn(h->tokens[from].bytes, " ");

	for (size_t i = from; i < to; i++) {
		size_t n;

		if (i > from)
			bytes = h->tokens[i].bytes;
		n = strlen(bytes);
		memcpy(out, bytes, n);
		out += n;
	}
	*out = '\0';
}

/* The times of tokens are estimates: they are kept in order, and within the audio. */
static void time_word(struct engine_word *word, const struct hypothesis *h, size_t from, size_t to,
    uint32_t not_before)
{
	uint32_t start = (uint32_t)MAX(h->tokens[from].from_ms, 0);
	uint32_t end = (uint32_t)MAX(h->tokens[to - 1].to_ms, 0);

	word->start_ms = MIN(MAX(start, not_before), h->audio_ms);
	word->end_ms = MAX(MIN(end, h->audio_ms), word->start_ms);
}

static float mean_p(const struct hypothesis *h, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += isfinite(h->tokens[i].p) ? (double)h->tokens[i].p : 0;
	return (float)MIN(MAX(sum / (double)(to - from), 0), 1);
}

static void write_word(struct writing *w, const struct hypothesis *h, size_t from, size_t to)
{
	size_t bytes = word_bytes(h, from, to);
	struct engine_word *word = &w->room->words[w->words_n];
	uint32_t not_before = w->words_n == 0 ? 0 : word[-1].start_ms;

	if (bytes == 0 || !has_room(w, bytes))
		return;
	if (w->words_n > 0)
		w->room->text[w->text_n++] = ' ';
	spell(w->room->text + w->text_n, h, from, to);
	word->text = w->room->spelled + w->spelled_n;
	memcpy(w->room->spelled + w->spelled_n, w->room->text + w->text_n, bytes + 1);
	w->text_n += bytes;
	w->spelled_n += bytes + 1;
	time_word(word, h, from, to, not_before);
	word->confidence = mean_p(h, from, to);
	w->words_n++;
}

size_t hypothesis_words(const struct hypothesis *h, const struct hypothesis_room *room)
{
	struct writing w = { .room = room };
	size_t from = 0;

	room->text[0] = '\0';
	for (size_t i = 1; i <= h->n; i++) {
		if (i < h->n && h->tokens[i].bytes[0] != ' ')
			continue;
		write_word(&w, h, from, i);
		from = i;
	}
	return w.words_n;
}
