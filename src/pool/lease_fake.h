/* lease_fake: a client of the pool that remembers what it was told, for tests. It fails the test when it is
 * told something that may not come: a second grant, a final without an utterance, anything after the release. Whatever it
 * does, all have been told what came of it when the call returns, unless it comes from inside such telling.
 * Linked by tests only. */
#ifndef POOL_LEASE_FAKE_H
#define POOL_LEASE_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "pool/pool.h"

struct lease_fake;

enum lease_fake_event {
	LEASE_FAKE_QUEUED,
	LEASE_FAKE_GRANTED,
	LEASE_FAKE_REFUSED,
	LEASE_FAKE_WRITABLE,
	LEASE_FAKE_PARTIAL,
	LEASE_FAKE_EAGER,
	LEASE_FAKE_FINAL,
	LEASE_FAKE_LOST,
	LEASE_FAKE_FAILED,
	LEASE_FAKE_EVENTS,
};

/* Called as the last act of an event, so it may release this lease or any other. */
typedef void lease_fake_then_f(struct lease_fake *c, enum lease_fake_event e);

struct lease_fake {
	uint64_t id;     /* of the client; from 1 */
	uint64_t tenant; /* of the next lease; 0 unless the test says otherwise */
	enum priority priority;
	bool by_utterance; /* likewise */
	struct pool *pool; /* that it asked last; borrowed */
	struct lease *lease;
	bool granted, refused;
	unsigned seen[LEASE_FAKE_EVENTS];
	bool
	    may_fall_back; /* in the queue, behind who has a higher priority; kept from lease to lease */
	unsigned position; /* last told */
	uint64_t estimated_wait_ms;
	struct error why; /* of the last refusal, loss or failure */
	struct loss loss; /* the last one */
	unsigned retry_after_ms;
	char text[64];           /* of the last partial or final */
	bool speaking, ended;    /* an utterance is begun; its END was taken */
	uint64_t utterances;     /* wished for */
	lease_fake_then_f *then; /* NULL: nothing */
	void *then_arg;
};

/* Asks for a place; false: refused at once, with `why` and `retry_after_ms`. */
bool lease_fake_ask(struct lease_fake *c, uint64_t id, struct pool *pool);
void lease_fake_release(struct lease_fake *c);
/* Begins an utterance, which is named (client << 32) + n. */
bool lease_fake_begin(struct lease_fake *c);
bool lease_fake_end(struct lease_fake *c);
void lease_fake_abort(struct lease_fake *c);
uint64_t lease_fake_utterance(const struct lease_fake *c); /* the name of the last one */

#endif
