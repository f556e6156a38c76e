/* A WAV file of any bytes, once whole and once in pieces whose size is its first byte: both give the same, and no more audio
 * than there were bytes. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "audio/wav.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int read_in_pieces(
    struct wav *w, const uint8_t *data, size_t n, size_t piece, struct buffer *out)
{
	struct error err = ERROR_INIT;

	for (size_t at = 0; at < n; at += piece)
		if (wav_feed(w, data + at, MIN(piece, n - at), out, &err) != 0)
			return -1;
	return wav_finish(w, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wav *whole = wav_new(), *pieces = wav_new();
	struct buffer a, b;
	size_t piece;
	int rc;

	if (n > 0) {
		piece = data[0] % 61 + 1u;
		data++;
		n--;
		buffer_init(&a, n + 1);
		buffer_init(&b, n + 1);
		rc = read_in_pieces(whole, data, n, n + 1, &a);
		assert(rc == read_in_pieces(pieces, data, n, piece, &b));
		assert(a.len <= n && a.len == b.len);
		assert(a.len == 0 || memcmp(buffer_head(&a), buffer_head(&b), a.len) == 0);
		assert(rc != 0 ||
		    (wav_format(whole) != NULL &&
			a.len % format_frame_bytes(wav_format(whole)) == 0));
		buffer_done(&a);
		buffer_done(&b);
	}
	wav_free(&whole);
	wav_free(&pieces);
	return 0;
}
