/* Words are picked by a hash of the samples of a block; confidence by one of all that came before as well. */
#include "engine/fake_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/fake.h"

static const char vocabulary[][FAKE_WORD_BYTES] = { "alpha", "bravo", "charlie", "delta", "echo",
	"foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima", "mike", "november", "oscar",
	"papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "xray",
	"yankee", "zulu", "one", "two", "three", "four", "five", "six" };

static uint64_t hash(uint64_t seed, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		seed = (seed ^ at[i]) * 0x100000001b3ull;
	return seed ^ seed >> 29;
}

void fake_words_set_model(struct fake_words *f, const char *model)
{
	f->model_hash = hash(0xcbf29ce484222325ull, model, strlen(model));
}

static int set_adaptation(struct fake_words *f, const struct engine_begin *begin, struct error *err)
{
	const uint8_t *bytes = begin->adaptation;

	f->adaptation = f->model_hash;
	if (begin->adaptation_bytes == 0)
		return 0;
	if (begin->adaptation_bytes != FAKE_ADAPTATION_BYTES || memcmp(bytes, "FAKE", 4) != 0)
		return error_set(err, ERROR_INVALID,
		    "adaptation of %zu bytes is not one of the fake engine",
		    begin->adaptation_bytes);
	memcpy(&f->adaptation, bytes + 8, 8);
	return 0;
}

int fake_words_begin(struct fake_words *f, const struct engine_begin *begin, struct error *err)
{
	f->samples = 0;
	f->block_hash = f->model_hash;
	f->block_loudness = 0;
	f->words_n = 0;
	f->text[0] = '\0';
	return set_adaptation(f, begin, err);
}

/* The word of the block that ends here, if it was loud enough. */
static void close_block(struct fake_words *f, unsigned samples)
{
	struct engine_word *w = &f->words[f->words_n];
	const char *spelling = vocabulary[f->block_hash % ARRAY_SIZE(vocabulary)];
	uint64_t mood = hash(f->block_hash ^ f->residue, &f->adaptation, sizeof f->adaptation);

	f->residue = hash(f->residue, &f->block_hash, sizeof f->block_hash);
	if (f->block_loudness >= (uint64_t)FAKE_LOUD * samples && f->words_n < ENGINE_WORDS_MAX) {
		w->text = spelling;
		w->end_ms = (uint32_t)(f->samples * 1000 / ENGINE_SAMPLE_RATE_HZ);
		w->start_ms = w->end_ms - samples * 1000 / ENGINE_SAMPLE_RATE_HZ;
		w->confidence = 0.5f + (float)(mood % 5000) / 10000;
		if (f->words_n++ > 0)
			strcat(f->text, " ");
		strcat(f->text, spelling);
		f->adaptation = hash(f->adaptation, &f->block_hash, sizeof f->block_hash);
	}
	f->block_hash = f->model_hash;
	f->block_loudness = 0;
}

void fake_words_hear(struct fake_words *f, const int16_t *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		f->block_hash = hash(f->block_hash, &samples[i], sizeof samples[i]);
		f->block_loudness += (uint64_t)abs(samples[i]);
		if (++f->samples % FAKE_BLOCK_SAMPLES == 0)
			close_block(f, FAKE_BLOCK_SAMPLES);
	}
}

void fake_words_partial(const struct fake_words *f, struct engine_result *out)
{
	float sum = 0;

	for (size_t i = 0; i < f->words_n; i++)
		sum += f->words[i].confidence;
	*out = (struct engine_result){ .text = f->text,
		.confidence = f->words_n == 0 ? 0 : sum / (float)f->words_n,
		.words = f->words,
		.words_n = f->words_n };
}

void fake_words_end(struct fake_words *f, struct engine_result *out)
{
	if (f->samples % FAKE_BLOCK_SAMPLES != 0)
		close_block(f, (unsigned)(f->samples % FAKE_BLOCK_SAMPLES));
	fake_words_partial(f, out);
	memset(f->adaptation_out, 0, sizeof f->adaptation_out);
	memcpy(f->adaptation_out, "FAKE", 4);
	memcpy(f->adaptation_out + 8, &f->adaptation, 8);
	out->adaptation = f->adaptation_out;
	out->adaptation_bytes = sizeof f->adaptation_out;
}
