#include "access/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ipc/message.h"
#include "net/utf8.h"

void wanted_language(struct wanted *w, const char *languages)
{
	(void)language_code(languages, w->language);
}

static bool is_text(const char *s, size_t n)
{
	struct utf8 u = { 0 };

	return n > 0 && memchr(s, '\0', n) == NULL && utf8_take(&u, (const uint8_t *)s, n) &&
	    utf8_is_whole(&u);
}

/* At the beginning of a character. */
static bool begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char *copy(const char *s, size_t n)
{
	char *to = xcalloc(1, n + 1);

	memcpy(to, s, n);
	return to;
}

void wanted_prompt(struct wanted *w, const char *text, size_t n)
{
	size_t from = n > IPC_PROMPT_MAX ? n - IPC_PROMPT_MAX : 0;

	free(w->prompt);
	w->prompt = NULL;
	if (!is_text(text, n))
		return;
	while (from < n && !begins(text[from]))
		from++;
	w->prompt = copy(text + from, n - from);
}

/* One more behind what stands between; false: there is no room for it. */
static bool add(char **list, const char *between, size_t max, const char *word, size_t n)
{
	size_t used = *list == NULL ? 0 : strlen(*list), gap = used > 0 ? strlen(between) : 0;
	char *all;

	if (used + gap + n > max)
		return false;
	all = xcalloc(1, used + gap + n + 1);
	if (used > 0) {
		memcpy(all, *list, used);
		memcpy(all + used, between, gap);
	}
	memcpy(all + used + gap, word, n);
	free(*list);
	*list = all;
	return true;
}

void wanted_hot_words(struct wanted *w, const char *text, size_t n)
{
	bool room = is_text(text, n);

	for (size_t at = 0, end; room && at < n; at = end + 1) {
		const char *comma = memchr(text + at, ',', n - at);
		size_t last = end = comma == NULL ? n : (size_t)(comma - text);

		while (at < last && is_blank(text[at]))
			at++;
		while (last > at && is_blank(text[last - 1]))
			last--;
		if (last > at)
			room = add(&w->hot_words, ", ", IPC_PROMPT_MAX, text + at, last - at);
	}
}

void wanted_forget_hot_words(struct wanted *w)
{
	free(w->hot_words);
	w->hot_words = NULL;
}

void wanted_phrase(struct wanted *w, const char *text, size_t n)
{
	char *phrase;
	size_t bytes = 0;

	if (!is_text(text, n))
		return;
	phrase = xcalloc(1, n + 1);
	for (size_t i = 0; i < n; i++) {
		if (!is_blank(text[i]))
			phrase[bytes++] = text[i];
		else if (bytes > 0 && phrase[bytes - 1] != ' ')
			phrase[bytes++] = ' ';
	}
	if (bytes > 0 && phrase[bytes - 1] == ' ')
		bytes--;
	if (bytes > 0)
		(void)add(&w->phrases, "\n", IPC_PHRASES_MAX, phrase, bytes);
	free(phrase);
}

void wanted_forget_phrases(struct wanted *w)
{
	free(w->phrases);
	w->phrases = NULL;
}

void wanted_done(struct wanted *w)
{
	free(w->prompt);
	free(w->hot_words);
	free(w->phrases);
	*w = (struct wanted){ .translate = false };
}

struct session_wishes wanted_lend(const struct wanted *w)
{
	return (struct session_wishes){ .language = w->language,
		.prompt = w->prompt,
		.hot_words = w->hot_words,
		.phrases = w->phrases,
		.translate = w->translate };
}

static bool is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

unsigned wanted_kinds(const struct session_wishes *w)
{
	unsigned kinds = 0;

	if (is_given(w->language))
		kinds |= IPC_TAKES_LANGUAGE;
	if (is_given(w->prompt))
		kinds |= IPC_TAKES_PROMPT;
	if (is_given(w->hot_words))
		kinds |= IPC_TAKES_HOT_WORDS;
	if (is_given(w->phrases))
		kinds |= IPC_TAKES_PHRASES;
	if (w->translate)
		kinds |= IPC_TAKES_TRANSLATE;
	return kinds;
}

void wanted_names(unsigned kinds, char out[WANTED_NAMES_BYTES])
{
	static const struct {
		unsigned kind;
		const char *name;
	} names[] = {
		{ IPC_TAKES_PROMPT, "prompt" },
		{ IPC_TAKES_HOT_WORDS, "hot words" },
		{ IPC_TAKES_PHRASES, "phrases" },
		{ IPC_TAKES_TRANSLATE, "translation" },
	};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if ((kinds & names[i].kind) != 0)
			used += (size_t)snprintf(out + used, WANTED_NAMES_BYTES - used, "%s%s",
			    used > 0 ? ", " : "", names[i].name);
}
