#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/folder.h"
#include "base/error.h"

static char directory[64];

static void run(const char *command)
{
	char line[512];

	(void)snprintf(line, sizeof line, "cd %s && %s", directory, command);
	assert_int_equal(system(line), 0);
}

static int setup(void **state)
{
	(void)state;
	(void)strcpy(directory, "/tmp/stenopool-folder-XXXXXX");
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	char line[128];

	(void)state;
	(void)snprintf(line, sizeof line, "rm -rf %s", directory);
	return system(line);
}

static void files_are_found_by_their_paths_alone(void **state)
{
	struct folder *f;
	struct error err;

	(void)state;
	run("mkdir -p js && printf page >index.html && printf code >js/app.js && printf x >'a "
	    "b\303\244.txt' && "
	    "printf no >.secret && mkdir .git && printf no >.git/config && ln -s /etc/passwd link "
	    "&& ln -s /etc etc && "
	    "mkfifo pipe");
	assert_int_equal(folder_load(&f, directory, 10, &err), 0);
	assert_int_equal(folder_count(f), 3);
	assert_memory_equal(folder_find(f, "/")->bytes, "page", 4);
	assert_ptr_equal(folder_find(f, "/"), folder_find(f, "/index.html"));
	assert_int_equal(folder_find(f, "/js/app.js")->n, 4);
	assert_non_null(folder_find(f, "/a%20b%C3%A4.txt"));
	assert_string_not_equal(folder_find(f, "/")->etag, folder_find(f, "/js/app.js")->etag);
	for (const char *const *path = (const char *const[]){ "/js", "/js/", "/.secret",
		 "/.git/config", "/link", "/etc/passwd", "/pipe", "/../etc/passwd",
		 "/js/../index.html", "//index.html", "", "index.html", NULL };
	     *path != NULL; path++)
		assert_null(folder_find(f, *path));
	folder_free(&f);
	assert_null(f);
}

static void refuses(size_t max_bytes, const char *why)
{
	struct folder *f;
	struct error err = ERROR_INIT;

	assert_int_equal(folder_load(&f, directory, max_bytes, &err), -1);
	assert_null(f);
	assert_non_null(strstr(err.text, why));
	assert_non_null(strstr(err.text, "[server] realtimestt_page"));
}

static void what_cannot_be_is_refused_in_a_sentence(void **state)
{
	(void)state;
	refuses(10, "it has no index.html");
	run("printf 'eleven byte' >index.html");
	refuses(10, "its files have more than realtimestt_page_max_bytes 10");
	run("mkdir -p 1/2/3/4/5/6/7/8/9");
	refuses(100, "deeper than 8");
	run("rm -r 1 && for i in $(seq 1000); do : >$i; done");
	refuses(100, "more than 1000 files");
}

static void what_is_not_there_is_refused(void **state)
{
	struct folder *f;
	struct error err;

	(void)state;
	assert_int_equal(folder_load(&f, "/nowhere/at/all", 10, &err), -1);
	assert_string_equal(
	    err.text, "[server] realtimestt_page \"/nowhere/at/all\": No such file or directory");
	assert_int_equal(folder_load(&f, "", 10, &err), 0);
	assert_null(f);
}

static void types_are_those_of_the_endings(void **state)
{
	(void)state;
	assert_string_equal(folder_type("/a.b/x.JS"), "text/javascript; charset=utf-8");
	assert_string_equal(folder_type("/index.html"), "text/html; charset=utf-8");
	assert_string_equal(folder_type("/x"), "application/octet-stream");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    files_are_found_by_their_paths_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_cannot_be_is_refused_in_a_sentence, setup, teardown),
		cmocka_unit_test(what_is_not_there_is_refused),
		cmocka_unit_test(types_are_those_of_the_endings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
