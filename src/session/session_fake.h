/* session_fake: a client with a session over a pool_fake, for tests. Jobs of the ear run when the test says so;
 * what the client is told is written down as lines of text; what may never be told fails the test: an event
 * after the end or after session_free, ids or finals out of order. Linked by tests only. */
#ifndef SESSION_SESSION_FAKE_H
#define SESSION_SESSION_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/turn.h"
#include "pool/pool_fake.h"
#include "session/session.h"
#include "session/work.h"

enum { SESSION_FAKE_LOG = 1 << 16, SESSION_FAKE_UTTERANCES = 4096, SESSION_FAKE_BYTES_PER_MS = 32 };

struct work_fake {
	struct work base; /* first */
	struct work_item *first, *last;
	struct turn
	    *turn; /* borrowed; that of the pool of who opened a session last; NULL: none yet */
	unsigned submitted;
	void (*between)(
	    void *arg); /* NULL, or called once when the next job has run and before it reports */
	void *between_arg;
};

struct session_fake;

/* Called as the last act of an event; may free the session. */
typedef void session_fake_then_f(struct session_fake *f, enum session_event_kind kind);

struct session_fake {
	struct pool_fake *pool; /* borrowed */
	struct work_fake *work; /* borrowed */
	struct session_limits limits;
	struct session *session; /* owned */
	char log[SESSION_FAKE_LOG];
	size_t log_n;
	bool over; /* ended, or a fatal error */
	unsigned drains;
	uint64_t utterances, finals; /* ids last seen */
	uint64_t heard_bytes;        /* last told */
	unsigned committed, cleared; /* how often it was told */
	char open
	    [SESSION_FAKE_UTTERANCES]; /* by id: 0 not begun, 's'peaking, 'e'nded, 'd'one, 'f'ailed while open */
	uint8_t adaptation[16]; /* of the last final, cut */
	size_t adaptation_bytes;
	bool growing;      /* finals are to begin with what was stable of partials */
	char stable[8192]; /* of the last partial */
	size_t stable_n;
	uint64_t stable_of; /* ... of this utterance */
	char eager
	    [64]; /* of the utterance that is open: what was told and not taken back; "": nothing */
	uint64_t eager_of;
	unsigned eagers, resumes; /* how often */
	struct error why;         /* of the last error */
	session_fake_then_f *then;
	int then_on; /* the event kind `then` is for; -1: all */
};

void work_fake_init(struct work_fake *w);
bool work_fake_run_one(struct work_fake *w); /* runs a job and reports it; false: there is none */
void work_fake_run(struct work_fake *w);     /* all, and those that follow from them */

/* 16 kHz s16 with manual endpointing, and all else as by default. */
struct session_config session_fake_config(void);
/* Opens and starts a session; false: refused, with f->why. */
bool session_fake_open(struct session_fake *f, struct pool_fake *pool, struct work_fake *work,
    const struct session_config *cfg);
void session_fake_close(struct session_fake *f); /* session_free */
void session_fake_turn(struct session_fake *f);  /* what is to be told is told */

/* Sends `ms` of sound at 16 kHz s16, each sample other than the one before; whatever session_audio said. */
bool session_fake_hear(struct session_fake *f, unsigned ms);
/* The lines since the last call must be these, each ended by a newline. */
void session_fake_expect(struct session_fake *f, const char *lines);
void session_fake_forget(struct session_fake *f); /* ... are of no interest */

#endif
