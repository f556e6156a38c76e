#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/util.h"
#include "media/reason.h"

static struct row {
	const char *name, *said, *want;
	enum reason_kind kind;
	const char *codec;
} rows[] = {
	{ .name = "nothing was said", .said = "", .want = "" },
	{ .name = "what a part says goes before what is said in general",
	    .said = "[mp3 @ 0x55c5a1b679c0] Failed to read frame size: Could not seek to 21034.\n"
		    "pipe:0: Invalid argument\n",
	    .want = "Failed to read frame size: Could not seek to 21034",
	    .kind = REASON_DAMAGED },
	{ .name = "the last of them counts",
	    .said = "[a @ 0x1] first\n[b @ 0x2] second\n",
	    .want = "second",
	    .kind = REASON_DAMAGED },
	{ .name = "a part within a part is left away too",
	    .said = "[in#0 @ 0x1] [mov @ 0x2] moov atom not found\n",
	    .want = "moov atom not found",
	    .kind = REASON_NO_INDEX },
	{ .name = "a general line will do without a better one",
	    .said = "pipe:0: Invalid data found\n",
	    .want = "Invalid data found",
	    .kind = REASON_DAMAGED },
	{ .name = "a line that says nothing is passed over",
	    .said = "pipe:0: End of file\nConversion failed!\n",
	    .want = "End of file",
	    .kind = REASON_CUT },
	{ .name = "the last line may lack its end",
	    .said = "file:/dev/stdin: End of file",
	    .want = "End of file",
	    .kind = REASON_CUT },
	{ .name = "paths are not told",
	    .said = "/usr/lib/libx.so: wrong\n[a @ 0x1] opening /etc/passwd\nshort\n",
	    .want = "short",
	    .kind = REASON_DAMAGED },
	{ .name = "only plain characters go on",
	    .said = "[a @ 0x1] tag \x1b[31m\xff\xfe\n",
	    .want = "tag ?[31m??",
	    .kind = REASON_DAMAGED },
	{ .name = "advice is no reason",
	    .said =
		"Stream map '0:a:0' matches no streams.\nTo ignore this, add a trailing '?' to the "
		"map.\n",
	    .want = "To ignore this, add a trailing '?' to the map",
	    .kind = REASON_NO_AUDIO },
	{ .name = "advice of ffmpeg 7 neither",
	    .said = "[out#0/s16le @ 0x1] Stream map '' matches no streams.\nFailed to set value "
		    "'0:a:0' "
		    "for option 'map': Invalid argument\n",
	    .want = "Stream map '' matches no streams",
	    .kind = REASON_NO_AUDIO },
	{ .name = "a codec that is not known",
	    .said = "Decoder (codec none) not found for input stream #0:0\n",
	    .want = "Decoder (codec none) not found for input stream #0:0",
	    .kind = REASON_CODEC },
	{ .name = "a codec that is not built in",
	    .said = "Decoder (codec ac4) not found for input stream #0:0\n",
	    .want = "Decoder (codec ac4) not found for input stream #0:0",
	    .kind = REASON_CODEC,
	    .codec = "ac4" },
	{ .name = "the same of ffmpeg 7",
	    .said = "[aist#0:0/none @ 0x1] Decoding requested, but no decoder found for: "
		    "mp4als\n[in#0 @ "
		    "0x2] Error opening output files: Invalid argument\n",
	    .want = "Decoding requested, but no decoder found for: mp4als",
	    .kind = REASON_CODEC,
	    .codec = "mp4als" },
	{ .name = "a playlist",
	    .said = "[hls @ 0x1] Format not on whitelist 'wav,flac'\npipe:0: Invalid argument\n",
	    .want = "Format not on whitelist 'wav,flac'",
	    .kind = REASON_FOREIGN },
	{ .name = "no memory, whatever else",
	    .said = "[matroska,webm @ 0x1] File ended prematurely\nCannot allocate memory\n",
	    .want = "File ended prematurely",
	    .kind = REASON_MEMORY },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct reason whole = { 0 }, pieces = { 0 };

	reason_feed(&whole, r->said, strlen(r->said));
	assert_string_equal(reason_finish(&whole), r->want);
	for (const char *p = r->said; *p != '\0'; p++)
		reason_feed(&pieces, p, 1);
	assert_string_equal(reason_finish(&pieces), r->want);
	assert_int_equal(whole.kind, r->kind);
	assert_int_equal(pieces.kind, r->kind);
	assert_string_equal(whole.name, r->codec == NULL ? "" : r->codec);
}

static void a_long_line_is_cut(void **state)
{
	struct reason r = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		reason_feed(&r, "x", 1);
	assert_int_equal(strlen(reason_finish(&r)), REASON_BYTES - 1);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest)cmocka_unit_test(a_long_line_is_cut);
	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
