#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/wav.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"

enum {
	TAG_PCM = 1,
	TAG_ADPCM = 2,
	TAG_FLOAT = 3,
	TAG_ALAW = 6,
	TAG_MULAW = 7,
	TAG_EXTENSIBLE = 0xfffe
};

/* A file to build: what a row leaves 0 is what a well-formed file has. */
struct row {
	const char *name;
	unsigned tag, bits, channels, rate;
	unsigned sub_tag;   /* of an extensible format */
	const char *before; /* a chunk before the format: its bytes */
	uint32_t data_size; /* what the header says, if `lie` */
	int lie, align;
	unsigned audio_bytes; /* in the file: 1, 2, 3, ... */
	enum encoding encoding;
	unsigned want_bytes; /* that come out */
	const char *want;    /* the error instead */
};

static size_t put(uint8_t *to, size_t at, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[at + i] = (uint8_t)(value >> 8 * i);
	return at + bytes;
}

static size_t put_text(uint8_t *to, size_t at, const char *text)
{
	memcpy(to + at, text, strlen(text));
	return at + strlen(text);
}

static size_t put_fmt(uint8_t *to, size_t at, const struct row *r)
{
	static const uint8_t tail[14] = { 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b,
		0x71 };
	unsigned frame = r->align != 0 ? (unsigned)r->align : r->channels * ((r->bits + 7) / 8);

	at = put_text(to, at, "fmt ");
	at = put(to, at, r->tag == TAG_EXTENSIBLE ? 40 : 16, 4);
	at = put(to, at, r->tag, 2);
	at = put(to, at, r->channels, 2);
	at = put(to, at, r->rate, 4);
	at = put(to, at, r->rate * frame, 4);
	at = put(to, at, frame, 2);
	at = put(to, at, r->bits, 2);
	if (r->tag != TAG_EXTENSIBLE)
		return at;
	at = put(to, at, 22, 2);
	at = put(to, at, r->bits, 2);
	at = put(to, at, 0, 4);
	at = put(to, at, r->sub_tag, 2);
	memcpy(to + at, tail, sizeof tail);
	return at + sizeof tail;
}

static size_t build(uint8_t *to, const struct row *r)
{
	size_t at = put_text(to, 0, "RIFF");

	at = put(to, at, 1000, 4);
	at = put_text(to, at, "WAVE");
	if (r->before != NULL) {
		at = put_text(to, at, "LIST");
		at = put(to, at, (uint32_t)strlen(r->before), 4);
		at = put_text(to, at, r->before);
		at = put(to, at, 0, strlen(r->before) % 2);
	}
	if (r->tag != 0)
		at = put_fmt(to, at, r);
	at = put_text(to, at, "data");
	at = put(to, at, r->lie ? r->data_size : r->audio_bytes, 4);
	for (unsigned i = 0; i < r->audio_bytes; i++)
		to[at++] = (uint8_t)(i + 1);
	if (!r->lie)
		at = put_text(to, at, "LISTtrailing chunks are not audio");
	return at;
}

