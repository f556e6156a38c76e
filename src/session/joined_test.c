#include "session/joined.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

static struct ipc_word two[] = { { TEXT("go"), 0, 300, 9000 }, { TEXT("on"), 300, 500, 7000 } };
static struct ipc_word one[] = { { TEXT("now"), 100, 400, 5000 } };
static const struct ipc_result first = {
	.text = TEXT("go on"), .confidence = 8000, .words_n = 2, .words = two
};
static const struct ipc_result silent = { .text = TEXT(""), .confidence = 2000 };
static const struct ipc_result last = {
	.text = TEXT("now"), .confidence = 5000, .words_n = 1, .words = one
};

static void expect_word(
    const struct joined_view *v, unsigned i, const char *text, unsigned start_ms, unsigned end_ms)
{
	const struct ipc_word *w = &v->result.words[i];

	assert_int_equal(w->text.length, strlen(text));
	assert_memory_equal(w->text.bytes, text, w->text.length);
	assert_int_equal(w->start_ms, start_ms);
	assert_int_equal(w->end_ms, end_ms);
}

static void test_alone(void **state)
{
	struct joined j;
	struct joined_view v;

	(void)state;
	joined_init(&j);
	assert_int_equal(joined_view(&j, &first, 0, &v), 0);
	assert_ptr_equal(v.result.text.bytes, first.text.bytes);
	assert_ptr_equal(v.result.words, first.words);
	assert_int_equal(v.result.confidence, 8000);
	joined_view_done(&v);
	joined_done(&j);
}

static void expect_language(const struct joined *j, const char *of_the_last, const char *want)
{
	struct ipc_result part = last;
	struct joined_view v;

	part.language = (struct ipc_text){ of_the_last, (uint32_t)strlen(of_the_last) };
	assert_int_equal(joined_view(j, &part, 2000, &v), 0);
	assert_int_equal(v.result.language.length, strlen(want));
	assert_memory_equal(v.result.language.bytes, want, strlen(want));
	joined_view_done(&v);
}

static void test_the_language_is_that_of_the_first_part_that_has_one(void **state)
{
	struct ipc_result german = first;
	struct joined j;

	(void)state;
	german.language = (struct ipc_text){ "de", 2 };
	joined_init(&j);
	expect_language(&j, "nl", "nl");
	assert_int_equal(joined_add(&j, &silent, 0), 0);
	expect_language(&j, "", "");
	expect_language(&j, "nl", "nl");
	assert_int_equal(joined_add(&j, &german, 1000), 0);
	expect_language(&j, "", "de");
	expect_language(&j, "nl", "de");
	german.language = (struct ipc_text){ "fr", 2 };
	assert_int_equal(joined_add(&j, &german, 2000), 0);
	expect_language(&j, "nl", "de");
	joined_done(&j);
}

static void test_three(void **state)
{
	struct joined j;
	struct joined_view v;

	(void)state;
	joined_init(&j);
	assert_int_equal(joined_add(&j, &first, 0), 0);
	assert_int_equal(joined_add(&j, &silent, 1000), 0);
	assert_int_equal(joined_view(&j, &last, 2000, &v), 0);
	assert_int_equal(v.result.text.length, 9);
	assert_memory_equal(v.result.text.bytes, "go on now", 9);
	assert_int_equal(v.result.words_n, 3);
	expect_word(&v, 0, "go", 0, 300);
	expect_word(&v, 1, "on", 300, 500);
	expect_word(&v, 2, "now", 2100, 2400);
	assert_int_equal(v.result.confidence, (2 * 8000 + 2000 + 5000) / 4);
	joined_view_done(&v);
	assert_int_equal(joined_view(&j, &silent, 2000, &v), 0);
	assert_int_equal(v.result.text.length, 5);
	joined_view_done(&v);
	joined_done(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "one part is as it is", test_alone, NULL, NULL, NULL },
		{ "several are one text, with the utterance's times", test_three, NULL, NULL,
		    NULL },
		{ "the language is that of the first part that has one",
		    test_the_language_is_that_of_the_first_part_that_has_one, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("joined", tests, NULL, NULL);
}
