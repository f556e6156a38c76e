/* On data/warmup.wav, synthetic speech, with the model tiny.en where it is on this machine, else all is skipped. */
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
#include "engine/engine.h"
#include "engine/whisper_model.h"
#include "engine/whisper_settings.h"
#include "models/catalogue.h"
#include "models/store.h"

enum { WAV_HEADER_BYTES = 44, CLIP_MAX = 16000 * 8, LONG_SAMPLES = 16000 * 26, BLOCK = 1600 };

static const struct engine_ops *const ops = &engine_whisper;
static struct engine *engine; /* one for all tests: loading takes its time */
static char model[STORE_PATH_BYTES];
static int16_t clip[CLIP_MAX], noise[CLIP_MAX];
static size_t clip_n;

/* All that an utterance gave, in a form that can be compared to the last bit. */
struct heard {
	char text[1024], language[8];
	float confidence;
	size_t words_n;
	struct {
		uint32_t start_ms, end_ms;
		float confidence;
	} words[128];
};

static void keep(struct heard *out, const struct engine_result *r)
{
	memset(out, 0, sizeof *out);
	assert_true(strlen(r->text) < sizeof out->text && r->words_n <= ARRAY_SIZE(out->words));
	memcpy(out->text, r->text, strlen(r->text));
	memcpy(out->language, r->language, strlen(r->language));
	out->confidence = r->confidence;
	out->words_n = r->words_n;
	for (size_t i = 0; i < r->words_n; i++) {
		out->words[i].start_ms = r->words[i].start_ms;
		out->words[i].end_ms = r->words[i].end_ms;
		out->words[i].confidence = r->words[i].confidence;
	}
}

static void give(const int16_t *samples, size_t n, size_t block)
{
	struct error err = ERROR_INIT;

	for (size_t at = 0; at < n; at += block)
		assert_int_equal(ops->audio(engine, samples + at, MIN(block, n - at), &err), 0);
}

static void begin(const struct engine_begin *b)
{
	struct error err = ERROR_INIT;

	assert_int_equal(ops->begin(engine, b, &err), 0);
}

static void end(struct heard *out)
{
	struct engine_result r;
	struct error err = ERROR_INIT;

	if (ops->end(engine, &r, &err) < 0)
		fail_msg("%s", err.text);
	keep(out, &r);
}

static void hear(const int16_t *samples, size_t n, struct heard *out)
{
	begin(&(struct engine_begin){ 0 });
	give(samples, n, BLOCK);
	end(out);
}

static void test_hears_the_words_where_they_are(void **state)
{
	struct heard h;

	(void)state;
	hear(clip, clip_n, &h);
	assert_string_equal(h.text,
	    "Good morning, please send the first letter to my brother, and keep it copy for the "
	    "office.");
	assert_int_equal(h.words_n, 17);
	assert_string_equal(h.language, "en");
	assert_true(h.confidence > 0.3f);
	for (size_t i = 1; i < h.words_n; i++)
		assert_true(h.words[i].start_ms >= h.words[i - 1].start_ms);
	assert_true(h.words[h.words_n - 1].end_ms <= clip_n * 1000 / ENGINE_SAMPLE_RATE_HZ);
}

/* What a state decoded before stands in it still, in the blocks of attention that a shorter window does not fill. */
static void test_what_was_heard_before_changes_no_bit(void **state)
{
	static const size_t lengths[] = { 4000, 40000, 8 * 16000 };
	const struct engine_param params[] = { { "model", model }, { "window_floor", "300" } };
	struct heard want, got, ignored;
	struct engine *one_for_all = engine;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(ops->load(&engine, params, 2, &err), 0);
	hear(clip, clip_n, &want);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		hear(noise, lengths[i], &ignored);
		hear(clip, clip_n, &got);
		assert_memory_equal(&got, &want, sizeof got);
	}
	ops->unload(&engine);
	engine = one_for_all;
}

