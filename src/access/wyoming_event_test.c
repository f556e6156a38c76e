#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/wyoming_event.h"
#include "base/error.h"
#include "base/util.h"

static json_t *json_of(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

static void reads(const char *data, unsigned rate_hz, unsigned width, unsigned channels)
{
	struct wyoming_format f = { 16000, 2, 1 };
	const struct wyoming_format want = { rate_hz, width, channels };
	struct error err;
	json_t *o = json_of(data);

	assert_int_equal(wyoming_read_format(o, &f, &err), 0);
	assert_true(wyoming_format_is(&f, &want));
	json_decref(o);
}

static void a_format_is_what_is_said_of_it(void **state)
{
	(void)state;
	reads("{\"rate\":48000,\"width\":4,\"channels\":2}", 48000, 4, 2);
	reads("{\"rate\":8000}", 8000, 2, 1);
	reads("{\"rate\":null,\"timestamp\":null}", 16000, 2, 1);
}

static void refuses(const char *data, const char *sentence)
{
	struct wyoming_format f = { 16000, 2, 1 };
	const struct wyoming_format before = f;
	struct error err;
	json_t *o = json_of(data);

	assert_int_equal(wyoming_read_format(o, &f, &err), -1);
	assert_string_equal(err.text, sentence);
	assert_true(wyoming_format_is(&f, &before));
	json_decref(o);
}

static void a_format_that_cannot_be_changes_nothing(void **state)
{
	(void)state;
	refuses("{\"rate\":7999}", "rate must be a whole number from 8000 to 192000");
	refuses("{\"rate\":16000.5}", "rate must be a whole number from 8000 to 192000");
	refuses("{\"rate\":8000,\"width\":5}", "width must be a whole number from 1 to 4");
	refuses("{\"width\":\"two\"}", "width must be a whole number from 1 to 4");
	refuses("{\"width\":1,\"channels\":9}", "channels must be a whole number from 1 to 8");
	refuses("{\"channels\":-1}", "channels must be a whole number from 1 to 8");
}

static void a_width_is_an_encoding_of_so_many_bytes(void **state)
{
	struct wyoming_format f = { 16000, 1, 2 };

	(void)state;
	assert_int_equal(wyoming_ear_format(&f).encoding, ENCODING_U8);
	for (; f.width <= 4; f.width++) {
		const struct format ear = wyoming_ear_format(&f);

		assert_int_equal(format_frame_bytes(&ear), 2 * f.width);
		assert_int_equal(ear.rate_hz, 16000);
		assert_int_equal(ear.channels, 2);
	}
}

static void the_pool_is_the_models_or_speaks_the_language(void **state)
{
	static const struct language_pool pools[] = { { .name = "en" }, { .name = "de-small" },
		{ .name = "de" }, { .name = "big" } };
	static const struct {
		const char *data;
		int pool;
	} wishes[] = { { "{}", -1 }, { "{\"name\":\"big\",\"language\":\"de\"}", 3 },
		{ "{\"name\":\"none\",\"language\":\"de\"}", 2 }, { "{\"language\":\"de-AT\"}", 1 },
		{ "{\"language\":\"fr\"}", -1 }, { "{\"language\":5,\"name\":null}", -1 },
		{ "{\"language\":\"en-and-so-on-and-so-on\"}", -1 } };
	struct wyoming_wish wish = { .model = "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
		json_t *data = json_of(wishes[i].data);

		wyoming_read_wish(data, &wish);
		assert_int_equal(wyoming_choose(&wish, pools, ARRAY_SIZE(pools)), wishes[i].pool);
		json_decref(data);
	}
	wyoming_wish_done(&wish);
}

static void names_and_terms_are_hot_words(void **state)
{
	json_t *data = json_of("{\"language\":\"de-AT\",\"transcript_terms\":[\"fan\"],"
			       "\"transcript_names\":[\"Kuechenlampe\",5,\"Bad, oben\"]}");
	json_t *next = json_of("{\"transcript_names\":\"fan\"}");
	struct wyoming_wish wish = { .model = "" };

	(void)state;
	wyoming_read_wish(data, &wish);
	assert_string_equal(wish.wanted.language, "de");
	assert_string_equal(wish.wanted.hot_words, "Kuechenlampe, Bad, oben, fan");
	wyoming_read_wish(next, &wish);
	assert_string_equal(wish.wanted.language, "");
	assert_null(wish.wanted.hot_words);
	wyoming_wish_done(&wish);
	json_decref(data);
	json_decref(next);
}

/* Without these a client takes the whole info for broken. */
static void has_what_all_things_must(json_t *thing)
{
	const char *name, *whose, *url;
	int installed;

	assert_int_equal(json_unpack(thing, "{s:s,s:b,s:{s:s,s:s}}", "name", &name, "installed",
			     &installed, "attribution", "name", &whose, "url", &url),
	    0);
	assert_true(installed);
}

static void an_info_has_a_model_for_each_pool(void **state)
{
	static const struct language_pool pools[] = { { .name = "de" }, { .name = "big" } };
	json_t *info = wyoming_info(pools, 2), *program, *models, *model;
	int streaming, vad;
	size_t i;

	(void)state;
	assert_int_equal(json_unpack(info, "{s:[o]}", "asr", &program), 0);
	has_what_all_things_must(program);
	assert_int_equal(
	    json_unpack(program, "{s:o,s:b,s:b}", "models", &models,
		"supports_transcript_streaming", &streaming, "requires_external_vad", &vad),
	    0);
	assert_true(streaming && vad);
	assert_int_equal(json_array_size(models), 2);
	json_array_foreach(models, i, model)
	{
		const char *language;

		has_what_all_things_must(model);
		assert_int_equal(json_unpack(model, "{s:[s]}", "languages", &language), 0);
		assert_string_equal(language, i == 0 ? "de" : "en");
	}
	json_decref(info);
}

static void a_model_has_all_its_languages(void **state)
{
	static const struct language_pool pools[] = { { .name = "main", .languages = "de, nl" },
		{ .name = "whisper", .is_told = true }, { .name = "en", .is_told = true } };
	json_t *info = wyoming_info(pools, 3), *set, *any, *named;

	(void)state;
	assert_int_equal(json_unpack(info, "{s:[{s:[{s:o},{s:o},{s:o}]}]}", "asr", "models",
			     "languages", &set, "languages", &any, "languages", &named),
	    0);
	assert_int_equal(json_array_size(set), 2);
	assert_string_equal(json_string_value(json_array_get(set, 1)), "nl");
	assert_true(json_array_size(any) > 90);
	assert_int_equal(json_array_size(named), 1);
	assert_string_equal(json_string_value(json_array_get(named, 0)), "en");
	json_decref(info);
}

static void a_timestamp_is_a_time_or_none(void **state)
{
	json_t *some = json_of("{\"timestamp\":1500}"), *none = json_of("{\"timestamp\":null}"),
	       *bad = json_of("{\"timestamp\":-1}");

	(void)state;
	assert_int_equal(wyoming_timestamp_ms(some), 1500);
	assert_int_equal(wyoming_timestamp_ms(none), 0);
	assert_int_equal(wyoming_timestamp_ms(bad), 0);
	json_decref(some);
	json_decref(none);
	json_decref(bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_terms_are_hot_words),
		cmocka_unit_test(a_format_is_what_is_said_of_it),
		cmocka_unit_test(a_format_that_cannot_be_changes_nothing),
		cmocka_unit_test(a_width_is_an_encoding_of_so_many_bytes),
		cmocka_unit_test(the_pool_is_the_models_or_speaks_the_language),
		cmocka_unit_test(an_info_has_a_model_for_each_pool),
		cmocka_unit_test(a_model_has_all_its_languages),
		cmocka_unit_test(a_timestamp_is_a_time_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
