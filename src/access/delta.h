/* delta: a growing text for a protocol that can only append: what has been sent is never taken back, so only that part of
 * a partial is sent that has settled. Recognisers look back at the end of an utterance, and may think better of what has been
 * sent all the same: that stands then, and what was said behind it follows. Pure. */
#ifndef ACCESS_DELTA_H
#define ACCESS_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session_event;

struct delta {      /* plain data, zeroed is nothing sent; one for each utterance */
	char *sent; /* owned */
	size_t n;
	uint64_t end_ms; /* of its last word; 0: not known */
};

void delta_reset(struct delta *d); /* for the next utterance; gives the memory back */
/* What is to be sent now of a partial whose first `stable` bytes, whole words, stand. Points into `text`; *n_out 0: nothing,
 * as also where the text has become another one than was sent. */
const char *delta_of_partial(struct delta *d, const char *text, size_t stable, size_t *n_out);
/* To be told of a partial of which something was sent: when that ended. */
void delta_note_time(struct delta *d, const struct session_event *partial);
/* The text begins with what was sent. */
bool delta_goes_on(const struct delta *d, const char *text, size_t n);
/* What is to be sent after the final text: its rest, or nothing where it does not begin with what was sent. */
const char *delta_of_final(struct delta *d, const char *text, size_t n, size_t *n_out);
/* Then: the final's words that were said behind what was sent, by their times, or by their number where these are not known. A
 * blank belongs before them. */
const char *delta_behind(const struct delta *d, const struct session_event *final, size_t *n_out);

#endif