/* The full window ends inside a block of attention, and a shorter one before it has filled that. */
static void test_nor_does_it_where_the_window_is_full(void **state)
{
	static int16_t samples[LONG_SAMPLES];
	struct heard want, got, ignored;
	struct engine *one_for_all = engine, *fresh = NULL;
	const struct engine_param param = { "model", model };
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < LONG_SAMPLES; i++)
		samples[i] = clip[i % clip_n];
	assert_int_equal(ops->load(&fresh, &param, 1, &err), 0);
	engine = fresh;
	hear(samples, LONG_SAMPLES, &want);
	assert_true(want.words_n > 10);
	hear(clip, clip_n, &ignored);
	hear(noise, CLIP_MAX, &ignored);
	hear(samples, LONG_SAMPLES - LONG_SAMPLES / 5, &ignored);
	hear(samples, LONG_SAMPLES, &got);
	assert_memory_equal(&got, &want, sizeof got);
	ops->unload(&engine);
	engine = one_for_all;
}

static void test_chunks_and_partials_change_no_bit(void **state)
{
	struct heard want, got;
	struct engine_result r;
	struct error err = ERROR_INIT;

	(void)state;
	hear(clip, clip_n, &want);
	begin(&(struct engine_begin){ 0 });
	for (size_t at = 0; at < clip_n; at += 9600) {
		give(clip + at, MIN(9600, clip_n - at), 77);
		assert_int_equal(ops->partial(engine, &r, &err), 0);
	}
	end(&got);
	assert_memory_equal(&got, &want, sizeof got);
}

static void test_where_nobody_spoke_nothing_is_told(void **state)
{
	static int16_t silence[3 * ENGINE_SAMPLE_RATE_HZ];
	struct heard h;

	(void)state;
	hear(silence, ARRAY_SIZE(silence), &h);
	assert_string_equal(h.text, "");
	assert_string_equal(h.language, "");
	hear(noise, 2 * ENGINE_SAMPLE_RATE_HZ, &h);
	assert_string_equal(h.text, "");
	hear(clip, 100, &h);
	assert_string_equal(h.text, "");
	hear(clip, 0, &h);
	assert_string_equal(h.text, "");
}

struct asked {
	unsigned n, until; /* the one that says no; 0: none */
};

static bool on_progress(void *arg, uint64_t decoded)
{
	struct asked *a = arg;

	(void)decoded;
	return ++a->n != a->until;
}

static void test_it_asks_from_inside_and_stops_when_told(void **state)
{
	struct asked asked = { 0, 0 };
	struct engine_result r;
	struct error err = ERROR_INIT;
	struct heard want, got;
	static const unsigned untils[] = { 1, 2, 5, 15 }; /* it asks some hundred times a second */

	(void)state;
	hear(clip, clip_n, &want);
	begin(&(struct engine_begin){ .on_progress = on_progress, .arg = &asked });
	give(clip, clip_n, BLOCK);
	end(&got);
	assert_memory_equal(&got, &want, sizeof got);
	for (size_t i = 0; i < ARRAY_SIZE(untils); i++) {
		asked = (struct asked){ 0, untils[i] };
		assert_int_equal(ops->end(engine, &r, &err), -1);
		assert_string_equal(err.text, "given up on request");
		assert_int_equal(asked.n, untils[i]);
		asked = (struct asked){ 0, 0 };
		end(&got); /* as after a partial that was given up */
		assert_memory_equal(&got, &want, sizeof got);
	}
	hear(clip, clip_n, &got);
	assert_memory_equal(&got, &want, sizeof got);
}

static void test_a_prompt_is_for_its_utterance_only(void **state)
{
	struct heard want, got;

	(void)state;
	hear(clip, clip_n, &want);
	begin(&(struct engine_begin){
	    .prompt = "GOOD MORNING, PLEASE SEND THE FIRST LETTER.", .hot_words = "a copy" });
	give(clip, clip_n, BLOCK);
	end(&got);
	assert_true(memcmp(&got, &want, sizeof got) != 0);
	hear(clip, clip_n, &got);
	assert_memory_equal(&got, &want, sizeof got);
}

static void test_an_english_model_hears_english_whatever_is_wished(void **state)
{
	struct heard want, got;

	(void)state;
	hear(clip, clip_n, &want);
	begin(&(struct engine_begin){ .language = "de", .translate = true });
	give(clip, clip_n, BLOCK);
	end(&got);
	assert_memory_equal(&got, &want, sizeof got);
	assert_int_equal(ops->loaded(engine)->takes, IPC_TAKES_PROMPT | IPC_TAKES_HOT_WORDS);
}

