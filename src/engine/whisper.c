/* Whisper decodes an utterance whole: audio is only kept, and a partial is a decode of what is there so far.
 *
 * The state that a decode writes to is made in the host and inherited, so an instance has it at no cost. What a decode gives does not
 * depend on what the state decoded before: the library clears its caches at the beginning, and what it would carry on of the text
 * before (no_context) and of the window (whisper_decode.c) is not let. */
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
#include "engine/whisper_tune.h"

enum {
	KEPT_MAX_SAMPLES = 600 * ENGINE_SAMPLE_RATE_HZ,
	KEPT_FIRST_SAMPLES = 4 * ENGINE_SAMPLE_RATE_HZ,
	SHORTEST_SAMPLES = ENGINE_SAMPLE_RATE_HZ / 10, /* of less the library makes nothing */
	TEXT_MAX_BYTES = 32 * 1024,
	PROMPT_BYTES = 2 * ENGINE_PROMPT_MAX_BYTES + 16,
};

struct engine {
	struct whisper_settings settings; /* owned */
	struct whisper_decoder decoder;   /* its context and state are owned */
	struct ipc_traits traits;
	char *model; /* owned */
	bool multilingual;

	/* of the utterance */
	float *kept; /* owned */
	size_t n, cap;
	char prompt[PROMPT_BYTES];
	const char *language; /* "en", "auto": static or the settings' */
	bool translate;

	/* of the result */
	struct hypothesis heard;
	char text[TEXT_MAX_BYTES], spelled[TEXT_MAX_BYTES];
	struct engine_word words[ENGINE_WORDS_MAX];
};

static void whisper_engine_unload(struct engine **engine)
{
	struct engine *e = *engine;

	*engine = NULL;
	if (e == NULL)
		return;
	whisper_decoder_close(&e->decoder);
	whisper_free(e->decoder.context);
	whisper_settings_done(&e->settings);
	hypothesis_done(&e->heard);
	free(e->kept);
	free(e->model);
	free(e);
}

static const struct ipc_traits traits = {
	.decoding = IPC_DECODES_WHOLE,
	.partials = IPC_PARTIALS_ANEW,
	.eager = IPC_EAGER_ANEW,
	.threads = IPC_THREADS_NONE,
	.decode_threads = 1,
	.tells = IPC_TELLS_WORD_TIMES | IPC_TELLS_CONFIDENCES | IPC_TELLS_LANGUAGE |
	    IPC_TELLS_PUNCTUATION,
	.takes = IPC_TAKES_LANGUAGE | IPC_TAKES_PROMPT | IPC_TAKES_HOT_WORDS | IPC_TAKES_TRANSLATE,
	.isolation = IPC_BEARS_FORK | IPC_BEARS_PROCESS,
	.warms_up = 1,
	.quiet_factor = 4,
};

static void set_traits(struct engine *e)
{
	e->traits = traits;
	e->traits.decode_threads = (uint16_t)e->settings.threads;
	if (e->settings.threads > 1)
		e->traits.threads = IPC_THREADS_AT_DECODE;
	if (!e->multilingual)
		e->traits.takes = IPC_TAKES_PROMPT | IPC_TAKES_HOT_WORDS;
}

static int check_language(const struct engine *e, struct error *err)
{
	const char *language = e->settings.language;

	if (language[0] == '\0' || strcmp(language, "auto") == 0)
		return 0;
	if (whisper_lang_id(language) < 0)
		return error_set(err, ERROR_CONFIG,
		    "language: Whisper knows no '%s'; it knows two letters such as en and de, or "
		    "auto",
		    language);
	if (!e->multilingual && strcmp(language, "en") != 0)
		return error_set(err, ERROR_CONFIG, "language: %s hears English only, not '%s'",
		    e->model, language);
	return 0;
}

static int open_all(struct engine *e, struct error *err)
{
	struct whisper_model model;

	e->decoder.settings = &e->settings;
	if (whisper_model_open(&model, &e->settings, err) < 0)
		return -1;
	e->decoder.context = model.context;
	e->decoder.window_floor = model.window_floor;
	e->model = model.name;
	e->multilingual = whisper_is_multilingual(model.context) != 0;
	set_traits(e);
	return check_language(e, err) < 0 ? -1 : whisper_decoder_open(&e->decoder, err);
}

static int whisper_engine_load(
    struct engine **out, const struct engine_param *params, size_t params_n, struct error *err)
{
	struct engine *e = xcalloc(1, sizeof *e);

	if (whisper_settings_load(&e->settings, params, params_n, err) < 0 ||
	    open_all(e, err) < 0) {
		whisper_engine_unload(&e);
		return -1;
	}
	*out = e;
	return 0;
}

