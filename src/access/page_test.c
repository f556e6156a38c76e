#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "access/page.h"
#include "access/page_files.h"
#include "base/util.h"
#include "net/http.h"

static const struct row {
	const char *name, *path, *type, *begins;
} rows[] = {
	{ "the page", "/", "text/html; charset=utf-8", "<!doctype html>" },
	{ "its style", "/page.css", "text/css; charset=utf-8", "" },
	{ "its script", "/page.js", "text/javascript; charset=utf-8", "" },
	{ "the module", "/stenopool.js", "text/javascript; charset=utf-8", "" },
	{ "the worklet", "/worklet.js", "text/javascript; charset=utf-8", "" },
	{ "the sample", "/sample.wav", "audio/wav", "RIFF" },
	{ "the icon", "/icon.svg", "image/svg+xml", "<svg" },
	{ "the icon where browsers look for one", "/favicon.ico", "image/svg+xml", "<svg" },
};

static void ask(
    const char *path, const char *known, char headers[PAGE_HEADERS_BYTES], struct http_answer *out)
{
	headers[0] = '\0';
	page_answer(path, known, headers, out);
}

static void test_each_file_comes_with_its_type(void **state)
{
	const struct row *r = *state;
	char headers[PAGE_HEADERS_BYTES];
	struct http_answer a;

	ask(r->path, NULL, headers, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.content_type, r->type);
	assert_true(a.body_bytes > 100);
	assert_memory_equal(a.body, r->begins, strlen(r->begins));
	assert_non_null(strstr(a.headers, "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(a.headers, "Content-Security-Policy: default-src 'none'; "));
	assert_non_null(strstr(a.headers, "Cache-Control: no-cache\r\n"));
	assert_string_equal(a.headers + strlen(a.headers) - 2, "\r\n");
}

static void test_a_file_that_is_known_is_not_sent_again(void **state)
{
	char headers[PAGE_HEADERS_BYTES], list[100];
	const struct page_file *f = &page_files[0];
	struct http_answer a;

	(void)state;
	ask(f->path, f->etag, headers, &a);
	assert_int_equal(a.status, 304);
	assert_int_equal(a.body_bytes, 0);
	assert_non_null(strstr(a.headers, f->etag));
	(void)snprintf(list, sizeof list, "\"other\", W/%s", f->etag);
	ask(f->path, list, headers, &a);
	assert_int_equal(a.status, 304);
	ask(f->path, "*", headers, &a);
	assert_int_equal(a.status, 304);
}

static void test_another_content_is_sent(void **state)
{
	char headers[PAGE_HEADERS_BYTES];
	struct http_answer a;

	(void)state;
	assert_string_not_equal(page_files[0].etag, page_files[1].etag);
	ask(page_files[0].path, page_files[1].etag, headers, &a);
	assert_int_equal(a.status, 200);
	ask(page_files[0].path, "\"\"", headers, &a);
	assert_int_equal(a.status, 200);
}

static void test_what_is_not_there_is_404(void **state)
{
	char headers[PAGE_HEADERS_BYTES];
	struct http_answer a;

	(void)state;
	ask("/page", NULL, headers, &a);
	assert_int_equal(a.status, 404);
	ask("", "*", headers, &a);
	assert_int_equal(a.status, 404);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 3] = {
		cmocka_unit_test(test_a_file_that_is_known_is_not_sent_again),
		cmocka_unit_test(test_another_content_is_sent),
		cmocka_unit_test(test_what_is_not_there_is_404),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i + 3] =
		    (struct CMUnitTest){ rows[i].name, test_each_file_comes_with_its_type, NULL,
			    NULL, (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