static void test_after_a_reset_it_hears_the_same(void **state)
{
	struct heard want, got;

	(void)state;
	hear(clip, clip_n, &want);
	ops->reset(engine);
	hear(clip, clip_n, &got);
	assert_memory_equal(&got, &want, sizeof got);
}

/* What a client said and what was heard of it stand in the engine's own memory. */
static void test_a_reset_leaves_nothing_of_what_was_told(void **state)
{
	struct engine_result r;
	struct error err = ERROR_INIT;

	(void)state;
	begin(&(struct engine_begin){ 0 });
	give(clip, clip_n, BLOCK);
	assert_int_equal(ops->end(engine, &r, &err), 0);
	assert_true(r.words_n > 10 && strlen(r.text) > 50);
	ops->reset(engine);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(r.text[i], '\0');
	assert_null(r.words[0].text);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* The shortest window that a file bears, with what a measurement left beside it; NULL: none was made. */
static unsigned floor_with(const char *measured)
{
	char dir[] = "/tmp/whisper_test.XXXXXX", file[64], tune[80];
	const struct engine_param param = { "model", file };
	struct whisper_settings s = { 0 };
	struct whisper_model m;
	struct error err = ERROR_INIT;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof file, "%s/ggml-tiny.en.bin", dir);
	(void)snprintf(tune, sizeof tune, "%s.tune", file);
	assert_int_equal(symlink(model, file), 0);
	if (measured != NULL)
		write_file(tune, measured);
	assert_int_equal(whisper_settings_load(&s, &param, 1, &err), 0);
	assert_int_equal(whisper_model_open(&m, &s, &err), 0);
	whisper_free(m.context);
	free(m.name);
	whisper_settings_done(&s);
	(void)unlink(tune);
	(void)unlink(file);
	(void)rmdir(dir);
	return m.window_floor;
}

static void test_what_was_measured_goes_before_the_catalogue(void **state)
{
	(void)state;
	assert_true(floor_with(NULL) > 0);
	assert_int_equal(floor_with("window_floor 768\n"), 768);
	assert_int_equal(floor_with("window_floor 0\n"), 0); /* the full one only */
	assert_int_equal(floor_with("nonsense"), floor_with(NULL));
	assert_int_equal(floor_with("window_floor 1501\n"), floor_with(NULL));
}

/* Else any window would do as well as the full one, and the shortest would be kept. */
static void test_recordings_without_speech_measure_nothing(void **state)
{
	const struct engine_clip said_nothing = { noise, 3 * ENGINE_SAMPLE_RATE_HZ, NULL };
	const struct engine_clip said_other = { noise, 3 * ENGINE_SAMPLE_RATE_HZ, "good morning" };
	struct error err = ERROR_INIT;
	FILE *to = fopen("/dev/null", "we");

	(void)state;
	assert_non_null(to);
	assert_int_equal(ops->tune(model, &said_nothing, 1, to, &err), -1);
	assert_non_null(strstr(err.text, "not a word"));
	assert_int_equal(ops->tune(model, &said_other, 1, to, &err), -1);
	(void)fclose(to);
}

static struct refusal {
	const char *name;
	struct engine_param param;
	const char *says;
} refusals[] = {
	{ "an unknown parameter", { "modle", "x" }, "Whisper has no parameter 'modle'" },
	{ "a name is no file", { "model", "tiny.en" },
	    "model: tiny.en is a name, and there is nobody here to find its file" },
	{ "a file that is not there", { "model", "/nowhere/ggml-x.bin" },
	    "model: /nowhere/ggml-x.bin is not there" },
	{ "a file that is something else", { "model", TEST_DATA_DIR "/warmup.wav" }, "warmup.wav" },
	{ "another file than was meant", { "model_sum", "00" }, "ggml-tiny.en.bin" },
	{ "a language that nobody speaks", { "language", "xx" },
	    "language: Whisper knows no 'xx'; it knows two letters such as en and de, or auto" },
	{ "a language that the model does not hear", { "language", "de" },
	    "language: tiny.en hears English only, not 'de'" },
	{ "a number out of its range", { "beam", "9" }, "beam: '9' is no number from 1 to 8" },
	{ "a flag that is none", { "translate", "maybe" }, "translate: 'maybe' is not yes or no" },
};

