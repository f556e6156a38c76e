/* WAV files of any bytes, one behind the other, or raw audio with headers in it: once whole and once in pieces whose size is the
 * first byte's. Both give the same, and no more audio than there were bytes. A third time what may pass by does. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "audio/wav.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RAW = 64, PIECE_MAX = 61 };

static struct wav *new_of(uint8_t first)
{
	static const struct format raw = { ENCODING_S16LE, 16000, 1 };

	return first & RAW ? wav_new_raw(&raw) : wav_new();
}

/* What passes by is audio too. */
static int read_in_pieces(
    struct wav *w, const uint8_t *data, size_t n, size_t piece, bool passes, struct buffer *out)
{
	struct error err = ERROR_INIT;

	for (size_t at = 0, taken; at < n; at += taken) {
		taken = passes ? wav_pass(w, data + at, MIN(piece, n - at)) : 0;
		if (taken > 0)
			(void)buffer_append(out, data + at, taken);
		else if (wav_feed(w, data + at, MIN(piece, n - at), &taken, out, &err) != 0)
			return -1;
	}
	return wav_finish(w, out, &err);
}

static int read_anew(
    uint8_t first, const uint8_t *data, size_t n, size_t piece, bool passes, struct buffer *out)
{
	struct wav *w = new_of(first);
	int rc;

	buffer_init(out, n + 1);
	rc = read_in_pieces(w, data, n, piece, passes, out);
	assert(out->len <= n);
	assert(rc != 0 || wav_format(w) != NULL);
	wav_free(&w);
	return rc;
}

/* By its first byte: the size of pieces, and whether the stream is said to be raw. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buffer a, b, c;
	size_t piece;
	int rc;

	if (n == 0)
		return 0;
	piece = data[0] % PIECE_MAX + 1u;
	rc = read_anew(data[0], data + 1, n - 1, n, false, &a);
	assert(rc == read_anew(data[0], data + 1, n - 1, piece, false, &b));
	assert(a.len == b.len);
	assert(a.len == 0 || memcmp(buffer_head(&a), buffer_head(&b), a.len) == 0);
	assert(rc == read_anew(data[0], data + 1, n - 1, piece, true, &c));
	assert(a.len == c.len);
	assert(a.len == 0 || memcmp(buffer_head(&a), buffer_head(&c), a.len) == 0);
	buffer_done(&a);
	buffer_done(&b);
	buffer_done(&c);
	return 0;
}
