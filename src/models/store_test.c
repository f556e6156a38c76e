#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "models/catalogue.h"
#include "models/store.h"

static const struct model one = { .name = "one", .engine = "whisper", .file = "one.bin" };
static char dir[64];

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/stenopool-store-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)strcat(dir, "/a/b");
	(void)umask(077);
	return setenv("STENOPOOL_MODELS", dir, 1);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	dir[strlen(dir) - 4] = '\0';
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void never(void *arg)
{
	(void)arg;
	fail();
}

static void write_part(const struct store_place *p)
{
	FILE *to = fopen(p->part, "w");

	assert_non_null(to);
	(void)fputs("all of it", to);
	assert_int_equal(fclose(to), 0);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void put_one(void)
{
	struct error err = ERROR_INIT;
	struct store_place p;

	assert_int_equal(store_open(&p, &one, never, NULL, &err), 0);
	write_part(&p);
	assert_int_equal(store_keep(&p, &err), 0);
	store_close(&p);
}

static void test_what_is_kept_is_found_by_all(void **state)
{
	char path[STORE_PATH_BYTES];
	struct error err = ERROR_INIT;

	(void)state;
	assert_false(store_find(&one, path));
	put_one();
	assert_true(store_find(&one, path));
	assert_int_equal(store_need(&one, path, &err), 0);
	assert_int_equal(mode_of(path), 0644);
	*strrchr(path, '/') = '\0';
	assert_string_equal(path, dir);
	assert_int_equal(mode_of(path), 0755);
}

static void test_what_is_not_kept_is_not_found(void **state)
{
	char path[STORE_PATH_BYTES];
	struct error err = ERROR_INIT;
	struct store_place p;

	(void)state;
	assert_int_equal(store_open(&p, &one, never, NULL, &err), 0);
	write_part(&p);
	store_close(&p);
	assert_int_equal(store_need(&one, path, &err), -1);
	assert_string_equal(err.text, "one is not here; get it with: stenopool models pull one");
	assert_int_equal(access(p.part, F_OK), 0);
	assert_int_not_equal(access(p.lock, F_OK), 0);
}

/* Of a directory that others may write to: what they put in our way is not written through. */
static void test_a_link_in_the_place_of_a_lock_is_not_followed(void **state)
{
	char own[STORE_PATH_BYTES], at[STORE_PATH_BYTES + 16], to[STORE_PATH_BYTES + 16];
	struct error err = ERROR_INIT;
	struct store_place p;

	(void)state;
	assert_int_equal(store_open(&p, &one, never, NULL, &err), 0);
	store_close(&p);
	assert_int_equal(store_dir(own, &err), 0);
	(void)snprintf(at, sizeof at, "%s", p.lock);
	(void)snprintf(to, sizeof to, "%s/elsewhere", own);
	assert_int_equal(symlink(to, at), 0);
	assert_int_equal(store_open(&p, &one, never, NULL, &err), -1);
	assert_int_not_equal(access(to, F_OK), 0);
	assert_int_equal(unlink(at), 0);
}

static void test_a_directory_of_its_name_is_no_model(void **state)
{
	char path[STORE_PATH_BYTES];
	struct error err = ERROR_INIT;
	struct store_place p;

	(void)state;
	assert_int_equal(store_open(&p, &one, never, NULL, &err), 0);
	assert_int_equal(mkdir(p.path, 0755), 0);
	store_close(&p);
	assert_false(store_find(&one, path));
}

static void test_what_is_removed_is_gone(void **state)
{
	char path[STORE_PATH_BYTES];
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(store_remove(&one, &err), -1);
	assert_string_equal(err.text, "one is not here");
	put_one();
	assert_int_equal(store_remove(&one, &err), 0);
	assert_false(store_find(&one, path));
}

static void tell(void *arg)
{
	assert_int_equal(write(*(int *)arg, "w", 1), 1);
}

/* Another process waits until the first has given the place back, and then finds what that has made. */
static void wait_and_find(int told, struct store_place *inherited)
{
	char path[STORE_PATH_BYTES];
	struct error err = ERROR_INIT;
	struct store_place p;
	bool found;

	fd_close(&inherited->lock_fd); /* as exec would do it; a copy keeps the lock */
	if (store_open(&p, &one, tell, &told, &err) < 0)
		_exit(1);
	found = store_find(&one, path);
	store_close(&p);
	_exit(found ? 0 : 2);
}

static void test_one_waits_for_the_other(void **state)
{
	struct error err = ERROR_INIT;
	struct store_place p;
	int ends[2], status;
	char word;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(store_open(&p, &one, never, NULL, &err), 0);
	pid = fork();
	if (pid == 0)
		wait_and_find(ends[1], &p);
	assert_int_equal(read(ends[0], &word, 1), 1);
	write_part(&p);
	assert_int_equal(store_keep(&p, &err), 0);
	store_close(&p);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void test_where_ones_own_are(void **state)
{
	char path[STORE_PATH_BYTES];
	struct error err = ERROR_INIT;

	(void)state;
	(void)setenv("STENOPOOL_MODELS", "/models", 1);
	assert_int_equal(store_dir(path, &err), 0);
	assert_string_equal(path, "/models");
	(void)unsetenv("STENOPOOL_MODELS");
	(void)setenv("XDG_DATA_HOME", "/data", 1);
	assert_int_equal(store_dir(path, &err), 0);
	assert_string_equal(
	    path, geteuid() == 0 ? "/var/lib/stenopool/models" : "/data/stenopool/models");
	(void)unsetenv("XDG_DATA_HOME");
	(void)setenv("HOME", "/h", 1);
	assert_int_equal(store_dir(path, &err), 0);
	assert_string_equal(path,
	    geteuid() == 0 ? "/var/lib/stenopool/models" : "/h/.local/share/stenopool/models");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_kept_is_found_by_all),
		TEST(test_what_is_not_kept_is_not_found),
		TEST(test_a_link_in_the_place_of_a_lock_is_not_followed),
		TEST(test_a_directory_of_its_name_is_no_model),
		TEST(test_what_is_removed_is_gone),
		TEST(test_one_waits_for_the_other),
		cmocka_unit_test(test_where_ones_own_are),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