static void test_refusal(void **state)
{
	const struct refusal *r = *state;
	struct engine_param params[2] = { { "model", model }, r->param };
	bool is_model = strcmp(r->param.key, "model") == 0;
	struct engine *e = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(ops->load(&e, is_model ? &params[1] : params, is_model ? 1 : 2, &err), -1);
	assert_null(e);
	assert_non_null(strstr(err.text, r->says));
}

static void copy_start(const char *from, const char *to, size_t bytes)
{
	char command[2 * STORE_PATH_BYTES + 64];

	(void)snprintf(command, sizeof command, "head -c %zu '%s' >'%s'", bytes, from, to);
	assert_int_equal(system(command), 0);
}

static void test_a_file_that_is_cut_is_refused(void **state)
{
	static const size_t lengths[] = { 0, 3, 100, 100000, 5000000, 77000000 };
	char path[] = "/tmp/whisper_test.XXXXXX";
	const struct engine_param param = { "model", path };

	(void)state;
	assert_true(mkstemp(path) >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct engine *e = NULL;
		struct error err = ERROR_INIT;

		copy_start(model, path, lengths[i]);
		assert_int_equal(ops->load(&e, &param, 1, &err), -1);
		assert_non_null(strstr(err.text, path));
	}
	(void)unlink(path);
}

static void test_how_many_threads_it_starts_is_told(void **state)
{
	const struct engine_param params[] = { { "model", model }, { "threads", "2" } };
	struct engine *e = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(ops->loaded(engine)->threads, IPC_THREADS_NONE);
	assert_int_equal(ops->loaded(engine)->decode_threads, 1);
	assert_int_equal(ops->load(&e, params, 2, &err), 0);
	assert_int_equal(ops->loaded(e)->threads, IPC_THREADS_AT_DECODE);
	assert_int_equal(ops->loaded(e)->decode_threads, 2);
	ops->unload(&e);
}

static void make_noise(void)
{
	uint32_t r = 1;

	for (size_t i = 0; i < CLIP_MAX; i++) {
		r = r * 1664525 + 1013904223;
		noise[i] = (int16_t)((int32_t)(r >> 16) - 32768) / 32;
	}
}

static int setup(void **state)
{
	const struct engine_param param = { "model", model };
	struct error err = ERROR_INIT;
	FILE *f = fopen(TEST_DATA_DIR "/warmup.wav", "rbe");

	(void)state;
	if (f == NULL || fseek(f, WAV_HEADER_BYTES, SEEK_SET) != 0)
		return -1;
	clip_n = fread(clip, sizeof *clip, CLIP_MAX, f);
	(void)fclose(f);
	make_noise();
	if (ops->load(&engine, &param, 1, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ops->unload(&engine);
	return engine == NULL ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hears_the_words_where_they_are),
		cmocka_unit_test(test_what_was_heard_before_changes_no_bit),
		cmocka_unit_test(test_nor_does_it_where_the_window_is_full),
		cmocka_unit_test(test_chunks_and_partials_change_no_bit),
		cmocka_unit_test(test_where_nobody_spoke_nothing_is_told),
		cmocka_unit_test(test_it_asks_from_inside_and_stops_when_told),
		cmocka_unit_test(test_a_prompt_is_for_its_utterance_only),
		cmocka_unit_test(test_an_english_model_hears_english_whatever_is_wished),
		cmocka_unit_test(test_after_a_reset_it_hears_the_same),
		cmocka_unit_test(test_a_reset_leaves_nothing_of_what_was_told),
		cmocka_unit_test(test_what_was_measured_goes_before_the_catalogue),
		cmocka_unit_test(test_recordings_without_speech_measure_nothing),
		cmocka_unit_test(test_a_file_that_is_cut_is_refused),
		cmocka_unit_test(test_how_many_threads_it_starts_is_told),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(refusals)];
	struct error err = ERROR_INIT;
	const struct model *m = models_find("tiny.en", &err);

	if (m == NULL || !store_find(m, model)) {
		(void)printf(
		    "1..0 # SKIP the model tiny.en is not here (stenopool models pull tiny.en)\n");
		return 77;
	}
	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		all[ARRAY_SIZE(tests) + i] =
		    (struct CMUnitTest){ refusals[i].name, test_refusal, NULL, NULL, &refusals[i] };
	return cmocka_run_group_tests_name("whisper", all, setup, teardown);
}
