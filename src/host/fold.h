/* fold: speech that was recorded at 8 to 11 kHz, for engines that know wide band only. Made 16 kHz it has nothing from 4 or 5.5 kHz up, which
 * such an engine takes for a sound that it never heard; so the lower half is mirrored there, quieter.
 *
 * A sample's share depends on it and on whether its place in the utterance is odd, and on nothing else: so on no chunking, and
 * a replay hears the same. Pure. */
#ifndef HOST_FOLD_H
#define HOST_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fold { /* of an utterance; zeroed: nothing is folded */
	bool on;
	bool odd; /* the next sample's place */
};

/* Whether of speech recorded at that rate so much is missing that its mirror image is of use; 0, not known: no. */
bool fold_is_narrow(unsigned rate_hz);
void fold_init(struct fold *f, bool on);
/* The next n of the utterance, in their place. */
void fold_samples(struct fold *f, int16_t *samples, size_t n);

#endif
