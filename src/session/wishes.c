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
	return check("the list of hot words", from->hot_words, IPC_PROMPT_MAX, err);
}

static char *copy(const char *s)
{
	return is_given(s) ? xstrdup(s) : NULL;
}

void wishes_take(struct wishes *w, const struct session_wishes *from)
{
	*w = (struct wishes){ .language = copy(from->language),
		.prompt = copy(from->prompt),
		.hot_words = copy(from->hot_words),
		.translate = from->translate };
}

void wishes_copy(struct wishes *w, const struct wishes *from)
{
	const struct session_wishes lent = { from->language, from->prompt, from->hot_words,
		from->translate };

	wishes_take(w, &lent);
}

static struct ipc_text text_of(const char *s)
{
	return s == NULL ? (struct ipc_text){ "", 0 } : (struct ipc_text){ s, (uint32_t)strlen(s) };
}

void wishes_fill(struct ipc_begin *b, const struct wishes *w)
{
	b->language = text_of(w->language);
	b->prompt = text_of(w->prompt);
	b->hot_words = text_of(w->hot_words);
	b->translate = w->translate;
}

void wishes_done(struct wishes *w)
{
	free(w->language);
	free(w->prompt);
	free(w->hot_words);
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
