/* A session's place in one pool. It goes through the utterances in order, one attempt at a time: each is sent the audio in blocks of
 * IPC_BLOCK_SAMPLES, which is what instances decode in (what is shorter waits for the rest of its block or for the end of
 * the utterance), is asked for partials now and then, and told the end. What comes back is for pass.c. */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/session_internal.h"

void seat_init(struct seat *seat, struct session *s, struct pool *pool)
{
	*seat = (struct seat){ .session = s, .pool = pool, .index = s->seats_n };
	s->seats_n++;
}

static void tell_recovered(const struct seat *seat, struct utterance *u)
{
	struct session *s = seat->session;
	const struct pass *p = pass_of(u, seat);
	const struct session_event e = {
		.kind = SESSION_EVENT_RECOVERED, .utterance = u->id, .instance = p->now.instance
	};

	metric_add(METRIC_utterances_recovered_total, 1);
	log_info("session %llu: utterance %llu goes on with instance %s/%llu, from %llu ms on",
	    (unsigned long long)s->id, (unsigned long long)u->id, pool_name(seat->pool),
	    (unsigned long long)p->now.instance, (unsigned long long)(p->from / SAMPLES_PER_MS));
	if (seat == u->finals)
		session_emit(s, &e);
}

/* False: it waits for an instance. */
static bool begin(struct seat *seat, struct utterance *u, struct attempt *a)
{
	struct ipc_begin b = { .utterance = u->id,
		.adaptation = seat->adaptation,
		.adaptation_bytes = (uint32_t)seat->adaptation_bytes,
		.rate_hz = u->rate_hz };

	if (lease_attempt(seat->lease) == ATTEMPT_BEGUN)
		return true;
	seat->at = u;
	wishes_fill(&b, &u->wishes, pool_traits(seat->pool)->takes);
	if (!lease_begin(seat->lease, &b))
		return false;
	a->instance = lease_instance(seat->lease);
	if (a->replay)
		tell_recovered(seat, u);
	return true;
}

/* Of the time in which partials are decoded anew, one part in so many goes into them. */
enum { PARTIAL_SHARE = 3 };

/* Samples. Longer where those who compute have too much to do or the last one took long, but for who counts his partials. */
static uint64_t partial_interval(const struct seat *seat)
{
	const struct session *s = seat->session;
	uint64_t ms = s->cfg.partial_interval_ms > 0 ? s->cfg.partial_interval_ms
						     : s->limits->partial_interval_ms;

	if (!s->cfg.paced_partials)
		ms = MAX(ms << lease_partials_level(seat->lease),
		    PARTIAL_SHARE * lease_partial_cost_ms(seat->lease));
	return ms * SAMPLES_PER_MS;
}

/* Instances answer when they have decoded all that they have, so where no partial may be missed audio comes bit by bit. Once an
 * instance was lost that is what is sent again, also of those that the client is not told: they are all that there is,
 * should the utterance have to be given up. */
static bool is_paced(const struct seat *seat, const struct pass *p)
{
	const struct session_config *cfg = &seat->session->cfg;

	if (seat->index > 0)
		return false;
	return (cfg->partials && cfg->paced_partials) ||
	    (p->lost_n > 0 && (p->now.sent < p->reached || !cfg->partials));
}

/* Of what is sent again after a loss no partial is asked for that has come before. */
static void ask_partial(struct seat *seat, const struct utterance *u, struct pass *p)
{
	const struct session_config *cfg = &seat->session->cfg;
	bool told = cfg->partials && u->state == UTTERANCE_OPEN;
	struct attempt *a = &p->now;

	if (seat->index > 0 || a->partial_pending ||
	    (!told && !cfg->paced_partials && p->lost_n == 0) ||
	    a->sent < a->partial_asked_at + partial_interval(seat))
		return;
	a->partial_asked_at = a->sent;
	a->partial_pending = lease_request_partial(seat->lease);
}

/* Where what is heard now ends, as far as it has come. The blocks of a part may lie across the last one of a pause. */
static size_t heard_to(const struct utterance *u, const struct pass *p)
{
	return p->to > 0 ? p->to : MAX(utterance_to_hear(u), p->now.sent);
}

