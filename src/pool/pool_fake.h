/* pool_fake: processes that are not there, for tests of the pool and of what stands on it. The test owns the
 * clock, sees what the pool asked for, and says what happens; the fake fails the test when the pool asks for
 * what may never be: a message to an instance that is not ready or was let go, an epoch that does not rise, or
 * an instance that hears more than `refresh` allows. When a call of it returns, leases have been told what came of it; who
 * calls the pool himself ends with a turn_run. Linked by tests only. */
#ifndef POOL_POOL_FAKE_H
#define POOL_POOL_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/turn.h"
#include "ipc/message.h"
#include "pool/pool.h"

enum {
	POOL_FAKE_INSTANCES = 8192,
	POOL_FAKE_ADAPTATION = 64,
	POOL_FAKE_WISHES = 64,
	POOL_FAKE_EVERYTHING = 1 << 30
};

/* What the fake knows of one instance; ids rise from 1. */
struct pool_fake_instance {
	bool asked, born, ready, let_go, killed, exited;
	bool heard, open,
	    ended;       /* since READY: a BEGIN; now: between BEGIN and its end; END came */
	int room;        /* messages taken before there is no more room; negative: it is gone */
	bool refused;    /* a send found no room, so on_writable is due */
	uint64_t client; /* who it hears or heard last: the upper half of BEGIN's utterance */
	uint64_t utterance, epoch; /* of the last BEGIN */
	unsigned begins, ends, aborts, resets, partial_requests, cancels, eager_requests;
	unsigned cancels_told; /* the test's own */
	bool eager_due;        /* one was asked for and is neither told nor cancelled */
	size_t samples;        /* of the last utterance */
	uint8_t adaptation[POOL_FAKE_ADAPTATION]; /* of the last BEGIN, cut */
	uint32_t adaptation_bytes;
	char wishes
	    [POOL_FAKE_WISHES]; /* of the last BEGIN: "de|prompt|hot words|phrases|translate|rate", cut */
};

struct pool_fake {
	struct turn turn;
	struct turn *tells_in; /* borrowed: `turn`, or one that it shares */
	struct pool *pool;     /* owned; tells in `tells_in` */
	uint64_t now_ns, wake_at_ns;
	bool host; /* there is one to ask for newborns */
	int room;  /* what newborns get */
	uint64_t last_epoch;
	uint64_t last_id;
	unsigned spawn_refusals;              /* spawn was asked for without a host */
	unsigned replacements;                /* another host was asked for */
	struct error why_replaced;            /* the last time */
	struct pool_fake_instance *instances; /* owned; [id] */
	int16_t *heard; /* owned; all samples that any instance took, in order */
	size_t heard_n, heard_cap;
};

struct pool_config pool_fake_config(void); /* small and plain, for a test to change */

void pool_fake_init(struct pool_fake *f, const struct pool_config *cfg); /* a pool "en" */
void pool_fake_init_as(struct pool_fake *f, const char *name, const struct pool_config *cfg);
/* ... that tells by another one's turn. */
void pool_fake_init_in(
    struct pool_fake *f, struct turn *turn, const char *name, const struct pool_config *cfg);
/* Lets all processes end, checks the conservation sums and frees the pool, whose leases must be released. */
void pool_fake_done(struct pool_fake *f);
/* The sums that must hold after every call. */
void pool_fake_check(const struct pool_fake *f);

void pool_fake_host_up(struct pool_fake *f);
void pool_fake_host_down(struct pool_fake *f);
void pool_fake_host_failed(struct pool_fake *f, const char *why);

unsigned pool_fake_alive(const struct pool_fake *f); /* asked for and not exited */
struct pool_fake_instance *pool_fake_at(struct pool_fake *f, uint64_t id);
/* The instance that hears utterance `utterance`; 0: none does. */
uint64_t pool_fake_hearer(const struct pool_fake *f, uint64_t utterance);

void pool_fake_born(struct pool_fake *f, uint64_t id); /* spawned, then READY */
void pool_fake_born_all(struct pool_fake *f);          /* until none is asked for any more */
void pool_fake_say(
    struct pool_fake *f, uint64_t id, enum ipc_type type); /* with the epoch of its BEGIN */
void pool_fake_result(
    struct pool_fake *f, uint64_t id, enum ipc_type type, const struct ipc_result *r);
void pool_fake_final(struct pool_fake *f, uint64_t id, const char *text);
void pool_fake_partial(struct pool_fake *f, uint64_t id, const char *text);
/* The answer to an EAGER_REQUEST, of all samples that it has. */
void pool_fake_eager(struct pool_fake *f, uint64_t id, const char *text);
void pool_fake_failed(struct pool_fake *f, uint64_t id, const char *why);
void pool_fake_room(
    struct pool_fake *f, uint64_t id, int room); /* says on_writable when it is due */
void pool_fake_lose(
    struct pool_fake *f, uint64_t id, const char *why); /* it spoke garbage; it lives on */
/* Its socket ends, and nobody knows why yet. */
void pool_fake_close(struct pool_fake *f, uint64_t id);
/* The process ends: by SIGKILL, or with that wait status. */
void pool_fake_exit(struct pool_fake *f, uint64_t id);
void pool_fake_exit_with(struct pool_fake *f, uint64_t id, int wait_status);
void pool_fake_reap(struct pool_fake *f); /* all that were let go end */
/* Lets time pass, with a call of pool_on_time whenever the pool had asked for one. */
void pool_fake_pass_ms(struct pool_fake *f, uint64_t ms);

#endif
