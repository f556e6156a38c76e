#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buffer.h"
#include "base/util.h"
#include "media/splice.h"

/* In what is wanted a bar stands between two recordings. */
static struct row {
	const char *name, *bytes;
	size_t n;
	const char *want;
	size_t want_n;
} rows[] = {
#define ROW(name, bytes, want)                                                                     \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, want, sizeof(want) - 1                             \
	}
#define BOS   "OggS\0\2\0\0\0\0\0\0\0\0"
#define PAGE  "OggS\0\0\1\2\3\4\5\6\7\10"
#define EBML  "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1"
#define EBML8 "\x1a\x45\xdf\xa3\1\0\0\0\0\0\0\x1f\x42\x86\x81\1"
#define FTYP                                                                                       \
	"\0\0\0\x1c"                                                                               \
	"ftypiso5"
	ROW("one of them", FTYP "abc", FTYP "abc"),
	ROW("none of them", "abcRIFF0000WAVEdef", "abc|RIFF0000WAVEdef"),
	ROW("MP4", FTYP "abc" FTYP "def", FTYP "abc|" FTYP "def"),
	ROW("WebM, three times", EBML "abc" EBML8 "def" EBML "g",
	    EBML "abc|" EBML8 "def|" EBML "g"),
	ROW("Ogg", BOS "a" PAGE "b" BOS "c" PAGE "d", BOS "a" PAGE "b|" BOS "c" PAGE "d"),
	ROW("Ogg of two streams", BOS "a" BOS "b" PAGE "c" BOS "d" BOS "e" PAGE "f",
	    BOS "a" BOS "b" PAGE "c|" BOS "d" BOS "e" PAGE "f"),
	ROW("FLAC",
	    "fLaC\0\0\0\x22"
	    "abc"
	    "fLaC\x80\0\0\x22"
	    "d",
	    "fLaC\0\0\0\x22"
	    "abc|"
	    "fLaC\x80\0\0\x22"
	    "d"),
	ROW("AMR", "#!AMR\nabc#!AMR-WB\ndef", "#!AMR\nabc|#!AMR-WB\ndef"),
	ROW("Ogg behind another kind", FTYP "abc" BOS "a" BOS "b" PAGE "c",
	    FTYP "abc|" BOS "a" BOS "b" PAGE "c"),
	ROW("one kind behind another", EBML "abc" FTYP "def", EBML "abc|" FTYP "def"),
	ROW("what only begins so", "\0\0\0\0\0\0\0ftyRIFFfLaC#!AMR \x1a\x45\xdf\xa3\x9f\x42",
	    "\0\0\0\0\0\0\0ftyRIFFfLaC#!AMR \x1a\x45\xdf\xa3\x9f\x42"),
	ROW("a beginning within a beginning",
	    "x\0\0\0\0\0\0\x1c"
	    "ftypabc",
	    "x\0\0\0|\0\0\0\x1c"
	    "ftypabc"),
	ROW("a tag is no recording",
	    "ID3\4\0\0\0\0\0\x5"
	    "12345"
	    "fLaC\0\0\0\x22"
	    "a"
	    "fLaC\0\0\0\x22",
	    "ID3\4\0\0\0\0\0\x5"
	    "12345"
	    "fLaC\0\0\0\x22"
	    "a|"
	    "fLaC\0\0\0\x22"),
	ROW("two tags, with a picture and with an end",
	    "ID3\4\0\0\0\0\0\x9"
	    "#!AMR\n..."
	    "ID3\4\0\x10\0\0\0\0"
	    "3DI......." FTYP FTYP,
	    "ID3\4\0\0\0\0\0\x9"
	    "#!AMR\n..."
	    "ID3\4\0\x10\0\0\0\0"
	    "3DI......." FTYP "|" FTYP),
	ROW("what begins like a tag", "IDfLaC\0\0\0\x22", "ID|fLaC\0\0\0\x22"),
	ROW("a beginning in what only begins so, and another right behind it",
	    "x\x1a\x45\xdf\xa3\1#!AMR\n#!AMR\nab", "x\x1a\x45\xdf\xa3\1|#!AMR\n|#!AMR\nab"),
	ROW("the same, and no more comes", "x\x1a\x45\xdf\xa3\1#!AMR\n#OggS\0\2\0\0\0\0\0\0\0\0",
	    "x\x1a\x45\xdf\xa3\1|#!AMR\n#|OggS\0\2\0\0\0\0\0\0\0\0"),
	ROW("nothing between them", FTYP FTYP, FTYP "|" FTYP),
};

static void check(const struct row *r, size_t piece)
{
	struct splice s = { 0 };
	struct buffer out;
	bool found = false;

	buffer_init(&out, 1000);
	for (size_t at = 0, taken; at < r->n || found; at += taken) {
		assert_int_equal(
		    splice_feed(&s, r->bytes + at, MIN(piece, r->n - at), &taken, &out, &found), 0);
		if (found)
			assert_int_equal(buffer_append(&out, "|", 1), 0);
	}
	assert_int_equal(splice_flush(&s, &out), 0);
	assert_int_equal(out.len, r->want_n);
	assert_memory_equal(buffer_head(&out), r->want, r->want_n);
	buffer_done(&out);
}

static void test_row(void **state)
{
	for (size_t piece = 1; piece < 100; piece++)
		check(*state, piece);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("splice", tests, NULL, NULL);
}
