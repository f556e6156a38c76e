/* On data/warmup.wav, synthetic speech; needs the en-us model where Debian puts it, else all is skipped. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"

#define MODEL "/usr/share/pocketsphinx/model/en-us/en-us"

enum { WAV_HEADER_BYTES = 44, SHORT_SAMPLES = 28000, CLIP_MAX = 16000 * 8 };

static const struct engine_ops *const ops = &engine_pocketsphinx;
static struct engine *engine; /* one for all tests: loading takes its time */
static int16_t clip[CLIP_MAX];
static size_t clip_n;

/* All that an utterance gave, in a form that can be compared to the last bit. */
struct heard {
	char text[256];
	float confidence;
	size_t words_n;
	struct {
		uint32_t start_ms, end_ms;
		float confidence;
	} words[32];
	uint8_t adaptation[ENGINE_ADAPTATION_MAX_BYTES];
	size_t adaptation_bytes;
};

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
	memcpy(out->adaptation, r.adaptation, r.adaptation_bytes);
	out->adaptation_bytes = r.adaptation_bytes;
}

static void begin_with(const struct heard *before)
{
	const struct engine_begin begin = { .adaptation =
						before == NULL ? NULL : before->adaptation,
		.adaptation_bytes = before == NULL ? 0 : before->adaptation_bytes };
	struct error err = ERROR_INIT;

	assert_int_equal(ops->begin(engine, &begin, &err), 0);
}

static void feed(const int16_t *samples, size_t n, size_t chunk)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < n; i += chunk)
		assert_int_equal(ops->audio(engine, samples + i, MIN(chunk, n - i), &err), 0);
}

static void hear(const struct heard *before, size_t n, size_t chunk, struct heard *out)
{
	begin_with(before);
	feed(clip, n, chunk);
	finish(out);
}

/* The same in a fork, so that nothing heard here before or after matters. */
static void hear_as_newborn(
    const struct heard *before, size_t chunk, bool partials, struct heard *out)
{
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct engine_result ignored;
		struct error err;

		begin_with(before);
		for (size_t i = 0; i < SHORT_SAMPLES; i += chunk) {
			feed(clip + i, MIN(chunk, SHORT_SAMPLES - i), chunk);
			if (partials)
				(void)ops->partial(engine, &ignored, &err);
		}
		finish(out);
		_exit(write(ends[1], out, sizeof *out) == (ssize_t)sizeof *out ? 0 : 1);
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], out, sizeof *out), sizeof *out);
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_hears_the_words_where_they_are(void **state)
{
	struct heard h;

	(void)state;
	hear(NULL, clip_n, 1600, &h);
	/* Versions of the library differ about the greeting. */
	assert_non_null(strstr(h.text,
	    "please send the first letter to my brother and keep a copy for "
	    "the office"));
	assert_in_range(h.words_n, 16, 18);
	for (size_t i = 0; i < h.words_n; i++) {
		assert_true(h.words[i].start_ms < h.words[i].end_ms);
		assert_true(i == 0 || h.words[i - 1].end_ms <= h.words[i].start_ms);
		assert_true(h.words[i].confidence >= 0 && h.words[i].confidence <= 1);
	}
	assert_true(h.words[h.words_n - 1].end_ms <= clip_n / 16);
	assert_true(h.confidence > 0.3f && h.confidence <= 1);
}

static void hear_phrases(const char *phrases, size_t n, struct heard *out)
{
	const struct engine_begin begin = { .phrases = phrases };
	struct error err = ERROR_INIT;

	assert_int_equal(ops->begin(engine, &begin, &err), 0);
	feed(clip, n, 1600);
	finish(out);
}

#define OFFICE   "and keep a copy for the office"
#define LETTER   "please send the first letter to my brother"
#define GREETING "good morning"

static void test_hears_phrases_and_nothing_else(void **state)
{
	static const char *const lists[] = {
		GREETING "\n" LETTER "\n" OFFICE "\nopen the door\n[unk]",
		"Good Morning\nPLEASE SEND\nthe first letter\nto my brother\n" OFFICE
		"\nnobody xyzzy has heard of\nyes\nno\n<s>",
	};
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		hear_phrases(lists[i], clip_n, &h);
		assert_string_equal(h.text, GREETING " " LETTER " " OFFICE);
		assert_int_equal(h.words_n, 17);
		for (size_t k = 1; k < h.words_n; k++)
			assert_true(h.words[k - 1].end_ms <= h.words[k].start_ms);
	}
	hear_phrases("yes\nno", clip_n, &h);
	assert_true(h.words_n > 0);
	for (char *word = strtok(h.text, " "); word != NULL; word = strtok(NULL, " "))
		assert_true(strcmp(word, "yes") == 0 || strcmp(word, "no") == 0);
}

