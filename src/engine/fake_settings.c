/* Numbers are found by their key in one list; in what range they may be, the table says. */
#define _GNU_SOURCE
#include "engine/fake_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "engine/fake_time.h"
#include "engine/params.h"

#define FAULT_AT ": begin, audio, partial or end; with @N behind it only in the N-th utterance"

const struct engine_param_info fake_settings_params[FAKE_SETTINGS_PARAMS] = {
	{ "decode_ms", ENGINE_PARAM_NUMBER, 0, 600000, "0", "A decode takes so long, in ms" },
	{ "decode_factor", ENGINE_PARAM_NUMBER, 0, 1000, "0", "And so many times the audio" },
	{ "progress_ms", ENGINE_PARAM_NUMBER, 1, 600000, "10",
	    "Between two signs of progress in a decode" },
	{ "model", ENGINE_PARAM_TEXT, 0, 0, "fake", "Another name hears other words" },
	{ "load_ms", ENGINE_PARAM_NUMBER, 0, 600000, "0", "Loading takes so long, in ms" },
	{ "load_fail", ENGINE_PARAM_TEXT, 0, 0, "", "Loading fails, and this is why" },
	{ "burn", ENGINE_PARAM_NUMBER, 0, 1000, "0",
	    "Decoding takes so many times the audio, in CPU time" },
	{ "end_ms", ENGINE_PARAM_NUMBER, 0, 600000, "0", "The end takes so long, in ms" },
	{ "reset_noop", ENGINE_PARAM_YES_NO, 0, 0, "no", "A reset forgets nothing" },
	{ "language", ENGINE_PARAM_TEXT, 0, 0, "", "What is said to have been heard" },
	{ "tell_wishes", ENGINE_PARAM_YES_NO, 0, 0, "no",
	    "What is wished of an utterance is the end of its text" },
	{ "passes_over", ENGINE_PARAM_TEXT, 0, 0, "",
	    "Wishes that it takes no more: prompt, hot_words, phrases" },
	{ "raw_text", ENGINE_PARAM_YES_NO, 0, 0, "no", "It is none that punctuates" },
	{ "crash", ENGINE_PARAM_TEXT, 0, 0, "", "SIGSEGV" FAULT_AT },
	{ "hang", ENGINE_PARAM_TEXT, 0, 0, "", "No more progress" FAULT_AT },
	{ "garbage", ENGINE_PARAM_TEXT, 0, 0, "", "Bytes that are no message" FAULT_AT },
	{ "exit", ENGINE_PARAM_TEXT, 0, 0, "", "The process ends" FAULT_AT },
	{ "fail", ENGINE_PARAM_TEXT, 0, 0, "", "An error" FAULT_AT },
	{ "open", ENGINE_PARAM_TEXT, 0, 0, "", "A file is opened" FAULT_AT },
	{ "socket", ENGINE_PARAM_TEXT, 0, 0, "", "A socket is made" FAULT_AT },
	{ "exec", ENGINE_PARAM_TEXT, 0, 0, "", "A program is started" FAULT_AT },
	{ "leak", ENGINE_PARAM_WHOLE, 0, 1000000, "", "So many MB are lost at each begin" },
	{ "once", ENGINE_PARAM_PATH, 0, 0, "",
	    "Of all processes with this file one lets a fault happen, once" },
	{ "slow", ENGINE_PARAM_NUMBER, 0, 1000, "0", "Hearing sleeps so many times the audio" },
};

static const struct {
	const char *key;
	size_t at; /* of a double in struct fake_settings */
} numbers[] = {
	{ "load_ms", offsetof(struct fake_settings, load_ms) },
	{ "end_ms", offsetof(struct fake_settings, end_ms) },
	{ "slow", offsetof(struct fake_settings, slow) },
	{ "burn", offsetof(struct fake_settings, burn) },
	{ "decode_ms", offsetof(struct fake_settings, decode_ms) },
	{ "decode_factor", offsetof(struct fake_settings, decode_factor) },
	{ "progress_ms", offsetof(struct fake_settings, progress_ms) },
};

static int set_number(struct fake_settings *s, const struct engine_param_info *info,
    const char *value, struct error *err)
{
	double number = 0;

	if (params_number(info, value, &number, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (strcmp(numbers[i].key, info->key) == 0)
			*(double *)(void *)((char *)s + numbers[i].at) = number;
	if (strcmp(info->key, "leak") == 0)
		fake_fault_leak(&s->faults, (unsigned long)number);
	return 0;
}

static int set_text(struct fake_settings *s, const char *key, const char *value, struct error *err)
{
	char **to = strcmp(key, "model") == 0 ? &s->model
	    : strcmp(key, "language") == 0    ? &s->language
	    : strcmp(key, "passes_over") == 0 ? &s->passes_over
					      : NULL;

	if (strcmp(key, "load_fail") == 0)
		return error_set(err, ERROR_ENGINE, "%s", value);
	if (to == NULL)
		return fake_fault_param(&s->faults, key, value, err);
	free(*to);
	*to = xstrdup(value);
	return 0;
}

static bool *flag_of(struct fake_settings *s, const char *key)
{
	if (strcmp(key, "raw_text") == 0)
		return &s->raw_text;
	return strcmp(key, "tell_wishes") == 0 ? &s->tell_wishes : &s->reset_noop;
}

static int set_param(struct fake_settings *s, const struct engine_ops *ops,
    const struct engine_param *p, struct error *err)
{
	const struct engine_param_info *info = params_find(ops->params, ops->params_n, p->key);

	if (info == NULL)
		return error_set(
		    err, ERROR_CONFIG, "the %s engine has no parameter '%s'", ops->name, p->key);
	if (info->kind == ENGINE_PARAM_NUMBER || info->kind == ENGINE_PARAM_WHOLE)
		return set_number(s, info, p->value, err);
	if (info->kind == ENGINE_PARAM_YES_NO)
		return params_flag(info, p->value, flag_of(s, p->key), err);
	return set_text(s, p->key, p->value, err);
}

int fake_settings_load(struct fake_settings *s, const struct engine_ops *ops,
    const struct engine_param *params, size_t params_n, struct error *err)
{
	s->model = xstrdup("fake");
	s->progress_ms = 10;
	s->faults.decodes = ops->traits->decoding == IPC_DECODES_WHOLE;
	for (size_t i = 0; i < params_n; i++)
		if (set_param(s, ops, &params[i], err) < 0)
			return -1;
	fake_time_sleep((unsigned)s->load_ms);
	return 0;
}

void fake_settings_traits(
    const struct fake_settings *s, const struct ipc_traits *full, struct ipc_traits *out)
{
	static const struct {
		const char *name;
		uint16_t kind;
	} wishes[] = {
		{ "prompt", IPC_TAKES_PROMPT },
		{ "hot_words", IPC_TAKES_HOT_WORDS },
		{ "phrases", IPC_TAKES_PHRASES },
	};

	*out = *full;
	if (s->raw_text)
		out->tells &= (uint16_t)~IPC_TELLS_PUNCTUATION;
	for (size_t i = 0; s->passes_over != NULL && i < ARRAY_SIZE(wishes); i++)
		if (strstr(s->passes_over, wishes[i].name) != NULL)
			out->takes &= (uint16_t)~wishes[i].kind;
}

void fake_settings_done(struct fake_settings *s)
{
	fake_fault_done(&s->faults);
	free(s->model);
	free(s->language);
	free(s->passes_over);
	s->model = s->language = s->passes_over = NULL;
}
