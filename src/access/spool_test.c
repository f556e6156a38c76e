#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/spool.h"
#include "base/error.h"

static char dir[] = "/tmp/stenopool-spool-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static void what_was_written_is_read_and_the_directory_stays_empty(void **state)
{
	struct error err = ERROR_INIT;
	struct spool *s = spool_new(dir, &err);
	const char *all;
	size_t n;

	(void)state;
	assert_non_null(s);
	assert_int_equal(spool_write(s, "one ", 4, &err), 0);
	assert_int_equal(spool_write(s, "", 0, &err), 0);
	assert_int_equal(spool_write(s, "two", 3, &err), 0);
	all = spool_map(s, &n, &err);
	assert_non_null(all);
	assert_int_equal(n, 7);
	assert_memory_equal(all, "one two", 7);
	assert_int_equal(rmdir(dir), 0); /* as nothing is in it */
	spool_free(&s);
	assert_null(s);
	spool_free(&s);
	assert_null(spool_new(dir, &err));
	assert_non_null(strstr(err.text, "spool_dir"));
	assert_non_null(strstr(err.text, dir));
}

static void nothing_written_is_nothing_read(void **state)
{
	struct error err = ERROR_INIT;
	struct spool *s = spool_new("/tmp", &err);
	size_t n = 1;

	(void)state;
	assert_non_null(s);
	assert_non_null(spool_map(s, &n, &err));
	assert_int_equal(n, 0);
	spool_free(&s);
}

/* Of what this process has of the file in its memory; smaps is the kernel's. */
static size_t resident_kb(const void *map)
{
	char line[300], want[40];
	FILE *smaps = fopen("/proc/self/smaps", "r");
	bool here = false;
	size_t kb = 0;

	assert_non_null(smaps);
	(void)snprintf(want, sizeof want, "%lx-", (unsigned long)(uintptr_t)map);
	while (fgets(line, sizeof line, smaps) != NULL) {
		if (strncmp(line, want, strlen(want)) == 0)
			here = true;
		if (here && sscanf(line, "Rss: %zu kB", &kb) == 1)
			break;
	}
	(void)fclose(smaps);
	assert_true(here);
	return kb;
}

static void what_was_read_leaves_memory_and_can_be_read_again(void **state)
{
	enum { PIECE = 1 << 20, PIECES = 20 };
	struct error err = ERROR_INIT;
	struct spool *s = spool_new("/tmp", &err);
	char *piece = malloc(PIECE);
	const char *all;
	size_t n;

	(void)state;
	assert_non_null(piece);
	for (int i = 0; i < PIECES; i++) {
		memset(piece, 'a' + i, PIECE);
		assert_int_equal(spool_write(s, piece, PIECE, &err), 0);
	}
	all = spool_map(s, &n, &err);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < PIECES; i++) {
			memset(piece, 'a' + i, PIECE);
			assert_memory_equal(all + i * PIECE, piece, PIECE);
			spool_was_read(s, PIECE);
			assert_true(resident_kb(all) < 6 * 1024);
		}
	free(piece);
	spool_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_and_the_directory_stays_empty),
		cmocka_unit_test(nothing_written_is_nothing_read),
		cmocka_unit_test(what_was_read_leaves_memory_and_can_be_read_again),
	};

	return cmocka_run_group_tests_name("spool", tests, setup, NULL);
}
