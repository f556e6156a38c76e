#include "engine/fake_wishes.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "engine/fake_settings.h"

static void add(struct fake_wishes *w, const char *key, const char *value)
{
	char *word = w->words[w->words_n];

	if (value == NULL || value[0] == '\0')
		return;
	(void)snprintf(word, FAKE_WISH_BYTES, "%s=%s", key, value);
	for (char *c = word; *c != '\0'; c++)
		*c = *c == ' ' ? '_' : *c == '\n' ? '/' : *c;
	w->words_n++;
}

static void keep_words(struct fake_wishes *w, const struct engine_begin *b)
{
	char rate[16];

	if ((w->takes & IPC_TAKES_LANGUAGE) != 0)
		add(w, "language", b->language);
	if ((w->takes & IPC_TAKES_PROMPT) != 0)
		add(w, "prompt", b->prompt);
	if ((w->takes & IPC_TAKES_HOT_WORDS) != 0)
		add(w, "hot_words", b->hot_words);
	if ((w->takes & IPC_TAKES_PHRASES) != 0)
		add(w, "phrases", b->phrases);
	if ((w->takes & IPC_TAKES_TRANSLATE) != 0 && b->translate)
		add(w, "translate", "yes");
	(void)snprintf(rate, sizeof rate, "%u", b->rate_hz);
	add(w, "rate_hz", b->rate_hz > 0 ? rate : NULL);
}

/* The parameter's, else that which was wished for. */
static void keep_language(
    struct fake_wishes *w, const struct fake_settings *s, const struct engine_begin *b)
{
	const char *wished = b->language != NULL && strcmp(b->language, "auto") != 0 &&
		(w->takes & IPC_TAKES_LANGUAGE) != 0
	    ? b->language
	    : "";

	(void)snprintf(
	    w->language, sizeof w->language, "%s", s->language != NULL ? s->language : wished);
}

void fake_wishes_begin(
    struct fake_wishes *w, const struct fake_settings *s, const struct engine_begin *begin)
{
	keep_language(w, s, begin);
	w->words_n = 0;
	if (s->tell_wishes)
		keep_words(w, begin);
}

void fake_wishes_say(const struct fake_wishes *w, struct engine_result *heard)
{
	heard->language = w->language;
}

static void append(struct fake_wishes *w, struct engine_result *heard, const char *word)
{
	size_t used;
	uint32_t at_ms = heard->words_n == 0 ? 0 : w->all_words[heard->words_n - 1].end_ms;

	if (heard->words_n == ENGINE_WORDS_MAX)
		return;
	w->all_words[heard->words_n++] = (struct engine_word){
		.text = word, .start_ms = at_ms, .end_ms = at_ms, .confidence = 1
	};
	used = strlen(w->text);
	(void)snprintf(w->text + used, sizeof w->text - used, "%s%s", used > 0 ? " " : "", word);
}

void fake_wishes_tell(struct fake_wishes *w, struct engine_result *heard)
{
	fake_wishes_say(w, heard);
	if (w->words_n == 0)
		return;
	for (size_t i = 0; i < heard->words_n; i++)
		w->all_words[i] = heard->words[i];
	(void)snprintf(w->text, sizeof w->text, "%s", heard->text);
	for (unsigned i = 0; i < w->words_n; i++)
		append(w, heard, w->words[i]);
	heard->words = w->all_words;
	heard->text = w->text;
}
