/* What crew.c (hosts) and crew_member.c (instances) share; nobody else includes it. */
#ifndef POOL_CREW_INTERNAL_H
#define POOL_CREW_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "pool/host.h"
#include "pool/pool.h"

enum { CREW_BUCKETS = 256 };

struct channel_inbox;
struct crew;

/* One stenopool-host of the crew. There are two while a model is loaded anew, and while the old one goes. */
struct crew_host {
	struct crew *crew;
	struct host *host;       /* NULL: it was told to go and has not gone yet */
	unsigned inside;         /* instances that end with it, being no processes of their own */
	struct crew_host *older; /* of those that wane */
};

struct member {
	struct member *next; /* in its bucket */
	struct crew *crew;
	struct crew_host *host; /* that forked it and tells how it ended; NULL: that one has gone */
	uint64_t life;          /* of its process */
	uint64_t id;
	int pid;
	int fd, pidfd; /* -1: closed; a pidfd has only who is a process of its own */
	uv_poll_t poll, exit_poll;
	uv_timer_t
	    hold; /* where there is no pidfd: open until it is gone, in the place of exit_poll */
	bool is_inside;  /* of its host: it is no process of its own */
	bool wants_room; /* a send found no room */
	bool gone;       /* the process has ended; the host may still tell how */
	bool exited;     /* ... and the pool knows */
	bool killed;     /* by us, who have said why */
	unsigned handles;
};

struct crew {
	uv_loop_t *loop;
	struct pool *pool;
	struct crew_host *current; /* forks newborns; NULL once closing */
	struct crew_host *coming;  /* loads the model anew, to be the current one; NULL: none */
	struct crew_host *waning;  /* of an older model: each goes when nobody is inside of it */
	unsigned hosts;            /* not yet gone */
	struct error reload;       /* why the model could not be loaded anew the last time */
	char *name;                /* owned */
	struct member *buckets[CREW_BUCKETS];
	unsigned members;
	void (*on_member_gone)(struct crew *c); /* may free it */
	uv_timer_t timer;
	struct channel_inbox *inbox;
	unsigned kill_timeout_ms;
	bool closing, timer_gone;
	void (*on_ready)(void *arg); /* NULL: nobody waits for that */
	void *ready_arg;
	void (*on_done)(void *arg);
	void *done_arg;
};

/* crew_member.c */
struct member *member_find(const struct crew *c, uint64_t id);
void member_add(struct crew_host *h, uint64_t id, int pid,
    const int fds[3]); /* owns the fds, of which the last two may be -1 */
/* Its host says that it has ended. */
void member_told_exited(struct member *m, int wait_status);
/* The host cannot tell any more: it has ended. `forget`: and will not be started again. */
void member_settle(struct crew_host *h, bool forget);
void member_kill(struct member *m);
void member_give_up(struct member *m); /* killed, and it does not end: it counts as gone */
int member_send(struct crew *c, uint64_t id, const struct ipc_message *msg); /* as pool_ops */
void member_retire(struct crew *c, uint64_t id);

#endif
