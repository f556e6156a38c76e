#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "media/sniff.h"

#define NONE CONTAINERS

#define BYTES(text) text, sizeof(text) - 1

static struct row {
	const char *name, *bytes;
	size_t n;
	enum container want;
} rows[] = {
	{ "RIFF and WAVE are a WAV file", BYTES("RIFF....WAVEfmt "), CONTAINER_WAV },
	{ "RF64 and WAVE are one too", BYTES("RF64....WAVEds64"), CONTAINER_WAV },
	{ "RIFF alone is for the probe", BYTES("RIFF\1\1\1\1AVI LIST"), CONTAINER_OTHER },
	{ "WAVE without RIFF is not", BYTES("XXXX....WAVEfmt "), NONE },
	{ "FLAC", BYTES("fLaC\0\0\0\x22"), CONTAINER_FLAC },
	{ "Ogg", BYTES("OggS\0\2"), CONTAINER_OGG },
	{ "a tag may stand before anything", BYTES("ID3\4\0\0\0\0\0#"), CONTAINER_TAGGED },
	{ "zeros may stand before MP3", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), CONTAINER_OTHER },
	{ "what LAME fills its frames with", BYTES("UUUUUUUUUUUUUUUUUUUUUUUU"), CONTAINER_OTHER },
	{ "UTF-16 is text", BYTES("\xff\xfeh\0e\0l\0l\0o\0"), NONE },
	{ "MP3 of MPEG 1, layer III", BYTES("\xff\xfb\x90\x64"), CONTAINER_MP3 },
	{ "MP3 of MPEG 2", BYTES("\xff\xf3\x58\xc4"), CONTAINER_MP3 },
	{ "MP3 of MPEG 2.5", BYTES("\xff\xe3\x18\xc4"), CONTAINER_MP3 },
	{ "a layer that is not there is no MP3", BYTES("\xff\xe1\x58\xc4"), CONTAINER_OTHER },
	{ "a version that is not there is no MP3", BYTES("\xff\xeb\x58\xc4"), CONTAINER_OTHER },
	{ "a bit rate that is not there is no MP3", BYTES("\xff\xfb\xf0\x64"), CONTAINER_OTHER },
	{ "a sample rate that is not there is no MP3", BYTES("\xff\xfb\x9c\x64"), CONTAINER_OTHER },
	{ "three bytes of an MP3 are too few", BYTES("\xff\xfb\x90"), CONTAINER_OTHER },
	{ "ADTS", BYTES("\xff\xf1\x60\x40\x46\x9f\xfc"), CONTAINER_AAC },
	{ "ADTS with a checksum", BYTES("\xff\xf8\x60\x40\x46\x9f\xfc"), CONTAINER_AAC },
	{ "a sample rate that is not there is no ADTS", BYTES("\xff\xf1\x74\x40\x46\x9f\xfc"),
	    CONTAINER_OTHER },
	{ "a frame shorter than its header is no ADTS", BYTES("\xff\xf1\x60\x40\x00\x9f\xfc"),
	    CONTAINER_OTHER },
	{ "M4A",
	    BYTES("\0\0\0\x1c"
		  "ftypM4A "),
	    CONTAINER_MP4 },
	{ "QuickTime without ftyp",
	    BYTES("\0\0\3\xaf"
		  "moov"),
	    CONTAINER_MP4 },
	{ "WebM", BYTES("\x1a\x45\xdf\xa3\x9f"), CONTAINER_MATROSKA },
	{ "AIFF", BYTES("FORM....AIFFCOMM"), CONTAINER_AIFF },
	{ "AIFF, compressed", BYTES("FORM....AIFCFVER"), CONTAINER_AIFF },
	{ "AMR", BYTES("#!AMR\n"), CONTAINER_AMR },
	{ "AMR, wide", BYTES("#!AMR-WB\n"), CONTAINER_AMR },
	{ "CAF", BYTES("caff\0\1\0\0"), CONTAINER_CAF },
	{ "Wave64", BYTES("riff\x2e\x91\xcf\x11"), CONTAINER_WAVE64 },
	{ "AU", BYTES(".snd\0\0\0\x18"), CONTAINER_AU },
	{ "a playlist is refused", BYTES("#EXTM3U\n#EXT-X-TARGETDURATION:10\n"), NONE },
	{ "a list of files is refused", BYTES("ffconcat version 1.0\nfile x\n"), NONE },
	{ "session descriptions are refused", BYTES("v=0\no=- 0 0 IN IP4 127.0.0.1\n"), NONE },
	{ "text is refused", BYTES("hello"), NONE },
	{ "a picture is for the probe to refuse", BYTES("\x89PNG\r\n\x1a\n"), CONTAINER_OTHER },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	enum container found = NONE;
	struct error err = ERROR_INIT;

	if (sniff(r->bytes, r->n, &found, &err) != 0)
		assert_non_null(strstr(err.text, "it is none of WAV, FLAC, Ogg"));
	assert_int_equal(found, r->want);
	for (size_t n = 0; n < r->n; n++) /* a shorter beginning is this or nothing that is known */
		if (sniff(r->bytes, n, &found, &err) == 0)
			assert_true(found == r->want || found == CONTAINER_OTHER);
}

