/* What drives a session: whenever something has come of it, from a lease or from its ear, each stage does what it can
 * now; and here it ends. The stages do not call back. Nor does the client: what it is told is queued (told.c). */
#include <stddef.h>

#include "base/metric.h"
#include "base/util.h"
#include "session/session_internal.h"

void session_close(struct session *s)
{
	session_step(s, STEP_CLOSE);
	for (unsigned i = 0; i < s->seats_n; i++)
		seat_close(&s->seats[i]);
}

static void end_with(struct session *s, const struct error *why, unsigned retry_after_ms)
{
	struct session_event e = { .kind = SESSION_EVENT_ERROR };

	session_close(s);
	utterance_tell_rest(s, why);
	e.error.why = why;
	e.error.retry_after_ms = retry_after_ms;
	e.error.fatal = true;
	session_emit(s, &e);
}

void session_fail(struct session *s, const struct error *why, unsigned retry_after_ms)
{
	if (s->state == SESSION_CLOSED)
		return;
	metric_add(METRIC_sessions_failed_total, 1);
	end_with(s, why, retry_after_ms);
}

static void leave_if_idle(struct session *s)
{
	struct error err;

	if (s->parting == PARTING_NONE || s->state == SESSION_CLOSED || s->first != NULL)
		return;
	(void)error_set(&err, ERROR_RESTARTING,
	    "the server is shutting down; send what is behind the last final to another one");
	metric_add(METRIC_sessions_moved_total, 1);
	end_with(s, &err, s->retry_after_ms);
}

static void finish_if_done(struct session *s)
{
	struct session_event e = { .kind = SESSION_EVENT_ENDED };

	leave_if_idle(s);
	if (s->state != SESSION_DRAINING || s->giving != GIVING_FINISHED || s->hearing->at_work ||
	    s->first != NULL)
		return;
	session_close(s);
	e.ended.audio_ms = ear_position(s->hearing->ear) / SAMPLES_PER_MS;
	e.ended.utterances = s->utterances - s->cfg.utterances_before;
	session_emit(s, &e);
}

static void fail_if_broken(struct session *s)
{
	if (s->broken.code != ERROR_NONE)
		session_fail(s, &s->broken, 0);
}

void session_hear(struct session *s)
{
	hearing_next(s);
	fail_if_broken(s);
}

void session_pump(struct session *s)
{
	utterance_pump(s);
	for (unsigned i = 0; i < s->seats_n; i++)
		if (s->state != SESSION_QUEUED && !session_is_over(s))
			seat_pump(&s->seats[i]);
	utterance_pump(s); /* what was known before it was asked for is there already */
	heard_tell(s);
	session_hear(s);
	finish_if_done(s);
}

void session_on_heard(void *arg)
{
	struct hearing *h = arg;
	struct session *s = h->session;

	h->at_work = false;
	if (s == NULL) {
		hearing_free(&h);
		return;
	}
	hearing_take(s);
	session_pump(s);
	hearing_unblock(s);
}

/* What a lease says of its seat. */

static void on_queued(void *arg, unsigned position, uint64_t estimated_wait_ms)
{
	const struct session_event e = { .kind = SESSION_EVENT_QUEUED,
		.queued = { position, estimated_wait_ms } };
	struct seat *seat = arg;

	session_emit(seat->session, &e);
}

static void on_granted(void *arg)
{
	const struct session_event e = { .kind = SESSION_EVENT_READY };
	struct seat *seat = arg;
	struct session *s = seat->session;

	if (seat->index > 0)
		return; /* it is for each utterance that a place is waited for there */
	session_step(s, STEP_GRANTED);
	if (s->giving != GIVING)
		session_step(s, STEP_END);
	session_emit(s, &e);
	session_pump(s);
}

static void on_refused(void *arg, const struct error *why, unsigned retry_after_ms)
{
	struct seat *seat = arg;

	session_fail(seat->session, why, retry_after_ms);
}

static void on_writable(void *arg)
{
	struct seat *seat = arg;

	session_pump(seat->session);
}

static void on_partial(void *arg, const struct ipc_result *r)
{
	struct seat *seat = arg;

	pass_partial(seat, r);
	session_pump(seat->session);
}

static void on_eager(void *arg, const struct ipc_result *r)
{
	struct seat *seat = arg;

	pass_eager(seat, r);
	session_pump(seat->session);
}

static void on_final(void *arg, const struct ipc_result *r)
{
	struct seat *seat = arg;

	pass_final(seat, r);
	session_pump(seat->session);
}

static void on_lost(void *arg, const struct error *why, const struct loss *loss)
{
	struct seat *seat = arg;

	pass_lost(seat, why, loss);
	heard_tell(
	    seat->session); /* its partial was lost, and the next instance may owe another one */
	session_pump(seat->session);
}

static void on_failed(void *arg, const struct error *why)
{
	struct seat *seat = arg;

	pass_give_up(seat, why);
	session_pump(seat->session);
}

const struct lease_events session_lease_events = {
	.on_queued = on_queued,
	.on_granted = on_granted,
	.on_refused = on_refused,
	.on_writable = on_writable,
	.on_partial = on_partial,
	.on_eager = on_eager,
	.on_final = on_final,
	.on_lost = on_lost,
	.on_failed = on_failed,
};
