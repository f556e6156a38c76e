/* text: which part of an utterance's partials has settled. A prefix of whole words counts as stable once
 * `agree` partials in a row began with it, and the oftener a word has stood the likelier it is to stay. Where each partial is a
 * decode of its own, two say enough (LocalAgreement-2: Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition and
 * Translation by Partial Hypothesis Selection", Interspeech 2020); an engine that streams repeats itself, so there it takes
 * more. Pure; one for each utterance. */
#ifndef SESSION_TEXT_H
#define SESSION_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { TEXT_AGREE = 3, TEXT_WORDS_MAX = 256 };

struct text {
	unsigned agree; /* 2..TEXT_AGREE */
	char *last;     /* owned: the partial before */
	size_t last_bytes;
	/* How much of each partial agreed with the one before, newest first. */
	size_t agreed[TEXT_AGREE - 2];
	size_t stable;
	uint64_t
	    at; /* of the last partial, in the caller's measure; of the first that had each word: */
	uint64_t since[TEXT_WORDS_MAX]; /* what `stood` counts from */
	uint8_t stood
	    [TEXT_WORDS_MAX]; /* partials in a row that had this word, and those before it, too */
};

void text_init(struct text *t);
void text_done(struct text *t);
/* Takes the next partial; the bytes of it that are stable. Shrinks only where the text itself changed there. */
size_t text_partial(struct text *t, const char *partial, size_t n);
/* The same, and `at` says how much had been heard for it: rising. */
size_t text_partial_at(struct text *t, const char *partial, size_t n, uint64_t at);
/* The bytes of its whole words that have stood while so much was heard. */
size_t text_settled(const struct text *t, uint64_t while_heard);
/* How likely word i of the last partial is to be in the next one, by the rule of succession: 1/2 of a new one, 2/3 of one that stood
 * once, 3/4, 4/5, ... */
float text_confidence(const struct text *t, size_t i);
float text_confidence_of_all(const struct text *t); /* the mean of its words */
/* What is stable stays as it was told: where the next partial does not begin with it, these words of it are, and of the partial all that
 * follows as many. To be freed; NULL: the partial may be told as it is. */
char *text_keep_stable(const struct text *t, const char *partial, size_t n, size_t *n_out);
/* So much will not change any more: as if partials had begun with it for long. No effect where that is less than what is stable, or
 * other words. */
void text_settle(struct text *t, const char *text, size_t n);
/* What of the last partial is stable, to the end of its last word; lent until the next. */
const char *text_stable(const struct text *t, size_t *n_out);

#endif
