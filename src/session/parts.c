#include "session/parts.h"

#include "base/util.h"

enum { FRAME = 320, STEP = 160 };

/* Half of what one of them could do, and half again each time that this was too much. */
size_t parts_length(size_t left, size_t furthest, size_t vain)
{
	size_t length = MIN(left, furthest);

	if (vain < PARTS_AFTER)
		return SIZE_MAX;
	for (size_t i = PARTS_AFTER; i <= vain && length > PARTS_SHORTEST; i++)
		length /= 2;
	return MAX(length, (size_t)PARTS_SHORTEST);
}

static uint64_t loudness(const int16_t *samples)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FRAME; i++)
		sum += (uint64_t)(samples[i] < 0 ? -(int)samples[i] : samples[i]);
	return sum;
}

size_t parts_cut(const int16_t *samples, size_t n, size_t most)
{
	uint64_t least = UINT64_MAX, now;
	size_t best = most;

	if (n <= most || n - most < PARTS_SHORTEST / 2)
		return n;
	for (size_t at = most / 2; at + FRAME <= most; at += STEP) {
		now = loudness(samples + at);
		if (now > least)
			continue;
		least = now;
		best = at + FRAME / 2;
	}
	return best;
}