static void test_what_cannot_be_heard_is_not(void **state)
{
	static const char *const lists[] = { "xyzzy", "[unk]", "<s>\n++NOISE++", " ", "\n\n" };
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		hear_phrases(lists[i], SHORT_SAMPLES, &h);
		assert_string_equal(h.text, "");
		assert_int_equal(h.words_n, 0);
		assert_true(h.adaptation_bytes > 0);
	}
}

/* Neither the phrases are heard of afterwards, nor what was heard before them. */
static void test_phrases_are_forgotten_with_their_utterance(void **state)
{
	struct heard before, after, first, second, none;

	(void)state;
	hear_phrases(GREETING "\n" LETTER, SHORT_SAMPLES, &first);
	hear(NULL, SHORT_SAMPLES, 1600, &before);
	hear_phrases("yes\nno", SHORT_SAMPLES, &none);
	begin_with(NULL); /* and is abandoned */
	hear_phrases(GREETING "\n" LETTER, SHORT_SAMPLES, &second);
	ops->reset(engine);
	hear(NULL, SHORT_SAMPLES, 1600, &after);
	assert_string_equal(before.text, after.text);
	assert_string_equal(first.text, second.text);
	assert_string_not_equal(before.text, none.text);
	assert_memory_equal(before.adaptation, after.adaptation, before.adaptation_bytes);
}

static void test_as_many_phrases_as_there_may_be(void **state)
{
	static char phrases[ENGINE_PHRASES_MAX_BYTES + 1];
	static const char *const words[] = { "go", "left", "right", "open", "the", "door", "a",
		"light" };
	struct heard h;
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; n + 40 < sizeof phrases; i++)
		n += (size_t)snprintf(phrases + n, sizeof phrases - n, "%s %s %s\n", words[i % 8],
		    words[i / 8 % 8], words[i / 64 % 8]);
	(void)snprintf(phrases + n, sizeof phrases - n, "%s", GREETING);
	hear_phrases(phrases, SHORT_SAMPLES, &h);
	assert_memory_equal(h.text, GREETING, strlen(GREETING));
}

/* The last words, because the first one may be heard differently after silence. */
static void test_silence_before_speech_moves_its_words(void **state)
{
	static int16_t hush[3 * 16000];
	struct heard h, late;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hush); i++)
		hush[i] = (int16_t)((i * 7919) % 61 - 30);
	hear(NULL, clip_n, 1600, &h);
	begin_with(NULL);
	feed(hush, ARRAY_SIZE(hush), 1600);
	feed(clip, clip_n, 1600);
	finish(&late);
	for (size_t last = 1; last <= 10; last++) {
		uint32_t start_ms = h.words[h.words_n - last].start_ms;
		uint32_t end_ms = h.words[h.words_n - last].end_ms;

		assert_in_range(
		    late.words[late.words_n - last].start_ms, start_ms + 2900, start_ms + 3100);
		assert_in_range(
		    late.words[late.words_n - last].end_ms, end_ms + 2900, end_ms + 3100);
	}
}

static void test_newborns_agree_to_the_last_bit_whatever_the_chunks_and_partials(void **state)
{
	static const size_t chunks[] = { 1, 37, 1599, 1600, 1601, SHORT_SAMPLES };
	struct heard first, other;

	(void)state;
	hear_as_newborn(NULL, 1600, false, &first);
	assert_true(first.words_n > 2);
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		hear_as_newborn(NULL, chunks[i], chunks[i] > 1000, &other);
		assert_memory_equal(&other, &first, sizeof first);
	}
}

static void test_what_was_heard_before_is_forgotten_in_all_but_the_last_digits(void **state)
{
	struct heard newborn, used;

	(void)state;
	hear_as_newborn(NULL, 1600, false, &newborn);
	hear(NULL, clip_n, 1600, &used);
	ops->reset(engine);
	hear(NULL, SHORT_SAMPLES, 1600, &used);
	assert_string_equal(used.text, newborn.text);
	assert_int_equal(used.adaptation_bytes, newborn.adaptation_bytes);
	assert_memory_equal(used.adaptation, newborn.adaptation, newborn.adaptation_bytes);
}

