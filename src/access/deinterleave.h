/* deinterleave: takes the channels of raw audio apart, as its bytes come in any pieces. Pure. */
#ifndef ACCESS_DEINTERLEAVE_H
#define ACCESS_DEINTERLEAVE_H

#include <stddef.h>
#include <stdint.h>

enum { DEINTERLEAVE_FRAME_BYTES = 8 };

struct deinterleave { /* plain data; only deinterleave_* write to it */
	unsigned sample_bytes, channels;
	uint8_t
	    rest[DEINTERLEAVE_FRAME_BYTES]; /* the first bytes of a frame that is not whole yet */
	size_t rest_n;                      /* always < sample_bytes * channels */
};

/* sample_bytes is of one channel; sample_bytes * channels <= DEINTERLEAVE_FRAME_BYTES. */
void deinterleave_init(struct deinterleave *d, unsigned sample_bytes, unsigned channels);
/* The most bytes that n more give for one channel. */
size_t deinterleave_room(const struct deinterleave *d, size_t n);
/* Reads all n bytes; out[c] has room for deinterleave_room(n) each. Returns the bytes written to each. */
size_t deinterleave_read(struct deinterleave *d, const void *bytes, size_t n, uint8_t *const *out);

#endif