static struct order_row {
	const char *name, *bytes;
	size_t n;
	enum sniff_order want;
} order_rows[] = {
	{ "what is needed first is first",
	    BYTES("\0\0\0\x10"
		  "ftypM4A \0\0\0\0"
		  "\0\0\1\0moov........"),
	    SNIFF_ORDER_STREAM },
	{ "what is needed first is last",
	    BYTES("\0\0\0\x10"
		  "ftypM4A \0\0\0\0"
		  "\0\0\1\0mdat........"),
	    SNIFF_ORDER_SEEK },
	{ "a free box is passed over",
	    BYTES("\0\0\0\x10"
		  "ftypM4A \0\0\0\0"
		  "\0\0\0\x08"
		  "free"
		  "\0\0\1\0mdat........"),
	    SNIFF_ORDER_SEEK },
	{ "pieces of a live recording",
	    BYTES("\0\0\0\x10"
		  "ftypiso5\0\0\0\0"
		  "\0\0\0\x10styp........"),
	    SNIFF_ORDER_STREAM },
	{ "a long size is read",
	    BYTES("\0\0\0\x10"
		  "ftypM4A \0\0\0\0"
		  "\0\0\0\1wide\0\0\0\0\0\0\0\x10"
		  "\0\0\1\0moov........"),
	    SNIFF_ORDER_STREAM },
	{ "a size that cannot be ends the walk",
	    BYTES("\0\0\0\3"
		  "ftypM4A \0\0\0\0"
		  "\0\0\1\0moov........"),
	    SNIFF_ORDER_SEEK },
	{ "a long size that wraps ends the walk",
	    BYTES("\0\0\0\1wide\xff\xff\xff\xff\xff\xff\xff\xff"
		  "\0\0\1\0moov........"),
	    SNIFF_ORDER_UNKNOWN },
	{ "the end of a box that has not come is not known",
	    BYTES("\0\0\1\0"
		  "ftypM4A \0\0\0\0"
		  "\0\0\1\0moov........"),
	    SNIFF_ORDER_UNKNOWN },
};

static void test_order(void **state)
{
	const struct order_row *r = *state;

	assert_int_equal(sniff_order(CONTAINER_MP4, r->bytes, r->n), r->want);
	for (size_t n = 0; n < r->n; n++) {
		enum sniff_order found = sniff_order(CONTAINER_MP4, r->bytes, n);

		assert_true(found == SNIFF_ORDER_UNKNOWN || found == r->want);
	}
}

static void nothing_is_empty(void **state)
{
	enum container found;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(sniff("", 0, &found, &err), -1);
	assert_string_equal(err.text, "it is empty");
}

static void the_others_are_read_as_they_come(void **state)
{
	(void)state;
	for (enum container c = 0; c < CONTAINERS; c++)
		if (c != CONTAINER_MP4)
			assert_int_equal(sniff_order(c, "", 0),
			    c == CONTAINER_CAF || c == CONTAINER_AIFF ? SNIFF_ORDER_SEEK
								      : SNIFF_ORDER_STREAM);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(order_rows) + 2];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(order_rows); i++)
		tests[n++] = (struct CMUnitTest){ order_rows[i].name, test_order, NULL, NULL,
			&order_rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(nothing_is_empty);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_others_are_read_as_they_come);
	return cmocka_run_group_tests_name("sniff", tests, NULL, NULL);
}
