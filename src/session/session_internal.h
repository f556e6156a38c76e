/* What the files of a session share; nobody else includes it.
 *
 * The way of a byte: session_audio -> input (buffer) -> ear job (hearing.c) -> utterance (utterance.c) -> pass (pass.c) of
 * each seat -> its lease (seat.c). What comes back stays where it is (an attempt's result in its pass) until session_pump
 * asks each stage, from the client's end on, what it can do now; so every stage calls only those behind it. Each stage is
 * bounded by the next: no job starts while more than buffer_ms of utterances waits to be sent, and the client is held off
 * while more than buffer_ms of input waits for the ear. Marks stand between bytes of the input; a job takes bytes up to the
 * next one and does what it says.
 *
 * What the client is to be told is queued (told.c), and told when nothing of this is under way: base/turn.h. */
#ifndef SESSION_SESSION_INTERNAL_H
#define SESSION_SESSION_INTERNAL_H

#include "base/buffer.h"
#include "base/turn.h"
#include "pool/pool.h"
#include "session/joined.h"
#include "session/session.h"
#include "session/text.h"
#include "session/told.h"
#include "session/verdict.h"
#include "session/wishes.h"
#include "session/work.h"

enum {
	JOB_BYTES_MAX = 64 * 1024,
	KEEP_SAMPLES = 2048,
	MARKS_MAX = 1024,
	/* Stereo of 48 kHz in floats. Of larger formats a shorter time is kept, so that a client's memory does not grow with
	 * what it says its audio is. */
	INPUT_BYTES_PER_S_MAX = 384000,
	SAMPLES_PER_MS = EAR_RATE_HZ / 1000,
	SEATS_MAX = 1 + POOL_FINALS_MAX
};

enum session_step { STEP_GRANTED, STEP_SPEECH, STEP_SILENCE, STEP_END, STEP_CLOSE, SESSION_STEPS };

/* In the client's bytes and in the ear's time: the same moment. */
struct place {
	uint64_t bytes, samples;
};

/* One lease's hearing of an utterance, or of a part of it. Its state is the lease's (pool/attempt.h). */
struct attempt {
	uint64_t instance;       /* once it has begun */
	bool replay;             /* it follows one that was lost */
	size_t sent;             /* samples of the utterance that the instance took */
	size_t partial_asked_at; /* samples sent when a partial was asked for last */
	bool partial_pending;
	bool eager_asked; /* for the pause that the utterance is in */
};

/* Of an utterance, in a session with more than one seat; where there is one, its pass is both. */
enum pass_kind { PASS_OF_PARTIALS, PASS_OF_FINALS, PASS_KINDS };

enum pass_state { PASS_OPEN, PASS_DONE, PASS_GIVEN_UP, PASS_STATES };
enum pass_event { PASS_FINAL, PASS_LOST_ALL, PASS_EVENTS };

/* What the attempts in one seat have made of an utterance. */
struct pass {
	enum pass_state state;
	struct attempt now;        /* in work, or the next one */
	size_t reached;            /* the most that one took: what is sent below it is sent again */
	struct lost_attempt *lost; /* owned; oldest first; NULL: none */
	size_t lost_n;             /* <= VERDICT_ATTEMPTS_MAX */
	size_t vain;               /* of them that brought it no further, */
	size_t furthest;           /* ... and samples from `from` on that one of them decoded */
	/* What is heard now, in samples: all that is not heard yet, or, after many attempts in vain, some of it. Text and words
	 * before are in `joined`. */
	size_t from, to; /* to 0: to the end */
	size_t most;     /* no part is longer; 0: all */
	struct joined joined;
	size_t partial_heard_at; /* as partial_asked_at, of the last one that came */
	struct ipc_result *
	    eager; /* owned; what its final is if it ended in the pause that it is in; NULL: not known */
	struct told *final; /* DONE: owned */
	size_t words;       /* of it */
	struct error *why;  /* GIVEN_UP: owned */
};

enum utterance_state {
	UTTERANCE_OPEN,
	UTTERANCE_ENDED,    /* the ear has ended it; its final is to come */
	UTTERANCE_STUMP,    /* heard no more, keeps no audio: its end is to come */
	UTTERANCE_GIVEN_UP, /* that has ended, too */
	UTTERANCE_STATES,
};
enum utterance_event { UTTERANCE_ON_END, UTTERANCE_ON_GIVE_UP, UTTERANCE_EVENTS };

