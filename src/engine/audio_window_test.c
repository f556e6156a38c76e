#include "engine/audio_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "engine/engine.h"

enum { SECOND = ENGINE_SAMPLE_RATE_HZ };

static void test_the_window_follows_the_length_above_the_floor(void **state)
{
	static const struct {
		size_t samples;
		unsigned floor;
		int frames;
	} cases[] = {
		{ 0, 512, 512 },
		{ 3 * SECOND, 512, 512 },
		{ 7 * SECOND + 34 * 320, 512, 512 }, /* 384 + 128 */
		{ 7 * SECOND + 35 * 320, 512, 768 },
		{ 11 * SECOND, 512, 768 },
		{ 11 * SECOND, 768, 768 },
		{ SECOND, 500, 512 },
		{ SECOND, 1, 256 },
		{ 20 * SECOND, 512, 1280 },
		{ 24 * SECOND, 512, 1500 },
		{ 30 * SECOND, 512, 1500 },
		{ 3600 * (size_t)SECOND, 512, 1500 },
		{ SECOND, 1500, 1500 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
		    audio_window_frames(cases[i].samples, cases[i].floor), cases[i].frames);
}

static void test_a_model_that_was_not_measured_gets_all_of_it(void **state)
{
	(void)state;
	assert_int_equal(audio_window_frames(SECOND, 0), AUDIO_WINDOW_FULL);
}

static void test_tokens_grow_with_the_audio_up_to_the_window(void **state)
{
	(void)state;
	assert_int_equal(audio_window_tokens(0), 8);
	assert_int_equal(audio_window_tokens(SECOND), 16);
	assert_int_equal(audio_window_tokens(30 * SECOND), 248);
	assert_int_equal(audio_window_tokens(600 * (size_t)SECOND), 248);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_window_follows_the_length_above_the_floor),
		cmocka_unit_test(test_a_model_that_was_not_measured_gets_all_of_it),
		cmocka_unit_test(test_tokens_grow_with_the_audio_up_to_the_window),
	};

	return cmocka_run_group_tests_name("audio_window", tests, NULL, NULL);
}
