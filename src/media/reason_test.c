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
} rows[] = {
	{ "nothing was said", "", "" },
	{ "what a part says goes before what is said in general",
	    "[mp3 @ 0x55c5a1b679c0] Failed to read frame size: Could not seek to 21034.\n"
	    "pipe:0: Invalid argument\n",
	    "Failed to read frame size: Could not seek to 21034" },
	{ "the last of them counts", "[a @ 0x1] first\n[b @ 0x2] second\n", "second" },
	{ "a part within a part is left away too", "[in#0 @ 0x1] [mov @ 0x2] moov atom not found\n",
	    "moov atom not found" },
	{ "a general line will do without a better one", "pipe:0: Invalid data found\n",
	    "Invalid data found" },
	{ "a line that says nothing is passed over", "pipe:0: End of file\nConversion failed!\n",
	    "End of file" },
	{ "the last line may lack its end", "file:/dev/stdin: End of file", "End of file" },
	{ "paths are not told", "/usr/lib/libx.so: wrong\n[a @ 0x1] opening /etc/passwd\nshort\n",
	    "short" },
	{ "only plain characters go on", "[a @ 0x1] tag \x1b[31m\xff\xfe\n", "tag ?[31m??" },
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
