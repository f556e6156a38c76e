#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/stt_packet.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"

enum { PACKET_MAX = 1024 };

static size_t make(uint8_t *out, const char *json, const char *pcm, size_t pcm_n)
{
	size_t n = strlen(json);

	out[0] = (uint8_t)n;
	out[1] = (uint8_t)(n >> 8);
	out[2] = out[3] = 0;
	memcpy(out + 4, json, n);
	memcpy(out + 4 + n, pcm, pcm_n);
	return 4 + n + pcm_n;
}

static struct row {
	const char *name, *json;
	size_t pcm_n;
	const char *strict, *loose; /* a part of the sentence; NULL: it is taken */
} rows[] = {
	{ "a sample rate is enough", "{\"sampleRate\":16000}", 4, NULL, NULL },
	{ "a whole number may be written with a point", "{\"sampleRate\":16000.0}", 4, NULL, NULL },
	{ "whatever else is there is passed over", "{\"sampleRate\":8000,\"x\":[{}]}", 2, NULL,
	    NULL },
	{ "no sample rate", "{}", 4, "'sampleRate' must be a positive", "'sampleRate' must be" },
	{ "a negative sample rate", "{\"sampleRate\":-1}", 4, "'sampleRate' must",
	    "'sampleRate' must" },
	{ "a sample rate as text", "{\"sampleRate\":\"8000\"}", 4, NULL, NULL },
	{ "a sample rate that is text and no number", "{\"sampleRate\":\"8 kHz\"}", 4,
	    "positive integer", "positive integer" },
	{ "true is no sample rate", "{\"sampleRate\":true}", 4, "positive integer",
	    "positive integer" },
	{ "an endless sample rate", "{\"sampleRate\":1e300}", 4, "positive integer",
	    "positive integer" },
	{ "not JSON", "{", 4, "invalid JSON", "invalid JSON" },
	{ "not an object", "[]", 4, "must be a JSON object", "must be a JSON object" },
	{ "nine channels", "{\"sampleRate\":8000,\"channels\":9}", 0, "from 1 to 8", NULL },
	{ "another format", "{\"sampleRate\":8000,\"format\":\"f32\"}", 0, "only pcm_s16le", NULL },
	{ "half a sample", "{\"sampleRate\":8000}", 3, "aligned to whole frames of 2", NULL },
	{ "half a frame", "{\"sampleRate\":8000,\"channels\":2}", 6, "whole frames of 4", NULL },
	{ "frames that are there", "{\"sampleRate\":8000,\"channels\":2,\"frames\":2}", 8, NULL,
	    NULL },
	{ "frames that are not there", "{\"sampleRate\":8000,\"frames\":3}", 4, "is 2", NULL },
};

static void check(
    const struct row *r, enum stt_packet_care care, const char *want, struct stt_packet *p)
{
	static const char pcm[8];
	uint8_t bytes[PACKET_MAX];
	struct error err = ERROR_INIT;
	size_t n = make(bytes, r->json, pcm, r->pcm_n);
	int rc = stt_packet_read(bytes, n, care, p, &err);

	assert_int_equal(rc, want == NULL ? 0 : -1);
	if (want != NULL)
		assert_non_null(strstr(err.text, want));
	else
		assert_int_equal(p->pcm_bytes, r->pcm_n);
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct stt_packet p;

	check(r, STT_PACKET_STRICT, r->strict, &p);
	check(r, STT_PACKET_LOOSE, r->loose, &p);
	assert_int_equal(p.channels, 1);
}

static void lengths_that_lie_are_refused(void **state)
{
	const uint8_t all[] = { 3, 0, 0, 0, '{', '}' }, huge[] = { 1, 0, 1, 0, '{', '}' };
	static uint8_t large[STT_PACKET_BYTES_MAX + 1];
	struct stt_packet p;
	struct error err;

	(void)state;
	for (size_t n = 0; n < 4; n++) {
		assert_int_equal(stt_packet_read(all, n, STT_PACKET_STRICT, &p, &err), -1);
		assert_string_equal(err.text, "audio packet is missing metadata length");
	}
	assert_int_equal(stt_packet_read(all, sizeof all, STT_PACKET_STRICT, &p, &err), -1);
	assert_string_equal(err.text, "audio packet metadata is incomplete");
	assert_int_equal(stt_packet_read(huge, sizeof huge, STT_PACKET_STRICT, &p, &err), -1);
	assert_non_null(strstr(err.text, "too large: 65537"));
	assert_int_equal(stt_packet_read(large, sizeof large, STT_PACKET_STRICT, &p, &err), -1);
	assert_int_equal(err.code, ERROR_LIMIT);
}

static void channels_are_averaged(void **state)
{
	const int16_t samples[] = { 32767, 32767, 32767, 32767, -32768, -32768, -32768, -32768, 100,
		-100, 40, 0 };
	const struct stt_packet p = { 8000, 4, (const uint8_t *)samples, sizeof samples };
	const struct stt_packet none = { 8000, 4, (const uint8_t *)samples, 0 };
	const int16_t want[] = { 32767, -32768, 10 };
	struct buffer out;

	(void)state;
	buffer_init(&out, sizeof want);
	assert_int_equal(stt_packet_mix(&none, &out), 0);
	assert_int_equal(stt_packet_mix(&p, &out), 0);
	assert_int_equal(out.len, sizeof want);
	assert_memory_equal(buffer_head(&out), want, sizeof want);
	assert_int_equal(stt_packet_mix(&p, &out), -1);
	buffer_done(&out);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest)cmocka_unit_test(lengths_that_lie_are_refused);
	tests[ARRAY_SIZE(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(channels_are_averaged);
	return cmocka_run_group_tests_name("stt_packet", tests, NULL, NULL);
}
