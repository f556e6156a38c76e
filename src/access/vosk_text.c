#define _GNU_SOURCE
#include "access/vosk_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "audio/format.h"
#include "base/error.h"
#include "base/util.h"

enum { ALTERNATIVES_MAX = 100 };

static int take_rate(const json_t *v, struct vosk_config *c, struct error *err)
{
	if (json_text_whole(v, FORMAT_RATE_MIN_HZ, FORMAT_RATE_MAX_HZ, &c->sample_rate))
		return 0;
	return error_set(err, ERROR_INVALID,
	    "config: sample_rate must be a whole number from %d to %d Hz", FORMAT_RATE_MIN_HZ,
	    FORMAT_RATE_MAX_HZ);
}

static int take_alternatives(const json_t *v, struct vosk_config *c, struct error *err)
{
	double n;

	if (!json_text_number(v, &n) || !(n >= 0 && n <= ALTERNATIVES_MAX))
		return error_set(err, ERROR_INVALID,
		    "config: max_alternatives must be a number from 0 to %d", ALTERNATIVES_MAX);
	c->max_alternatives = (unsigned)n;
	return 0;
}

static int take_words(const json_t *v, struct vosk_config *c, struct error *err)
{
	if (!json_text_flag(v, &c->words))
		return error_set(err, ERROR_INVALID, "config: words must be true or false");
	return 0;
}

/* A model is a directory on the reference's machine; its last part may be the name of a pool here. */
static void take_model(const json_t *v, struct vosk_config *c)
{
	const char *path = json_string_value(v), *slash;

	if (path == NULL)
		return;
	slash = strrchr(path, '/');
	if (slash != NULL)
		path = slash + 1;
	if (strlen(path) < sizeof c->pool)
		memcpy(c->pool, path, strlen(path) + 1);
}

/* A grammar, with "[unk]" standing for all else. After all that can be refused, for it takes the place of what is there. */
static void take_phrases(const json_t *phrases, struct vosk_config *c)
{
	const json_t *phrase;
	size_t i;

	if (!json_is_array(phrases))
		return;
	c->wanted.phrases = NULL;
	json_array_foreach(phrases, i, phrase)
	{
		if (json_is_string(phrase))
			wanted_phrase(
			    &c->wanted, json_string_value(phrase), json_string_length(phrase));
	}
}

static int take_config(const json_t *config, struct vosk_config *out, struct error *err)
{
	const json_t *rate = json_object_get(config, "sample_rate");
	const json_t *words = json_object_get(config, "words");
	const json_t *alternatives = json_object_get(config, "max_alternatives");

	if (!json_is_object(config))
		return error_set(err, ERROR_INVALID, "config must be a JSON object, not %s",
		    json_text_kind(config));
	take_model(json_object_get(config, "model"), out);
	if (rate != NULL && take_rate(rate, out, err) < 0)
		return -1;
	if (words != NULL && take_words(words, out, err) < 0)
		return -1;
	if (alternatives != NULL && take_alternatives(alternatives, out, err) < 0)
		return -1;
	take_phrases(json_object_get(config, "phrase_list"), out);
	return 0;
}

void vosk_config_done(struct vosk_config *c)
{
	wanted_done(&c->wanted);
}

static int read_object(
    const json_t *o, enum vosk_command *command, struct vosk_config *config, struct error *err)
{
	const json_t *named = json_object_get(o, "config");

	*command = VOSK_CONFIG;
	if (named != NULL)
		return take_config(named, config, err);
	*command = VOSK_EOF;
	if (json_object_get(o, "eof") != NULL)
		return 0;
	*command = VOSK_RESET;
	if (json_object_get(o, "reset") != NULL)
		return 0;
	return error_set(err, ERROR_INVALID,
	    "a text message must be {\"config\":{...}}, {\"eof\":1} or {\"reset\":1}");
}

int vosk_read(const char *text, size_t n, enum vosk_command *command, struct vosk_config *config,
    struct error *err)
{
	json_t *o = json_text_read_object(text, n, err);
	struct vosk_config copy = *config;
	int rc;

	if (o == NULL)
		return -1;
	rc = read_object(o, command, &copy, err);
	json_decref(o);
	if (rc < 0)
		return -1;
	if (copy.wanted.phrases != config->wanted.phrases)
		vosk_config_done(config);
	*config = copy;
	return 0;
}

static int add_words(struct vosk_result *r, const struct session_event *e)
{
	if (r->words == NULL)
		r->words = json_array();
	for (size_t i = 0; i < e->final.words_n; i++) {
		const struct session_word *w = &e->final.words[i];
		json_t *word = json_pack("{s:o,s:o,s:o,s:o}", "conf",
		    json_text_confidence(w->confidence), "end", json_text_seconds(w->end_ms),
		    "start", json_text_seconds(w->start_ms), "word",
		    json_text_of(w->text, w->text_bytes));

		if (json_array_append_new(r->words, word) != 0)
			return -1;
	}
	return 0;
}

int vosk_result_add(struct vosk_result *r, const struct session_event *final)
{
	size_t had = r->text == NULL ? 0 : strlen(r->text), n = final->final.text_bytes;
	char *text = malloc(had + n + 2);

	if (text == NULL || add_words(r, final) < 0) {
		free(text);
		return -1;
	}
	(void)snprintf(text, had + n + 2, "%s%s%.*s", had > 0 ? r->text : "", had > 0 ? " " : "",
	    (int)n, final->final.text);
	free(r->text);
	r->text = text;
	r->incomplete |= final->final.incomplete != NULL;
	return 0;
}

void vosk_result_done(struct vosk_result *r)
{
	json_decref(r->words);
	free(r->text);
	*r = (struct vosk_result){ 0 };
}

static void without_confidence(json_t *words)
{
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word)(void) json_object_del(word, "conf");
}

/* The only one there is; how likely it is, is not known in the reference's unit. */
static json_t *alternatives_of(const struct vosk_result *r, json_t *text, bool words)
{
	json_t *one = json_pack("{s:f,s:o}", "confidence", 1.0, "text", text);
	json_t *copy = words && r->words != NULL ? json_deep_copy(r->words) : NULL;

	without_confidence(copy);
	if (copy != NULL && json_array_size(copy) > 0)
		(void)json_object_set(one, "result", copy);
	json_decref(copy);
	return json_pack("{s:[o]}", "alternatives", one);
}

static json_t *marked(json_t *result, const struct vosk_result *r)
{
	if (r->incomplete)
		(void)json_object_set_new(result, "incomplete", json_true());
	return result;
}

json_t *vosk_result_json(const struct vosk_result *r, const struct vosk_config *config)
{
	const char *text = r->text == NULL ? "" : r->text;
	json_t *words = json_text_of(text, strlen(text)), *o;

	if (config->max_alternatives > 0)
		return marked(alternatives_of(r, words, config->words), r);
	o = json_pack("{s:o}", "text", words);
	if (o != NULL && config->words && json_array_size(r->words) > 0)
		(void)json_object_set(o, "result", r->words);
	return marked(o, r);
}

json_t *vosk_warned(json_t *result, const struct error *what)
{
	if (result != NULL)
		(void)json_object_set_new(
		    result, "warning", json_text_of(what->text, strlen(what->text)));
	return result;
}

json_t *vosk_partial_json(const char *text)
{
	return json_pack("{s:o}", "partial", json_text_of(text, strlen(text)));
}