static const struct row rows[] = {
	{ "16 bit mono goes as it is", TAG_PCM, 16, 1, 16000, .audio_bytes = 8, .want_bytes = 8 },
	{ "16 bit stereo goes as it is", TAG_PCM, 16, 2, 44100, .audio_bytes = 8, .want_bytes = 8 },
	{ "8 bit goes as it is", TAG_PCM, 8, 1, 8000, .audio_bytes = 5, .encoding = ENCODING_U8,
	    .want_bytes = 5 },
	{ "24 bit goes as it is", TAG_PCM, 24, 1, 16000, .audio_bytes = 9,
	    .encoding = ENCODING_S24LE, .want_bytes = 9 },
	{ "24 bit of six channels", TAG_PCM, 24, 6, 96000, .audio_bytes = 36,
	    .encoding = ENCODING_S24LE, .want_bytes = 36 },
	{ "32 bit goes as it is", TAG_PCM, 32, 1, 16000, .audio_bytes = 8,
	    .encoding = ENCODING_S32LE, .want_bytes = 8 },
	{ "24 bit in four bytes keep their upper three", TAG_PCM, 24, 1, 16000, .align = 4,
	    .audio_bytes = 8, .encoding = ENCODING_S24LE, .want_bytes = 6 },
	{ "20 bit stand in three bytes", TAG_PCM, 20, 1, 16000, .audio_bytes = 6,
	    .encoding = ENCODING_S24LE, .want_bytes = 6 },
	{ "float goes as it is", TAG_FLOAT, 32, 1, 16000, .audio_bytes = 8,
	    .encoding = ENCODING_F32LE, .want_bytes = 8 },
	{ "A-law goes as it is", TAG_ALAW, 8, 1, 8000, .audio_bytes = 3, .encoding = ENCODING_ALAW,
	    .want_bytes = 3 },
	{ "mu-law goes as it is", TAG_MULAW, 8, 1, 8000, .audio_bytes = 3,
	    .encoding = ENCODING_MULAW, .want_bytes = 3 },
	{ "extensible is what its GUID says", TAG_EXTENSIBLE, 32, 1, 16000, .sub_tag = TAG_FLOAT,
	    .audio_bytes = 8, .encoding = ENCODING_F32LE, .want_bytes = 8 },
	{ "a chunk before the format is passed over", TAG_PCM, 16, 1, 16000, .before = "even",
	    .audio_bytes = 4, .want_bytes = 4 },
	{ "an odd chunk has a byte of padding", TAG_PCM, 16, 1, 16000, .before = "odd",
	    .audio_bytes = 4, .want_bytes = 4 },
	{ "an empty chunk has no bytes", TAG_PCM, 16, 1, 16000, .before = "", .audio_bytes = 4,
	    .want_bytes = 4 },
	{ "size 0 goes on to the end", TAG_PCM, 16, 1, 16000, .lie = 1, .data_size = 0,
	    .audio_bytes = 6, .want_bytes = 6 },
	{ "size -1 goes on to the end", TAG_PCM, 16, 1, 16000, .lie = 1, .data_size = 0xffffffff,
	    .audio_bytes = 6, .want_bytes = 6 },
	{ "a truncated file gives what there is", TAG_PCM, 16, 1, 16000, .lie = 1, .data_size = 100,
	    .audio_bytes = 6, .want_bytes = 6 },
	{ "half a frame at the end is dropped", TAG_PCM, 16, 2, 16000, .lie = 1, .data_size = 100,
	    .audio_bytes = 6, .want_bytes = 4 },
	{ "other codecs are refused by number", TAG_ADPCM, 4, 1, 16000,
	    .want = "WAV format 2 with 4 bits is not supported; PCM with 8, 16, 24 or 32, float "
		    "with 32 or 64, A-law and mu-law with 8" },
	{ "float with 16 bit is refused", TAG_FLOAT, 16, 1, 16000,
	    .want = "WAV format 3 with 16 bits is not supported; PCM with 8, 16, 24 or 32, float "
		    "with 32 or 64, A-law and mu-law with 8" },
	{ "a strange extensible format is refused", TAG_EXTENSIBLE, 16, 1, 16000, .sub_tag = 0x55,
	    .want = "WAV format 85 with 16 bits is not supported; PCM with 8, 16, 24 or 32, float "
		    "with 32 or 64, A-law and mu-law with 8" },
	{ "nine channels are refused", TAG_PCM, 16, 9, 16000,
	    .want = "channels 9 is not supported; 1 to 8" },
	{ "no channels are refused", TAG_PCM, 16, 0, 16000,
	    .want = "channels 0 is not supported; 1 to 8" },
	{ "384 kHz is refused", TAG_PCM, 16, 1, 384000,
	    .want = "sample_rate 384000 is not supported; 8000 to 192000" },
	{ "a frame of a wrong size is refused", TAG_PCM, 16, 2, 16000, .align = 2,
	    .want = "the WAV file says 2 bytes a frame, but its format makes 4" },
	{ "audio without a format is refused", .audio_bytes = 4,
	    .want = "the audio of the WAV file comes before its format" },
};

static int feed(struct wav *w, const uint8_t *bytes, size_t n, size_t piece, struct buffer *out,
    struct error *err)
{
	for (size_t at = 0, taken; at < n; at += taken)
		if (wav_feed(w, bytes + at, MIN(piece, n - at), &taken, out, err) != 0)
			return -1;
	return wav_finish(w, out, err);
}

