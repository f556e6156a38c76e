/* What the files of the pool share; nobody else includes it.
 *
 * Who is where:
 *   instance   in pool->buckets from spawn to exit; its `lease` is set exactly while it is LEASED
 *   lease      RESTING: in no list; WAITING: in its tenant's `waiting`; GRANTED: counted in places_taken and in its
 *              tenant's `held` (unless it is the canary's), and in pool->bare while no instance is bound to it
 * pool_settle() brings these together after every change: it spawns, binds, grants and announces until nothing
 * is left to do. What leases are told of it is queued (lease_told.c), and told when nothing here is under way. */
#ifndef POOL_POOL_INTERNAL_H
#define POOL_POOL_INTERNAL_H

#include "base/error.h"
#include "base/turn.h"
#include "pool/compute.h"
#include "pool/heap.h"
#include "pool/id_table.h"
#include "pool/pool.h"

enum { BUCKETS = 256 };

struct instance {
	struct instance *next; /* in its bucket */
	struct heap_node idle; /* in pool->idle while it is IDLE and not worn */
	uint64_t id;
	int pid; /* 0 until spawned */
	enum instance_state state;
	uint64_t born_ns, since_ns; /* since: of the state */
	unsigned uses;              /* utterances begun */
	unsigned clients;           /* that it heard and was given back by */
	unsigned generation;        /* of the model it was made from */
	bool dirty;                 /* heard something since it was born or reset */
	bool worn;                  /* is not lent any more, and goes when its successor is there */
	bool greeted;               /* it said HELLO, as a program does that is an instance */
	int credit;                 /* flood.c; and when time last gave it some */
	uint64_t credit_ns;
	unsigned rss_kb;
	struct lease *lease; /* borrowed; not NULL exactly while LEASED */
	uint64_t
	    closed_ns; /* LEASED: when its socket ended, if it did; why it did is not known yet */
};

/* Of its place. The table is in lease_state.c. */
enum lease_state {
	LEASE_NEW,
	LEASE_RESTING, /* it wants none */
	LEASE_WAITING,
	LEASE_GRANTED,
	LEASE_REFUSED, /* it will never have one */
	LEASE_STATES,
};
enum lease_event { LEASE_REST, LEASE_QUEUE, LEASE_GRANT, LEASE_REFUSE, LEASE_EVENTS };

/* Of the final that the utterance would have if it ended where it is. */
enum eager {
	EAGER_NONE,
	EAGER_ASKED,
	EAGER_TOLD,
	EAGER_CANCELLED, /* nobody wants it, and the instance has not said that it has stopped */
};

/* A doubly linked list of leases; a lease is in one at most. */
struct lease_list {
	struct lease *first, *last;
	unsigned count;
};

/* Those on whose behalf leases are wanted. There while it has a lease. */
struct tenant {
	struct id_node node;
	unsigned leases; /* in any state */
	unsigned held;   /* places */
	uint64_t came;   /* numbers that rise: when it came */
	uint64_t turn;   /* ... and when it was granted its last place; 0: it never was */
	struct lease_list waiting[PRIORITIES];
	struct heap_node turns[PRIORITIES]; /* in that of the pool's where it has leases waiting */
};

struct lease {
	struct lease *prev, *next;
	struct lease_list *list;     /* NULL: in none */
	struct lease *older, *newer; /* of all that wait */
	struct pool *pool;
	struct tenant *tenant; /* NULL: the canary's lease, which takes no place */
	const struct lease_events *events;
	void *arg;
	struct teller teller;
	struct told *told_first, *told_last; /* owned; what has not been told yet */
	uint64_t session;
	enum priority priority;
	bool by_utterance; /* whatever the pool's are; it is in the pool's `limited` */
	struct lease *limited_prev, *limited_next;
	unsigned bears_ms; /* what its utterance may lack, from ... */
	uint64_t bears_from_ns;
	uint64_t lacked_since_ns; /* what the one before it was given up for; 0: it was not */
	enum lease_state state;
	unsigned position; /* in the queue, if ranked_at is the pool's queue_moves */
	uint64_t ranked_at;
	unsigned announced; /* position last told; 0: none */
	struct instance *instance;
	uint64_t last_instance;
	enum attempt_state attempt; /* written by lease_state.c alone */
	uint64_t epoch;             /* of the utterance in work */
	uint64_t asked_ns, granted_ns;
	uint64_t wish_ns;  /* when the attempt was asked for */
	uint64_t ended_ns; /* when END was asked for */
	/* Of the utterance in work: samples sent and samples the instance has told it decoded; how often it was heard of;
	 * since when it owes us. */
	uint64_t given, done, signs;
	uint64_t sign_ns, got_on_ns; /* ... and since when it has got on with nothing */
	bool end_sent;
	struct compute_asker slot;
	bool slot_unused; /* it has one, and the instance had no room to be asked */
	bool partial_due; /* it was asked for one and has not answered */
	enum eager
	    eager; /* NONE, ASKED, CANCELLED in pauses (lease_eager.c), and by what comes of it (lease_answer.c) */
	bool eager_sent;       /* ASKED: the instance was; until then it waits for a slot */
	uint32_t eager_cpu_us; /* TOLD: what it took */
	uint64_t partial_asked_ns, partial_cost_ns; /* ... since when, and what the last one took */
};

