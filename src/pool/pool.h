/* pool: the places for instances of one engine and model. It keeps newborn instances ahead of demand, lends
 * places to sessions first come, first served, carries one utterance at a time from a lease to the
 * instance in its place, and lets an instance hear no more than `refresh` allows.
 *
 * It decides; it does not touch processes. Those are reached through pool_ops and report through pool_on_*,
 * so that its tests need neither time nor processes (pool/crew.h is the real thing).
 *
 * Server process, loop thread only. Knows nothing of recognisers. */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/metric.h"
#include "ipc/message.h"
#include "pool/attempt.h"
#include "pool/instance.h"
#include "pool/loss.h"

struct compute;
struct error;
struct lease;
struct pool;
struct turn;

enum refresh {
	REFRESH_UTTERANCE, /* a newborn hears each utterance */
	REFRESH_SESSION,   /* a newborn hears each client */
	REFRESH_RESET,     /* the engine's own reset between clients is trusted */
};

/* For how long a place is lent. */
enum lease_kind {
	LEASE_BY_SESSION,   /* from the grant to the release */
	LEASE_BY_UTTERANCE, /* for each utterance anew: more clients than places */
};

enum { LEASE_BEARS_ALL = INT32_MAX };

enum priority { PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_LOW, PRIORITIES };

struct pool_config {
	unsigned min;   /* 0..1024: instances kept alive */
	unsigned max;   /* 1..1024: places, so leases at once */
	unsigned spare; /* 0..1024: newborns kept ahead, beyond those in leased places */
	enum lease_kind lease;
	enum refresh refresh;
	unsigned queue_max;        /* 0..100000: leases that may wait */
	unsigned queue_timeout_ms; /* a longer wait is refused */
	unsigned
	    start_timeout_ms; /* from SPAWN to READY; a slower instance is killed, and after some in a row their host */
	/* An instance is taken for stuck, and its utterance is lost, when so long passes without progress: for an
	 * open utterance, and for one that was ended; in both cases longer by the audio it has still to decode times
	 * slowest_factor. */
	unsigned begin_timeout_ms, final_timeout_ms;
	unsigned slowest_factor;
	/* When an instance is replaced, its successor first. 0: never. Ages differ by up to a tenth between instances. */
	unsigned
	    idle_ttl_ms; /* of idle instances beyond `min` and `spare` that were not needed for so long */
	unsigned max_uses; /* clients, under REFRESH_RESET */
	unsigned max_age_ms;
	/* Resident memory; in an utterance the instance is killed and the utterance lost. */
	unsigned max_rss_mb;
	unsigned early_finals; /* 1: lease_request_eager does something */
	/* Without decoding for so long an idle instance has to show that it can; 0: never. */
	unsigned canary_interval_ms;
};

/* How the pool reaches processes. `id` is an instance's, never reused. */
struct pool_ops {
	clock_now_f *now_ns;
	/* Asks for a newborn; later pool_on_spawned or pool_on_lost. -1: there is no host to ask. */
	int (*spawn)(void *arg, uint64_t id);
	/* 1: sent, 0: no room now and pool_on_writable will come, -1: the instance is gone and pool_on_lost will come. */
	int (*send)(void *arg, uint64_t id, const struct ipc_message *m);
	/* Closes the socket: the instance ends by itself. pool_on_exited will come. */
	void (*retire)(void *arg, uint64_t id);
	/* Ends it now. pool_on_lost and pool_on_exited will come. */
	void (*kill)(void *arg, uint64_t id);
	/* Its newborns do not come to life: another host is to take its place. `why` goes on from "the host ...". Later
	 * pool_on_host_down, unless there is none that could be replaced. */
	void (*replace_host)(void *arg, const struct error *why);
	/* pool_on_time is to be called at `at_ns`; replaces an earlier wish. UINT64_MAX: no wish. */
	void (*wake_at)(void *arg, uint64_t at_ns);
};

enum pool_state { POOL_STARTING, POOL_READY, POOL_FAILED, POOL_STOPPED, POOL_STATES };

