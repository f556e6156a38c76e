/* What the files of a session share; nobody else includes it.
 *
 * The way of a byte: session_audio -> input (buffer) -> ear job (hearing.c) -> utterance (utterance.c) ->
 * lease (attempt.c).
 * Each stage is bounded by the next: no job starts while more than buffer_ms of utterances waits to be sent, and the
 * client is held off while more than buffer_ms of input waits for the ear. Marks stand between bytes of the input; a job
 * takes bytes up to the next one and does what it says.
 *
 * Any event may free the session, so whatever emits runs between session_enter and session_leave and stops when
 * s->dead is set. */
#ifndef SESSION_SESSION_INTERNAL_H
#define SESSION_SESSION_INTERNAL_H

#include "base/buffer.h"
#include "pool/pool.h"
#include "session/joined.h"
#include "session/session.h"
#include "session/text.h"
#include "session/verdict.h"
#include "session/work.h"

enum {
	JOB_BYTES_MAX = 64 * 1024,
	KEEP_SAMPLES = 2048,
	MARKS_MAX = 1024,
	/* Stereo of 48 kHz in floats. Of larger formats a shorter time is kept, so that a client's memory does not grow with
	 * what it says its audio is. */
	INPUT_BYTES_PER_S_MAX = 384000,
	SAMPLES_PER_MS = EAR_RATE_HZ / 1000
};

enum session_step { STEP_GRANTED, STEP_SPEECH, STEP_SILENCE, STEP_END, STEP_CLOSE, SESSION_STEPS };

enum utterance_state { UTTERANCE_OPEN, UTTERANCE_ENDED };

/* In the client's bytes and in the ear's time: the same moment. */
struct place {
	uint64_t bytes, samples;
};

struct utterance {
	struct utterance *next;
	uint64_t id;
	enum utterance_state state;
	enum ear_cause cause; /* once ENDED */
	struct place
	    before_end;    /* once ENDED: what had been heard before the bytes that it ended with */
	uint64_t from, to; /* samples of the session; `to` once ENDED */
	struct buffer audio;      /* s16; kept whole until its final */
	size_t sent;              /* samples of it that the instance took */
	size_t reached;           /* the most that one took: what is sent below it is sent again */
	struct attempt *attempts; /* owned; that failed, oldest first; NULL: none */
	size_t attempts_n;        /* <= VERDICT_ATTEMPTS_MAX */
	size_t vain;              /* attempts that brought it no further, */
	size_t furthest;          /* ... and samples from part_from on that one of them decoded */
	bool lost;                /* since it was begun last */
	/* What is heard now, in samples: all that is not heard yet, or, after many attempts in vain, some of it. Text and words
	 * before are in `joined`. */
	size_t part_from, part_to; /* part_to 0: to the end */
	size_t part_most;          /* no part is longer; 0: all */
	struct joined joined;
	bool begun, end_sent;
	bool failed; /* no instance hears it any more, and it keeps no audio: waits for its end */
	struct error
	    *incomplete; /* owned; why a `failed` one ends with what is stable of its text */
	size_t partial_asked_at; /* samples sent when a partial was asked for last, */
	size_t partial_heard_at; /* ... and when the last one was that came */
	bool partial_pending;
	struct text text;
};

/* Something to be done once the ear has had the bytes before it. */
enum mark_kind { MARK_COMMIT, MARK_CLEAR, MARK_RECONFIGURE };

struct mark {
	enum mark_kind kind;
	uint64_t at;           /* position in the client's bytes */
	bool told;             /* COMMIT: COMMITTED answers it */
	uint64_t skipped;      /* CLEAR: bytes from `at` that nobody will hear */
	struct ear_config ear; /* CLEAR, RECONFIGURE: what to listen with from here */
};

/* What the ear's job owns while it runs; the loop thread owns it otherwise. */
struct hearing {
	struct work_item item;
	void (*done)(void *hearing); /* when a job is over */
	struct ear *ear;
	struct buffer bytes; /* to be heard */
	bool commit, finish; /* after the bytes */
	unsigned commits;    /* that are to be answered */
	struct ear_out out;
	size_t committed_n; /* events of `out` when the commit was done */
	bool renew;         /* at last another ear takes over, */
	bool finish_old;    /* after this one has decided about what it holds, */
	struct ear_config renew_with;
	uint64_t renew_at; /* and goes on here, if this one is not beyond it */
	int rc;
	struct error err;
};

struct session {
	struct session *prev, *next; /* roster.c's */
	uint64_t id;
	enum session_state state;
	struct pool *pool;
	struct work *work;
	const struct session_limits *limits;
	const struct session_events *events;
	void *arg;
	struct lease *lease;
	uint64_t instance; /* once `lease` is gone: its last one */
	bool granted;
	bool partials, wants_heard, wants_idle, paced_partials;
	unsigned partial_interval_ms; /* 0: the limits' */
	unsigned settle_ms;           /* 0: SETTLE_MS */
	uint64_t offset_ms;
	unsigned depth;          /* session_enter minus session_leave */
	uint64_t cut_utterance;  /* is to end where the ear is, if it is open still; 0: none */
	bool leaving;            /* no utterance may begin any more */
	bool cut_off;            /* one would have begun, so the ear knows of more than is told */
	unsigned retry_after_ms; /* while leaving */
	struct error broken;     /* see session_break */
	bool dead;               /* freed by its owner; goes when depth is 0 and no job runs */

