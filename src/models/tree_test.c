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

#include "base/error.h"
#include "base/util.h"
#include "models/tree.h"
#include "models/vosk_fake.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/stenopool-tree-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	tree_remove(dir);
	return access(dir, F_OK) < 0 ? 0 : -1;
}

/* What the command in tree.h prints of them, with GNU's tools. */
static void test_the_sum_is_what_the_tools_make_of_it(void **state)
{
	char is[SUM_HEX_BYTES], want[SUM_HEX_BYTES] = "", command[300];
	struct error err = ERROR_INIT;
	FILE *said;

	(void)state;
	assert_true(vosk_fake_write(dir, "b/c", "one"));
	assert_true(vosk_fake_write(dir, "b.c", "two"));
	assert_true(vosk_fake_write(dir, "b c/ä", ""));
	assert_true(vosk_fake_write(dir, "B", "three"));
	(void)snprintf(command, sizeof command,
	    "cd %s && find . -type f -printf '%%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | "
	    "sha256sum",
	    dir);
	said = popen(command, "r");
	assert_non_null(said);
	assert_int_equal(fread(want, 1, 64, said), 64);
	assert_int_equal(pclose(said), 0);
	assert_int_equal(tree_sum(dir, is, &err), 0);
	assert_string_equal(is, want);
	assert_int_equal(tree_check_sum(dir, want, &err), 0);
	assert_int_equal(tree_bytes(dir), 11);
}

static void test_each_byte_and_each_name_matters(void **state)
{
	char is[SUM_HEX_BYTES], other[SUM_HEX_BYTES], from[100], to[100];
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(vosk_fake_write(dir, "a/x", "one"));
	assert_int_equal(tree_sum(dir, is, &err), 0);
	assert_true(vosk_fake_write(dir, "a/x", "onf"));
	assert_int_equal(tree_check_sum(dir, is, &err), -1);
	assert_non_null(strstr(err.text, "is not what it should be"));
	assert_true(vosk_fake_write(dir, "a/x", "one"));
	(void)snprintf(from, sizeof from, "%s/a/x", dir);
	(void)snprintf(to, sizeof to, "%s/a/y", dir);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(tree_sum(dir, other, &err), 0);
	assert_string_not_equal(is, other);
}

static void test_slashes_at_the_end_and_a_link_to_it_change_nothing(void **state)
{
	char is[SUM_HEX_BYTES], other[SUM_HEX_BYTES], path[100];
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(vosk_fake_write(dir, "real/x", "one"));
	(void)snprintf(path, sizeof path, "%s/real", dir);
	assert_int_equal(tree_sum(path, is, &err), 0);
	(void)strcat(path, "//");
	assert_int_equal(tree_sum(path, other, &err), 0);
	assert_string_equal(is, other);
	(void)snprintf(path, sizeof path, "%s/link", dir);
	assert_int_equal(symlink("real", path), 0);
	assert_int_equal(tree_sum(path, other, &err), 0);
	assert_string_equal(is, other);
}

static void test_what_is_no_tree_is_refused_in_words(void **state)
{
	struct error err = ERROR_INIT;
	char path[100], hex[SUM_HEX_BYTES];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/none", dir);
	assert_int_equal(tree_sum(path, hex, &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	assert_true(vosk_fake_write(dir, "none", "a file"));
	assert_int_equal(tree_sum(path, hex, &err), -1);
	assert_non_null(strstr(err.text, "is no directory"));
	assert_int_equal(tree_bytes(path), 0);
	(void)unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(tree_sum(dir, hex, &err), -1);
	assert_non_null(strstr(err.text, "is no plain file"));
	(void)unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(tree_sum(dir, hex, &err), -1);
	assert_non_null(strstr(err.text, "is no plain file"));
}

static void test_names_that_lead_elsewhere_are_none(void **state)
{
	static const char *const good[] = { "a", "a/b/c.d", "..a", "graph/Gr.fst", "ä b" };
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..",
		"a/../b", "a/./b", "a\\b", "a\nb", "a/b/c/d/e/f/g/h/i" };
	char long_name[TREE_NAME_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(tree_name_is_fit(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(tree_name_is_fit(bad[i]));
	memset(long_name, 'a', TREE_NAME_BYTES);
	long_name[TREE_NAME_BYTES] = '\0';
	assert_false(tree_name_is_fit(long_name));
	assert_true(tree_name_is_fit(long_name + 1));
}

static void test_settled_it_is_readable_for_all(void **state)
{
	struct error err = ERROR_INIT;
	struct stat st;
	char path[100];

	(void)state;
	(void)umask(077);
	assert_true(vosk_fake_write(dir, "a/x", "one"));
	assert_int_equal(tree_settle(dir, &err), 0);
	(void)snprintf(path, sizeof path, "%s/a", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	(void)strcat(path, "/x");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(test_the_sum_is_what_the_tools_make_of_it),
		TEST(test_each_byte_and_each_name_matters),
		TEST(test_slashes_at_the_end_and_a_link_to_it_change_nothing),
		TEST(test_what_is_no_tree_is_refused_in_words),
		TEST(test_names_that_lead_elsewhere_are_none),
		TEST(test_settled_it_is_readable_for_all),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
