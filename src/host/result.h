/* result: what an engine heard, made fit for a message: within the bounds of ipc/message.h, and UTF-8.
 * Instance process. */
#ifndef HOST_RESULT_H
#define HOST_RESULT_H

#include <stdint.h>

#include "ipc/message.h"

struct engine_result;

struct
    result_scratch { /* what the message points into; large, and touched only as far as it is used */
	struct ipc_word words[IPC_WORDS_MAX];
	char bytes[IPC_PACKET_MAX];
};

/* Fills text, confidence, words, language and adaptation of *out, which borrows from *scratch and from `heard`. What
 * is beyond the bounds is left out: text at the end of a word, words at the end of the list, a language that is none. */
void result_fill(
    struct ipc_result *out, const struct engine_result *heard, struct result_scratch *scratch);

#endif
