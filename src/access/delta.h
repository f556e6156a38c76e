/* delta: a growing text for a protocol that can only append: what has been sent is never taken back, so only that part of
 * a partial is sent that will not change. Pure. */
#ifndef ACCESS_DELTA_H
#define ACCESS_DELTA_H

#include <stddef.h>

struct delta {      /* plain data, zeroed is nothing sent; one for each utterance */
	char *sent; /* owned */
	size_t n;
};

void delta_reset(struct delta *d); /* for the next utterance; gives the memory back */
/* What is to be sent now of a partial whose first `stable` bytes, whole words, stand. Points into `text`; *n_out 0: nothing,
 * as also where the text has become another one than was sent. */
const char *delta_of_partial(struct delta *d, const char *text, size_t stable, size_t *n_out);
/* What is to be sent after the final text: its rest, or nothing where it does not begin with what was sent. */
const char *delta_of_final(struct delta *d, const char *text, size_t n, size_t *n_out);

#endif