struct canary {
	const int16_t *samples; /* borrowed */
	size_t n, sent;
	struct lease *lease; /* owned; NULL: it rests */
	const struct lease_events *events;
	uint64_t not_before_ns;
};

struct pool {
	const char *name;
	char *engine, *model; /* owned; NULL: no host was ready yet */
	char *languages;      /* owned; NULL: it is set to none */
	bool raw_text;        /* its texts are told as the engine writes them */
	struct pool_finals finals;
	struct pool_config cfg; /* as it is set, but no more places than a program has rows */
	struct pool_config set;
	const struct pool_ops *ops;
	void *arg;
	struct turn *turn; /* borrowed */
	enum pool_state state;
	struct compute *compute;  /* borrowed; NULL: its instances compute when they are asked */
	struct ipc_traits traits; /* zeroed until a host was ready: an engine that streams */
	struct error failure;     /* why there is no host; ERROR_NONE: there is, or was not yet */
	struct instance *buckets[BUCKETS];
	unsigned in_state[INSTANCE_STATES];
	struct heap idle; /* instances that may be lent, the oldest first */
	unsigned generation;
	uint64_t last_id, last_epoch;
	unsigned spawn_failures; /* in a row */
	struct error unborn;     /* why the last newborn could not be made; ERROR_NONE: it could */
	uint64_t spawn_not_before_ns;
	unsigned failed_births; /* in a row, one after the other, of this host */
	/* When instances are looked at next for being late; at the earliest deadline, or before it. */
	uint64_t deadline_ns;
	uint64_t births_since_ns; /* those asked for earlier are not counted */
	struct id_table tenants;
	struct heap turns[PRIORITIES]; /* whose turn it is, of the tenants that wait */
	uint64_t last_turn;
	unsigned waiting; /* leases, of all tenants */
	unsigned waiting_in[PRIORITIES];
	struct lease *oldest, *newest; /* of them */
	uint64_t queue_moves;          /* counts what changed the positions of some; from 1 */
	uint64_t announced_moves, announced_ns; /* when they were announced last */
	struct lease_list bare;
	uint64_t
	    bare_look_ns; /* when those are looked at next for having waited too long; at the earliest, or before */
	struct lease *limited; /* all that are by_utterance */
	uint64_t lack_look_ns; /* when those are looked at next; at the earliest, or before */
	unsigned places_taken;
	uint64_t mean_lease_ns; /* running mean of how long a place is kept */
	uint64_t look_at_ns;    /* when leases are looked at next for being stuck */
	uint64_t
	    worn_look_ns; /* when idle instances are looked at next for being worn; when the first is, or before */
	unsigned surplus_low; /* the fewest idle instances beyond need since surplus_since_ns */
	uint64_t surplus_since_ns;
	struct canary canary;
	unsigned in_work;   /* utterances begun and not over, the canary's included */
	uint64_t proven_ns; /* when an instance last told of decoding */
	struct pool_counts counts;
};

/* flood.c */
void flood_init(struct pool *p, struct instance *i);
void flood_asked(struct instance *i); /* we said something to it */
/* False: it says too much. */
bool flood_takes(struct pool *p, struct instance *i, const struct ipc_message *m);

/* settle.c */
void pool_settle(struct pool *p);

