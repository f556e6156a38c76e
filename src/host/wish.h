/* wish: what a BEGIN says of an utterance, as an engine takes it. Instance process. */
#ifndef HOST_WISH_H
#define HOST_WISH_H

#include "engine/engine.h"
#include "ipc/message.h"

struct wish_texts { /* what *b borrows from */
	char language[IPC_LANGUAGE_MAX + 1];
	char prompt[IPC_PROMPT_MAX + 1];
	char hot_words[IPC_PROMPT_MAX + 1];
	char phrases[IPC_PHRASES_MAX + 1];
};

/* Fills all of *b but its callback; it borrows from *from and from *texts. */
void wish_fill(struct engine_begin *b, const struct ipc_begin *from, struct wish_texts *texts);

#endif
