/* Clients that do at random what clients may do, for the fuzzer of the pool. */
#include "clients.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "pool/loss.h"
#include "pool/pool.h"

struct client {
	struct lease *lease; /* owned; NULL: none */
	bool granted, refused, begun, ended;
	bool limited; /* wants places by utterance, and does not bear all that it may lack */
	bool leaves;  /* from inside the next callback */
	uint64_t utterance;
};

static struct client clients[CLIENTS];

static void leave(struct client *c)
{
	lease_release(&c->lease);
	memset(c, 0, sizeof *c);
}

/* The last act of each callback: what may be done from inside is done now and then. */
static void called(struct client *c)
{
	if (c->leaves)
		leave(c);
}

static void on_queued(void *arg, unsigned position, uint64_t estimated_wait_ms)
{
	(void)estimated_wait_ms;
	if (position == 0)
		abort();
	called(arg);
}

static void on_granted(void *arg)
{
	struct client *c = arg;

	if (c->granted || c->refused)
		abort();
	c->granted = true;
	called(c);
}

static void on_refused(void *arg, const struct error *why, unsigned retry_after_ms)
{
	struct client *c = arg;

	(void)retry_after_ms;
	if (c->refused || why->text[0] == '\0')
		abort();
	c->refused = true;
	called(c);
}

static void try_to_begin(struct client *c)
{
	uint8_t learnt[3] = { 1, 2, 3 };
	struct ipc_begin b = {
		.utterance = c->utterance, .adaptation = learnt, .adaptation_bytes = 3
	};

	if (c->granted && !c->refused && !c->begun)
		c->begun = lease_begin(c->lease, &b);
}

static void on_writable(void *arg)
{
	struct client *c = arg;

	if (c->refused)
		abort();
	try_to_begin(c);
	called(c);
}

static void on_partial(void *arg, const struct ipc_result *r)
{
	(void)r;
	if (!((struct client *)arg)->begun)
		abort();
	called(arg);
}

/* The utterance is over; `again`: it may be begun once more. */
static void over(struct client *c, bool again)
{
	c->begun = c->ended = false;
	if (!again)
		c->utterance++;
}

static void on_final(void *arg, const struct ipc_result *r)
{
	struct client *c = arg;

	(void)r;
	if (!c->begun || !c->ended)
		abort();
	over(c, false);
	called(c);
}

static void on_lost(void *arg, const struct error *why, const struct loss *loss)
{
	struct client *c = arg;

	if (loss->cause.kind >= LOSS_KINDS || loss->done > loss->given)
		abort();
	if (!c->begun || why->text[0] == '\0')
		abort();
	over(c, true);
	if (c->utterance % 3 == 0)
		try_to_begin(c);
	else if (c->utterance % 3 == 1)
		lease_abort(c->lease);
	called(c);
}

static void on_failed(void *arg, const struct error *why)
{
	struct client *c = arg;

	if ((c->begun && !c->limited) || why->text[0] == '\0')
		abort();
	over(c, false);
	called(c);
}

static const struct lease_events events = {
	.on_queued = on_queued,
	.on_granted = on_granted,
	.on_refused = on_refused,
	.on_writable = on_writable,
	.on_partial = on_partial,
	.on_final = on_final,
	.on_lost = on_lost,
	.on_failed = on_failed,
};

static void come(struct pool *pool, struct client *c, uint8_t whim)
{
	struct lease_owner owner = { .session = (uint64_t)(c - clients) + 1,
		.tenant = whim % 3,
		.priority = (enum priority)(whim / 3 % PRIORITIES),
		.by_utterance = whim / 9 % 3 == 0 };
	struct error err = ERROR_INIT;

	c->lease = lease_new(pool, &owner, &events, c, &err, NULL);
	if (c->lease == NULL) {
		if (err.text[0] == '\0')
			abort();
		return;
	}
	c->leaves = whim >= 250;
	c->limited = owner.by_utterance;
	lease_start(c->lease);
}

static void give_audio(struct client *c, uint8_t whim)
{
	static const int16_t silence[4000];
	size_t n = 1 + whim * 15u;

	if (c->begun && !c->ended && lease_audio(c->lease, silence, n) > n)
		abort();
}

void clients_act(struct pool *pool, unsigned n, uint8_t whim)
{
	struct client *c = &clients[n % CLIENTS];

	if (c->lease == NULL) {
		come(pool, c, whim);
		return;
	}
	switch (whim % 8) {
	case 0:
	case 1:
		try_to_begin(c);
		break;
	case 2:
	case 3:
		give_audio(c, whim);
		break;
	case 4:
		if (c->begun && !c->ended)
			c->ended = lease_end(c->lease);
		break;
	case 5:
		if (c->begun && !c->ended)
			(void)lease_request_partial(c->lease);
		break;
	case 6:
		c->leaves = whim >= 128;
		if (c->limited)
			lease_give_up_in(c->lease, pool_now_ns(pool), whim * 8u);
		break;
	default:
		if (whim < 100 && c->granted && !c->refused) {
			over(c, false);
			lease_abort(c->lease);
		} else {
			leave(c);
		}
	}
}

void clients_leave_all(void)
{
	for (unsigned n = 0; n < CLIENTS; n++)
		if (clients[n].lease != NULL)
			leave(&clients[n]);
}
