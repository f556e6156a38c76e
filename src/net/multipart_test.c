#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "net/multipart.h"

#define TYPE "multipart/form-data; boundary=AaB"
#define HEAD "Content-Disposition: form-data; name=\"a\"\r\n\r\n"

/* `want` is "name|filename|type|bytes" of each part, with a newline behind it, or what the sentence says. */
static struct row {
	const char *name, *type, *body, *want;
} rows[] = {
	{ "one part", TYPE, "--AaB\r\n" HEAD "x\r\n--AaB--\r\n", "a|||x\n" },
	{ "two parts, a file first", TYPE,
	    "--AaB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x y.wav\"\r\n"
	    "Content-Type: audio/wav\r\n\r\nRIFF\r\n\r\n--AaB\r\n" HEAD "\r\n--AaB--\r\n",
	    "file|x y.wav|audio/wav|RIFF\r\n\na|||\n" },
	{ "a quoted boundary, other letters, blanks",
	    "Multipart/Form-Data ; charset=utf-8; Boundary = \"A b\"",
	    "--A b \t\r\ncontent-disposition:form-data;NAME=a\r\n\r\nx\r\n--A b--", "a|||x\n" },
	{ "what is before and behind is passed over", TYPE,
	    "hello\r\n--AaB\r\n" HEAD "x\r\n--AaB--\r\nbye --AaB", "a|||x\n" },
	{ "what only begins like the boundary is data", TYPE,
	    "--AaB\r\n" HEAD "--Aa\r\n--AaC\r\n--AaB--", "a|||--Aa\r\n--AaC\n" },
	{ "dashes without a line's beginning are data", TYPE,
	    "--AaB\r\n" HEAD "x--AaB--\r\n--AaB--", "a|||x--AaB--\n" },
	{ "no bytes and no empty line of their own", TYPE, "--AaB\r\n" HEAD "--AaB--", "a|||\n" },
	{ "a quote in a file name", TYPE,
	    "--AaB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\\\"b;c\\d\"\r\n\r\n"
	    "\r\n--AaB--",
	    "f|a\"b;c\\d||\n" },
	{ "filename* is not filename", TYPE,
	    "--AaB\r\nContent-Disposition: form-data; name=f; "
	    "filename*=utf-8''a\r\n\r\n\r\n--AaB--",
	    "f|||\n" },
	{ "no parts at all", TYPE, "--AaB--", "" },
	{ "no content type", NULL, "", "not of no Content-Type" },
	{ "another content type", "application/json", "{}",
	    "must be multipart/form-data, not application/json" },
	{ "a longer type", "multipart/form-database; boundary=a", "", "must be multipart" },
	{ "no boundary", "multipart/form-data", "", "has no boundary of 1 to 70 bytes" },
	{ "an empty boundary", "multipart/form-data; boundary=\"\"", "", "has no boundary" },
	{ "a boundary without an end", "multipart/form-data; boundary=\"a", "", "has no boundary" },
	{ "a boundary that is too long",
	    "multipart/form-data; boundary="
	    "0123456789012345678901234567890123456789012345678901234567890123456789x",
	    "", "has no boundary" },
	{ "an empty body", TYPE, "", "is not in the body" },
	{ "another boundary in the body", TYPE, "--AaC\r\n", "is not in the body" },
	{ "rubbish behind a boundary", TYPE, "--AaBx\r\n", "behind a boundary neither" },
	{ "cut behind a boundary", TYPE, "--AaB", "behind a boundary neither" },
	{ "cut in a header", TYPE, "--AaB\r\nContent-Disposition: form",
	    "no end within 8192 bytes" },
	{ "cut in a part", TYPE, "--AaB\r\n" HEAD "xyz", "ends within its part \"a\"" },
	{ "no header", TYPE, "--AaB\r\n\r\nx\r\n--AaB--", "has no name" },
	{ "no name", TYPE, "--AaB\r\nContent-Disposition: form-data\r\n\r\nx\r\n--AaB--",
	    "has no name" },
	{ "not form-data", TYPE,
	    "--AaB\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--AaB--",
	    "must be form-data" },
	{ "a name without an end", TYPE,
	    "--AaB\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--AaB--", "is cut" },
	{ "a line without a colon", TYPE, "--AaB\r\nhello\r\n\r\nx\r\n--AaB--", "has no colon" },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct multipart m;
	struct error err = ERROR_INIT;
	char got[4096] = "";

	if (multipart_read(&m, r->type, r->body, strlen(r->body), &err) != 0) {
		assert_int_equal(err.code, ERROR_INVALID);
		assert_non_null(strstr(err.text, r->want));
		return;
	}
	for (size_t i = 0; i < m.n; i++) {
		const struct multipart_part *p = &m.parts[i];
		size_t used = strlen(got);

		(void)snprintf(got + used, sizeof got - used, "%s|%s|%s|%.*s\n", p->name,
		    p->filename, p->content_type, (int)p->n, (const char *)p->bytes);
	}
	assert_string_equal(got, r->want);
	multipart_done(&m);
}

