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

#include "base/error.h"
#include "base/util.h"
#include "models/known.h"
#include "models/store.h"
#include "models/tree.h"
#include "models/vosk_fake.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/stenopool-known-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : setenv("STENOPOOL_MODELS", dir, 1);
}

static int tear_down(void **state)
{
	(void)state;
	tree_remove(dir);
	return 0;
}

static void put(const char *name, bool with_sum)
{
	char path[200], sum[SUM_HEX_BYTES];
	struct error err = ERROR_INIT;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_true(vosk_fake_make(path, VOSK_FAKE_USUAL));
	assert_int_equal(tree_sum(path, sum, &err), 0);
	if (with_sum)
		assert_int_equal(known_write_sum(path, sum, tree_bytes(path), &err), 0);
}

static void test_the_catalogue_is_known(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_ptr_equal(known_find("tiny.en", &err), models_find("tiny.en", &err));
	assert_ptr_equal(known_at(0), models_at(0));
	assert_null(known_find("tiny-en", &err));
	assert_non_null(strstr(err.text, "did you mean tiny.en?"));
}

static void test_what_was_imported_is_known_with_its_language(void **state)
{
	struct error err = ERROR_INIT;
	const struct model *m;
	char path[STORE_PATH_BYTES];

	(void)state;
	put("vosk-model-small-de-0.15", true);
	m = known_find("vosk-model-small-de-0.15", &err);
	assert_non_null(m);
	assert_string_equal(m->engine, "vosk");
	assert_string_equal(m->languages, "de");
	assert_true(m->is_tree);
	assert_int_equal(store_need(m, path, &err), 0);
	assert_true(store_is_whole(m, path));
	assert_int_equal(known_check(m, path, &err), 0);
	assert_true(vosk_fake_write(path, "README", "more"));
	assert_false(store_is_whole(m, path));
	assert_int_equal(known_check(m, path, &err), -1);
	assert_int_equal(store_remove(m, &err), 0);
	assert_null(known_find("vosk-model-small-de-0.15", &err));
	assert_int_equal(rmdir(dir), 0); /* its sum went with it */
}

static void test_what_is_not_here_is_told_with_the_way_to_get_it(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	put("vosk-model-small-it-0.22", false); /* nobody has imported that */
	assert_null(known_find("vosk-model-small-it-0.22", &err));
	assert_string_equal(err.text,
	    "vosk-model-small-it-0.22 is not here; get vosk-model-small-it-0.22.zip from "
	    "https://alphacephei.com/vosk/models, and then: stenopool models import "
	    "vosk-model-small-it-0.22.zip");
	assert_null(known_find("vosk-model-../../etc", &err));
}

static void test_a_sum_that_is_none_makes_nothing_known(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	put("vosk-model-fr", true);
	assert_non_null(known_find("vosk-model-fr", &err));
	assert_true(vosk_fake_write(dir, "vosk-model-fr.sum", "abc 7\n"));
	assert_null(known_find("vosk-model-fr", &err));
	assert_true(vosk_fake_write(dir, "vosk-model-fr.sum", ""));
	assert_null(known_find("vosk-model-fr", &err));
}

/* The last, for what was found once has its place in the list. */
static void test_all_are_listed_the_imported_ones_by_their_names(void **state)
{
	size_t n = 0, i;

	(void)state;
	put("vosk-model-small-b", true);
	put("vosk-model-small-a", true);
	put("vosk-model-small-c", false);
	while (models_at(n) != NULL)
		n++;
	for (i = 0; known_at(i) != NULL; i++)
		if (i > n)
			assert_true(strcmp(known_at(i - 1)->name, known_at(i)->name) < 0);
	assert_in_range(i, n + 2, n + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(test_the_catalogue_is_known),
		TEST(test_what_was_imported_is_known_with_its_language),
		TEST(test_what_is_not_here_is_told_with_the_way_to_get_it),
		TEST(test_a_sum_that_is_none_makes_nothing_known),
		TEST(test_all_are_listed_the_imported_ones_by_their_names),
	};

	return cmocka_run_group_tests_name("known", tests, NULL, NULL);
}
