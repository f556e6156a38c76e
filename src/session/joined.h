/* joined: the results of the parts of an utterance, as one. Pure. */
#ifndef SESSION_JOINED_H
#define SESSION_JOINED_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "ipc/message.h"

/* Of the parts so far. */
struct joined {
	struct buffer text;  /* a space between two */
	struct buffer words; /* of struct ipc_word without its text, which follows in: */
	struct buffer bytes;
	uint64_t confidence, weight;     /* sums, by words */
	char language[IPC_LANGUAGE_MAX]; /* of the first part that had one */
	uint32_t language_bytes;
};

/* All of them and one more. */
struct joined_view {
	struct ipc_result result; /* times are the utterance's; borrows from the parts and from: */
	char *text;               /* owned */
	struct ipc_word *words;   /* owned */
};

void joined_init(struct joined *j);
void joined_done(struct joined *j);
/* A part that begins so far behind the utterance's first sample. -1: memory is out, and *j is as it was. */
int joined_add(struct joined *j, const struct ipc_result *part, uint32_t from_ms);
/* -1: memory is out. Valid until joined_view_done, and as long as *j and *part are. */
int joined_view(const struct joined *j, const struct ipc_result *part, uint32_t from_ms,
    struct joined_view *out);
void joined_view_done(struct joined_view *v);

#endif
