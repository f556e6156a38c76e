/* vosk_phrases: a list of phrases as the library takes it, a JSON array. Pure. */
#ifndef ENGINE_VOSK_PHRASES_H
#define ENGINE_VOSK_PHRASES_H

#include <stdbool.h>

/* Whether the model has the word. */
typedef bool vosk_phrases_knows_f(void *arg, const char *word);

struct vosk_phrases {
	char *json; /* owned; "[]" when none is left */
	unsigned
	    unknown_n; /* phrases that were left out, as one of their words is none that the model knows */
	char unknown[64]; /* the first such word, as far as it fits */
};

/* `lines`: one phrase a line, UTF-8; empty ones count for nothing. A word that the model does not know is looked for in small letters,
 * too, since that is how models have most of theirs; a phrase is left out when a word of it is not found, for without the word
 * it would be another one. */
void vosk_phrases_make(
    struct vosk_phrases *out, const char *lines, vosk_phrases_knows_f *knows, void *arg);
void vosk_phrases_done(struct vosk_phrases *p);

#endif