struct pool_counts {
	uint64_t spawned, exited; /* instances; spawned - exited = alive */
	uint64_t lost;            /* instances that ended unasked */
	uint64_t stuck;           /* instances killed for making no progress */
	uint64_t oversized;       /* instances killed in an utterance over max_rss_mb */
	uint64_t worn;            /* instances replaced for their age, uses or memory */
	uint64_t surplus;         /* instances retired after idle_ttl_ms */
	uint64_t canaries, canaries_done, canaries_lost;
	uint64_t violations;  /* instances killed for a system call they may not make */
	uint64_t hosts_lost;  /* hosts that ended unasked */
	uint64_t hosts_stuck; /* hosts killed for standing still, or for newborns that all did */
	uint64_t leases_granted, leases_ended; /* granted - ended = places taken */
	uint64_t refused_full, refused_timeout, refused_failed;
	uint64_t queue_left; /* waiting clients that gave up */
	uint64_t utterances_begun,
	    utterances_ended;     /* as instances saw them; final, failed, lost or aborted */
	uint64_t stale_messages;  /* late answers dropped by their epoch */
	uint64_t protocol_errors; /* messages an instance had no right to send; it was killed */
	struct histogram wait;    /* request of a lease to its grant */
	struct histogram begin;   /* wish to begin an utterance to BEGIN written */
	struct histogram final;   /* END asked for to FINAL received */
};

/* `name`, `turn` and `ops`' arg are borrowed and must outlive the pool. Leases are told what becomes of them by turn_run. */
struct pool *pool_new(const char *name, const struct pool_config *cfg, struct turn *turn,
    const struct pool_ops *ops, void *arg);
void pool_free(struct pool **pool); /* every lease must have been released */
/* Before any lease: instances of an engine that decodes whole compute only while they have one of these slots. Borrowed. */
void pool_use_compute(struct pool *pool, struct compute *compute);
/* Takes over what can change while the pool serves, which is all of it but `lease` and `refresh`. Places above a smaller
 * `max` are not taken away: they are not given out again. */
void pool_reconfigure(struct pool *pool, const struct pool_config *cfg);
/* The clip an idle instance hears when nothing was decoded for canary_interval_ms: 16 kHz mono. Borrowed. Without it
 * the pool counts as proven. */
void pool_set_canary(struct pool *pool, const int16_t *samples, size_t n);
/* The model was loaded anew: instances of the old one make room for newborns of the new one, once they are idle. */
void pool_renew(struct pool *pool);
/* Refuses all who wait, retires all idle instances and spawns no more; leases go on until released. */
void pool_stop(struct pool *pool);

/* What happened to the processes. */
/* What kind of engine the host that is ready next has; before it pool_on_host_ready. Copied. */
void pool_set_traits(struct pool *pool, const struct ipc_traits *traits);
const struct ipc_traits *pool_traits(const struct pool *pool); /* of the last; lent */
/* What the host says that it is: "whisper", "base"; copied. */
void pool_set_model(struct pool *pool, const struct ipc_text *engine, const struct ipc_text *model);
const char *pool_engine(
    const struct pool *pool); /* of the last; "": none yet. Lent until the next */
const char *pool_model(const struct pool *pool);
/* The languages that it is set to hear, a list; "": it is called by its own. For who chooses among pools; copied. */
void pool_set_languages(struct pool *pool, const char *languages);
const char *pool_languages(const struct pool *pool); /* lent until the next set */
/* The pools whose instances bring the finals of those who speak in this one. For who makes sessions. */
enum { POOL_FINALS_MAX = 8 };
struct pool_finals {
	struct pool *pools
	    [POOL_FINALS_MAX]; /* borrowed; of several the first, where nothing speaks for another */
	unsigned n;            /* 0: its own do */
	unsigned wait_ms;      /* that an utterance may lack a place there, once it has ended */
};
void pool_set_finals(struct pool *pool, const struct pool_finals *finals); /* copied */
const struct pool_finals *pool_finals(const struct pool *pool); /* lent until the next set */
/* Whether texts of an engine that writes words only may be told with capitals and full stops; so it is until it is set. */
void pool_set_tidy_text(struct pool *pool, bool tidy);
bool pool_tidies_text(const struct pool *pool);
void pool_on_host_ready(struct pool *pool);
/* It is being restarted. `why` is a sentence for whoever waits in vain; NULL: another one took its place as it was told to. */
void pool_on_host_down(struct pool *pool, const struct error *why);
void pool_on_host_failed(struct pool *pool, const struct error *why); /* it cannot load its model */
bool pool_on_spawned(
    struct pool *pool, uint64_t id, int pid); /* false: nobody wants it (any more) */
