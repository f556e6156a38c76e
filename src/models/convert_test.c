/* The smallest model there can be; the sums of what it becomes are those of another program's output (see the first test). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/test_rows.h"
#include "models/convert.h"
#include "models/ct2_fake.h"
#include "models/sum.h"

static int add_to_sum(void *sum, const void *bytes, size_t n, struct error *err)
{
	(void)err;
	sum_add(sum, bytes, n);
	return 0;
}

static int convert(
    const struct ct2_fake *model, const struct ct2_fake *vocabulary, char *hex, struct error *err)
{
	const struct convert_input in = { model->data, model->n, vocabulary->data, vocabulary->n };
	struct sum *s = sum_new();
	int rc = convert_ct2(&in, add_to_sum, s, err);

	sum_finish(&s, hex);
	return rc;
}

static void assert_becomes(uint32_t tokens, const char *sum)
{
	struct ct2_fake model, vocabulary;
	struct error err = ERROR_INIT;
	char hex[SUM_HEX_BYTES];

	ct2_fake_model(&model, tokens, 0);
	ct2_fake_vocabulary(&vocabulary);
	assert_int_equal(convert(&model, &vocabulary, hex, &err), 0);
	assert_string_equal(hex, sum);
	ct2_fake_done(&model);
	ct2_fake_done(&vocabulary);
}

/* Computed by a program in Python whose output for OpenAI's models is what whisper.cpp publishes. */
static void test_an_english_model_becomes_what_it_should(void **state)
{
	(void)state;
	assert_becomes(51864, "dd9c250a7adf11e3c5160e56cc4388383f328d092c3a3fc9fee7bc919865f1a1");
}

static void test_one_of_many_languages_becomes_what_it_should(void **state)
{
	(void)state;
	assert_becomes(51865, "64b793ab6df6b386624ac929866b13d06ce08b665988ec6952c85c4601755651");
}

/* ---- what is wrong with a model ---- */

static uint8_t *find(struct ct2_fake *f, const char *text)
{
	uint8_t *at = memmem(f->data, f->n, text, strlen(text));

	assert_non_null(at);
	return at;
}

static void cut_in_the_middle(struct ct2_fake *f)
{
	f->n = 2000;
}

static void cut_to_nothing(struct ct2_fake *f)
{
	f->n = 0;
}

static void of_another_format(struct ct2_fake *f)
{
	f->data[0] = 5;
}

static void of_another_kind(struct ct2_fake *f)
{
	memcpy(find(f, "WhisperSpec"), "Transformer", 11);
}

static void with_too_many_variables(struct ct2_fake *f)
{
	memset(find(f, "WhisperSpec") + 16, 0xff, 4);
}

static void without_a_variable(struct ct2_fake *f)
{
	memcpy(find(f, "encoder/layer_0/ffn/linear_1/bias"), "encoder/layer_0/fff", 19);
}

static void without_layers(struct ct2_fake *f)
{
	memcpy(find(f, "encoder/layer_0/ffn/linear_0/weight"), "encoder/layer_7", 15);
}

static void with_numbers_of_8_bits(struct ct2_fake *f)
{
	uint8_t *at =
	    find(f, "encoder/layer_0/ffn/linear_1/bias") + 34; /* dimensions, then the type */

	at[5] = 1;
}

static void with_a_shape_that_is_too_large(struct ct2_fake *f)
{
	memset(find(f, "encoder/layer_0/ffn/linear_1/bias") + 35, 0xff, 4);
}

static void with_a_shape_that_does_not_fit(struct ct2_fake *f)
{
	uint8_t *at = find(f, "encoder/conv2/weight") + 21;

	at[1] = 3; /* 3, 32, 32 instead of 32, 32, 3 */
	at[9] = 32;
}

static void with_something_behind(struct ct2_fake *f)
{
	f->data = realloc(f->data, f->n + 1);
	f->data[f->n++] = 7;
}

static void with_no_heads(struct ct2_fake *f)
{
	find(f, "encoder/num_heads")[24] = 0;
}

