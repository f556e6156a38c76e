#include "access/deinterleave.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"

void deinterleave_init(struct deinterleave *d, unsigned sample_bytes, unsigned channels)
{
	assert(sample_bytes > 0 && channels > 0 &&
	    sample_bytes * channels <= DEINTERLEAVE_FRAME_BYTES);
	*d = (struct deinterleave){ .sample_bytes = sample_bytes, .channels = channels };
}

static size_t frame_bytes(const struct deinterleave *d)
{
	return (size_t)d->sample_bytes * d->channels;
}

size_t deinterleave_room(const struct deinterleave *d, size_t n)
{
	return (d->rest_n + n) / frame_bytes(d) * d->sample_bytes;
}

static void split(
    const struct deinterleave *d, const uint8_t *frame, uint8_t *const *out, size_t at)
{
	for (unsigned c = 0; c < d->channels; c++)
		memcpy(out[c] + at, frame + (size_t)c * d->sample_bytes, d->sample_bytes);
}

size_t deinterleave_read(struct deinterleave *d, const void *bytes, size_t n, uint8_t *const *out)
{
	const uint8_t *from = bytes, *end = from + n;
	size_t written = 0;

	while (d->rest_n + (size_t)(end - from) >= frame_bytes(d)) {
		size_t missing = frame_bytes(d) - d->rest_n;

		memcpy(d->rest + d->rest_n, from, missing);
		from += missing;
		d->rest_n = 0;
		split(d, d->rest, out, written);
		written += d->sample_bytes;
	}
	memcpy(d->rest + d->rest_n, from, (size_t)(end - from));
	d->rest_n += (size_t)(end - from);
	return written;
}
