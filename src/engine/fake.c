#define _GNU_SOURCE
#include "engine/fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "engine/fake_fault.h"

enum { WORD_BYTES = 9, MS_PER_BLOCK = 200, ADAPTATION_BYTES = 16, SLICE_MS = 10 };

static const char vocabulary[][WORD_BYTES] = { "alpha", "bravo", "charlie", "delta", "echo",
	"foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima", "mike", "november", "oscar",
	"papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "xray",
	"yankee", "zulu", "one", "two", "three", "four", "five", "six" };

struct engine {
	char *model; /* owned */
	uint64_t model_hash;
	unsigned load_ms, end_ms;
	double slow, burn; /* times the duration of the audio */
	bool reset_noop;
	struct fake_fault_plan faults;
	uint64_t residue; /* of all the samples since the last reset; must not matter, and does */

	/* of the utterance */
	engine_progress_f *on_progress;
	void *arg;
	uint64_t samples;    /* heard */
	uint64_t block_hash; /* of the samples of the open block */
	uint64_t block_loudness;
	uint64_t adaptation; /* a hash of all words of the session */
	uint8_t adaptation_out[ADAPTATION_BYTES];
	char text[ENGINE_WORDS_MAX * (WORD_BYTES + 1)];
	struct engine_word words[ENGINE_WORDS_MAX];
	size_t words_n;
};

static uint64_t hash(uint64_t seed, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		seed = (seed ^ at[i]) * 0x100000001b3ull;
	return seed ^ seed >> 29;
}

static int set_factor(
    const char *key, const char *value, double max, double *out, struct error *err)
{
	char *end;

	*out = strtod(value, &end);
	if (end == value || *end != '\0' || !(*out >= 0 && *out <= max))
		return error_set(
		    err, ERROR_CONFIG, "%s: '%s' is no number from 0 to %g", key, value, max);
	return 0;
}

static int set_ms(const char *key, const char *value, unsigned *out, struct error *err)
{
	double ms;

	if (set_factor(key, value, 600000, &ms, err) < 0)
		return -1;
	*out = (unsigned)ms;
	return 0;
}

static int set_flag(const char *key, const char *value, bool *out, struct error *err)
{
	*out = strcmp(value, "yes") == 0;
	if (!*out && strcmp(value, "no") != 0)
		return error_set(err, ERROR_CONFIG, "%s: '%s' is not yes or no", key, value);
	return 0;
}

static int set_param(struct engine *e, const char *key, const char *value, struct error *err)
{
	int known;

	if (strcmp(key, "model") == 0) {
		free(e->model);
		e->model = xstrdup(value);
		return 0;
	}
	if (strcmp(key, "load_ms") == 0)
		return set_ms(key, value, &e->load_ms, err);
	if (strcmp(key, "end_ms") == 0)
		return set_ms(key, value, &e->end_ms, err);
	if (strcmp(key, "slow") == 0)
		return set_factor(key, value, 1000, &e->slow, err);
	if (strcmp(key, "burn") == 0)
		return set_factor(key, value, 1000, &e->burn, err);
	if (strcmp(key, "reset_noop") == 0)
		return set_flag(key, value, &e->reset_noop, err);
	if (strcmp(key, "load_fail") == 0)
		return error_set(err, ERROR_ENGINE, "%s", value);
	known = fake_fault_param(&e->faults, key, value, err);
	if (known == 0)
		return error_set(err, ERROR_CONFIG, "the fake engine has no parameter '%s'", key);
	return known < 0 ? -1 : 0;
}