/* Samples that may be sent now. */
static size_t due_of(const struct seat *seat, const struct utterance *u, const struct pass *p)
{
	const struct attempt *a = &p->now;
	size_t due = heard_to(u, p);

	if (u->state == UTTERANCE_OPEN && p->to == 0)
		due -= (due - a->sent) % IPC_BLOCK_SAMPLES;
	if (!is_paced(seat, p))
		return due;
	return a->partial_pending ? a->sent
				  : MIN(due, a->partial_asked_at + partial_interval(seat));
}

/* Sends what is due of the audio; false: the instance has no room now. */
static bool send_due(struct seat *seat, const struct utterance *u, struct pass *p, size_t due)
{
	const int16_t *samples = (const int16_t *)(const void *)buffer_head(&u->audio);
	struct attempt *a = &p->now;

	a->sent += lease_audio(seat->lease, samples + a->sent, due - a->sent);
	p->reached = MAX(a->sent, p->reached);
	ask_partial(seat, u, p);
	return a->sent == due;
}

/* False: not all has been sent, or what is to be heard of it before its end has not. */
static bool send_audio(struct seat *seat, const struct utterance *u, struct pass *p)
{
	size_t due;

	while ((due = due_of(seat, u, p)) > p->now.sent)
		if (!send_due(seat, u, p, due))
			return false;
	return p->now.sent == heard_to(u, p) && !(is_paced(seat, p) && p->now.partial_pending);
}

static bool is_for(const struct seat *seat, struct utterance *u)
{
	return utterance_is_heard(u) && (seat->index == 0 || seat == u->finals) &&
	    pass_of(u, seat)->state == PASS_OPEN;
}

static struct utterance *next_of(const struct seat *seat)
{
	struct utterance *u = seat->session->first;

	while (u != NULL && !is_for(seat, u))
		u = u->next;
	return u;
}

/* Of what is heard whole, and by the first one that hears it: should that one have been lost for this, the next is not. Partials that are decoded
 * anew make room for it. */
static void ask_eager(struct seat *seat, const struct utterance *u, struct pass *p)
{
	struct attempt *a = &p->now;

	if (u->finals != seat || u->pause == 0 || a->eager_asked || p->lost_n > 0 || p->from > 0 ||
	    p->to > 0)
		return;
	a->eager_asked = lease_request_eager(seat->lease);
	if (a->eager_asked && pool_traits(seat->pool)->partials == IPC_PARTIALS_ANEW)
		a->partial_pending = false;
}

void seat_resume(struct seat *seat, struct utterance *u)
{
	struct pass *p = pass_of(u, seat);

	free(p->eager);
	p->eager = NULL;
	if (seat->at == u)
		lease_cancel_eager(seat->lease);
	p->now.eager_asked = false;
}

/* Whether an utterance that is in a pause, or ended in one, has been heard for good if nothing more is said. */
static bool is_known(struct seat *seat, struct utterance *u)
{
	return u != NULL && pass_of(u, seat)->eager != NULL;
}

/* Once it has ended it need not bear all that it lacks: there is the other pass, unless that one was given up. */
static void bear(struct seat *seat, const struct utterance *u)
{
	bool alone = u->passes[PASS_OF_PARTIALS].state == PASS_GIVEN_UP;

	if (seat->index > 0 && u->state == UTTERANCE_ENDED)
		lease_give_up_in(seat->lease, u->ended_ns,
		    alone ? LEASE_BEARS_ALL : seat->session->finals.wait_ms);
}

static void hear(struct seat *seat, struct utterance *u)
{
	struct pass *p = pass_of(u, seat);
	bool begun = lease_attempt(seat->lease) != ATTEMPT_ENDED && begin(seat, u, &p->now);

	bear(seat, u);
	if (!begun || !send_audio(seat, u, p))
		return;
	if (u->state == UTTERANCE_ENDED || p->to > 0)
		(void)lease_end(seat->lease);
	else
		ask_eager(seat, u, p);
}

void seat_pump(struct seat *seat)
{
	struct utterance *u = next_of(seat);

	while (is_known(seat, u) && u->state == UTTERANCE_ENDED) {
		pass_keep_eager(seat, u);
		u = next_of(seat);
	}
	if (u != NULL && !is_known(seat, u))
		hear(seat, u);
}

void seat_forget(struct seat *seat, const struct utterance *u)
{
	if (seat->at != u)
		return;
	seat->at = NULL;
	if (seat->lease != NULL)
		lease_abort(seat->lease);
}

void seat_close(struct seat *seat)
{
	seat->instance = lease_instance(seat->lease);
	seat->at = NULL;
	lease_release(&seat->lease);
}