/* What byte i of the output is: the file's bytes count from 1, and of samples that stand in more bytes the lower are missing. */
static uint8_t expected(const struct row *r, size_t i)
{
	size_t bytes = (r->bits + 7) / 8,
	       wide = r->align == 0 ? bytes : (size_t)r->align / r->channels;

	return (uint8_t)(i / bytes * wide + wide - bytes + i % bytes + 1);
}

static void check_audio(const struct row *r, struct wav *w, const struct buffer *out)
{
	const struct format *f = wav_format(w);

	assert_int_equal(f->encoding, r->encoding);
	assert_int_equal(f->channels, r->channels);
	assert_int_equal(f->rate_hz, r->rate);
	assert_int_equal(out->len, r->want_bytes);
	for (size_t i = 0; i < out->len; i++)
		assert_int_equal(buffer_head(out)[i], expected(r, i));
	if (!r->lie)
		assert_int_equal(wav_frames(w),
		    r->audio_bytes /
			(r->align != 0 ? (unsigned)r->align : r->channels * ((r->bits + 7) / 8)));
	else if (r->data_size == 0 || r->data_size == UINT32_MAX)
		assert_int_equal(wav_frames(w), 0);
}

static void check_row(const struct row *r, size_t piece)
{
	struct error err = ERROR_INIT;
	struct wav *w = wav_new();
	struct buffer out;
	uint8_t file[256];
	size_t n = build(file, r);

	buffer_init(&out, 1000);
	if (r->want == NULL) {
		if (feed(w, file, n, piece, &out, &err) != 0)
			fail_msg("%s", err.text);
		check_audio(r, w, &out);
	} else {
		assert_int_equal(feed(w, file, n, piece, &out, &err), -1);
		assert_string_equal(err.text, r->want);
	}
	buffer_done(&out);
	wav_free(&w);
}

static void test_row(void **state)
{
	const struct row *r = *state;

	for (size_t piece = 1; piece < 64; piece++)
		check_row(r, piece);
	check_row(r, 256);
}

static void expect_error(const char *bytes, size_t n, const char *want)
{
	struct error err = ERROR_INIT;
	struct wav *w = wav_new();
	struct buffer out;

	buffer_init(&out, 1000);
	assert_int_equal(feed(w, (const uint8_t *)bytes, n, 7, &out, &err), -1);
	assert_string_equal(err.text, want);
	assert_null(wav_format(w));
	buffer_done(&out);
	wav_free(&w);
}

static void test_what_is_no_wav_file_is_refused(void **state)
{
	(void)state;
	expect_error("", 0, "this is not a WAV file");
	expect_error("RIFF", 4, "this is not a WAV file");
	expect_error("ID3\4\0\0\0\0\0\0\0\0\0\0", 14, "this is not a WAV file");
	expect_error("RIFF\1\1\1\1AVI LIST", 16, "this is not a WAV file");
	expect_error("RF64\1\1\1\1WAVEds64\1\0\0\0", 20,
	    "the chunk ds64 of the WAV file has 1 bytes; allowed is 24 to 65536");
	expect_error("RIFF\1\1\1\1WAVEfmt ", 16, "the WAV file ends before its audio begins");
	expect_error("RIFF\1\1\1\1WAVEfmt \0\1\1\0", 20,
	    "the format of the WAV file has 65792 bytes; allowed is 16 to 256");
	expect_error("RIFF\1\1\1\1WAVEJUNK\377\377\377\377nothing", 27,
	    "the WAV file ends before its audio begins");
}

static void test_a_full_buffer_is_an_error(void **state)
{
	const struct row r = { "", TAG_PCM, 24, 1, 16000, .audio_bytes = 90,
		.encoding = ENCODING_S24LE };
	struct error err = ERROR_INIT;
	struct wav *w = wav_new();
	struct buffer out;
	uint8_t file[256];
	size_t n = build(file, &r), taken;

	(void)state;
	buffer_init(&out, 89);
	assert_int_equal(wav_feed(w, file, n, &taken, &out, &err), -1);
	assert_string_equal(err.text, "there is no room for 90 more bytes of audio");
	buffer_done(&out);
	wav_free(&w);
}

