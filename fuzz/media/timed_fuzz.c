/* What a decoder that was taken over may write where times and audio are expected: whole, and in pieces whose size is the first byte;
 * both give the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "media/timed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1 << 20, PIECE = 1000 };

struct sums {
	uint64_t audio, silence, sum;
	int broken;
};

static struct sums read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct sums s = { 0 };
	struct timed t;

	timed_init(&t, size % 2 == 0);
	for (size_t at = 0; at < size && s.silence < LIMIT; at += piece) {
		struct timed_piece p;

		timed_feed(&t, data + at, MIN(piece, size - at));
		while (s.silence < LIMIT && (p = timed_next(&t, PIECE)).kind != TIMED_NOTHING) {
			s.broken += p.kind == TIMED_BROKEN;
			s.silence += p.kind == TIMED_SILENCE ? p.n : 0;
			s.audio += p.kind == TIMED_AUDIO ? p.n : 0;
			for (size_t i = 0; p.kind == TIMED_AUDIO && i < p.n; i++)
				s.sum = s.sum * 31 + p.bytes[i];
		}
	}
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sums whole, pieces;

	if (size < 2)
		return 0;
	whole = read_all(data + 1, size - 1, size);
	pieces = read_all(data + 1, size - 1, data[0] % 61 + 1u);
	assert(whole.audio <= size && whole.audio == pieces.audio && whole.sum == pieces.sum);
	assert(whole.silence == pieces.silence && whole.broken == pieces.broken);
	return 0;
}
