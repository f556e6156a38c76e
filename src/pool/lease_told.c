/* What a lease has to tell its holder. Each thing is queued here with a copy of all that it carries, and told at the end of the
 * turn (base/turn.h), one after the other, when no code of the pool is under way: so who is told may do anything, release
 * any lease included, and nobody in the pool is ever surprised by that.
 *
 * A place in the queue is looked up when it is told, and that something is worth another try is told once however often it
 * came about. What an utterance brought that is given up is not told any more. */
#include <assert.h>
#include <stdlib.h>

#include "base/util.h"
#include "ipc/result_copy.h"
#include "pool/pool_internal.h"

enum told_kind {
	TOLD_QUEUED,
	TOLD_GRANTED,
	TOLD_REFUSED,
	TOLD_WRITABLE,
	TOLD_PARTIAL,
	TOLD_EAGER,
	TOLD_FINAL,
	TOLD_LOST,
	TOLD_FAILED,
};

#define ONE(kind)    (1u << (kind))
#define AN_END       (ONE(TOLD_FINAL) | ONE(TOLD_LOST) | ONE(TOLD_FAILED))
#define OF_UTTERANCE (~(ONE(TOLD_QUEUED) | ONE(TOLD_GRANTED) | ONE(TOLD_REFUSED)))

struct told {
	struct told *next;
	enum told_kind kind;
	union {
		struct { /* REFUSED, LOST, FAILED */
			struct error why;
			unsigned retry_after_ms;
			struct loss loss;
		};
		struct ipc_result
		    result; /* PARTIAL, EAGER, FINAL; what it points to stands behind this struct */
	};
};

/* Not known now: the announcement that is due will tell it. */
static void tell_place(struct lease *l)
{
	unsigned position = queue_position(l);

	if (position == 0 || position == l->announced)
		return;
	l->announced = position;
	l->events->on_queued(l->arg, position, queue_estimate_ms(l->pool, position));
}

/* `l` may be gone afterwards. */
static void tell(struct lease *l, const struct told *t)
{
	const struct lease_events *events = l->events;

	switch (t->kind) {
	case TOLD_QUEUED:
		tell_place(l);
		break;
	case TOLD_GRANTED:
		events->on_granted(l->arg);
		break;
	case TOLD_REFUSED:
		events->on_refused(l->arg, &t->why, t->retry_after_ms);
		break;
	case TOLD_WRITABLE:
		events->on_writable(l->arg);
		break;
	case TOLD_PARTIAL:
		events->on_partial(l->arg, &t->result);
		break;
	case TOLD_EAGER:
		events->on_eager(l->arg, &t->result);
		break;
	case TOLD_FINAL:
		events->on_final(l->arg, &t->result);
		break;
	case TOLD_LOST:
		events->on_lost(l->arg, &t->why, &t->loss);
		break;
	case TOLD_FAILED:
		events->on_failed(l->arg, &t->why);
		break;
	}
}

static void tell_one(struct teller *teller)
{
	struct lease *l = (struct lease *)((char *)teller - offsetof(struct lease, teller));
	struct told *t = l->told_first;

	assert(t != NULL);
	l->told_first = t->next;
	if (l->told_first == NULL)
		l->told_last = NULL;
	else
		turn_add(l->pool->turn, teller);
	tell(l, t);
	free(t);
}

void lease_tell_init(struct lease *l)
{
	l->teller.tell = tell_one;
}

static struct told *add(struct lease *l, enum told_kind kind, size_t more_bytes)
{
	struct told *t = xcalloc(1, sizeof *t + more_bytes);

	t->kind = kind;
	if (l->told_last != NULL)
		l->told_last->next = t;
	else
		l->told_first = t;
	l->told_last = t;
	turn_add(l->pool->turn, &l->teller);
	return t;
}

static void add_once(struct lease *l, enum told_kind kind)
{
	for (const struct told *t = l->told_first; t != NULL; t = t->next)
		if (t->kind == kind)
			return;
	(void)add(l, kind, 0);
}

static void drop(struct lease *l, unsigned kinds)
{
	struct told **at = &l->told_first, *t;

	l->told_last = NULL;
	while ((t = *at) != NULL) {
		if ((kinds & ONE(t->kind)) != 0) {
			*at = t->next;
			free(t);
		} else {
			l->told_last = t;
			at = &t->next;
		}
	}
	if (l->told_first == NULL)
		turn_remove(l->pool->turn, &l->teller);
}

bool lease_tells_an_end(const struct lease *l)
{
	for (const struct told *t = l->told_first; t != NULL; t = t->next)
		if ((AN_END & ONE(t->kind)) != 0)
			return true;
	return false;
}

void lease_tell_none(struct lease *l)
{
	drop(l, ~0u);
}

void lease_tell_none_of_utterance(struct lease *l)
{
	drop(l, OF_UTTERANCE);
}

void lease_tell_no_eager(struct lease *l)
{
	drop(l, ONE(TOLD_EAGER));
}

void lease_tell_queued(struct lease *l)
{
	add_once(l, TOLD_QUEUED);
}

void lease_tell_granted(struct lease *l)
{
	drop(l, ONE(TOLD_QUEUED));
	(void)add(l, TOLD_GRANTED, 0);
}

void lease_tell_refused(struct lease *l, const struct error *why, unsigned retry_after_ms)
{
	struct told *t;

	drop(l, ONE(TOLD_QUEUED));
	t = add(l, TOLD_REFUSED, 0);
	t->why = *why;
	t->retry_after_ms = retry_after_ms;
}

void lease_tell_writable(struct lease *l)
{
	add_once(l, TOLD_WRITABLE);
}

void lease_tell_lost(struct lease *l, const struct error *why, const struct loss *loss)
{
	struct told *t = add(l, TOLD_LOST, 0);

	t->why = *why;
	t->loss = *loss;
}

void lease_tell_failed(struct lease *l, const struct error *why)
{
	add(l, TOLD_FAILED, 0)->why = *why;
}

static void keep(struct lease *l, enum told_kind kind, const struct ipc_result *r)
{
	struct told *t = add(l, kind, result_copy_bytes(r));

	result_copy_into(&t->result, t + 1, r);
}

void lease_tell_partial(struct lease *l, const struct ipc_result *r)
{
	keep(l, TOLD_PARTIAL, r);
}

void lease_tell_eager(struct lease *l, const struct ipc_result *r)
{
	keep(l, TOLD_EAGER, r);
}

void lease_tell_final(struct lease *l, const struct ipc_result *r)
{
	keep(l, TOLD_FINAL, r);
}
