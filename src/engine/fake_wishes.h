/* fake_wishes: what is wished of an utterance of the fake engines, kept to be shown: the language that is said to have been heard,
 * and with tell_wishes=yes a last word for each wish, "prompt=Dr._Ott" with its spaces as "_" and the ends of its lines
 * as "/". */
#ifndef ENGINE_FAKE_WISHES_H
#define ENGINE_FAKE_WISHES_H

#include <stdbool.h>

#include "engine/engine.h"
#include "ipc/message.h"

struct fake_settings;

enum { FAKE_WISHES_WORDS = 6, FAKE_WISH_BYTES = ENGINE_PHRASES_MAX_BYTES + 32 };

struct fake_wishes {    /* of one engine; touched only as far as it is used */
	unsigned takes; /* IPC_TAKES_*: others are passed over */
	char language[IPC_LANGUAGE_MAX + 1];
	unsigned words_n; /* <= FAKE_WISHES_WORDS; 0: nothing is to be shown */
	char words[FAKE_WISHES_WORDS][FAKE_WISH_BYTES];
	struct engine_word all_words[ENGINE_WORDS_MAX];
	char text[ENGINE_WORDS_MAX * 10 + FAKE_WISHES_WORDS * FAKE_WISH_BYTES];
};

void fake_wishes_begin(
    struct fake_wishes *w, const struct fake_settings *s, const struct engine_begin *begin);
/* What was heard gets the language; borrows from *w. */
void fake_wishes_say(const struct fake_wishes *w, struct engine_result *heard);
/* ... and, at the end, the words. */
void fake_wishes_tell(struct fake_wishes *w, struct engine_result *heard);

#endif
