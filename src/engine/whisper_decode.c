/* One decode is at one temperature, the lowest: what OpenAI's own ladder of temperatures is for, decodes that go round in
 * circles, is ended sooner by a second try with the full window, which a limit on tokens makes cheap.
 *
 * The library keeps the last decode's window for the finding out of the language, so that is done here, by hand, with the window
 * of this one: else the answer would depend on what the state decoded before. */
#include "engine/whisper_decode.h"

#include <stdlib.h>
#include <string.h>

#if __has_include(<whisper_stop.h>)
#include <whisper_stop.h>
#else
/* A library that asks only between its encoder and each token. */
static void whisper_stop_ask(bool (*f)(void *arg), void *arg)
{
	(void)f;
	(void)arg;
}
#endif

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "engine/audio_window.h"
#include "engine/whisper_model.h"

/* Nobody waits shorter than that for an answer, and asking costs a system call. */
#define ASK_EVERY_NS (2 * NS_PER_MS)

static bool must_stop(void *arg)
{
	struct whisper_decoder *d = arg;
	uint64_t now_ns;

	if (d->on_progress == NULL || d->stopped)
		return d->stopped;
	now_ns = clock_now_ns();
	if (now_ns - d->asked_ns < ASK_EVERY_NS)
		return false;
	d->asked_ns = now_ns;
	d->stopped = !d->on_progress(d->arg, 0);
	return d->stopped;
}

void whisper_decoder_close(struct whisper_decoder *d)
{
	whisper_free_state(d->cut);
	whisper_free_state(d->whole);
}

/* The full window is no multiple of the library's blocks of attention: what it leaves of the last one would be what an earlier, cut
 * window left there. */
static void take_window(struct whisper_decoder *d, int frames)
{
	d->state = frames == AUDIO_WINDOW_FULL ? d->whole : d->cut;
}

int whisper_decoder_open(struct whisper_decoder *d, struct error *err)
{
	d->whole = whisper_init_state(d->context);
	if (d->window_floor > 0)
		d->cut = whisper_init_state(d->context);
	if (d->whole == NULL || (d->window_floor > 0 && d->cut == NULL))
		return error_set(
		    err, ERROR_ENGINE, "there is no memory for what Whisper decodes in");
	d->initial[0] = whisper_full_default_params(WHISPER_SAMPLING_GREEDY);
	d->initial[1] = whisper_full_default_params(WHISPER_SAMPLING_BEAM_SEARCH);
	return 0;
}

static struct whisper_full_params params_of(
    const struct whisper_decoder *d, const struct whisper_utterance *u, int frames)
{
	const struct whisper_settings *s = d->settings;
	struct whisper_full_params p = d->initial[s->beam > 1 ? 1 : 0];

	p.n_threads = (int)s->threads;
	p.greedy.best_of = 1;
	p.beam_search.beam_size = (int)s->beam;
	p.temperature_inc = 0;
	p.no_speech_thold = 1; /* hypothesis.c judges */
	p.no_context = true;
	p.print_progress = false;
	p.suppress_nst = !s->tell_non_speech;
	p.token_timestamps = true;
	p.single_segment = u->n <= AUDIO_WINDOW_SAMPLES;
	p.max_tokens = audio_window_tokens(u->n);
	p.audio_ctx = frames == AUDIO_WINDOW_FULL ? 0 : frames;
	p.language = u->language;
	p.translate = u->translate;
	p.initial_prompt = u->prompt[0] == '\0' ? NULL : u->prompt;
	return p;
}

static bool never(struct whisper_context *context, struct whisper_state *state, void *arg)
{
	(void)context;
	(void)state;
	(void)arg;
	return false;
}

/* The spectrum and the window stand in the state afterwards; nothing is decoded. */
static int prepare(struct whisper_decoder *d, const struct whisper_utterance *u, int frames)
{
	struct whisper_full_params p = params_of(d, u, frames);

	take_window(d, frames);
	p.language = "en";
	p.encoder_begin_callback = never;
	return whisper_full_with_state(d->context, d->state, p, u->samples, (int)u->n);
}

