/* What pool.c, crowd.c, queue.c and lease.c share; nobody else includes it.
 *
 * Who is where:
 *   instance   in pool->buckets from spawn to exit; its `lease` is set exactly while it is LEASED
 *   lease      WAITING: in pool->queue; GRANTED: counted in places_taken, and in pool->bare while no
 *              instance is bound to it
 * pool_settle() brings these together after every change: it spawns, binds, grants and announces until nothing
 * is left to do. Callbacks to sessions come from there and from lease.c, always as the last act; they may
 * release any lease, which only marks the pool for another round. */
#ifndef POOL_POOL_INTERNAL_H
#define POOL_POOL_INTERNAL_H

#include "base/error.h"
#include "pool/pool.h"

enum { BUCKETS = 256 };

struct instance {
	struct instance *next; /* in its bucket */
	uint64_t id;
	int pid; /* 0 until spawned */
	enum instance_state state;
	uint64_t born_ns, since_ns; /* since: of the state */
	unsigned uses;              /* utterances begun */
	bool dirty;                 /* heard something since it was born or reset */
	unsigned rss_kb;
	struct lease *lease; /* borrowed; not NULL exactly while LEASED */
};

enum lease_state { LEASE_NEW, LEASE_WAITING, LEASE_GRANTED, LEASE_REFUSED };
enum utterance_step { STEP_NONE, STEP_BEGUN, STEP_ENDED };

/* A doubly linked list of leases; a lease is in one at most. */
struct lease_list {
	struct lease *first, *last;
	unsigned count;
};

struct lease {
	struct lease *prev, *next;
	struct lease_list *list; /* NULL: in none */
	struct pool *pool;
	const struct lease_events *events;
	void *arg;
	uint64_t session;
	enum lease_state state;
	unsigned announced; /* position last told; 0: none */
	struct instance *instance;
	uint64_t last_instance;
	enum utterance_step step;
	uint64_t epoch; /* of the utterance in work */
	uint64_t asked_ns, granted_ns;
	uint64_t wish_ns;  /* when lease_begin was first asked for this utterance; 0: not yet */
	uint64_t ended_ns; /* when END was written */
};

struct pool {
	const char *name;
	struct pool_config cfg;
	const struct pool_ops *ops;
	void *arg;
	enum pool_state state;
	struct error failure;
	struct instance *buckets[BUCKETS];
	unsigned in_state[INSTANCE_STATES];
	uint64_t last_id, last_epoch;
	unsigned spawn_failures; /* in a row */
	uint64_t spawn_not_before_ns;
	struct lease_list queue, bare;
	unsigned places_taken;
	uint64_t mean_lease_ns; /* running mean of how long a place is kept */
	bool settling, again;
	struct pool_counts counts;
};

uint64_t pool_now_ns(const struct pool *p);
void pool_settle(struct pool *p);

/* crowd.c: the instances */
struct instance *crowd_find(const struct pool *p, uint64_t id);
void crowd_step(struct pool *p, struct instance *i, enum instance_event e);
void crowd_refill(struct pool *p);
struct instance *crowd_take_idle(struct pool *p, struct lease *l);
void crowd_give_back(struct pool *p, struct instance *i);
void crowd_retire(struct pool *p, struct instance *i);
void crowd_kill(struct pool *p, struct instance *i);
void crowd_remove(struct pool *p, struct instance *i);
void crowd_retire_idle(struct pool *p);
uint64_t crowd_check_deadlines(struct pool *p); /* kills what is late; the next deadline */

/* queue.c: the waiting leases */
void lease_list_append(struct lease_list *list, struct lease *l);
void lease_list_remove(struct lease *l);
uint64_t queue_estimate_ms(const struct pool *p, unsigned position);
unsigned queue_retry_after_ms(const struct pool *p);
void queue_announce(
    struct pool *p); /* tells the waiters their new places, until one asks for another round */
void queue_refuse(struct lease *l, const struct error *why);
uint64_t queue_check_deadlines(struct pool *p);
void queue_note_lease(struct pool *p, uint64_t duration_ns);

/* lease.c */
void lease_message(struct lease *l, const struct ipc_message *m);
void lease_lost(struct lease *l, const struct error *why);

#endif