static struct row {
	const char *name;
	void (*harm)(struct ct2_fake *model);
	const char *says;
} rows[] = {
	{ "a cut one", cut_in_the_middle,
	    "the weights are cut: they have 2000 bytes, and end inside decoder/embeddings/weight" },
	{ "an empty one", cut_to_nothing,
	    "the weights are cut: they have 0 bytes, and end inside its first number" },
	{ "another format", of_another_format,
	    "the weights are not in CTranslate2's format 6: they begin with 5" },
	{ "another kind of model", of_another_kind,
	    "the weights are of a Transformer in CTranslate2's form, not of a WhisperSpec" },
	{ "too many variables", with_too_many_variables,
	    "the weights have 4294967295 variables; allowed are 1 to 8192" },
	{ "a variable that is missing", without_a_variable,
	    "the weights have no variable encoder/layer_0/ffn/linear_1/bias" },
	{ "no layers", without_layers, "one of its halves has 0 layers; allowed are 1 to 48" },
	{ "numbers of another type", with_numbers_of_8_bits,
	    "the weights have a variable encoder/layer_0/ffn/linear_1/bias that is not of 16 bits; "
	    "only such models can be converted" },
	{ "a shape that is too large", with_a_shape_that_is_too_large,
	    "the weights have a variable encoder/layer_0/ffn/linear_1/bias of 64 bytes; its shape "
	    "takes 8589934590" },
	{ "a shape that does not fit", with_a_shape_that_does_not_fit,
	    "the weights have a variable encoder/conv2/weight that does not fit the others" },
	{ "bytes behind it", with_something_behind,
	    "the weights are followed by 1 bytes that do not belong to them" },
	{ "no heads", with_no_heads, "it has 0 heads, which do not divide its state of 32" },
};

static void test_a_harmed_model_is_refused(void **state)
{
	const struct row *r = *state;
	struct ct2_fake model, vocabulary;
	struct error err = ERROR_INIT;
	char hex[SUM_HEX_BYTES];

	ct2_fake_model(&model, 51864, 1);
	ct2_fake_vocabulary(&vocabulary);
	r->harm(&model);
	assert_int_equal(convert(&model, &vocabulary, hex, &err), -1);
	assert_string_equal(err.text, r->says);
	ct2_fake_done(&model);
	ct2_fake_done(&vocabulary);
}

/* ---- what is wrong with a vocabulary ---- */

static struct vocabulary_row {
	const char *name, *text, *says;
} vocabulary_rows[] = {
	{ "an empty vocabulary", "",
	    "the vocabulary ends after 0 tokens, and none of them is <|endoftext|>" },
	{ "a vocabulary of another model", "a\nb\n</s>\n",
	    "the vocabulary ends after 3 tokens, and none of them is <|endoftext|>" },
	{ "a blank in a token", "a\nb c\n<|endoftext|>\n",
	    "the vocabulary has a character at byte 3 that stands for none" },
	{ "a character that stands for no byte", "\xc5\x84\n<|endoftext|>\n",
	    "the vocabulary has a character at byte 0 that stands for none" },
	{ "half a character", "a\xc4\n<|endoftext|>\n",
	    "the vocabulary has a character at byte 1 that stands for none" },
};

static void test_a_wrong_vocabulary_is_refused(void **state)
{
	const struct vocabulary_row *r = *state;
	struct ct2_fake model, vocabulary = { (uint8_t *)(uintptr_t)r->text, strlen(r->text) };
	struct error err = ERROR_INIT;
	char hex[SUM_HEX_BYTES];

	ct2_fake_model(&model, 51864, 1);
	assert_int_equal(convert(&model, &vocabulary, hex, &err), -1);
	assert_string_equal(err.text, r->says);
	ct2_fake_done(&model);
}

static int refuse(void *arg, const void *bytes, size_t n, struct error *err)
{
	(void)bytes, (void)n;
	return ++*(int *)arg < 20 ? 0 : error_set(err, ERROR_SYSTEM, "the disk is full");
}

static void test_who_writes_may_end_it(void **state)
{
	struct ct2_fake model, vocabulary;
	struct error err = ERROR_INIT;
	int calls = 0;

	(void)state;
	ct2_fake_model(&model, 51864, 1);
	ct2_fake_vocabulary(&vocabulary);
	assert_int_equal(convert_ct2(&(struct convert_input){ model.data, model.n, vocabulary.data,
					 vocabulary.n },
			     refuse, &calls, &err),
	    -1);
	assert_string_equal(err.text, "the disk is full");
	assert_int_equal(calls, 20);
	ct2_fake_done(&model);
	ct2_fake_done(&vocabulary);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(vocabulary_rows) + 3] = {
		cmocka_unit_test(test_an_english_model_becomes_what_it_should),
		cmocka_unit_test(test_one_of_many_languages_becomes_what_it_should),
		cmocka_unit_test(test_who_writes_may_end_it),
	};
	size_t n = 3;

	TEST_ROWS(tests, n, rows, test_a_harmed_model_is_refused);
	TEST_ROWS(tests, n, vocabulary_rows, test_a_wrong_vocabulary_is_refused);
	return _cmocka_run_group_tests("convert", tests, n, NULL, NULL);
}