struct utterance {
	struct utterance *next;
	uint64_t id;
	enum utterance_state state;
	enum ear_cause cause;    /* once it has ended */
	struct place before_end; /* ... what had been heard before the bytes that it ended with */
	uint64_t from, to;       /* samples of the session; `to` once it has ended */
	uint64_t ended_ns;       /* ... and when that was known */
	struct buffer audio;     /* s16; kept whole until its final */
	/* It may have ended: samples of it that are heard as long as it does not go on, and are all that is if it has ended. Whole
	 * blocks, so that who goes on has heard the same as if there had been no pause. 0: it is in none. */
	size_t pause;
	bool eager_told; /* what its final would be */
	struct seat *
	    finals; /* borrowed: who brings its final; NULL: that goes by a language that is not known yet */
	struct pass passes[PASS_KINDS];
	struct text text;                    /* of the partials, */
	char language[IPC_LANGUAGE_MAX + 1]; /* ... and of the last of them that had one */
	struct wishes wishes;                /* owned: each attempt hears it with these, */
	unsigned rate_hz;                    /* ... and knows that it was recorded at this */
	/* Owned; why one that was given up ends with what is stable of its text. NULL: it was not, or had none. */
	struct error *incomplete;
};

/* The session's place in one pool: it hears one utterance after the other there, at its own pace. */
struct seat {
	struct session *session; /* borrowed, as is the pool */
	struct pool *pool;
	unsigned index; /* 0: partials come from here, and finals, too, if it is the only one */
	struct lease *lease;  /* owned; NULL once the session is closed */
	uint64_t instance;    /* once `lease` is gone: its last one */
	struct utterance *at; /* borrowed: whose attempt was begun or wished for */
	uint8_t *adaptation;  /* owned */
	size_t adaptation_bytes;
};

/* Something to be done once the ear has had the bytes before it. */
enum mark_kind { MARK_COMMIT, MARK_CLEAR, MARK_RECONFIGURE, MARK_WISH };

struct mark {
	enum mark_kind kind;
	uint64_t at;           /* position in the client's bytes */
	bool told;             /* COMMIT: COMMITTED answers it */
	uint64_t skipped;      /* CLEAR: bytes from `at` that nobody will hear */
	struct ear_config ear; /* CLEAR, RECONFIGURE: what to listen with from here */
	struct wishes *wishes; /* WISH: owned */
};

/* What the ear's job owns while it runs, and the loop thread otherwise. Memory of its own, for a job may outlive its session. */
struct hearing {
	struct work_item item;
	struct session *session; /* borrowed; NULL: it is gone */
	bool at_work;            /* a job runs */
	struct ear *ear;
	struct buffer bytes; /* to be heard */
	unsigned rate_hz;    /* ... of them */
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

/* What the client still gives. */
enum giving {
	GIVING,          /* audio */
	GIVING_ENDED,    /* no more audio will come, */
	GIVING_FINISHED, /* ... and the ear has been told */
};

/* How fast it gives. */
enum flow {
	FLOW_LIVE, /* no faster than time passes, as far as is known */
	FLOW_HELD, /* it was told to wait */
	FLOW_FILE, /* it had to wait once, and was faster than a speaker is */
};

/* Whether the server lets it go on. */
enum parting {
	PARTING_NONE,
	PARTING_SOON, /* no utterance may begin any more */
	PARTING_CUT,  /* ... and one would have, so the ear knows of more than is told */
};

/* Signs of life since the last look of session_is_idle. */
enum life {
	LIFE_NONE,
	LIFE_HEARD,
	LIFE_CUT, /* none, and its utterance was ended for that */
};

struct session {
	struct session *prev, *next; /* roster.c's */
	uint64_t id;
	enum session_state state;
	struct work *work;
	const struct session_limits *limits;
	struct session_config cfg; /* without what it borrowed: adaptation, wishes */
	struct wishes wishes;      /* owned; of the next utterance */
	const struct session_events *events;
	void *arg;
	struct teller teller;
	struct told *told_first, *told_last; /* owned */
	struct seat seats[SEATS_MAX];
	unsigned seats_n;
	struct pool_finals finals; /* pools of the seats from 1 on */
	struct error broken;       /* see session_break */
	enum parting parting;
	unsigned retry_after_ms; /* while parting */

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
	enum giving giving;
	enum flow flow;
	struct hearing *hearing;
	uint64_t received_ms; /* of audio that the ear has heard, as counted by the metric */

