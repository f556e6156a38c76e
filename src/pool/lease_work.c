/* What a lease has its instance do: hear audio, tell a partial, come to an end; and until when it may take for that without a sign
 * of life. */
#include <assert.h>

#include "base/util.h"
#include "pool/pool_internal.h"

static void note_begun(struct lease *l)
{
	struct pool *p = l->pool;

	l->epoch = ++p->last_epoch;
	lease_step(l, ATTEMPT_BEGIN);
	l->given = l->done = l->signs = 0;
	l->lacked_since_ns = 0;
	l->partial_due = l->end_sent = false;
	l->eager = EAGER_NONE;
	lease_got_on(l);
	l->instance->uses++;
	l->instance->dirty = true;
	p->in_work++;
	if (l->tenant == NULL)
		return;
	p->counts.utterances_begun++;
	histogram_observe(&p->counts.begin, l->sign_ns - l->wish_ns);
}

bool lease_send_begin(struct lease *l, const struct ipc_begin *what)
{
	const struct ipc_message m = {
		.type = IPC_BEGIN, .epoch = l->pool->last_epoch + 1, .begin = *what
	};

	if (l->instance == NULL || !lease_send(l, &m))
		return false;
	note_begun(l);
	return true;
}

bool lease_owes_eager(const struct lease *l)
{
	return (l->eager == EAGER_ASKED && l->eager_sent) || l->eager == EAGER_CANCELLED;
}

bool lease_owes(const struct lease *l)
{
	return (l->attempt == ATTEMPT_ENDED && l->end_sent) ||
	    (l->attempt == ATTEMPT_BEGUN &&
		(l->partial_due || lease_owes_eager(l) || l->given - l->done >= IPC_BLOCK_SAMPLES));
}

/* An instance whose socket has ended owes the reason. */
#define REASON_WITHIN_NS (200 * NS_PER_MS)

/* How much it may have to decode before it is heard of again; some engines decode all of it anew for a partial, or for
 * the final. */
static uint64_t owed_samples(const struct lease *l)
{
	const struct ipc_traits *t = &l->pool->traits;
	bool anew = l->attempt == ATTEMPT_ENDED || lease_owes_eager(l)
	    ? t->decoding == IPC_DECODES_WHOLE
	    : l->partial_due && t->partials == IPC_PARTIALS_ANEW;

	return anew ? l->given : l->given - l->done;
}

unsigned lease_slowest_factor(const struct lease *l)
{
	return MAX(l->pool->cfg.slowest_factor, l->pool->traits.quiet_factor);
}

/* An engine that shows that it computes, and gets on with nothing, is given so many times the patience in all. */
enum { SIGNS_WORTH = 10 };

uint64_t lease_due_ns(const struct lease *l)
{
	const struct pool_config *cfg = &l->pool->cfg;
	uint64_t patience_ns, audio_ns = owed_samples(l) * NS_PER_S / IPC_RATE_HZ;

	if (l->instance != NULL && l->instance->closed_ns != 0)
		return l->instance->closed_ns + REASON_WITHIN_NS;
	if (!lease_owes(l))
		return UINT64_MAX;
	patience_ns = (l->attempt == ATTEMPT_ENDED || lease_owes_eager(l) ? cfg->final_timeout_ms
									  : cfg->begin_timeout_ms) *
	    NS_PER_MS;
	patience_ns += audio_ns * lease_slowest_factor(l);
	return MIN(l->sign_ns + patience_ns, l->got_on_ns + SIGNS_WORTH * patience_ns);
}

size_t lease_audio(struct lease *l, const int16_t *samples, size_t n)
{
	bool owed = lease_owes(l);
	size_t taken = 0;

	if (l->attempt != ATTEMPT_BEGUN)
		return 0;
	while (taken < n) {
		size_t part = MIN(n - taken, (size_t)IPC_AUDIO_MAX_SAMPLES);
		struct ipc_message m = { .type = IPC_AUDIO, .epoch = l->epoch };

		m.audio.bytes =
		    (const uint8_t *)(samples + taken); /* s16le: the hosts we run on are */
		m.audio.samples = (uint32_t)part;
		if (!lease_send(l, &m))
			break;
		taken += part;
		l->given += part;
	}
	if (!owed)
		lease_got_on(l);
	return taken;
}

bool lease_send_partial_request(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_PARTIAL_REQUEST, .epoch = l->epoch };
	bool owed = lease_owes(l);

	if (!lease_send(l, &m))
		return false;
	l->partial_due = true;
	l->partial_asked_ns = pool_now_ns(l->pool);
	if (!owed)
		lease_got_on(l);
	return true;
}

bool lease_send_end(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_END, .epoch = l->epoch };

	if (!lease_send(l, &m))
		return false;
	l->end_sent = true;
	l->partial_due = false; /* the final stands for it */
	lease_got_on(l);
	return true;
}

bool lease_send_eager_request(struct lease *l)
{
	const struct ipc_message m = { .type = IPC_EAGER_REQUEST, .epoch = l->epoch };
	bool owed = lease_owes(l);

	if (!lease_send(l, &m))
		return false;
	l->eager_sent = true;
	if (l->pool->traits.partials == IPC_PARTIALS_ANEW)
		l->partial_due = false;
	if (!owed)
		lease_got_on(l);
	return true;
}

void lease_await_eager(struct lease *l)
{
	l->end_sent = true;
	l->partial_due = false;
	lease_got_on(l);
}

void lease_eager_over(struct lease *l)
{
	l->eager = EAGER_NONE;
}
