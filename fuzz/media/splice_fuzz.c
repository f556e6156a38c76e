/* Files one behind the other, whole and in pieces whose size is the first byte: no byte is lost, and they part at the same places. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "base/util.h"
#include "media/splice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct splice s = { 0 };
	uint64_t places = 0;
	struct buffer out;
	bool found = false;

	buffer_init(&out, size + 1);
	for (size_t at = 0, taken; at < size || found; at += taken) {
		assert(
		    splice_feed(&s, data + at, MIN(piece, size - at), &taken, &out, &found) == 0);
		if (found)
			places = places * 31 + out.len;
	}
	assert(splice_flush(&s, &out) == 0);
	assert(out.len == size && (size == 0 || memcmp(buffer_head(&out), data, size) == 0));
	buffer_done(&out);
	return places;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	assert(
	    read_all(data + 1, size - 1, size) == read_all(data + 1, size - 1, data[0] % 61 + 1u));
	return 0;
}
