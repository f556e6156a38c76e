#include "engine/blocks.h"

#include <string.h>

#include "base/util.h"

int blocks_add(struct blocks *b, const int16_t *samples, size_t n, blocks_decode_f *decode,
    struct engine *engine, struct error *err)
{
	while (n > 0) {
		size_t take = MIN(n, BLOCKS_SAMPLES - b->n);

		memcpy(b->samples + b->n, samples, take * sizeof *samples);
		b->n += take;
		samples += take;
		n -= take;
		if (b->n < BLOCKS_SAMPLES)
			break;
		b->n = 0;
		if (decode(engine, b->samples, BLOCKS_SAMPLES, err) < 0)
			return -1;
	}
	return 0;
}

int blocks_end(struct blocks *b, blocks_decode_f *decode, struct engine *engine, struct error *err)
{
	size_t n = b->n;

	b->n = 0;
	return decode(engine, b->samples, n, err);
}
