/* A Wyoming client's bytes, in pieces whose size the first byte says: whatever comes, it is events or one sentence, and the
 * pieces make no difference. The second says whether the others are the bytes or their words. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/wyoming_event.h"
#include "access/wyoming_frame.h"
#include "base/error.h"
#include "base/util.h"
#include "fuzz_words.h"

enum { MAX_BYTES = 1024, STREAM_BYTES = 16384 };

static const char *const words[] = { "{\"type\":\"audio-chunk\"", "}\n",
	",\"data_length\":", ",\"payload_length\":", "0", "3", "14", "39", "99", "-1", "1025",
	"9223372036854775807", "{\"rate\":16000}", "{\"rate\":8000,\"width\":4,\"channels\":1}",
	"{\"language\":1}", "{\"language\":\"de-small\",\"name\":\"de\"}",
	"{\"timestamp\":-7000000}", ",\"data\":", "null", "{}", "[]", "abcdefghijklm", "\n",
	"\"x\"" };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void look_at(const struct wyoming_event *e)
{
	static const struct language_pool pools[] = { { .name = "en" },
		{ .name = "de", .languages = "any" } };
	struct wyoming_format f = { 16000, 2, 1 };
	struct wyoming_wish wish = { .model = "" };
	struct error err;
	struct format ear;

	assert(e->type != NULL && e->data != NULL && e->payload_n <= MAX_BYTES);
	if (wyoming_read_format(e->data, &f, &err) < 0)
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
	ear = wyoming_ear_format(&f);
	assert(format_check(&ear, &err) == 0);
	(void)wyoming_timestamp_ms(e->data);
	wyoming_read_wish(e->data, &wish);
	assert(wyoming_choose(&wish, pools, 2) < 2);
	wyoming_wish_done(&wish);
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

static void read_both_ways(const uint8_t *bytes, size_t n, size_t piece)
{
	struct error whole = ERROR_INIT, pieces = ERROR_INIT;

	if (read_all(bytes, n, n, &whole) != read_all(bytes, n, piece, &pieces))
		abort();
	assert(whole.code == pieces.code);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t stream[STREAM_BYTES];

	if (n < 2)
		return 0;
	if (bytes[1] % 2 == 0)
		read_both_ways(bytes + 2, n - 2, 1 + bytes[0] % 64);
	else
		read_both_ways(stream,
		    fuzz_words(words, ARRAY_SIZE(words), bytes + 2, n - 2, stream, sizeof stream),
		    1 + bytes[0] % 64);
	return 0;
}