static bool is_foreign(const void *file, size_t n)
{
	struct wav *w = wav_new();
	struct error err = ERROR_INIT;
	struct buffer out;
	size_t taken;
	bool foreign;

	buffer_init(&out, 4096);
	assert_int_equal(wav_feed(w, file, n, &taken, &out, &err), -1);
	foreign = wav_is_foreign(w);
	buffer_done(&out);
	wav_free(&w);
	return foreign;
}

static void test_what_others_may_read_is_told_from_what_is_broken(void **state)
{
	static const char adpcm[] =
	    "RIFF\1\1\1\1WAVEfmt \x10\0\0\0\2\0\1\0\x80\x3e\0\0\x80\x3e\0\0\0\4\4\0";
	static const char odd_frame[] =
	    "RIFF\1\1\1\1WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\1\0\x10\0";

	(void)state;
	assert_true(is_foreign(adpcm, sizeof adpcm - 1));
	assert_true(is_foreign(odd_frame, sizeof odd_frame - 1));
	assert_false(is_foreign("RIFF\1\1\1\1AVI LIST", 16));
}

/* ---- streams of several files ---- */

#define FMT(channels, rate, frame, bits)                                                           \
	"fmt \x10\0\0\0\1\0" channels "\0" rate "\0\0\0\0\0\0" frame "\0" bits "\0"
#define MONO_16K   FMT("\1", "\x80\x3e", "\2", "\x10")
#define STEREO_32K FMT("\2", "\x00\x7d", "\4", "\x10")
#define HEAD       "RIFF\0\0\0\0WAVE"

/* What is written down for each piece of one format: "RATExCHANNELS bytes;". */
static const struct stream {
	const char *name, *bytes;
	size_t n;
	bool raw;
	const char *want;
} streams[] = {
#define STREAM(name, bytes, raw, want)                                                             \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, raw, want                                          \
	}
	STREAM("slices with a header each",
	    HEAD MONO_16K "data\4\0\0\0abcd" HEAD MONO_16K "data\4\0\0\0efgh", false,
	    "16000x1 abcdefgh"),
	STREAM("slices whose sizes are not known",
	    HEAD MONO_16K "data\0\0\0\0a.c.e.g.i.k." HEAD MONO_16K "data\377\377\377\377mnop",
	    false, "16000x1 a.c.e.g.i.k.mnop"),
	STREAM("slices whose sizes are too large",
	    HEAD MONO_16K "data\0\0\1\0abcd" HEAD MONO_16K "data\0\0\1\0efgh", false,
	    "16000x1 abcdefgh"),
	STREAM("chunks behind the audio of each",
	    HEAD MONO_16K "data\4\0\0\0abcdLIST\2\0\0\0xy" HEAD MONO_16K
			  "data\4\0\0\0efghbext\1\0\0\0z",
	    false, "16000x1 abcdefgh"),
	STREAM("a size of an odd number of bytes",
	    HEAD MONO_16K "data\5\0\0\0abcde\0" HEAD MONO_16K "data\4\0\0\0efgh", false,
	    "16000x1 abcdefgh"),
	STREAM("another format",
	    HEAD MONO_16K "data\4\0\0\0abcd" HEAD STEREO_32K "data\4\0\0\0efgh", false,
	    "16000x1 abcd;32000x2 efgh"),
	STREAM("the header of the first slice, and audio without one",
	    HEAD MONO_16K "data\4\0\0\0abcd\1\2\3\4\5\6\7\10efgh", false,
	    "16000x1 abcd\1\2\3\4\5\6\7\10efgh"),
	STREAM("a tag of a player behind the audio",
	    HEAD MONO_16K "data\4\0\0\0abcdTAGall that follows is none", false, "16000x1 abcd"),
	STREAM("an empty file that has a chunk", HEAD MONO_16K "data\0\0\0\0LIST\4\0\0\0INFO",
	    false, ""),
	STREAM("raw audio goes as it is", "abRIFFcdRRRRIFFX1234WAVe", true,
	    "8000x1 abRIFFcdRRRRIFFX1234WAVe"),
	STREAM(
	    "raw audio that ends like a header", "abcdRIFF1234WA", true, "8000x1 abcdRIFF1234WA"),
	STREAM("a header before raw audio", HEAD MONO_16K "data\4\0\0\0abcd", true, "16000x1 abcd"),
	STREAM("headers in raw audio",
	    "ab" HEAD STEREO_32K "data\4\0\0\0cdef" HEAD MONO_16K "data\2\0\0\0gh", true,
	    "8000x1 ab;32000x2 cdef;16000x1 gh"),
	STREAM("a size over 4 GB",
	    "RF64\377\377\377\377WAVEds64\x1c\0\0\0"
	    "12345678\4\0\0\0\0\0\0\0abcdefghijkl" MONO_16K
	    "data\377\377\377\377abcdLIST\1\0\0\0\0",
	    false, "16000x1 abcd"),
	STREAM("big-endian samples are turned",
	    "RIFX\0\0\0\0WAVEfmt \0\0\0\x10\0\1\0\1\0\0\x3e\x80\0\0\0\0\0\2\0\x10"
	    "data\0\0\0\4badc",
	    false, "16000x1 abcd"),
	STREAM("double becomes float",
	    HEAD "fmt \x10\0\0\0\3\0\1\0\x80\x3e\0\0\0\0\0\0\x8\0\x40\0"
		 "data\x8\0\0\0\0\0\0\x20\x2c\x2c\xdc\x3f",
	    false, "16000x1 \x61\x61\xe1\x3e"),
};

