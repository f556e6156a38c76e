/* stage: one place of a fake pool and two clients that want it, for tests of sessions. Each test sets it up anew.
 * Linked by tests only. */
#ifndef SESSION_STAGE_H
#define SESSION_STAGE_H

#include <stdint.h>

#include "session/session_fake.h"

struct stage {
	struct pool_fake pool;
	struct work_fake work;
	struct session_fake *f;     /* the client in question; owned, as is the other */
	struct session_fake *other; /* who may be in its way */
};

extern struct stage stage;

int stage_setup(void **state); /* buffer_ms 1000, idle_timeout_ms 5000, partial_interval_ms 300 */
int stage_teardown(void **state);

struct pool_config stage_one_place(void); /* with a newborn ahead */
void stage_start_pool(const struct pool_config *cfg);
/* The pool and stage.f's session, with its place and an instance. */
void stage_open_with(const struct session_config *cfg);
void stage_open(void);
/* Frees all and checks that every session and utterance is accounted for. */
void stage_finish(void);

/* What stage.f does; the ear's jobs run at once. */
void stage_hear(unsigned ms);
void stage_commit(void);
void stage_end(void);

uint64_t stage_hearer(uint64_t utterance); /* the instance, which must be there */
/* Two instances in turn cannot do it. */
void stage_fail(uint64_t utterance, const char *why);
void stage_answer(uint64_t utterance, const char *text); /* a final, and a newborn for the next */

#endif
