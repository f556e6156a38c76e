/* What is said to be results of libvosk, one a line: an utterance of stretches, with a partial of each before it. What comes out keeps the
 * rules of engine.h, and a result that is refused changes nothing. The first byte says whether fillers are kept. The same lines are phrases. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "engine/vosk_heard.h"
#include "engine/vosk_phrases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { STRETCH_SAMPLES = 16000 };

static struct vosk_heard heard;

static void check_words(const struct engine_result *r, uint64_t samples)
{
	const char *at = r->text;

	assert(r->words_n <= ENGINE_WORDS_MAX && r->confidence >= 0 && r->confidence <= 1);
	for (size_t i = 0; i < r->words_n; i++) {
		const struct engine_word *w = &r->words[i];

		assert(w->start_ms <= w->end_ms && w->end_ms <= samples / 16);
		assert(w->confidence >= 0 && w->confidence <= 1);
		/* Stretches without a list put text between. */
		at = strstr(at, w->text);
		assert(at != NULL && w->text[0] != '\0' && strchr(w->text, ' ') == NULL);
		at += strlen(w->text);
	}
}

static void check_text(const char *text)
{
	size_t n = strlen(text);

	assert(n < VOSK_HEARD_TEXT_BYTES);
	assert(strstr(text, "  ") == NULL);
	assert(n == 0 || (text[0] != ' ' && text[n - 1] != ' '));
}

static void hear(const char *json, uint64_t samples)
{
	struct error err = ERROR_INIT;
	struct engine_result r, before;
	char *text;

	vosk_heard_tell(&heard, &before);
	text = strdup(before.text);
	if (vosk_heard_tell_partial(&heard, json, &r, &err) == 0) {
		check_text(r.text);
		assert(strncmp(r.text, text, strlen(text)) == 0);
	}
	vosk_heard_tell(&heard, &r);
	assert(strcmp(r.text, text) == 0);
	if (vosk_heard_add(&heard, json, samples, &err) < 0)
		assert(strstr(err.text, "Vosk") != NULL);
	vosk_heard_tell(&heard, &r);
	check_text(r.text);
	check_words(&r, samples);
	assert(strncmp(r.text, text, strlen(text)) == 0);
	free(text);
}

static bool knows(void *arg, const char *word)
{
	(void)arg;
	return strlen(word) % 3 != 0;
}

static void make_phrases(const char *lines)
{
	struct vosk_phrases p;
	json_t *all;

	vosk_phrases_make(&p, lines, knows, NULL);
	all = json_loads(p.json, 0, NULL);
	assert(json_is_array(all));
	json_decref(all);
	vosk_phrases_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint64_t samples = STRETCH_SAMPLES;
	char *lines, *save = NULL;

	if (n == 0)
		return 0;
	lines = strndup((const char *)data + 1, n - 1);
	make_phrases(lines);
	vosk_heard_prepare();
	vosk_heard_begin(&heard, data[0] % 2 != 0);
	for (char *line = strtok_r(lines, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save), samples += STRETCH_SAMPLES)
		hear(line, samples);
	free(lines);
	return 0;
}