	struct ear_config ear; /* of what is given now; of what is heard now: */
	struct format format;
	struct place ear_from; /* where the ear began */
	struct buffer input;
	uint64_t given;            /* bytes that came from the client */
	uint64_t waiting_ns;       /* of them in `input`, as time */
	uint64_t backlog_ns;       /* what came since `input` was empty last, as time, */
	uint64_t backlog_from_ns;  /* and when it began to come */
	uint64_t input_taken;      /* bytes that went from input to the ear, or were dropped */
	struct place taken;        /* ... and whose events have been told */
	struct place taken_before; /* ... before the last of these bytes came to it */
	struct place told;         /* by the last SESSION_EVENT_HEARD */
	struct buffer marks;       /* of struct mark; positions rise */
	bool ending, finished;     /* no more audio will come; the ear has been told */
	bool blocked;              /* the client was told to wait */
	bool outpaces; /* it was, and was faster than time passes: a file, not a speaker */
	struct hearing hearing;
	bool job_running;
	uint64_t received_ms; /* of audio that the ear has heard, as counted by the metric */

	struct utterance *first, *last;
	bool speaking; /* the last utterance is open */
	uint64_t utterances, utterances_before;
	uint64_t committed; /* utterance that a commit ended and that has not been told; 0: none */
	uint64_t unsent_samples; /* of all utterances; what is sent again does not count */
	uint8_t *adaptation;     /* owned */
	size_t adaptation_bytes;
	bool heard;    /* audio came since the last look of session_is_idle */
	bool idle_cut; /* its utterance was ended because none came, and none has come since */
	uint64_t idle_since_ns;
};

/* The files, each of which calls only those above it: session_state.c */
void session_enter(struct session *s);
void session_leave(struct session *s); /* may free */
void session_free_memory(struct session *s);
void session_step(struct session *s, enum session_step step);
void session_emit(struct session *s, const struct session_event *e);
/* It cannot go on: it fails as soon as the stage that found this returns. */
void session_break(struct session *s, const struct error *why);
bool session_is_over(const struct session *s); /* nothing is told any more but that it fails */
/* NULL: there is none. Lent until the marks change. */
const struct mark *session_next_mark(const struct session *s);
uint64_t session_bound_ns(
    const struct session *s); /* of audio in `input`, before the client has to wait */
uint64_t session_ms(const struct session *s, uint64_t samples); /* as clients are told times */

/* heard.c */
void heard_tell(struct session *s);

/* poison.c */
void poison_keep(struct session *s, const struct utterance *u);

/* utterance.c */
/* false: some of it is left to another server to hear. */
bool utterance_take(struct session *s, const struct ear_out *out);
size_t utterance_samples(const struct utterance *u);
struct utterance *utterance_take_first(struct session *s); /* the caller frees it */
void utterance_free(struct session *s, struct utterance *u);
bool utterance_has_stable_text(const struct utterance *u);
/* It is heard no more. What is stable of its text is told once it has ended. */
void utterance_give_up(struct session *s, struct utterance *u, const struct error *why);
/* If the first one was given up and has ended, tells what there is of it; true: perhaps there is another such one. */
bool utterance_end_incomplete(struct session *s);
/* Gives up the open utterance, if there is one, and tells CLEARED. */
void utterance_clear(struct session *s);
void utterance_drop_all(struct session *s);
/* The session ends for that reason: what is stable of those that are not done is told, and all are dropped. */
void utterance_tell_rest(struct session *s, const struct error *why);

/* attempt.c; all but the first are what the lease tells */
void attempt_pump(struct session *s); /* sends what can be sent now */
void attempt_partial(struct session *s, const struct ipc_result *r);
void attempt_final(struct session *s, const struct ipc_result *r);
void attempt_lost(struct session *s, const struct error *why, const struct loss *loss);
void attempt_failed(struct session *s, const struct error *why);

/* hearing.c */
uint64_t hearing_ns(const struct format *f, uint64_t bytes); /* how long they sound */
void hearing_next(struct session *s);    /* starts a job when one can be started */
void hearing_take(struct session *s);    /* what came of the job */
void hearing_unblock(struct session *s); /* tells the client when there is room again */

/* session_pump.c */
extern const struct lease_events session_lease_events;
void session_on_heard(void *hearing); /* struct hearing, done */
void session_pump(struct session *s); /* all that can be done now */
void session_hear(struct session *s); /* of it, what there is for the ear */
void session_close(struct session *s);
void session_fail(struct session *s, const struct error *why, unsigned retry_after_ms);

/* session.c */
void session_cut_idle(struct session *s); /* ends the open utterance of one that is idle */
void session_end_idle(struct session *s); /* or only tells it, with wants_idle */

#endif
