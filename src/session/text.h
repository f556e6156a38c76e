/* text: which part of an utterance's partials has settled. A prefix of whole words counts as stable once
 * `TEXT_AGREE` partials in a row began with it. Pure; one for each utterance. */
#ifndef SESSION_TEXT_H
#define SESSION_TEXT_H

#include <stddef.h>

enum { TEXT_AGREE = 3 };

struct text {
	char *last; /* owned: the partial before */
	size_t last_bytes;
	/* How much of each partial agreed with the one before, newest first. */
	size_t agreed[TEXT_AGREE - 2];
	size_t stable;
};

void text_init(struct text *t);
void text_done(struct text *t);
/* Takes the next partial; the bytes of it that are stable. Shrinks only where the text itself changed there. */
size_t text_partial(struct text *t, const char *partial, size_t n);

#endif
