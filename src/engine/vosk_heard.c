#include "engine/vosk_heard.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"

void vosk_heard_prepare(void)
{
	json_object_seed(1);
}

void vosk_heard_begin(struct vosk_heard *h, bool keeps_fillers)
{
	h->keeps_fillers = keeps_fillers;
	h->text_n = h->spelled_n = h->words_n = 0;
	h->confidence_sum = 0;
	h->text[0] = '\0';
}

/* An object, and NULL otherwise with the reason. */
static json_t *read_object(const char *json, struct error *err)
{
	json_error_t why;
	json_t *o;

	if (json == NULL) {
		(void)error_set(err, ERROR_ENGINE, "Vosk gives no result");
		return NULL;
	}
	o = json_loads(json, 0, &why);
	if (json_is_object(o))
		return o;
	(void)error_set(err, ERROR_ENGINE, "Vosk's result is none: %.120s",
	    o != NULL ? "it is no JSON object" : why.text);
	json_decref(o);
	return NULL;
}

static double number(const json_t *word, const char *key)
{
	double x = json_number_value(json_object_get(word, key));

	return x > 0 ? x : 0;
}

/* Of the text in `to`, which has n bytes; a space goes before it if there is one already. False: there is no room. */
static bool append(char to[VOSK_HEARD_TEXT_BYTES], size_t *n, const char *word, size_t bytes)
{
	if (*n + bytes + 2 > VOSK_HEARD_TEXT_BYTES)
		return false;
	if (*n > 0)
		to[(*n)++] = ' ';
	memcpy(to + *n, word, bytes);
	*n += bytes;
	to[*n] = '\0';
	return true;
}

static bool is_left_out(const struct vosk_heard *h, const char *word, size_t bytes)
{
	return bytes == 0 || (!h->keeps_fillers && (word[0] == '[' || word[0] == '<'));
}

/* A word has no space in it, or the text would have other words than the list. */
static bool is_word(const struct vosk_heard *h, const char *word)
{
	return word != NULL && strcspn(word, " \t\r\n") == strlen(word) &&
	    !is_left_out(h, word, strlen(word));
}

static void add_word(struct vosk_heard *h, const json_t *from, uint64_t audio_ms)
{
	const char *word = json_string_value(json_object_get(from, "word"));
	double limit = (double)audio_ms;
	struct engine_word *w = &h->words[h->words_n];
	size_t bytes;

	if (!is_word(h, word) || h->words_n == ENGINE_WORDS_MAX)
		return;
	bytes = strlen(word);
	if (h->spelled_n + bytes + 1 > sizeof h->spelled ||
	    !append(h->text, &h->text_n, word, bytes))
		return;
	w->text = h->spelled + h->spelled_n;
	memcpy(h->spelled + h->spelled_n, word, bytes + 1);
	h->spelled_n += bytes + 1;
	w->start_ms = (uint32_t)(MIN(number(from, "start") * 1000 + 0.5, limit));
	w->end_ms = (uint32_t)(MIN(number(from, "end") * 1000 + 0.5, limit));
	w->end_ms = MAX(w->start_ms, w->end_ms);
	w->confidence = (float)MIN(number(from, "conf"), 1.0);
	h->confidence_sum += (double)w->confidence;
	h->words_n++;
}

/* The words of a text, to the text in `to`. */
static void append_words(
    const struct vosk_heard *h, char to[VOSK_HEARD_TEXT_BYTES], size_t *n, const char *text)
{
	while (*text != '\0') {
		size_t bytes = strcspn(text, " \t\r\n");

		if (!is_left_out(h, text, bytes) && !append(to, n, text, bytes))
			return;
		text += bytes;
		text += strspn(text, " \t\r\n");
	}
}

int vosk_heard_add(struct vosk_heard *h, const char *json, uint64_t samples, struct error *err)
{
	json_t *o = read_object(json, err);
	const json_t *words = json_object_get(o, "result");
	const char *text = json_string_value(json_object_get(o, "text"));

	if (o == NULL)
		return -1;
	for (size_t i = 0; i < json_array_size(words); i++)
		add_word(h, json_array_get(words, i), samples * 1000 / ENGINE_SAMPLE_RATE_HZ);
	if (words == NULL && text != NULL)
		append_words(h, h->text, &h->text_n, text);
	json_decref(o);
	return 0;
}

void vosk_heard_tell(const struct vosk_heard *h, struct engine_result *out)
{
	*out = (struct engine_result){ .text = h->text,
		.confidence = h->words_n == 0 ? 0 : (float)(h->confidence_sum / (double)h->words_n),
		.words = h->words,
		.words_n = h->words_n };
}

int vosk_heard_tell_partial(
    struct vosk_heard *h, const char *json, struct engine_result *out, struct error *err)
{
	json_t *o = read_object(json, err);
	const char *text = json_string_value(json_object_get(o, "partial"));
	size_t n = h->text_n;

	if (o == NULL)
		return -1;
	memcpy(h->partial, h->text, n + 1);
	if (text != NULL)
		append_words(h, h->partial, &n, text);
	*out = (struct engine_result){ .text = h->partial };
	json_decref(o);
	return 0;
}
