#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "audio/format.h"
#include "base/error.h"
#include "base/util.h"

static struct format_reader reader_of(enum encoding e, unsigned channels)
{
	struct format f = { e, 16000, channels };
	struct format_reader r;

	format_reader_init(&r, &f);
	return r;
}

static float one(enum encoding e, const void *bytes, size_t n)
{
	struct format_reader r = reader_of(e, 1);
	float x = 9.0f;

	assert_int_equal(format_read(&r, bytes, n, &x), 1);
	return x;
}

static void test_linear_encodings_have_their_known_values(void **state)
{
	static const struct {
		enum encoding e;
		uint8_t bytes[4];
		size_t n;
		float want;
	} rows[] = {
		{ ENCODING_S16LE, { 0x00, 0x80 }, 2, -1.0f },
		{ ENCODING_S16LE, { 0xff, 0x7f }, 2, 32767.0f / 32768.0f },
		{ ENCODING_S16LE, { 0x01, 0x00 }, 2, 1.0f / 32768.0f },
		{ ENCODING_U8, { 0 }, 1, -1.0f }, { ENCODING_U8, { 128 }, 1, 0.0f },
		{ ENCODING_U8, { 255 }, 1, 127.0f / 128.0f },
		{ ENCODING_S24LE, { 0x00, 0x00, 0x80 }, 3, -1.0f },
		{ ENCODING_S24LE, { 0x01, 0x00, 0x00 }, 3, 1.0f / 8388608.0f },
		{ ENCODING_S24LE, { 0x00, 0x00, 0x40 }, 3, 0.5f },
		{ ENCODING_S32LE, { 0x00, 0x00, 0x00, 0x80 }, 4, -1.0f },
		{ ENCODING_S32LE, { 0x00, 0x01, 0x00, 0x00 }, 4, 256.0f / 2147483648.0f },
		{ ENCODING_F32LE, { 0x00, 0x00, 0x00, 0x3f }, 4, 0.5f },
		{ ENCODING_F32LE, { 0x00, 0x00, 0x00, 0xc0 }, 4, -1.0f }, /* -2: clipped */
		{ ENCODING_F32LE, { 0x00, 0x00, 0x80, 0x7f }, 4, 0.0f },  /* infinity */
		{ ENCODING_F32LE, { 0x00, 0x00, 0xc0, 0x7f }, 4, 0.0f },  /* not a number */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(one(rows[i].e, rows[i].bytes, rows[i].n) == rows[i].want);
}

/* Values of G.711's tables 1a, 1b, 2a and 2b, full scale 4096 (A) and 8159 of 8192 (mu). */
static void test_g711_has_the_values_of_its_tables(void **state)
{
	static const struct {
		enum encoding e;
		uint8_t code;
		int want; /* in units of the table */
	} rows[] = {
		{ ENCODING_MULAW, 0x80, 8031 },
		{ ENCODING_MULAW, 0x00, -8031 },
		{ ENCODING_MULAW, 0xff, 0 },
		{ ENCODING_MULAW, 0x7f, 0 },
		{ ENCODING_MULAW, 0x8f, 4191 },
		{ ENCODING_MULAW, 0x9f, 2079 },
		{ ENCODING_MULAW, 0xaf, 1023 },
		{ ENCODING_MULAW, 0xbf, 495 },
		{ ENCODING_MULAW, 0xcf, 231 },
		{ ENCODING_MULAW, 0xdf, 99 },
		{ ENCODING_MULAW, 0xef, 33 },
		{ ENCODING_MULAW, 0xfe, 2 },
		{ ENCODING_MULAW, 0x7e, -2 },
		{ ENCODING_ALAW, 0x80 ^ 0x55, 1 },
		{ ENCODING_ALAW, 0x00 ^ 0x55, -1 },
		{ ENCODING_ALAW, 0xff ^ 0x55, 4032 },
		{ ENCODING_ALAW, 0x7f ^ 0x55, -4032 },
		{ ENCODING_ALAW, 0xf0 ^ 0x55, 2112 },
		{ ENCODING_ALAW, 0xa0 ^ 0x55, 66 },
		{ ENCODING_ALAW, 0x90 ^ 0x55, 33 },
		{ ENCODING_ALAW, 0x8f ^ 0x55, 31 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		float scale = rows[i].e == ENCODING_MULAW ? 8192.0f : 4096.0f;

		assert_true(one(rows[i].e, &rows[i].code, 1) == (float)rows[i].want / scale);
	}
}

static void test_g711_grows_with_its_code(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 127; code++) {
		uint8_t mu[2] = { (uint8_t)~code, (uint8_t) ~(code + 1) };
		uint8_t a[2] = { (uint8_t)((code | 0x80) ^ 0x55),
			(uint8_t)(((code + 1) | 0x80) ^ 0x55) };

		assert_true(one(ENCODING_MULAW, &mu[0], 1) < one(ENCODING_MULAW, &mu[1], 1));
		assert_true(one(ENCODING_ALAW, &a[0], 1) < one(ENCODING_ALAW, &a[1], 1));
	}
}

static void test_two_channels_are_mixed(void **state)
{
	static const int16_t pairs[] = { 1000, 3000, -32768, -32768, 32767, -32767, 5, 6 };
	struct format_reader r = reader_of(ENCODING_S16LE, 2);
	float out[4];

	(void)state;
	assert_int_equal(format_frames(&r, sizeof pairs), 4);
	assert_int_equal(format_read(&r, pairs, sizeof pairs, out), 4);
	assert_true(out[0] == 2000.0f / 32768.0f);
	assert_true(out[1] == -1.0f);
	assert_true(out[2] == 0.0f);
	assert_true(out[3] == 5.5f / 32768.0f);
}

static void test_as_many_channels_as_may_be_are_mixed(void **state)
{
	static const int16_t frames[] = { 800, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct format_reader r = reader_of(ENCODING_S16LE, FORMAT_CHANNELS_MAX);
	float out[2];

	(void)state;
	assert_int_equal(format_read(&r, frames, sizeof frames, out), 2);
	assert_true(out[0] == 100.0f / 32768.0f);
	assert_true(out[1] == 4.5f / 32768.0f);
}

/* Any cut of the bytes gives what the whole gives, and format_frames foretells each part. */
static void check_all_cuts(enum encoding e, unsigned channels)
{
	uint8_t bytes[48];
	float whole[48], parts[48];
	struct format_reader r = reader_of(e, channels);
	size_t frames;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	frames = format_read(&r, bytes, sizeof bytes, whole);
	assert_int_equal(frames, sizeof bytes / format_frame_bytes(&r.format));
	for (size_t step = 1; step <= 17; step++) {
		size_t done = 0;

		r = reader_of(e, channels);
		for (size_t at = 0; at < sizeof bytes; at += step) {
			size_t n = MIN(step, sizeof bytes - at), want = format_frames(&r, n);

			assert_int_equal(format_read(&r, bytes + at, n, parts + done), want);
			done += want;
		}
		assert_int_equal(done, frames);
		assert_memory_equal(parts, whole, frames * sizeof *whole);
	}
}

static void test_samples_split_across_messages_are_put_together(void **state)
{
	(void)state;
	for (unsigned e = 0; e < ENCODINGS; e++) {
		check_all_cuts((enum encoding)e, 1);
		check_all_cuts((enum encoding)e, 2);
		check_all_cuts((enum encoding)e, 3);
		check_all_cuts((enum encoding)e, FORMAT_CHANNELS_MAX);
	}
}

static void test_native_samples_are_copied_whatever_the_cut(void **state)
{
	static const uint8_t bytes[] = { 0x34, 0x12, 0xff, 0x7f, 0x00, 0x80, 0x01, 0x00, 0x77 };
	static const int16_t want[] = { 0x1234, 32767, -32768, 1 };

	(void)state;
	for (size_t step = 1; step <= sizeof bytes; step++) {
		struct format_reader r = reader_of(ENCODING_S16LE, 1);
		int16_t out[8];
		size_t done = 0;

		assert_true(format_is_native(&r.format));
		for (size_t at = 0; at < sizeof bytes; at += step)
			done +=
			    format_copy(&r, bytes + at, MIN(step, sizeof bytes - at), out + done);
		assert_int_equal(done, 4);
		assert_memory_equal(out, want, sizeof want);
		assert_int_equal(r.rest_n, 1);
	}
}

static void test_names_are_parsed_and_others_refused(void **state)
{
	struct error err = ERROR_INIT;
	enum encoding e;

	(void)state;
	for (unsigned i = 0; i < ENCODINGS; i++) {
		assert_int_equal(encoding_parse(encoding_name((enum encoding)i), &e, &err), 0);
		assert_int_equal(e, i);
	}
	assert_int_equal(encoding_parse("mp3", &e, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID);
	assert_string_equal(err.text,
	    "encoding 'mp3' is not supported; pcm_s16le, pcm_s24le, pcm_s32le, pcm_f32le, pcm_u8, "
	    "mulaw or alaw");
}

static void test_a_format_that_cannot_be_is_refused_with_its_value(void **state)
{
	static const struct {
		struct format f;
		const char *want;
	} rows[] = {
		{ { ENCODING_S16LE, 7, 1 }, "sample_rate 7 is not supported; 8000 to 192000" },
		{ { ENCODING_S16LE, 192001, 1 },
		    "sample_rate 192001 is not supported; 8000 to 192000" },
		{ { ENCODING_S16LE, 8000, 0 }, "channels 0 is not supported; 1 to 8" },
		{ { ENCODING_S16LE, 8000, 9 }, "channels 9 is not supported; 1 to 8" },
		{ { ENCODINGS, 8000, 1 }, "encoding 7 is not supported; 0 to 6" },
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(format_check(&rows[i].f, &err), -1);
		assert_string_equal(err.text, rows[i].want);
	}
	assert_int_equal(format_check(&(struct format){ ENCODING_F32LE, 48000, 2 }, &err), 0);
	assert_int_equal(format_bytes_per_s(&(struct format){ ENCODING_F32LE, 48000, 2 }), 384000);
}

static void one_channel_is_read_alone(void **state)
{
	const struct format f = { ENCODING_U8, 8000, 3 };
	const uint8_t frames[] = { 128, 192, 64, 192, 128, 64, 0 };
	struct format_reader r;
	float out[3];

	(void)state;
	for (unsigned only = 1; only <= 3; only++) {
		static const float want[][2] = { { 0, 0.5f }, { 0.5f, 0 }, { -0.5f, -0.5f } };

		format_reader_init(&r, &f);
		format_reader_pick(&r, only);
		assert_int_equal(
		    format_read(&r, frames, 2, out), 0); /* in pieces that are no frames */
		assert_int_equal(format_read(&r, frames + 2, sizeof frames - 2, out), 2);
		assert_memory_equal(out, want[only - 1], sizeof want[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_channel_is_read_alone),
		cmocka_unit_test(test_linear_encodings_have_their_known_values),
		cmocka_unit_test(test_g711_has_the_values_of_its_tables),
		cmocka_unit_test(test_g711_grows_with_its_code),
		cmocka_unit_test(test_two_channels_are_mixed),
		cmocka_unit_test(test_as_many_channels_as_may_be_are_mixed),
		cmocka_unit_test(test_samples_split_across_messages_are_put_together),
		cmocka_unit_test(test_native_samples_are_copied_whatever_the_cut),
		cmocka_unit_test(test_names_are_parsed_and_others_refused),
		cmocka_unit_test(test_a_format_that_cannot_be_is_refused_with_its_value),
	};
	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