static const char *whisper_engine_model(const struct engine *e)
{
	return e->model;
}

static const struct ipc_traits *whisper_engine_loaded(const struct engine *e)
{
	return &e->traits;
}

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* Of "de-AT" the library knows the "de"; what it does not know at all it finds out. */
static const char *language_of(const struct engine *e, const char *wish)
{
	char name[16];
	int id;

	if (!e->multilingual)
		return "en";
	if (!is_given(wish))
		wish = e->settings.language[0] == '\0' ? "auto" : e->settings.language;
	(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(wish, "-_"), wish);
	id = whisper_lang_id(name);
	return id < 0 ? "auto" : whisper_lang_str(id);
}

/* Hot words stand before the prompt, which is nearer to what is said. */
static void set_prompt(struct engine *e, const struct engine_begin *begin)
{
	const char *prompt = is_given(begin->prompt) ? begin->prompt : e->settings.prompt;
	const char *words = is_given(begin->hot_words) ? begin->hot_words : e->settings.hot_words;

	(void)snprintf(
	    e->prompt, sizeof e->prompt, "%s%s%s", words, words[0] == '\0' ? "" : ". ", prompt);
}

static int whisper_engine_begin(
    struct engine *e, const struct engine_begin *begin, struct error *err)
{
	(void)err;
	e->decoder.on_progress = begin->on_progress;
	e->decoder.arg = begin->arg;
	e->n = 0;
	e->language = language_of(e, begin->language);
	e->translate = e->multilingual && (begin->translate || e->settings.translate);
	set_prompt(e, begin);
	return 0;
}

static int make_room(struct engine *e, size_t n, struct error *err)
{
	size_t cap = MAX(e->cap, KEPT_FIRST_SAMPLES);
	float *more;

	if (n > KEPT_MAX_SAMPLES)
		return error_set(err, ERROR_LIMIT, "an utterance of more than %d s is not kept",
		    KEPT_MAX_SAMPLES / ENGINE_SAMPLE_RATE_HZ);
	while (cap < n)
		cap *= 2;
	if (cap == e->cap)
		return 0;
	more = realloc(e->kept, cap * sizeof *more);
	if (more == NULL)
		return error_set(err, ERROR_SYSTEM, "no memory for the audio");
	e->kept = more;
	e->cap = cap;
	return 0;
}

static int whisper_engine_audio(
    struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	if (make_room(e, e->n + n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		e->kept[e->n++] = (float)samples[i] / 32768;
	return 0;
}

static float mean_confidence(const struct engine_word *words, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)words[i].confidence;
	return n == 0 ? 0 : (float)(sum / (double)n);
}

static int hear(struct engine *e, struct engine_result *out, struct error *err)
{
	const struct whisper_utterance u = { e->kept, e->n, e->language, e->prompt, e->translate };
	const struct hypothesis_room room = { e->text, e->spelled, sizeof e->text, e->words };
	const char *language = "";
	size_t n;

	hypothesis_clear(&e->heard, 0);
	if (e->n >= SHORTEST_SAMPLES &&
	    whisper_decode_utterance(&e->decoder, &u, &e->heard, &language, err) < 0)
		return -1;
	n = hypothesis_words(&e->heard, &room);
	*out = (struct engine_result){ .text = e->text,
		.confidence = mean_confidence(e->words, n),
		.words = e->words,
		.words_n = n,
		.language = n == 0 ? "" : language };
	return 0;
}

static void whisper_engine_reset(struct engine *e)
{
	if (e->cap > 0)
		memset(e->kept, 0, e->cap * sizeof *e->kept);
	e->n = 0;
	memset(e->prompt, 0, sizeof e->prompt);
	hypothesis_done(&e->heard);
	memset(e->text, 0, sizeof e->text);
	memset(e->spelled, 0, sizeof e->spelled);
	memset(e->words, 0, sizeof e->words);
	whisper_model_forget_trouble();
}

const struct engine_ops engine_whisper = {
	.name = "whisper",
	.traits = &traits,
	.params = whisper_settings_params,
	.params_n = WHISPER_SETTINGS_PARAMS,
	.load = whisper_engine_load,
	.unload = whisper_engine_unload,
	.model = whisper_engine_model,
	.loaded = whisper_engine_loaded,
	.begin = whisper_engine_begin,
	.audio = whisper_engine_audio,
	.partial = hear,
	.end = hear,
	.eager = hear,
	.reset = whisper_engine_reset,
	.tune = whisper_tune,
};
