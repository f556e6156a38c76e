/* wording: how a text is told, where its engine writes words only (IPC_TELLS_PUNCTUATION says who does more): a capital at the beginning,
 * a full stop at the end, one space between two words, which are RealtimeSTT's rules; and of what stands there over and over a
 * few times, for an engine that goes in circles.
 *
 * A text that grows is told as one that grows: what was told of its beginning stands, so a full stop is only at the end of a whole
 * one, and of what may still become one repetition too many nothing is told before it is something else.
 *
 * A phrase of 2 to 12 words is told three times in a row at most, a word six times, so that what is said with a meaning ("no no
 * no") is not shortened; what has digits in it, never. Somebody may say a sentence four times all the same, so this is for who asks for
 * it. Pure. */
#ifndef SESSION_WORDING_H
#define SESSION_WORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipc_result;
struct ipc_word;

enum { WORDING_PHRASE_WORDS = 12, WORDING_PHRASE_TIMES = 3, WORDING_WORD_TIMES = 6 };

struct wording {        /* plain data; zeroed: as the engine writes it */
	bool uppercase; /* the first letter, where its script has capitals */
	bool
	    full_stop; /* "." behind the last letter, where its script's sentences are ended so (letter.h) */
	bool clean_spaces; /* none around it, and one " " for any between */
	bool clean_repeats;
};

extern const struct wording wording_tidy; /* all but the repeats */

enum wording_of {
	WORDING_GROWING, /* a partial */
	WORDING_BROKEN,  /* only the beginning of what was said, and there will be no more */
	WORDING_WHOLE,   /* a final */
};

struct worded_word {
	size_t from, to;           /* of the text as it was */
	size_t told_from, told_to; /* of the one that is told; both the same: it is not told */
};

struct worded {     /* zeroed: told as it was */
	char *text; /* owned; not terminated */
	size_t bytes;
	struct worded_word *words; /* owned; of the text as it was */
	size_t words_n;
	struct ipc_word *told_words; /* owned; of a result */
};

/* Into an empty *out. What is no UTF-8 comes through as it is. */
void wording_make(
    const struct wording *w, enum wording_of of, const char *text, size_t n, struct worded *out);
/* Where in the told text stands what ended at that byte of the text as it was; rises with it. */
size_t worded_place(const struct worded *w, size_t at);
/* The same for a result: its text and words borrow from *out then, not touching those that it had, and where there is a word in it for each of the text's, they are
 * spelled as they are in there, and are as many. Of one whose words are others nothing is taken out. */
void wording_result(
    const struct wording *w, enum wording_of of, struct ipc_result *r, struct worded *out);
void worded_done(struct worded *w);

#endif
