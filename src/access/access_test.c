#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/access_internal.h"
#include "access/keys.h"
#include "base/error.h"
#include "pool/pool.h"

/* The SHA-256 of "one". */
#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"

struct fixture {
	struct access *access;
	char path[32];
};

static int setup(void **state)
{
	static const struct access_config cfg;
	static struct pool *const none[1];
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->access = access_new(&cfg, none, 1, NULL, NULL);
	(void)strcpy(f->path, "/tmp/keys-XXXXXX");
	assert_int_equal(close(mkstemp(f->path)), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	access_free(&f->access);
	(void)unlink(f->path);
	free(f);
	return 0;
}

static int load(struct fixture *f, const char *text, struct error *err)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	(void)fputs(text, file);
	(void)fclose(file);
	return access_load_keys(f->access, f->path, err);
}

static const char *name_of_one(const struct fixture *f)
{
	const struct key *key = keys_match(f->access->keys, "one", 3);

	return key == NULL ? "" : key->name;
}

static void test_keys_can_be_loaded_again(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_null(f->access->keys);
	assert_int_equal(load(f, "alice:" ONE "\n", &err), 0);
	assert_string_equal(name_of_one(f), "alice");
	assert_int_equal(load(f, "bob:" ONE "\n", &err), 0);
	assert_string_equal(name_of_one(f), "bob");
}

static void test_a_mistake_leaves_the_keys_as_they_were(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_int_equal(load(f, "alice:" ONE "\n", &err), 0);
	assert_int_equal(load(f, "alice\n", &err), -1);
	assert_non_null(strstr(err.text, ":1: this is no key"));
	assert_int_equal(access_load_keys(f->access, "/no/such/keys", &err), -1);
	assert_string_equal(name_of_one(f), "alice");
}

static void test_no_file_lets_everybody_in_and_an_empty_one_nobody(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_int_equal(load(f, "# nobody\n", &err), 0);
	assert_non_null(f->access->keys);
	assert_string_equal(name_of_one(f), "");
	assert_int_equal(access_load_keys(f->access, "", &err), 0);
	assert_null(f->access->keys);
	assert_int_equal(load(f, "alice:" ONE "\n", &err), 0);
	assert_int_equal(access_load_keys(f->access, NULL, &err), 0);
	assert_null(f->access->keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keys_can_be_loaded_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_mistake_leaves_the_keys_as_they_were, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_no_file_lets_everybody_in_and_an_empty_one_nobody, setup, teardown),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
