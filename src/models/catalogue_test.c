#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "models/catalogue.h"

static void test_every_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; models_at(i) != NULL; i++) {
		const struct model *m = models_at(i);

		assert_int_equal(strlen(m->sha256), 64);
		assert_int_equal(strspn(m->sha256, "0123456789abcdef"), 64);
		assert_true(m->bytes > 0);
		assert_null(strchr(m->file, '/'));
		assert_null(strchr(m->name, '/'));
		assert_int_equal(
		    m->sources[0].kind, m->is_tree ? MODEL_SOURCE_WHEEL : MODEL_SOURCE_URL);
		assert_ptr_equal(models_find_sum(m->sha256), m);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(models_at(j)->file, m->file);
	}
}

static void test_what_is_made_is_made_of_what_there_is(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; models_at(i) != NULL; i++)
		for (unsigned j = 0; j < MODELS_SOURCES_MAX; j++)
			if (models_at(i)->sources[j].kind == MODEL_SOURCE_MADE)
				assert_non_null(models_find(models_at(i)->sources[j].where, &err));
}

static void test_a_name_is_found(void **state)
{
	struct error err = ERROR_INIT;
	const struct model *m = models_find("tiny.en", &err);

	(void)state;
	assert_non_null(m);
	assert_string_equal(m->file, "ggml-tiny.en.bin");
	assert_int_equal(m->window_floor, 512);
	assert_string_equal(models_find("silero-v6.2", &err)->engine, "silero");
}

static void test_a_slip_is_understood(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(models_find("tiny-en", &err));
	assert_string_equal(err.text, "there is no model \"tiny-en\"; did you mean tiny.en?");
	assert_null(models_find("large-v3-turbo-q8", &err));
	assert_string_equal(
	    err.text, "there is no model \"large-v3-turbo-q8\"; did you mean large-v3-turbo-q8_0?");
}

static void test_what_is_like_none_is_sent_to_the_list(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(models_find("en-us-of-another-engine-and-a-very-long-name", &err));
	assert_non_null(strstr(err.text, "; stenopool models list shows those there are"));
	assert_null(models_find("", &err));
	assert_null(models_find_sum("00"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_whole),
		cmocka_unit_test(test_what_is_made_is_made_of_what_there_is),
		cmocka_unit_test(test_a_name_is_found),
		cmocka_unit_test(test_a_slip_is_understood),
		cmocka_unit_test(test_what_is_like_none_is_sent_to_the_list),
	};

	return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