/* The newborn that was asked for could not be made. `why` is a sentence for whoever waits in vain. */
void pool_on_unborn(struct pool *pool, uint64_t id, const struct error *why);
void pool_on_message(struct pool *pool, uint64_t id, const struct ipc_message *m);
void pool_on_writable(struct pool *pool, uint64_t id);
/* Its socket is closed. LOSS_UNKNOWN: by itself, and with an utterance in work pool_on_exited is waited for, for a while,
 * to say why. */
void pool_on_lost(struct pool *pool, uint64_t id, enum loss_kind kind, const struct error *why);
/* Its process is gone. `wait_status` as waitpid gives it, -1: not known; `how` puts it in words. */
void pool_on_exited(struct pool *pool, uint64_t id, int wait_status, const char *how);
void pool_on_time(struct pool *pool);
/* Only counted: it was its confinement that ended an instance, of which pool_on_exited tells; a host stood still. */
void pool_note_violation(struct pool *pool);
void pool_note_stuck_host(struct pool *pool);

/* A lease: the right to a place. Callbacks come from turn_run only (base/turn.h), one thing after the other in the order in
 * which they came about, when no code of the pool is under way. Any of them may do anything, release any lease included. */
struct lease_events {
	void (*on_queued)(
	    void *arg, unsigned position, uint64_t estimated_wait_ms); /* position from 1; falls */
	void (*on_granted)(void *arg);
	/* It never will be granted; the lease is only to be released now. */
	void (*on_refused)(void *arg, const struct error *why, unsigned retry_after_ms);
	/* What returned false or less than asked is worth another try. Told once however often it came about. */
	void (*on_writable)(void *arg);
	void (*on_partial)(void *arg, const struct ipc_result *r);
	/* What lease_request_eager asked for: what the final is, if it ends where it was then. */
	void (*on_eager)(void *arg, const struct ipc_result *r);
	void (*on_final)(void *arg, const struct ipc_result *r); /* the utterance is over */
	/* The instance was lost or could not do it; it is gone. The utterance may be begun again with another one, which
	 * needs all its audio, or be given up by lease_abort. */
	void (*on_lost)(void *arg, const struct error *why, const struct loss *loss);
	/* No instance could be had for the utterance. It is over. */
	void (*on_failed)(void *arg, const struct error *why);
};

/* On whose behalf. Places are shared out evenly between tenants that wait, not between sessions. */
struct lease_owner {
	uint64_t session; /* for status */
	uint64_t tenant;  /* any number that tells one from another */
	enum priority priority;
	/* As under LEASE_BY_UTTERANCE, whatever the pool lends by. Such a lease itself is never refused: an utterance is
	 * (on_failed), when the pool has failed, or no place is free and queue_max wait. */
	bool by_utterance;
};

/* Wants a place; on_granted, or on_queued and later on_granted or on_refused follow. With
 * LEASE_BY_UTTERANCE on_granted follows at once, and places are waited for by lease_begin. NULL: refused at
 * once; *err names the setting, *retry_after_ms_out (if not NULL) is when a place may be free. */
struct lease *lease_new(struct pool *pool, const struct lease_owner *owner,
    const struct lease_events *events, void *arg, struct error *err, unsigned *retry_after_ms_out);
void lease_start(struct lease *l);
void lease_release(struct lease **
	l); /* gives the place back at once; an utterance in work is forgotten; nothing more is told */