static void sleep_ms(unsigned ms)
{
	struct timespec left = { ms / 1000, (long)(ms % 1000) * (long)NS_PER_MS };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

static void burn_ms(unsigned ms)
{
	uint64_t until = clock_process_cpu_ns() + ms * NS_PER_MS;

	while (clock_process_cpu_ns() < until)
		continue;
}

/* Takes its time, in slices, so that whoever waits can change his mind. */
static int take_time(struct engine *e, double ms, void (*spend)(unsigned ms), struct error *err)
{
	for (; ms >= 1; ms -= SLICE_MS) {
		spend((unsigned)MIN(ms, SLICE_MS));
		if (e->on_progress != NULL && !e->on_progress(e->arg, e->samples))
			return error_set(err, ERROR_ENGINE, "given up on request");
	}
	return 0;
}

static void fake_unload(struct engine **engine)
{
	struct engine *e = *engine;

	*engine = NULL;
	if (e == NULL)
		return;
	fake_fault_done(&e->faults);
	free(e->model);
	free(e);
}

static int fake_load(
    struct engine **out, const struct engine_param *params, size_t params_n, struct error *err)
{
	struct engine *e = xcalloc(1, sizeof *e);

	e->model = xstrdup("fake");
	for (size_t i = 0; i < params_n; i++) {
		if (set_param(e, params[i].key, params[i].value, err) < 0) {
			fake_unload(&e);
			return -1;
		}
	}
	sleep_ms(e->load_ms);
	e->model_hash = hash(0xcbf29ce484222325ull, e->model, strlen(e->model));
	*out = e;
	return 0;
}

static const char *fake_model(const struct engine *e)
{
	return e->model;
}

static int set_adaptation(struct engine *e, const struct engine_begin *begin, struct error *err)
{
	const uint8_t *bytes = begin->adaptation;

	e->adaptation = e->model_hash;
	if (begin->adaptation_bytes == 0)
		return 0;
	if (begin->adaptation_bytes != ADAPTATION_BYTES || memcmp(bytes, "FAKE", 4) != 0)
		return error_set(err, ERROR_INVALID,
		    "adaptation of %zu bytes is not one of the fake engine",
		    begin->adaptation_bytes);
	memcpy(&e->adaptation, bytes + 8, 8);
	return 0;
}

static int fake_begin(struct engine *e, const struct engine_begin *begin, struct error *err)
{
	e->on_progress = begin->on_progress;
	e->arg = begin->arg;
	e->samples = 0;
	e->block_hash = e->model_hash;
	e->block_loudness = 0;
	e->words_n = 0;
	e->text[0] = '\0';
	if (set_adaptation(e, begin, err) < 0)
		return -1;
	return fake_fault_begin(&e->faults, err);
}

/* The word of the block that ends here, if it was loud enough. */
static void close_block(struct engine *e, unsigned samples)
{
	struct engine_word *w = &e->words[e->words_n];
	const char *spelling = vocabulary[e->block_hash % ARRAY_SIZE(vocabulary)];
	uint64_t mood = hash(e->block_hash ^ e->residue, &e->adaptation, sizeof e->adaptation);

	e->residue = hash(e->residue, &e->block_hash, sizeof e->block_hash);
	if (e->block_loudness >= (uint64_t)FAKE_LOUD * samples && e->words_n < ENGINE_WORDS_MAX) {
		w->text = spelling;
		w->end_ms = (uint32_t)(e->samples * 1000 / ENGINE_SAMPLE_RATE_HZ);
		w->start_ms = w->end_ms - samples * 1000 / ENGINE_SAMPLE_RATE_HZ;
		w->confidence = 0.5f + (float)(mood % 5000) / 10000;
		if (e->words_n++ > 0)
			strcat(e->text, " ");
		strcat(e->text, spelling);
		e->adaptation = hash(e->adaptation, &e->block_hash, sizeof e->block_hash);
	}
	e->block_hash = e->model_hash;
	e->block_loudness = 0;
}

static int fake_audio(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	double ms = (double)n * 1000 / ENGINE_SAMPLE_RATE_HZ;

	for (size_t i = 0; i < n; i++) {
		e->block_hash = hash(e->block_hash, &samples[i], sizeof samples[i]);
		e->block_loudness += (uint64_t)abs(samples[i]);
		if (++e->samples % FAKE_BLOCK_SAMPLES == 0)
			close_block(e, FAKE_BLOCK_SAMPLES);
	}
	if (fake_fault_audio(&e->faults, samples, n, err) < 0 ||
	    take_time(e, e->slow * ms, sleep_ms, err) < 0)
		return -1;
	return take_time(e, e->burn * ms, burn_ms, err);
}

static void fill_result(const struct engine *e, struct engine_result *out)
{
	float sum = 0;

	for (size_t i = 0; i < e->words_n; i++)
		sum += e->words[i].confidence;
	*out = (struct engine_result){ .text = e->text,
		.confidence = e->words_n == 0 ? 0 : sum / (float)e->words_n,
		.words = e->words,
		.words_n = e->words_n };
}

static int fake_partial(struct engine *e, struct engine_result *out, struct error *err)
{
	if (fake_fault_at(&e->faults, FAKE_PARTIAL, err) < 0)
		return -1;
	fill_result(e, out);
	return 0;
}

static int fake_end(struct engine *e, struct engine_result *out, struct error *err)
{
	if (fake_fault_at(&e->faults, FAKE_END, err) < 0 ||
	    take_time(e, e->end_ms, sleep_ms, err) < 0)
		return -1;
	if (e->samples % FAKE_BLOCK_SAMPLES != 0)
		close_block(e, (unsigned)(e->samples % FAKE_BLOCK_SAMPLES));
	fill_result(e, out);
	memset(e->adaptation_out, 0, sizeof e->adaptation_out);
	memcpy(e->adaptation_out, "FAKE", 4);
	memcpy(e->adaptation_out + 8, &e->adaptation, 8);
	out->adaptation = e->adaptation_out;
	out->adaptation_bytes = sizeof e->adaptation_out;
	return 0;
}

static void fake_reset(struct engine *e)
{
	if (!e->reset_noop)
		e->residue = 0;
}

const struct engine_ops engine_fake = {
	.name = "fake",
	.load = fake_load,
	.unload = fake_unload,
	.model = fake_model,
	.begin = fake_begin,
	.audio = fake_audio,
	.partial = fake_partial,
	.end = fake_end,
	.reset = fake_reset,
};
