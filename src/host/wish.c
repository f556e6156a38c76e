#include "host/wish.h"

#include <assert.h>
#include <string.h>

static_assert((int)IPC_PROMPT_MAX == (int)ENGINE_PROMPT_MAX_BYTES &&
	(int)IPC_PHRASES_MAX == (int)ENGINE_PHRASES_MAX_BYTES,
    "an engine is given no more than it is told");

/* There is room: a message that has more is none. */
static const char *string_of(char *to, const struct ipc_text *text)
{
	if (text->length > 0)
		memcpy(to, text->bytes, text->length);
	to[text->length] = '\0';
	return to;
}

void wish_fill(struct engine_begin *b, const struct ipc_begin *from, struct wish_texts *texts)
{
	b->adaptation = from->adaptation;
	b->adaptation_bytes = from->adaptation_bytes;
	b->language = string_of(texts->language, &from->language);
	b->prompt = string_of(texts->prompt, &from->prompt);
	b->hot_words = string_of(texts->hot_words, &from->hot_words);
	b->phrases = string_of(texts->phrases, &from->phrases);
	b->translate = from->translate != 0;
	b->rate_hz = from->rate_hz;
}