/* One utterance at a time, between granted and released. Each step that has to wait is tried again on on_writable. Once the
 * utterance is over for the pool, though that may not have been told yet, audio, partial and end do nothing and return 0 or
 * false, and so does the begin of the next one until that is told. */
bool lease_begin(
    struct lease *l, const struct ipc_begin *begin); /* anew, or again while it waits */
size_t lease_audio(struct lease *l, const int16_t *samples, size_t n); /* samples taken, 0..n */
bool lease_request_partial(struct lease *l); /* false: no room, and no on_writable because of it */
/* What would be its final, if it ended with the audio that was taken so far? on_eager may tell, until there is more. No audio before
 * lease_cancel_eager. False: the engine has none, they are not wanted (early_finals), or there is no room. Instead of a partial
 * that is decoded anew and has not come yet. */
bool lease_request_eager(struct lease *l);
void lease_cancel_eager(
    struct lease *l); /* there is more to come; no effect if none was asked for */
/* It has ended; an eager final that was asked for and has not come is told by on_final. False, too, once it has come: on_eager tells
 * it, and lease_settle is for it. */
bool lease_end(struct lease *l);
/* It has ended, and what on_eager told is its final: no other one is told. */
void lease_settle(struct lease *l);
/* Forgets the utterance that was begun, wished for or lost, if any, and what of it has not been told yet. */
void lease_abort(struct lease *l);
/* For one by_utterance: the utterance is given up (on_failed) once it has lacked a place, an instance in it or a slot for its final
 * for `ms`, counted from `from_ns` of the pool's clock at the earliest; LEASE_BEARS_ALL: it is not for that, as at first. What one that
 * was given up for it lacked, the next one has lacked from then on. No effect where none is in work or waits. */
void lease_give_up_in(struct lease *l, uint64_t from_ns, unsigned ms);
/* How it stands with the last utterance; ahead of what has been told. */
enum attempt_state lease_attempt(const struct lease *l);
/* How much longer than wished the interval of its partials should be now, to the power of two: 0, as wished, to SLOTS_LOAD_MAX. */
unsigned lease_partials_level(const struct lease *l);
/* What its last partial took of a slot; 0: nothing worth mention. */
unsigned lease_partial_cost_ms(const struct lease *l);
/* The instance that hears or last heard this lease; 0: none yet. */
uint64_t lease_instance(const struct lease *l);

/* For status and metrics; all lent until the next call into the pool. */
enum pool_state pool_state(const struct pool *pool);
const char *pool_state_name(enum pool_state s);
/* Ready, and something was decoded within twice canary_interval_ms: its host's warm-up, real speech, or the canary. */
bool pool_is_proven(const struct pool *pool);
const char *pool_failure(
    const struct pool *pool); /* why it failed, or lost the host that it waits for; "" otherwise */
const char *pool_name(const struct pool *pool);
const struct pool_config *pool_config_of(const struct pool *pool);
uint64_t pool_now_ns(const struct pool *pool); /* the pool's clock */
struct turn *pool_turn(const struct pool *pool);
const struct pool_counts *pool_counts(const struct pool *pool);
unsigned pool_instances_in(const struct pool *pool, enum instance_state s);
unsigned pool_places_taken(const struct pool *pool);
unsigned pool_queue_length(const struct pool *pool);

struct instance_view {
	uint64_t id, session; /* 0: no session */
	int pid;
	enum instance_state state;
	unsigned uses; /* utterances begun */
	uint64_t age_ms;
	unsigned rss_kb; /* as last told; 0: not yet */
};
typedef void pool_each_f(void *arg, const struct instance_view *v);
void pool_each_instance(const struct pool *pool, pool_each_f *f, void *arg);
struct waiter_view {
	uint64_t session;
	unsigned position;
	uint64_t waited_ms, estimated_wait_ms;
};
typedef void pool_waiter_f(void *arg, const struct waiter_view *v);
void pool_each_waiter(const struct pool *pool, pool_waiter_f *f, void *arg);

#endif