static char *repeat(const char *before, const char *text, unsigned n, const char *behind)
{
	char *all = calloc(1, strlen(before) + (size_t)n * strlen(text) + strlen(behind) + 1), *end;

	assert_non_null(all);
	end = strcpy(all, before) + strlen(before);
	for (unsigned i = 0; i < n; i++, end += strlen(text))
		(void)strcpy(end, text);
	(void)strcpy(end, behind);
	return all;
}

static void check(char *body, int want, const char *says)
{
	struct multipart m = { 0 };
	struct error err = ERROR_INIT;

	assert_int_equal(multipart_read(&m, TYPE, body, strlen(body), &err), want);
	assert_true(want == 0 || strstr(err.text, says) != NULL);
	multipart_done(&m);
	free(body);
}

static void test_bounds(void **state)
{
	const char *part = "--AaB\r\n" HEAD "x\r\n", *head = "--AaB\r\nA: ";
	const char *rest = "\r\n" HEAD "\r\n--AaB--";

	(void)state;
	check(repeat("", part, MULTIPART_PARTS_MAX, "--AaB--"), 0, "");
	check(repeat("", part, MULTIPART_PARTS_MAX + 1, "--AaB--"), -1, "more than 64 parts");
	check(repeat(head, "b", 8000, rest), 0, "");
	check(repeat(head, "b", 8192, rest), -1, "no end within 8192");
	check(repeat("--AaB\r\nContent-Disposition: form-data; name=", "b", 255,
		  "\r\n\r\n\r\n--AaB--"),
	    0, "");
	check(repeat("--AaB\r\nContent-Disposition: form-data; name=", "b", 256,
		  "\r\n\r\n\r\n--AaB--"),
	    -1, "longer than 255 bytes");
	check(repeat("--AaB\r\nContent-Disposition: form-data; filename=\"", "\xe4\xbc\x9a", 2000,
		  "\"; name=a\r\n\r\n\r\n--AaB--"),
	    0, "");
	check(repeat("--AaB\r\nContent-Disposition: form-data; name=a; filename*=utf-8''",
		  "%E4%BC%9A", 255, "\r\n\r\n\r\n--AaB--"),
	    0, "");
	check(repeat("--AaB\r\nContent-Type: ", "b", 2000, rest), 0, "");
}

static void test_find(void **state)
{
	static const char body[] = "--AaB\r\n" HEAD "1\r\n--AaB\r\n" HEAD "2\r\n--AaB--";
	struct multipart m;
	struct error err;

	(void)state;
	assert_int_equal(multipart_read(&m, TYPE, body, sizeof body - 1, &err), 0);
	assert_int_equal(m.n, 2);
	assert_ptr_equal(multipart_find(&m, "a"), &m.parts[0]);
	assert_null(multipart_find(&m, "b"));
	multipart_done(&m);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[ARRAY_SIZE(rows)] = (struct CMUnitTest){ "parts, headers and names are bounded",
		test_bounds, NULL, NULL, NULL };
	tests[ARRAY_SIZE(rows) + 1] =
	    (struct CMUnitTest){ "the first of a name is found", test_find, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
