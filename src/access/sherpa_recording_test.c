#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/sherpa_recording.h"
#include "base/test_rows.h"
#include "base/util.h"

enum { LIVE_BYTES = 32000 };

static struct row {
	const char *name;
	uint32_t first, second;
	size_t n; /* bytes of the message */
	bool want;
} rows[] = {
	{ "16 kHz and a second of audio", 16000, 64000, 8, true },
	{ "the same with its audio behind", 16000, 64000, LIVE_BYTES, true },
	{ "a rate that is not heard", 200000, 4, 8, true },
	{ "no audio", 8000, 0, 8, true },
	{ "a length of half a sample is one that is refused", 16000, 63999, 8, true },
	{ "a long one", 48000, 2147483644, 8, true },
	{ "a negative length", 16000, 0x80000000, 8, false },
	{ "silence", 0, 0, LIVE_BYTES, false },
	{ "the faintest sample of 16 bits", 0x38000000, 0x38000000, LIVE_BYTES, false },
	{ "the faintest of 24 bits, and negative", 0xb4000000, 0x34000000, LIVE_BYTES, false },
	{ "seven bytes", 16000, 64000, 7, false },
	{ "the length alone, as long ago", 64000, 0, 4, true },
	{ "a single sample", 0x38000000, 0, 4, false },
	{ "a single sample of silence", 0, 0, 4, false },
	{ "nothing", 0, 0, 0, false },
};

static void put(uint8_t *to, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

static void a_header_is_told_from_samples(void **state)
{
	const struct row *r = *state;
	uint8_t both[8], *bytes = xcalloc(r->n + 1, 1); /* ASan sees a read behind the end */

	put(both, r->first);
	put(both + 4, r->second);
	memcpy(bytes + 1, both, MIN(r->n, sizeof both));
	assert_int_equal(sherpa_recording_begins(bytes + 1, r->n), r->want);
	free(bytes);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, a_header_is_told_from_samples);
	return cmocka_run_group_tests_name("sherpa_recording", tests, NULL, NULL);
}
