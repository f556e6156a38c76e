#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test_skip.h"
#include "base/util.h"
#include "host/hugepages.h"

enum { REGIONS = 6, REGION_BYTES = 2 * 1024 * 1024, PAGE_BYTES = 4096 };

static uint8_t *memory; /* REGIONS of them, aligned */
static struct hugepages pages;

static uint8_t at_first(size_t i)
{
	return (uint8_t)(i / PAGE_BYTES * 7 + 1);
}

static int setup(void **state)
{
	uintptr_t at;
	uint8_t *raw;

	(void)state;
	hugepages_hold();
	raw = mmap(NULL, (REGIONS + 1) * REGION_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (raw == MAP_FAILED)
		return -1;
	at = ((uintptr_t)raw + REGION_BYTES - 1) / REGION_BYTES * REGION_BYTES;
	memory = raw + (at - (uintptr_t)raw);
	for (size_t i = 0; i < (size_t)REGIONS * REGION_BYTES; i++)
		memory[i] = at_first(i);
	return 0;
}

/* Writes all over regions 1 and 2, and here and there in region 4. */
static void rehearse(void *arg)
{
	(void)arg;
	memset(memory + REGION_BYTES, 0xff, 2 * REGION_BYTES);
	for (int i = 0; i < 20; i++)
		memory[4 * REGION_BYTES + i * PAGE_BYTES] = 0xff;
}

static bool is_hot(int region)
{
	for (size_t i = 0; i < pages.hot_n; i++)
		if (pages.hot[i] == (uintptr_t)memory + (size_t)region * REGION_BYTES)
			return true;
	return false;
}

static void assert_as_at_first(void)
{
	for (size_t i = 0; i < (size_t)REGIONS * REGION_BYTES; i++)
		if (memory[i] != at_first(i))
			fail_msg("byte %zu has changed", i);
}

static void test_what_a_child_writes_all_over_is_hot(void **state)
{
	(void)state;
	hugepages_learn(&pages, rehearse, NULL);
	assert_as_at_first();
	if (pages.hot_n == 0)
		test_skip("this machine tells nothing of its pages, or has no huge ones");
	assert_int_equal(pages.bytes, REGION_BYTES);
	for (int region = 0; region < REGIONS; region++)
		assert_int_equal(is_hot(region), region == 1 || region == 2);
}

static void test_taking_changes_no_byte_here_or_there(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		hugepages_take(&pages);
		assert_as_at_first();
		memset(memory, 0xee, (size_t)REGIONS * REGION_BYTES);
		_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	assert_as_at_first();
}

static void test_nothing_known_is_nothing_taken(void **state)
{
	const struct hugepages none = { .hot_n = 0 };

	(void)state;
	hugepages_take(&none);
	assert_as_at_first();
}

static void die(void *arg)
{
	(void)arg;
	_exit(1);
}

static void test_a_rehearsal_that_dies_teaches_nothing(void **state)
{
	struct hugepages none = { .hot_n = 7 };

	(void)state;
	hugepages_learn(&none, die, NULL);
	assert_int_equal(none.hot_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_child_writes_all_over_is_hot),
		cmocka_unit_test(test_taking_changes_no_byte_here_or_there),
		cmocka_unit_test(test_nothing_known_is_nothing_taken),
		cmocka_unit_test(test_a_rehearsal_that_dies_teaches_nothing),
	};
	return cmocka_run_group_tests_name("hugepages", tests, setup, NULL);
}
