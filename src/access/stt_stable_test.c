#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "access/stt_stable.h"
#include "base/letter.h"

static struct stt_stable *stable;
static uint64_t now_ms, heard_ms;

static int setup(void **state)
{
	(void)state;
	stable = stt_stable_new();
	assert_non_null(stable);
	now_ms = 5000;
	heard_ms = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stt_stable_free(&stable);
	return 0;
}

/* The next partial, `ms` after the one before, which heard `more` ms more. */
static struct stt_stable_text take(const char *text, unsigned ms, unsigned more)
{
	struct stt_stable_text out;

	now_ms += ms;
	heard_ms += more;
	assert_int_equal(stt_stable_take(stable, text, strlen(text), heard_ms, now_ms, &out), 0);
	return out;
}

static void expect(
    const char *text, unsigned ms, const char *stands, const char *delta, const char *unstable)
{
	struct stt_stable_text t = take(text, ms, ms);

	assert_string_equal(t.stable, stands);
	assert_string_equal(t.delta, delta);
	assert_string_equal(t.unstable, unstable);
	assert_true(t.aligned);
}

static void what_is_agreed_on_for_long_enough_stands(void **state)
{
	(void)state;
	expect("One", 0, "", "", "One");
	expect("One two", 400, "", "", "One two");
	expect("One two, three", 400, "One", "One", " two, three");
	expect("One two, three four", 400, "One", "", " two, three four");
	expect("One two, three four five", 400, "One two", " two", ", three four five");
	expect("One two, three four five six", 400, "One two three", " three", " four five six");
}

static void the_first_word_is_waited_for_longer_than_others(void **state)
{
	(void)state;
	expect("One two", 0, "", "", "One two");
	expect("One two", 700, "", "", "One two");
	expect("One two", 100, "One", "One", " two");
}

static void a_partial_that_heard_nothing_more_confirms_nothing(void **state)
{
	struct stt_stable_text t = take("One two", 0, 100);

	(void)state;
	for (int i = 0; i < 8; i++)
		t = take("One two", 500, 0);
	assert_string_equal(t.stable, "");
	t = take("One two", 1000, 100);
	assert_string_equal(t.stable, "One");
}

static void words_that_change_do_not_stand(void **state)
{
	(void)state;
	expect("A tap is", 0, "", "", "A tap is");
	expect("A tap is", 900, "A", "A", " tap is");
	expect("A tab is", 400, "A", "", " tab is");
	expect("A tap is", 400, "A tap", " tap", " is");
}

static void what_stands_is_never_taken_back(void **state)
{
	struct stt_stable_text t;

	(void)state;
	(void)take("Go on now", 0, 100);
	for (int i = 0; i < 4; i++)
		t = take("Go on now please", 900, 100);
	assert_string_equal(t.stable, "Go on now");
	t = take("Go off now please", 900, 100);
	assert_string_equal(t.stable, "Go on now");
	assert_string_equal(t.delta, "");
	assert_string_equal(t.unstable, " ... off now please");
	assert_false(t.aligned);
	t = take("", 900, 100);
	assert_string_equal(t.unstable, " ... ");
	t = take("go, on NOW, please", 900, 100);
	assert_true(t.aligned);
	assert_string_equal(t.unstable, ", please");
}

static void any_text_of_any_length_is_taken(void **state)
{
	static char text[20000];
	struct stt_stable_text t;

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++)
		text[i] = i % 7 == 6 ? ' ' : (char)('a' + i % 26);
	for (int i = 0; i < 6; i++)
		t = take(text, 900, 100);
	assert_true(strlen(t.stable) > 4000 && strlen(t.stable) <= 4096);
	assert_int_equal(strlen(t.stable) + strlen(t.unstable), sizeof text - 1);
	(void)take("\xff\xc3\xe2\x82 \xf0\x9f\x98\x80", 100, 100);
}

static void letters_have_their_case(void **state)
{
	static const uint32_t pairs[][2] = { { 'A', 'a' }, { 0xc4, 0xe4 }, { 0x100, 0x101 },
		{ 0x139, 0x13a }, { 0x160, 0x161 }, { 0x17d, 0x17e }, { 0x391, 0x3b1 },
		{ 0x410, 0x430 }, { 0x401, 0x451 }, { 0x490, 0x491 } };
	static const uint32_t none[] = { '1', ' ', 0xd7, 0xf7, 0xdf, 0x131, 0x3c2, 0x4f60 };

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		assert_int_equal(letter_lower(pairs[i][0]), pairs[i][1]);
		assert_int_equal(letter_upper(pairs[i][1]), pairs[i][0]);
		assert_int_equal(letter_lower(pairs[i][1]), pairs[i][1]);
		assert_int_equal(letter_upper(pairs[i][0]), pairs[i][0]);
	}
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		assert_int_equal(letter_lower(none[i]), none[i]);
		assert_int_equal(letter_upper(none[i]), none[i]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_agreed_on_for_long_enough_stands),
		TEST(the_first_word_is_waited_for_longer_than_others),
		TEST(a_partial_that_heard_nothing_more_confirms_nothing),
		TEST(words_that_change_do_not_stand),
		TEST(what_stands_is_never_taken_back),
		TEST(any_text_of_any_length_is_taken),
		cmocka_unit_test(letters_have_their_case),
	};

	return cmocka_run_group_tests_name("stt_stable", tests, NULL, NULL);
}
