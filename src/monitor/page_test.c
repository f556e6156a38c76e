#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "monitor/page.h"

enum { LONG = 20000 };

/* Pieces of every small length, so that some end just where the memory does. */
static void test_growth(void **state)
{
	char *want = xcalloc(1, LONG + 1);

	(void)state;
	for (int i = 0; i < LONG; i++)
		want[i] = (char)('a' + i % 26);
	for (int piece = 1; piece < 20; piece++) {
		struct page p = { 0 };
		char *text;

		for (int at = 0; at < LONG; at += piece)
			page_add(&p, "%.*s", MIN(piece, LONG - at), want + at);
		text = page_take(&p);
		assert_string_equal(text, want);
		free(text);
	}
	free(want);
}

static void test_one_large_piece(void **state)
{
	char *want = xcalloc(1, LONG + 1), *text;
	struct page p = { 0 };

	(void)state;
	memset(want, 'x', LONG);
	page_add(&p, "%s", want);
	page_add(&p, "%d%s", 17, "");
	text = page_take(&p);
	assert_int_equal(strlen(text), LONG + 2);
	assert_string_equal(text + LONG, "17");
	free(text);
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a page grows by pieces of any length", test_growth, NULL, NULL, NULL },
		{ "a page takes one large piece", test_one_large_piece, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