	struct utterance *first, *last;
	uint64_t cut_utterance; /* is to end where the ear is, if it is open still; 0: none */
	uint64_t utterances;
	uint64_t committed; /* utterance that a commit ended and that has not been told; 0: none */
	enum life life;
	uint64_t idle_since_ns;
};

/* The files, each of which calls only those above it: session_state.c */
void session_step(struct session *s, enum session_step step);
/* Queues what the client is to be told; `instance` of it is filled in. */
void session_emit(struct session *s, const struct session_event *e);
/* It cannot go on: it fails as soon as the stage that found this returns. */
void session_break(struct session *s, const struct error *why);
void session_break_for_memory(struct session *s, const char *what);
bool session_is_over(const struct session *s); /* nothing is told any more but that it fails */
/* NULL: there is none. Lent until the marks change. */
const struct mark *session_next_mark(const struct session *s);
uint64_t session_bound_ns(
    const struct session *s); /* of audio in `input`, before the client has to wait */
uint64_t session_ms(const struct session *s, uint64_t samples); /* as clients are told times */
/* `to` has room for any. */
void session_copy_language(char *to, const struct ipc_text *language);
size_t utterance_samples(const struct utterance *u);
size_t utterance_to_hear(const struct utterance *u); /* samples of it, as far as they have come */
bool utterance_is_open(const struct utterance *u);   /* the ear has not ended it */
bool utterance_is_heard(const struct utterance *u);  /* it has not been given up */
bool utterance_has_stable_text(const struct utterance *u); /* of its partials */
/* The first of those that bring finals, whose adaptation is what the client keeps. */
struct seat *session_final_seat(struct session *s);

/* heard.c */
void heard_tell(struct session *s);

/* poison.c */
void poison_keep(struct session *s, const struct seat *seat, const struct utterance *u);

/* pass.c: all by the seat, whose `at` is the utterance */
struct pass *pass_of(struct utterance *u, const struct seat *seat);
/* How its texts are told; lent. */
const struct wording *pass_wording(const struct seat *seat);
void pass_init(struct pass *p);
void pass_done(struct pass *p);
void pass_partial(struct seat *seat, const struct ipc_result *r);
void pass_eager(struct seat *seat, const struct ipc_result *r);
void pass_keep_eager(
    struct seat *seat, struct utterance *u); /* it has ended in the pause: that is its final */
void pass_final(struct seat *seat, const struct ipc_result *r);
void pass_lost(struct seat *seat, const struct error *why, const struct loss *loss);
void pass_give_up(struct seat *seat, const struct error *why);

/* seat.c */
void seat_init(struct seat *seat, struct session *s, struct pool *pool);
void seat_pump(struct seat *seat); /* sends what can be sent now */
/* It goes on after a pause. */
void seat_resume(struct seat *seat, struct utterance *u);
/* The utterance goes, or is heard no more. */
void seat_forget(struct seat *seat, const struct utterance *u);
void seat_close(struct seat *seat);

/* utterance.c */
/* false: some of it is left to another server to hear. */
bool utterance_take(struct session *s, const struct ear_out *out);
/* Tells what has come of the first ones. */
void utterance_pump(struct session *s);
/* Gives up the open utterance, if there is one, and tells CLEARED. */
void utterance_clear(struct session *s);
void utterance_drop_all(struct session *s);
/* The session ends for that reason: what is stable of those that are not done is told, and all are dropped. */
void utterance_tell_rest(struct session *s, const struct error *why);

/* hearing.c */
struct hearing *hearing_new(struct session *s, const struct ear_config *cfg, struct error *err);
void hearing_free(struct hearing **h);                       /* at once, or when its job is over */
uint64_t hearing_ns(const struct format *f, uint64_t bytes); /* how long they sound */
void hearing_next(struct session *s);    /* starts a job when one can be started */
void hearing_take(struct session *s);    /* what came of the job */
void hearing_unblock(struct session *s); /* tells the client when there is room again */

/* session_pump.c */
extern const struct lease_events session_lease_events; /* of a seat */
void session_on_heard(void *hearing);                  /* a job is over */
void session_pump(struct session *s);                  /* all that can be done now */
void session_hear(struct session *s);                  /* of it, what there is for the ear */
void session_close(struct session *s);
void session_fail(struct session *s, const struct error *why, unsigned retry_after_ms);

/* session.c */
void session_cut_idle(struct session *s); /* ends the open utterance of one that is idle */
void session_end_idle(struct session *s); /* or only tells it, with wants_idle */

#endif
