/* told: what a session's client is to be told, kept until the end of the turn with all that its pointers lend. */
#ifndef SESSION_TOLD_H
#define SESSION_TOLD_H

#include "base/turn.h"
#include "session/session.h"

struct told {
	struct told *next;
	bool drain; /* instead of an event: audio is taken again */
	struct session_event e;
	struct error error;         /* what e.error.why or e.final.incomplete lends */
	struct session_word *words; /* owned, as are the bytes */
	char *bytes;                /* of texts and adaptation */
};

/* A copy of the event and of what it lends. NULL: memory is out. */
struct told *told_new(const struct session_event *e);
void told_free(struct told **t);

/* Queues it; takes it over. */
void told_push(struct session *s, struct told *t);
/* The session's teller. */
void told_tell(struct teller *t);
void told_drop_all(struct session *s);

#endif
