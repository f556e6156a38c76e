/* Which window a model bears is not to be read off it: it has to be tried. Clips and growing beginnings of them, as partials are, are
 * decoded with each window and with the full one; the shortest window is taken from which on none goes round in circles and no more
 * words are wrong. Where nobody says what was spoken, what the full window hears stands for it. */
#include "engine/whisper_tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/audio_window.h"
#include "engine/engine.h"
#include "engine/hypothesis.h"
#include "engine/whisper_decode.h"
#include "engine/whisper_model.h"
#include "engine/whisper_settings.h"
#include "engine/word_errors.h"

enum {
	CLIP_MAX_SAMPLES = 60 * ENGINE_SAMPLE_RATE_HZ,
	STEP_FRAMES = 256,
	PIECE_SAMPLES = 2 * ENGINE_SAMPLE_RATE_HZ, /* beginnings grow by so much */
	TEXT_MAX = 8192,
	SLACK_PER_CENT = 1,  /* of the words: that so few are other ones is chance */
	ALONE_PER_CENT = 10, /* ... and where only the full window says what is right */
};

struct tuning {
	const char *model;
	const struct engine_clip *clips;
	size_t clips_n;
	bool has_texts;
	char **full; /* owned: what the full window heard of each clip */
	FILE *to;
};

struct tally {
	unsigned decodes, circles;
	size_t words, wrong;
};

/* A model with one window. */
struct ear {
	struct whisper_settings settings; /* owned */
	struct whisper_model model;       /* owned */
	struct whisper_decoder decoder;
	struct hypothesis heard; /* owned */
	float *samples;          /* owned */
	char text[TEXT_MAX], spelled[TEXT_MAX];
	struct engine_word words[ENGINE_WORDS_MAX];
};

static int ear_open(struct ear *e, const struct tuning *t, unsigned frames, struct error *err)
{
	char floor[16];
	const struct engine_param params[] = { { "model", t->model }, { "window_floor", floor } };

	(void)snprintf(floor, sizeof floor, "%u", frames);
	if (whisper_settings_load(&e->settings, params, ARRAY_SIZE(params), err) < 0 ||
	    whisper_model_open(&e->model, &e->settings, err) < 0)
		return -1;
	e->decoder = (struct whisper_decoder){ .context = e->model.context,
		.settings = &e->settings,
		.window_floor = e->model.window_floor };
	e->samples = xcalloc(CLIP_MAX_SAMPLES, sizeof *e->samples);
	return whisper_decoder_open(&e->decoder, err);
}

static void ear_free(struct ear *e)
{
	whisper_decoder_close(&e->decoder);
	whisper_free(e->model.context);
	free(e->model.name);
	whisper_settings_done(&e->settings);
	hypothesis_done(&e->heard);
	free(e->samples);
	free(e);
}

static int decode(struct ear *e, const struct engine_clip *c, size_t samples, struct tally *sum,
    struct error *err)
{
	const struct hypothesis_room room = { e->text, e->spelled, TEXT_MAX, e->words };
	/* Recordings are in whatever language they are in. */
	const char *spoken = whisper_is_multilingual(e->model.context) ? "auto" : "en";
	const struct whisper_utterance u = { e->samples, MIN(samples, CLIP_MAX_SAMPLES), spoken, "",
		false };
	const char *language;

	for (size_t i = 0; i < u.n; i++)
		e->samples[i] = (float)c->samples[i] / 32768;
	if (whisper_decode_utterance(&e->decoder, &u, &e->heard, &language, err) < 0)
		return -1;
	(void)hypothesis_words(&e->heard, &room);
	sum->decodes++;
	sum->circles += e->heard.was_suspect;
	return 0;
}

/* The beginnings are heard for their circles, and the whole for its words. */
static int hear_clip(
    const struct tuning *t, struct ear *e, size_t i, struct tally *sum, struct error *err)
{
	const struct engine_clip *c = &t->clips[i];

	for (size_t n = PIECE_SAMPLES; n < c->n; n += PIECE_SAMPLES)
		if (decode(e, c, n, sum, err) < 0)
			return -1;
	if (decode(e, c, c->n, sum, err) < 0)
		return -1;
	if (t->full[i] == NULL)
		t->full[i] = xstrdup(e->text);
	sum->words += word_errors_words(t->has_texts ? c->text : t->full[i]);
	sum->wrong += word_errors(t->has_texts ? c->text : t->full[i], e->text);
	return 0;
}

static int hear_all(struct tuning *t, unsigned frames, struct tally *sum, struct error *err)
{
	struct ear *e = xcalloc(1, sizeof *e);
	int rc = ear_open(e, t, frames, err);

	*sum = (struct tally){ 0 };
	for (size_t i = 0; rc == 0 && i < t->clips_n; i++)
		rc = hear_clip(t, e, i, sum, err);
	ear_free(e);
	if (rc == 0)
		(void)fprintf(t->to, "%5.1f s  %4u decodes  %3u circles  %4zu of %zu words wrong\n",
		    frames == 0 ? 30.0 : frames / 50.0, sum->decodes, sum->circles, sum->wrong,
		    sum->words);
	(void)fflush(t->to);
	return rc;
}

static bool is_as_good(const struct tuning *t, const struct tally *full, const struct tally *a)
{
	size_t slack =
	    t->has_texts ? full->words * SLACK_PER_CENT / 100 : full->words * ALONE_PER_CENT / 100;

	return a->circles <= full->circles && a->wrong <= full->wrong + slack;
}

/* *floor_out 0: none but the full one. */
static int find_floor(struct tuning *t, unsigned *floor_out, struct error *err)
{
	struct tally full, shorter;

	*floor_out = 0;
	if (hear_all(t, 0, &full, err) < 0)
		return -1;
	if (full.wrong >= full.words) /* every window would be as good */
		return error_set(err, ERROR_INVALID,
		    "not a word of the recordings is heard rightly with the full window, so there "
		    "is "
		    "nothing to compare with; they have to be speech, in WAV of 16 kHz and mono");
	for (unsigned frames = AUDIO_WINDOW_FULL / STEP_FRAMES * STEP_FRAMES; frames > 0;
	     frames -= STEP_FRAMES) {
		if (hear_all(t, frames, &shorter, err) < 0)
			return -1;
		if (!is_as_good(t, &full, &shorter))
			break;
		*floor_out = frames;
	}
	return 0;
}

int whisper_tune(
    const char *model, const struct engine_clip *clips, size_t n, FILE *to, struct error *err)
{
	struct tuning t = {
		.model = model, .clips = clips, .clips_n = n, .has_texts = true, .to = to
	};
	unsigned floor;
	int rc;

	for (size_t i = 0; i < n; i++)
		t.has_texts = t.has_texts && clips[i].text != NULL;
	t.full = xcalloc(n, sizeof *t.full);
	rc = find_floor(&t, &floor, err);
	if (rc == 0)
		(void)fprintf(to, "window_floor %u\n", floor);
	for (size_t i = 0; i < n; i++)
		free(t.full[i]);
	free(t.full);
	return rc;
}
