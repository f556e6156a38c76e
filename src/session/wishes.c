#include "session/wishes.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "ipc/message.h"
#include "session/session.h"

static bool is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static int check(const char *what, const char *s, size_t max, struct error *err)
{
	if (s == NULL || strlen(s) <= max)
		return 0;
	return error_set(err, ERROR_INVALID, "%s has %zu bytes; at most %zu", what, strlen(s), max);
}

int wishes_check(const struct session_wishes *from, struct error *err)
{
	if (check("the language", from->language, IPC_LANGUAGE_MAX, err) < 0 ||
	    check("the prompt", from->prompt, IPC_PROMPT_MAX, err) < 0)
		return -1;
	if (check("the list of hot words", from->hot_words, IPC_PROMPT_MAX, err) < 0)
		return -1;
	return check("the list of phrases", from->phrases, IPC_PHRASES_MAX, err);
}

static char *copy(const char *s)
{
	return is_given(s) ? xstrdup(s) : NULL;
}

/* False: there is no room for it. */
static bool add_likely(char *all, const char *word, size_t n)
{
	size_t used = strlen(all), gap = used > 0 ? 2 : 0;

	if (n == 0 || (n == strlen(WISHES_ANY_OTHER) && memcmp(word, WISHES_ANY_OTHER, n) == 0))
		return true;
	if (used + gap + n > IPC_PROMPT_MAX)
		return false;
	memcpy(all + used, ", ", gap);
	memcpy(all + used + gap, word, n);
	return true;
}

/* The hot words, and of the phrases as many as there is room for. */
static char *likely_of(const struct session_wishes *from)
{
	char *all;
	bool room = true;

	if (!is_given(from->phrases))
		return NULL;
	all = xcalloc(1, IPC_PROMPT_MAX + 1);
	if (is_given(from->hot_words))
		memcpy(all, from->hot_words, strlen(from->hot_words));
	for (const char *at = from->phrases; room && *at != '\0';) {
		size_t n = strcspn(at, "\n");

		room = add_likely(all, at, n);
		at += n + (at[n] == '\n');
	}
	return all;
}

void wishes_take(struct wishes *w, const struct session_wishes *from)
{
	*w = (struct wishes){ .language = copy(from->language),
		.prompt = copy(from->prompt),
		.hot_words = copy(from->hot_words),
		.phrases = copy(from->phrases),
		.likely = likely_of(from),
		.translate = from->translate };
}

void wishes_copy(struct wishes *w, const struct wishes *from)
{
	const struct session_wishes lent = { .language = from->language,
		.prompt = from->prompt,
		.hot_words = from->hot_words,
		.phrases = from->phrases,
		.translate = from->translate };

	wishes_take(w, &lent);
}

static struct ipc_text text_of(const char *s)
{
	return s == NULL ? (struct ipc_text){ "", 0 } : (struct ipc_text){ s, (uint32_t)strlen(s) };
}

void wishes_fill(struct ipc_begin *b, const struct wishes *w, unsigned takes)
{
	bool as_hot_words = w->likely != NULL && (takes & IPC_TAKES_PHRASES) == 0;

	b->language = text_of(w->language);
	b->prompt = text_of(w->prompt);
	b->hot_words = text_of(as_hot_words ? w->likely : w->hot_words);
	b->phrases = text_of(w->phrases);
	b->translate = w->translate;
}

void wishes_done(struct wishes *w)
{
	free(w->language);
	free(w->prompt);
	free(w->hot_words);
	free(w->phrases);
	free(w->likely);
	*w = (struct wishes){ .translate = false };
}

void wishes_free(struct wishes **w)
{
	if (*w == NULL)
		return;
	wishes_done(*w);
	free(*w);
	*w = NULL;
}
