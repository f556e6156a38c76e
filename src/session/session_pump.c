/* What drives a session: whenever something has come of it, from its lease or from its ear, each stage does what it can
 * now; and here it ends. The stages do not call back. */
#include "base/metric.h"
#include "base/util.h"
#include "session/session_internal.h"

void session_close(struct session *s)
{
	session_step(s, STEP_CLOSE);
	s->instance = lease_instance(s->lease);
	lease_release(&s->lease);
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
	if (s->dead || s->state == SESSION_CLOSED)
		return;
	metric_add(METRIC_sessions_failed_total, 1);
	end_with(s, why, retry_after_ms);
}

static void leave_if_idle(struct session *s)
{
	struct error err;

	if (!s->leaving || s->dead || s->state == SESSION_CLOSED || s->first != NULL)
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
	if (s->dead || s->state != SESSION_DRAINING || !s->finished || s->job_running ||
	    s->first != NULL)
		return;
	session_close(s);
	e.ended.audio_ms = ear_position(s->hearing.ear) / SAMPLES_PER_MS;
	e.ended.utterances = s->utterances - s->utterances_before;
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
	attempt_pump(s);
	heard_tell(s);
	session_hear(s);
	finish_if_done(s);
}

void session_on_heard(void *arg)
{
	struct hearing *h = arg;
	struct session *s = (struct session *)((char *)h - offsetof(struct session, hearing));

	session_enter(s);
	hearing_take(s);
	session_pump(s);
	hearing_unblock(s);
	session_leave(s);
}

static void on_queued(void *arg, unsigned position, uint64_t estimated_wait_ms)
{
	struct session *s = arg;
	const struct session_event e = { .kind = SESSION_EVENT_QUEUED,
		.queued = { position, estimated_wait_ms } };

	session_enter(s);
	session_emit(s, &e);
	session_leave(s);
}

static void on_granted(void *arg)
{
	struct session *s = arg;
	const struct session_event e = { .kind = SESSION_EVENT_READY };

	session_enter(s);
	s->granted = true;
	session_step(s, STEP_GRANTED);
	if (s->ending)
		session_step(s, STEP_END);
	session_emit(s, &e);
	session_pump(s);
	session_leave(s);
}

static void on_refused(void *arg, const struct error *why, unsigned retry_after_ms)
{
	struct session *s = arg;

	session_enter(s);
	session_fail(s, why, retry_after_ms);
	session_leave(s);
}

static void on_writable(void *arg)
{
	struct session *s = arg;

	session_enter(s);
	session_pump(s);
	session_leave(s);
}

static void on_partial(void *arg, const struct ipc_result *r)
{
	struct session *s = arg;

	session_enter(s);
	attempt_partial(s, r);
	session_pump(s);
	session_leave(s);
}

static void on_final(void *arg, const struct ipc_result *r)
{
	struct session *s = arg;

	session_enter(s);
	attempt_final(s, r);
	session_pump(s);
	session_leave(s);
}

static void on_lost(void *arg, const struct error *why, const struct loss *loss)
{
	struct session *s = arg;

	session_enter(s);
	attempt_lost(s, why, loss);
	heard_tell(
	    s); /* its partial was lost, and the next instance may be there already and owe another one */
	session_pump(s);
	session_leave(s);
}

static void on_failed(void *arg, const struct error *why)
{
	struct session *s = arg;

	session_enter(s);
	attempt_failed(s, why);
	session_pump(s);
	session_leave(s);
}

const struct lease_events session_lease_events = {
	.on_queued = on_queued,
	.on_granted = on_granted,
	.on_refused = on_refused,
	.on_writable = on_writable,
	.on_partial = on_partial,
	.on_final = on_final,
	.on_lost = on_lost,
	.on_failed = on_failed,
};