static const char *find_language(struct whisper_decoder *d)
{
	int id = whisper_lang_auto_detect_with_state(
	    d->context, d->state, 0, (int)d->settings->threads, NULL);

	return id < 0 ? NULL : whisper_lang_str(id);
}

static void take_token(struct hypothesis *heard, struct whisper_decoder *d, int segment, int i)
{
	struct whisper_token_data t = whisper_full_get_token_data_from_state(d->state, segment, i);

	if (t.id < whisper_token_eot(d->context))
		hypothesis_add(heard,
		    &(struct hypothesis_token){ .bytes = whisper_token_to_str(d->context, t.id),
			.id = t.id,
			.p = t.p,
			.log_p = t.plog,
			.from_ms = (int32_t)(t.t0 * 10),
			.to_ms = (int32_t)(t.t1 * 10) });
}

static void take(struct whisper_decoder *d, size_t samples, struct hypothesis *heard)
{
	int segments = whisper_full_n_segments_from_state(d->state);

	hypothesis_clear(heard, (uint32_t)(samples * 1000 / ENGINE_SAMPLE_RATE_HZ));
	for (int s = 0; s < segments; s++) {
		int n = whisper_full_n_tokens_from_state(d->state, s);

		for (int i = 0; i < n; i++)
			take_token(heard, d, s, i);
		heard->at_limit |= n > audio_window_tokens(samples);
	}
	if (segments > 0 && !whisper_is_multilingual(d->context))
		heard->no_speech = whisper_full_get_segment_no_speech_prob_from_state(d->state, 0);
}

static int fail(const struct whisper_decoder *d, struct error *err)
{
	return d->stopped ? error_set(err, ERROR_ENGINE, "given up on request")
			  : error_set(err, ERROR_ENGINE, "Whisper could not decode the audio: %s",
				whisper_model_trouble());
}

static int decode_once(struct whisper_decoder *d, const struct whisper_utterance *u, int frames,
    struct hypothesis *heard, struct error *err)
{
	struct whisper_full_params p = params_of(d, u, frames);

	take_window(d, frames);
	p.abort_callback = must_stop;
	p.abort_callback_user_data = d;
	if (whisper_full_with_state(d->context, d->state, p, u->samples, (int)u->n) != 0 ||
	    d->stopped)
		return fail(d, err);
	take(d, u->n, heard);
	return 0;
}

static int decode_with_care(struct whisper_decoder *d, const struct whisper_utterance *u,
    int frames, struct hypothesis *heard, struct error *err)
{
	bool suspect;

	if (decode_once(d, u, frames, heard, err) < 0)
		return -1;
	suspect = hypothesis_is_suspect(heard);
	if (suspect && d->settings->second_try && frames < AUDIO_WINDOW_FULL &&
	    decode_once(d, u, AUDIO_WINDOW_FULL, heard, err) < 0)
		return -1;
	heard->was_suspect = suspect;
	hypothesis_cut_loop(heard);
	if (!d->settings->tell_non_speech)
		hypothesis_cut_wordless(heard);
	hypothesis_cut_invention(heard, (float)d->settings->no_speech, (float)d->settings->log_p);
	return 0;
}

static int decode(struct whisper_decoder *d, const struct whisper_utterance *u,
    struct hypothesis *heard, const char **language, struct error *err)
{
	struct whisper_utterance known = *u;
	int frames = audio_window_frames(u->n, d->window_floor);

	if (strcmp(u->language, "auto") == 0) {
		known.language = prepare(d, u, frames) == 0 ? find_language(d) : NULL;
		if (known.language == NULL)
			return fail(d, err);
	}
	*language = known.language;
	return decode_with_care(d, &known, frames, heard, err);
}

int whisper_decode_utterance(struct whisper_decoder *d, const struct whisper_utterance *u,
    struct hypothesis *heard, const char **language, struct error *err)
{
	int failed;

	d->stopped = false;
	d->asked_ns = clock_now_ns();
	whisper_model_forget_trouble();
	whisper_stop_ask(must_stop, d);
	failed = decode(d, u, heard, language, err);
	whisper_stop_ask(NULL, NULL);
	return failed;
}