static void test_adaptation_goes_on_where_it_was(void **state)
{
	struct heard first, second, again;

	(void)state;
	hear_as_newborn(NULL, 1600, false, &first);
	hear_as_newborn(&first, 1600, false, &second);
	hear_as_newborn(&first, 1600, false, &again);
	assert_true(first.adaptation_bytes > 0);
	assert_memory_equal(&second, &again, sizeof second);
	assert_memory_not_equal(first.adaptation, second.adaptation, first.adaptation_bytes);
	assert_true(first.confidence != second.confidence);
}

static void test_an_adaptation_that_is_none_is_refused(void **state)
{
	struct engine_begin begin = { .on_progress = NULL };
	struct error err = ERROR_INIT;
	struct heard h;

	(void)state;
	hear(NULL, SHORT_SAMPLES, 1600, &h);
	begin.adaptation = h.adaptation;
	for (begin.adaptation_bytes = 1; begin.adaptation_bytes < h.adaptation_bytes + 9;
	     begin.adaptation_bytes++) {
		if (begin.adaptation_bytes == h.adaptation_bytes)
			continue;
		assert_int_equal(ops->begin(engine, &begin, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID);
	}
	begin.adaptation_bytes = h.adaptation_bytes;
	assert_int_equal(ops->begin(engine, &begin, &err), 0);
	memset(h.adaptation, 0xff, h.adaptation_bytes);
	assert_int_equal(ops->begin(engine, &begin, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID);
	hear(NULL, SHORT_SAMPLES, 1600, &h);
	assert_true(h.words_n > 2);
}

static void test_hardly_any_audio_has_no_words(void **state)
{
	static const size_t lengths[] = { 0, 1, 100, 409, 410, 800, 1600, 1700 };
	struct heard h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		hear(NULL, lengths[i], 1600, &h);
		assert_string_equal(h.text, "");
		assert_int_equal(h.words_n, 0);
	}
	hear(NULL, SHORT_SAMPLES, 1600, &h);
	assert_true(h.words_n > 2);
}

static void test_partials_grow(void **state)
{
	struct engine_result r;
	struct error err = ERROR_INIT;
	struct heard h;

	(void)state;
	begin_with(NULL);
	assert_int_equal(ops->partial(engine, &r, &err), 0);
	assert_string_equal(r.text, "");
	feed(clip, SHORT_SAMPLES, 1600);
	assert_int_equal(ops->partial(engine, &r, &err), 0);
	assert_non_null(
	    strstr(r.text, "please send")); /* the first pass has its own ideas of the rest */
	assert_null(strchr(r.text, '<'));
	finish(&h);
}

static bool give_up(void *arg, uint64_t decoded)
{
	*(uint64_t *)arg = decoded;
	return decoded < 3200;
}

static void test_can_be_given_up_and_begun_again(void **state)
{
	uint64_t decoded = 0;
	const struct engine_begin begin = { .on_progress = give_up, .arg = &decoded };
	struct error err = ERROR_INIT;
	struct heard h;

	(void)state;
	assert_int_equal(ops->begin(engine, &begin, &err), 0);
	assert_int_equal(ops->audio(engine, clip, 16000, &err), -1);
	assert_int_equal(decoded, 3200);
	hear(NULL, SHORT_SAMPLES, 1600, &h);
	assert_non_null(strstr(h.text, "please"));
}

static struct refusal {
	const char *name, *key, *value, *says;
	enum error_code code;
} refusals[] = {
	{ "a missing model is named", "model", "/no/such", "model: /no/such is not there",
	    ERROR_ENGINE },
	{ "a missing language model is named", "language_model", "/no/lm",
	    "language_model: /no/lm is not there", ERROR_ENGINE },
	{ "a missing dictionary is named", "dictionary", "/no/dict",
	    "dictionary: /no/dict is not there", ERROR_ENGINE },
	{ "a directory without a model is named", "model", "/tmp", "/tmp", ERROR_ENGINE },
	{ "a broken language model is named", "language_model", "/dev/null", "", ERROR_ENGINE },
	{ "an unknown parameter is refused", "beem", "1", "no parameter 'beem'", ERROR_CONFIG },
	{ "a number must be one", "beam", "wide", "beam: 'wide' is no number", ERROR_CONFIG },
	{ "a number has nothing after it", "lw", "6.5x", "lw: '6.5x' is no number", ERROR_CONFIG },
	{ "a whole number must be whole", "ds", "1.5", "ds: '1.5' is no whole number",
	    ERROR_CONFIG },
	{ "a switch is yes or no", "bestpath", "maybe", "neither yes nor no", ERROR_CONFIG },
	{ "the library's word for the model is refused", "hmm", "/x",
	    "hmm: here it is called model", ERROR_CONFIG },
	{ "the sample rate is ours", "samprate", "8000", "always 16000", ERROR_CONFIG },
};

static void test_refusal(void **state)
{
	const struct refusal *r = *state;
	const struct engine_param param = { r->key, r->value };
	struct engine *e = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(ops->load(&e, &param, 1, &err), -1);
	assert_null(e);
	assert_int_equal(err.code, r->code);
	if (strstr(err.text, r->says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, r->says);
}

static void test_a_parameter_is_given_once(void **state)
{
	static const char *const keys[] = { "lw", "model" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct engine_param twice[] = { { keys[i], "6.5" }, { keys[i], "7" } };
		struct engine *e = NULL;
		struct error err = ERROR_INIT;

		assert_int_equal(ops->load(&e, twice, 2, &err), -1);
		assert_non_null(strstr(err.text, keys[i]));
		assert_non_null(strstr(err.text, "is given twice"));
	}
}

/* A copy of the model by links, with feature parameters that the library calls fatal. */
static void make_broken_model(const char *dir)
{
	static const char *const files[] = { "mdef", "means", "noisedict", "sendump",
		"transition_matrices", "variances" };
	char path[200], target[200];
	FILE *f;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		(void)snprintf(target, sizeof target, "%s/%s", MODEL, files[i]);
		assert_int_equal(symlink(target, path), 0);
	}
	(void)snprintf(path, sizeof path, "%s/feat.params", dir);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs("-cmn nonsense\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* In a child, because what the library leaves behind is lost. */
static void test_what_the_library_calls_fatal_is_an_error(void **state)
{
	char dir[] = "/tmp/pocketsphinx_test.XXXXXX", command[100];
	const struct engine_param model = { "model", dir };
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_broken_model(dir);
	pid = fork();
	if (pid == 0) {
		struct engine *e = NULL;
		struct error err = ERROR_INIT;

		_exit(ops->load(&e, &model, 1, &err) < 0 && err.code == ERROR_ENGINE &&
			    strstr(err.text, "nonsense") != NULL
			? 42
			: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)snprintf(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static int setup(void **state)
{
	struct error err = ERROR_INIT;
	FILE *f = fopen(TEST_DATA_DIR "/warmup.wav", "rbe");

	(void)state;
	if (f == NULL || fseek(f, WAV_HEADER_BYTES, SEEK_SET) != 0)
		return -1;
	clip_n = fread(clip, sizeof *clip, CLIP_MAX, f);
	(void)fclose(f);
	if (ops->load(&engine, NULL, 0, &err) < 0) {
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
		cmocka_unit_test(
		    test_newborns_agree_to_the_last_bit_whatever_the_chunks_and_partials),
		cmocka_unit_test(test_hears_the_words_where_they_are),
		cmocka_unit_test(test_hears_phrases_and_nothing_else),
		cmocka_unit_test(test_what_cannot_be_heard_is_not),
		cmocka_unit_test(test_phrases_are_forgotten_with_their_utterance),
		cmocka_unit_test(test_as_many_phrases_as_there_may_be),
		cmocka_unit_test(test_silence_before_speech_moves_its_words),
		cmocka_unit_test(
		    test_what_was_heard_before_is_forgotten_in_all_but_the_last_digits),
		cmocka_unit_test(test_adaptation_goes_on_where_it_was),
		cmocka_unit_test(test_an_adaptation_that_is_none_is_refused),
		cmocka_unit_test(test_hardly_any_audio_has_no_words),
		cmocka_unit_test(test_partials_grow),
		cmocka_unit_test(test_can_be_given_up_and_begun_again),
		cmocka_unit_test(test_a_parameter_is_given_once),
		cmocka_unit_test(test_what_the_library_calls_fatal_is_an_error),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(refusals)];

	if (access(MODEL, R_OK) < 0) {
		(void)printf("1..0 # SKIP %s is not there\n", MODEL);
		return 77;
	}
	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		all[ARRAY_SIZE(tests) + i] =
		    (struct CMUnitTest){ refusals[i].name, test_refusal, NULL, NULL, &refusals[i] };
	return cmocka_run_group_tests_name("pocketsphinx", all, setup, teardown);
}
