#include "engine/whisper_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "engine/params.h"

const struct engine_param_info whisper_settings_params[WHISPER_SETTINGS_PARAMS] = {
	{ "model", ENGINE_PARAM_MODEL, 0, 0, "tiny.en",
	    "The weights: a model by its name, see stenopool models list, or a ggml file" },
	{ "model_sum", ENGINE_PARAM_TEXT, 0, 0, "",
	    "The SHA-256 that the file has to have; of a model by its name that is known" },
	{ "language", ENGINE_PARAM_TEXT, 0, 0, "",
	    "What is spoken where the client does not say, such as en or de; auto has each "
	    "utterance's "
	    "language found out, which costs as much again; en of English models, else auto" },
	{ "translate", ENGINE_PARAM_YES_NO, 0, 0, "no", "Whether all is translated into English" },
	{ "prompt", ENGINE_PARAM_TEXT, 0, 0, "",
	    "Text as it might stand before what is said, for spelling and style, where the client "
	    "gives none" },
	{ "hot_words", ENGINE_PARAM_TEXT, 0, 0, "",
	    "Words that are likely, with commas between, where the client gives none" },
	{ "threads", ENGINE_PARAM_WHOLE, 1, 64, "1",
	    "Threads of one decode; more than one is slower as soon as two are at work" },
	{ "beam", ENGINE_PARAM_WHOLE, 1, 8, "1",
	    "Hypotheses that are followed at once; 1 takes the likeliest token at each step" },
	{ "short_window", ENGINE_PARAM_YES_NO, 0, 0, "yes",
	    "Whether only as much is computed as the utterance is long, instead of 30 s, as far as "
	    "the model bears it" },
	{ "window_floor", ENGINE_PARAM_WHOLE, 0, 1500, "",
	    "The shortest window that the model bears, in frames of 20 ms; 0 is the full one; by "
	    "default as it was measured" },
	{ "second_try", ENGINE_PARAM_YES_NO, 0, 0, "yes",
	    "Whether what goes round in circles is decoded once more with the full window, before "
	    "the circles are cut" },
	{ "no_speech", ENGINE_PARAM_NUMBER, 0, 1, "0.6",
	    "The probability that nobody spoke above which nothing is told; English models know "
	    "it" },
	{ "log_p", ENGINE_PARAM_NUMBER, -10, 0, "-1.25",
	    "The mean log probability of what was heard below which nothing is told, with models "
	    "of many languages" },
	{ "tell_non_speech", ENGINE_PARAM_YES_NO, 0, 0, "no",
	    "Whether sounds are described, such as (music)" },
};

/* The field that a parameter is kept in, by its kind. */
static void *field_of(struct whisper_settings *s, size_t param)
{
	void *const fields[WHISPER_SETTINGS_PARAMS] = { &s->model, &s->model_sum, &s->language,
		&s->translate, &s->prompt, &s->hot_words, &s->threads, &s->beam, &s->short_window,
		&s->window_floor, &s->second_try, &s->no_speech, &s->log_p, &s->tell_non_speech };

	return fields[param];
}

static int set(struct whisper_settings *s, const struct engine_param_info *info, const char *value,
    struct error *err)
{
	void *field = field_of(s, (size_t)(info - whisper_settings_params));
	char **text = field;

	switch (info->kind) {
	case ENGINE_PARAM_WHOLE:
	case ENGINE_PARAM_NUMBER:
		return params_number(info, value, field, err);
	case ENGINE_PARAM_YES_NO:
		return params_flag(info, value, field, err);
	case ENGINE_PARAM_TEXT:
	case ENGINE_PARAM_MODEL:
	case ENGINE_PARAM_PATH:
	case ENGINE_PARAM_OTHERS:
	case ENGINE_PARAM_KINDS:
	default:
		free(*text);
		*text = xstrdup(value);
		return 0;
	}
}

static int set_initials(struct whisper_settings *s, struct error *err)
{
	for (size_t i = 0; i < WHISPER_SETTINGS_PARAMS; i++) {
		const struct engine_param_info *info = &whisper_settings_params[i];

		if (info->kind == ENGINE_PARAM_WHOLE && info->initial[0] == '\0')
			continue;
		if (set(s, info, info->initial, err) < 0)
			return -1;
	}
	s->window_floor = WHISPER_SETTINGS_FLOOR_OF_MODEL;
	return 0;
}

int whisper_settings_load(
    struct whisper_settings *s, const struct engine_param *params, size_t n, struct error *err)
{
	if (set_initials(s, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct engine_param_info *info =
		    params_find(whisper_settings_params, WHISPER_SETTINGS_PARAMS, params[i].key);

		if (info == NULL)
			return error_set(
			    err, ERROR_CONFIG, "Whisper has no parameter '%s'", params[i].key);
		if (set(s, info, params[i].value, err) < 0)
			return -1;
	}
	return 0;
}

void whisper_settings_done(struct whisper_settings *s)
{
	free(s->model);
	free(s->model_sum);
	free(s->language);
	free(s->prompt);
	free(s->hot_words);
	*s = (struct whisper_settings){ 0 };
}