/* crowd.c: the instances */
struct instance *crowd_find(const struct pool *p, uint64_t id);
void crowd_step(struct pool *p, struct instance *i, enum instance_event e);
void crowd_refill(struct pool *p);
void crowd_note_spawn_failure(struct pool *p); /* none is asked for, for a moment */
/* Before `i` is told to go: should it be a newborn, it was born in vain, and its host may be to blame. */
void crowd_judge_birth(struct pool *p, const struct instance *i);
void crowd_trust_births(struct pool *p);        /* a newborn is ready, or the host is a new one */
unsigned crowd_idle(const struct pool *p);      /* that may be lent */
unsigned crowd_worn_idle(const struct pool *p); /* that may not, and go when successors are there */
void crowd_mark_worn(struct pool *p, struct instance *i); /* an idle one */
unsigned crowd_wanted(
    const struct pool *p); /* newborns wanted now, of those that start and those that are idle */
bool crowd_is_older(const void *left, const void *right); /* of two instances */
struct instance *crowd_take_idle(struct pool *p, struct lease *l);
void crowd_give_back(struct pool *p, struct instance *i);
void crowd_retire(struct pool *p, struct instance *i);
void crowd_kill(struct pool *p, struct instance *i);
void crowd_remove(struct pool *p, struct instance *i);
void crowd_retire_idle(struct pool *p);
void crowd_trim(struct pool *p); /* retires idle instances for which there is no room any more */
bool crowd_check_deadlines(struct pool *p);   /* kills what is late; whether any was */
uint64_t crowd_next_ns(const struct pool *p); /* when to look again */

/* wear.c: when an instance is worn */
bool wear_is_oversized(const struct pool *p, const struct instance *i); /* over max_rss_mb */
bool wear_is_due(const struct pool *p, const struct instance *i);
uint64_t wear_due_ns(const struct pool *p,
    const struct instance *i); /* 0: it is; UINT64_MAX: age alone does not wear it */

/* renewal.c */
bool renewal_check(struct pool *p); /* marks and retires; whether successors are wanted */
uint64_t renewal_next_ns(const struct pool *p); /* when to look again */

/* patience.c: who has waited too long, for a place or with one for an instance; whether any had */
bool patience_check(struct pool *p);
uint64_t patience_next_ns(const struct pool *p);

/* canary.c */
bool canary_check(struct pool *p);            /* lets it sing when it is due; whether it was */
uint64_t canary_due_ns(const struct pool *p); /* UINT64_MAX: not now */
void canary_feed(struct pool *p);             /* as much as its instance takes */
void canary_rest(struct pool *p);
void canary_drop(struct pool *p);

/* canary_told.c */
extern const struct lease_events canary_events;

/* queue.c: the waiting leases */
void lease_list_append(struct lease_list *list, struct lease *l);
void lease_list_remove(struct lease *l);
void queue_push(struct lease *l);
void queue_remove(struct lease *l);     /* a WAITING one */
void queue_take_place(struct lease *l); /* counts it */
void queue_leave_place(struct lease *l);
struct lease *queue_first(const struct pool *p); /* whose turn it is; NULL: nobody waits */
void queue_each(
    const struct pool *p, void (*f)(void *arg, struct lease *l, unsigned position), void *arg);
uint64_t queue_estimate_ms(const struct pool *p, unsigned position);
unsigned queue_retry_after_ms(const struct pool *p);
/* Whether there is a place for who is first. While the host is away one is worth something only with an instance that is
 * there already. */
bool queue_may_grant(const struct pool *p);
void queue_note_lease(struct pool *p, uint64_t duration_ns);
unsigned queue_position(const struct lease *l); /* of a WAITING one, from 1; 0: not known now */

/* tenants.c */
void tenants_init(struct pool *p);
void tenants_done(struct pool *p); /* all have left */
struct tenant *tenants_enter(
    struct pool *p, uint64_t id); /* made if it is new; counts a lease of it */
void tenants_leave(struct pool *p, struct tenant *t);
void tenants_moved(
    struct pool *p, struct tenant *t); /* it holds more or fewer places, or had a turn */
/* Whose turn it is of two that hold equally many places. */
bool tenants_is_before(const struct tenant *a, const struct tenant *b);

/* announce.c */
uint64_t announce_next_ns(const struct pool *p);
void announce_check(struct pool *p); /* has the waiters told their new places */

/* lease_told.c: what is queued to be told at the end of the turn */
void lease_tell_init(struct lease *l);
void lease_tell_queued(struct lease *l); /* its place, as it is then */
void lease_tell_granted(struct lease *l);
void lease_tell_refused(struct lease *l, const struct error *why, unsigned retry_after_ms);
void lease_tell_writable(struct lease *l);
void lease_tell_partial(
    struct lease *l, const struct ipc_result *r); /* copies it, as the next does */
