/* A Wyoming client's bytes, in pieces whose size the first byte says: whatever comes, it is events or one sentence, and the
 * pieces make no difference. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/wyoming_event.h"
#include "access/wyoming_frame.h"
#include "base/error.h"

enum { MAX_BYTES = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void look_at(const struct wyoming_event *e)
{
	static const char *const pools[] = { "en", "de" };
	struct wyoming_format f = { 16000, 2, 1 };
	struct wyoming_rest rest = { 0 };
	struct wyoming_wish wish;
	struct error err;
	uint8_t out[MAX_BYTES + 4];

	assert(e->type != NULL && e->data != NULL && e->payload_n <= MAX_BYTES);
	if (wyoming_read_format(e->data, &f, &err) < 0)
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
	assert(f.width >= 1 && f.width <= 4 && f.channels >= 1 && f.channels <= 2);
	if (f.width > 2)
		assert(wyoming_shorten(&rest, f.width, e->payload, e->payload_n, out) <=
		    e->payload_n + 4);
	(void)wyoming_timestamp_ms(e->data);
	wyoming_read_wish(e->data, &wish);
	assert(wyoming_choose(&wish, pools, 2) < 2);
}

/* Events before the end or the first sentence. */
static unsigned read_all(const uint8_t *bytes, size_t n, size_t piece, struct error *err)
{
	struct wyoming_reader r;
	struct wyoming_event e;
	enum wyoming_progress p = WYOMING_MORE;
	unsigned events = 0;
	size_t taken;

	wyoming_reader_init(&r, MAX_BYTES);
	for (size_t at = 0; at < n && p != WYOMING_BAD; at += taken) {
		size_t now = n - at < piece ? n - at : piece;

		p = wyoming_read(&r, bytes + at, now, &taken, &e, err);
		assert(p == WYOMING_BAD || taken > 0);
		if (p != WYOMING_EVENT)
			continue;
		events++;
		look_at(&e);
	}
	assert(p != WYOMING_BAD || err->text[0] != '\0');
	wyoming_reader_done(&r);
	return events;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct error whole = ERROR_INIT, pieces = ERROR_INIT;
	size_t piece = n == 0 ? 1 : 1 + bytes[0] % 64;

	assert(n == 0 ||
	    read_all(bytes + 1, n - 1, n, &whole) == read_all(bytes + 1, n - 1, piece, &pieces));
	assert(whole.code == pieces.code);
	return 0;
}