/* The pieces of one format are told apart as they come. */
static void note(struct buffer *notes, const struct wav *w, const struct buffer *audio, char *last)
{
	const struct format *f = wav_format(w);
	char now[32];

	if (audio->len == 0)
		return;
	(void)snprintf(now, sizeof now, "%ux%u ", f->rate_hz, f->channels);
	if (strcmp(now, last) != 0) {
		if (notes->len > 0)
			(void)buffer_append(notes, ";", 1);
		(void)buffer_append(notes, now, strlen(now));
		(void)strcpy(last, now);
	}
	(void)buffer_append(notes, buffer_head(audio), audio->len);
}

static void check_stream(const struct stream *s, size_t piece)
{
	const struct format raw = { ENCODING_U8, 8000, 1 };
	struct wav *w = s->raw ? wav_new_raw(&raw) : wav_new();
	struct error err = ERROR_INIT;
	struct buffer audio, notes;
	char last[32] = "";

	buffer_init(&audio, 1000);
	buffer_init(&notes, 1000);
	for (size_t at = 0, taken; at < s->n; at += taken) {
		if (wav_feed(w, s->bytes + at, MIN(piece, s->n - at), &taken, &audio, &err) != 0)
			fail_msg("%s", err.text);
		note(&notes, w, &audio, last);
		buffer_consume(&audio, audio.len);
	}
	assert_int_equal(wav_finish(w, &audio, &err), 0);
	note(&notes, w, &audio, last);
	(void)buffer_append(&notes, "", 1);
	assert_string_equal((const char *)buffer_head(&notes), s->want);
	buffer_done(&audio);
	buffer_done(&notes);
	wav_free(&w);
}

static void test_stream(void **state)
{
	for (size_t piece = 1; piece < 200; piece++)
		check_stream(*state, piece);
}

static int run_streams(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(streams)];
	struct stream copies[ARRAY_SIZE(streams)];

	memcpy(copies, streams, sizeof streams);
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		tests[i] =
		    (struct CMUnitTest){ copies[i].name, test_stream, NULL, NULL, &copies[i] };
	return cmocka_run_group_tests_name("wav streams", tests, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest single[] = {
		cmocka_unit_test(test_what_others_may_read_is_told_from_what_is_broken),
		cmocka_unit_test(test_what_is_no_wav_file_is_refused),
		cmocka_unit_test(test_a_full_buffer_is_an_error),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	struct row copies[ARRAY_SIZE(rows)];
	int failed;

	memcpy(copies, rows, sizeof rows);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ copies[i].name, test_row, NULL, NULL, &copies[i] };
	failed = cmocka_run_group_tests_name("wav", single, NULL, NULL);
	failed += cmocka_run_group_tests_name("wav files", tests, NULL, NULL);
	failed += run_streams();
	return failed;
}
