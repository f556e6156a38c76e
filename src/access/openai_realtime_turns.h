/* openai_realtime_turns: the items of a Realtime conversation, made of a session's events. An item is what is said between
 * two silences, or between two commits where the client ends its turns itself; then it may be several utterances, since one
 * that becomes too long is cut.
 *
 *   OPEN --its end, a commit--> COMMITTED --the last final--> completed, failed
 *        --clear--> gone
 *
 * Order, with speech detection: speech_started, delta*, speech_stopped, committed, item.added, item.done, delta*,
 * completed. Without: committed, item.added, item.done, delta*, completed. Pure. */
#ifndef ACCESS_OPENAI_REALTIME_TURNS_H
#define ACCESS_OPENAI_REALTIME_TURNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "access/language.h"
#include "access/openai_realtime_event.h"
#include "base/error.h"
#include "session/session.h"

struct realtime_turn;

struct realtime_mode {
	bool manual;         /* turns end by a commit */
	unsigned prefix_ms;  /* how much before the speech its audio starts, */
	unsigned silence_ms; /* and how much after it, it ends */
};

/* A mode that begins with the answer to a commit that is under way. */
struct realtime_switch {
	struct realtime_switch *next;
	uint64_t commit; /* the how many-th */
	struct realtime_mode mode;
};

struct realtime_turns { /* plain data; zeroed and with the fields up to `mode` set it is ready */
	struct realtime_ids *ids;               /* borrowed */
	void (*send)(void *arg, json_t *event); /* takes it; NULL: memory is out */
	void *arg;
	bool beta;         /* conversation.item.created instead of added and done */
	uint64_t given_ms; /* audio that the client has given */
	struct realtime_mode mode;
	char language[LANGUAGE_BYTES]; /* that what is said is heard in; "": nothing is heard yet */
	/* With the first text that is told afterwards, what was asked for and makes no difference. */
	struct error unheeded; /* ERROR_NONE: there is nothing */
	/* Kept in here: */
	struct realtime_turn *first, *last;
	char previous[REALTIME_ID_BYTES]; /* the item that was committed last; "": none */
	uint64_t ended_ms;                /* where the last turn with speech detection ended */
	uint64_t commits, answered;
	struct realtime_switch *switches; /* owned; in order */
};

/* To be called with each session_commit that the client asked for. */
void realtime_turns_commit(struct realtime_turns *t);
/* Instead, where no session is there to carry it out: what is open has had its finals; else what came since holds no speech, and
 * makes a turn with no text. */
void realtime_turns_commit_silence(struct realtime_turns *t);
/* A turn has begun that nothing has ended yet. */
bool realtime_turns_is_open(const struct realtime_turns *t);
/* As realtime_turns_commit for one that is there to end what is open, so that another mode may begin behind it. */
void realtime_turns_switch(struct realtime_turns *t, const struct realtime_mode *mode);

/* An event of the session that is not a fatal error. */
void realtime_turns_event(struct realtime_turns *t, const struct session_event *e);
/* No more will come: each item that is committed and waits for its text has failed. */
void realtime_turns_fail(struct realtime_turns *t, const struct error *why);
/* Forgets all and says nothing. */
void realtime_turns_done(struct realtime_turns *t);

#endif