void lease_tell_eager(struct lease *l, const struct ipc_result *r);
void lease_tell_final(struct lease *l, const struct ipc_result *r);
void lease_tell_lost(struct lease *l, const struct error *why, const struct loss *loss);
void lease_tell_failed(struct lease *l, const struct error *why);
/* What is queued is not told any more: all of it; what is about the utterance. */
bool lease_tells_an_end(const struct lease *l); /* of an attempt, that has not been told yet */
void lease_tell_none(struct lease *l);
void lease_tell_no_eager(struct lease *l);
void lease_tell_none_of_utterance(struct lease *l);

/* lease_state.c */
void lease_move(struct lease *l, enum lease_event e);   /* the only writer of l->state */
void lease_step(struct lease *l, enum attempt_event e); /* the only writer of l->attempt */
/* Its instance has done something, or has just been asked for something: the clock of who is stuck begins anew. */
void lease_got_on(struct lease *l);
bool lease_is_at_work(
    const struct lease *l); /* an instance hears its utterance or owes the final */
bool lease_send(struct lease *l, const struct ipc_message *m); /* false: no room now */

/* lease_work.c */
bool lease_send_begin(struct lease *l, const struct ipc_begin *what); /* false: not now */
bool lease_owes(const struct lease *l); /* its instance is to be heard of */
/* When its instance is taken for stuck, or for gone for no known reason; UINT64_MAX: it owes nothing. */
uint64_t lease_due_ns(const struct lease *l);
/* How many times the audio that it owes it may take for that: what is set, or more if its engine is known to be quiet. */
unsigned lease_slowest_factor(const struct lease *l);

bool lease_send_partial_request(struct lease *l); /* false: no room now */
bool lease_send_end(struct lease *l);             /* likewise */
bool lease_send_eager_request(struct lease *l);   /* likewise */
bool lease_owes_eager(const struct lease *l);
void lease_await_eager(struct lease *l); /* as the final: the utterance ends here */
void lease_eager_over(struct lease *l);  /* with the utterance, or asked for in vain */

/* lease_slot.c */
bool lease_needs_slot(const struct lease *l);
void lease_ask_slot(struct lease *l, enum slot_use use);
void lease_use_slot(struct lease *l); /* there is room again to ask for what it has a slot for */
void lease_release_slot(struct lease *l);      /* no effect if it has none and waits for none */
void lease_ask_partial_again(struct lease *l); /* it was broken off to make room */
void lease_leave_slots(struct lease *l);

/* lease_lack.c */
void lease_join_limited(struct lease *l); /* a new one becomes by_utterance */
void lease_leave_limited(struct lease *l);
bool lease_lacks_slot(const struct lease *l);         /* to come to its final */
uint64_t lease_lacks_since_ns(const struct lease *l); /* 0: it lacks nothing */
uint64_t lease_bears_until_ns(const struct lease *l); /* UINT64_MAX: for ever */
void lease_note_lack(
    struct lease *l); /* it may lack something from now on, and bear it for so long */

/* lease.c */
void lease_stop_instance(struct lease *l); /* what it hears is not wanted any more */
bool lease_is_by_utterance(const struct lease *l);
bool lease_ask(struct lease *l); /* an attempt is wanted; false: one waits already */
void lease_queue_up(struct lease *l);
void lease_leave_place(struct lease *l);
void lease_note_bare(struct lease *l); /* it may wait for an instance in its place now */
/* The utterance that was begun, wished for or lost, if any; nothing more is told of it. */
void lease_forget_utterance(struct lease *l);
/* The utterance at work is over: by `refresh` its instance stays with the lease or makes room for a newborn. */
void lease_finish(struct lease *l, enum attempt_event how);
/* `i` ended unasked, and with it what its lease had in work. */
void lease_leave_for(
    struct pool *p, struct instance *i, struct loss_cause cause, const struct error *why);
void lease_take_place(struct lease *l); /* a WAITING one that is in the queue no more */
void lease_refuse(struct lease *l, const struct error *why);
void lease_unserved(struct lease *l, const struct error *why); /* its place gets no instance */
void lease_lost(struct lease *l, struct loss_cause cause, const struct error *why);
void lease_drop_canary(struct lease *l); /* gives its instance back */

/* lease_answer.c */
void lease_message(struct lease *l, const struct ipc_message *m);

#endif
