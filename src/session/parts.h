/* parts: where an utterance is cut that has to be heard in parts, because instances are killed faster than one can hear
 * all of it. A part that was heard need not be heard again. Cuts fall where it is quietest, so between words if there
 * is room between words. Pure. */
#ifndef SESSION_PARTS_H
#define SESSION_PARTS_H

#include <stddef.h>
#include <stdint.h>

enum {
	PARTS_AFTER = 3,      /* so many instances in vain, and the next one hears a part */
	PARTS_SHORTEST = 8000 /* samples */
};

/* How long the next part may be: `left` samples are to be heard, of which instances that were lost, `vain` of them, have
 * come as far as `furthest`. SIZE_MAX: all of it. */
size_t parts_length(size_t left, size_t furthest, size_t vain);
/* Where to cut n samples so that the first part is not longer than `most` and not much shorter: 1..n. n: not at all. */
size_t parts_cut(const int16_t *samples, size_t n, size_t most);

#endif
