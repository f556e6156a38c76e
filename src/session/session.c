#include "session/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/session_internal.h"

enum { LIVE_BURST_MS = 500, OVERLOAD_RETRY_MS = 5000 };

static uint64_t last_id;

static int take_adaptation(struct session *s, const struct session_config *cfg, struct error *err)
{
	if (cfg->adaptation_bytes > IPC_BLOB_MAX)
		return error_set(err, ERROR_INVALID, "adaptation has %zu bytes; at most %d",
		    cfg->adaptation_bytes, IPC_BLOB_MAX);
	if (cfg->adaptation_bytes == 0)
		return 0;
	s->adaptation = xcalloc(1, IPC_BLOB_MAX);
	memcpy(s->adaptation, cfg->adaptation, cfg->adaptation_bytes);
	s->adaptation_bytes = cfg->adaptation_bytes;
	return 0;
}

/* Bytes: twice the bound, or one piece over it. */
static size_t input_max(const struct session *s, const struct format *format)
{
	uint64_t per_s = MIN(format_bytes_per_s(format), (uint64_t)INPUT_BYTES_PER_S_MAX);
	size_t bound = (size_t)(per_s * s->limits->buffer_ms / 1000);

	return bound + MAX(bound, s->limits->piece_bytes);
}

static void init_buffers(struct session *s, const struct session_config *cfg)
{
	s->ear = cfg->ear;
	s->format = cfg->ear.format;
	buffer_init(&s->input, input_max(s, &cfg->ear.format));
	buffer_init(&s->marks, MARKS_MAX * sizeof(struct mark));
	buffer_init(&s->hearing.bytes, JOB_BYTES_MAX);
}

struct session *session_new(struct pool *pool, struct work *work,
    const struct session_limits *limits, const struct session_config *cfg, struct error *err,
    unsigned *retry_after_ms_out)
{
	struct session *s = xcalloc(1, sizeof *s);
	const struct lease_owner owner = {
		.session = ++last_id, .tenant = cfg->tenant, .priority = cfg->priority
	};

	s->id = owner.session;
	s->pool = pool;
	s->work = work;
	s->limits = limits;
	s->partials = cfg->partials;
	s->partial_interval_ms = cfg->partial_interval_ms;
	s->wants_heard = cfg->wants_heard;
	s->wants_idle = cfg->wants_idle;
	s->utterances = s->utterances_before = cfg->utterances_before;
	s->paced_partials = cfg->paced_partials;
	s->settle_ms = cfg->settle_ms;
	s->offset_ms = cfg->offset_ms;
	init_buffers(s, cfg);
	s->hearing.done = session_on_heard;
	s->hearing.ear = ear_new(&cfg->ear, err);
	if (s->hearing.ear == NULL || take_adaptation(s, cfg, err) < 0) {
		session_free_memory(s);
		return NULL;
	}
	s->lease = lease_new(pool, &owner, &session_lease_events, s, err, retry_after_ms_out);
	if (s->lease == NULL) {
		session_free_memory(s);
		return NULL;
	}
	metric_add(METRIC_sessions_opened_total, 1);
	metric_add(METRIC_sessions, 1);
	return s;
}

void session_start(struct session *s, const struct session_events *events, void *arg)
{
	s->events = events;
	s->arg = arg;
	session_enter(s);
	lease_start(s->lease);
	session_leave(s);
}

void session_free(struct session **session)
{
	struct session *s = *session;

	if (s == NULL)
		return;
	*session = NULL;
	session_enter(s);
	s->dead = true;
	if (s->state != SESSION_CLOSED)
		session_close(s);
	utterance_drop_all(s);
	metric_sub(METRIC_sessions, 1);
	metric_add(METRIC_sessions_closed_total, 1);
	session_leave(s);
}

/* Whether the client has sent no more than somebody can have said in the time, since its audio has to wait: a live one, which
 * cannot be slowed. What it kept to itself before does not make it one. */
static bool is_live(struct session *s)
{
	uint64_t elapsed_ms = (pool_now_ns(s->pool) - s->backlog_from_ns) / NS_PER_MS;
	uint64_t sent_ms = s->backlog_ns / NS_PER_MS;

	return !s->outpaces && sent_ms <= elapsed_ms + elapsed_ms / 10 + LIVE_BURST_MS;
}

static void block_or_fail(struct session *s)
{
	struct error err;

	if (s->blocked || session_is_over(s) || s->waiting_ns <= session_bound_ns(s))
		return;
	if (!is_live(s)) {
		s->outpaces = true;
		s->blocked = true; /* until on_drain, whatever is sent all the same */
		return;
	}
	(void)error_set(&err, ERROR_OVERLOADED,
	    "audio that came live is waiting to be heard for longer than is kept "
	    "(session_buffer_ms %u)",
	    s->limits->buffer_ms);
	metric_add(METRIC_sessions_overloaded_total, 1);
	session_fail(s, &err, OVERLOAD_RETRY_MS);
}

static void note_audio(struct session *s, size_t n)
{
	uint64_t ns = hearing_ns(&s->ear.format, n);

	s->heard = true;
	s->given += n;
	s->waiting_ns += ns;
	if (s->input.len == 0) {
		s->backlog_from_ns = pool_now_ns(s->pool);
		s->backlog_ns = 0;
	}
	s->backlog_ns += ns;
}

static void fail_for_room(struct session *s, size_t n)
{
	struct error err;

	if (n > s->input.max - s->input.len)
		(void)error_set(&err, ERROR_LIMIT,
		    "more audio came than is kept for a session (session_buffer_ms %u, twice over)",
		    s->limits->buffer_ms);
	else
		(void)error_set(
		    &err, ERROR_SYSTEM, "out of memory for the audio that waits to be heard");
	session_fail(s, &err, 0);
}

bool session_audio(struct session *s, const void *bytes, size_t n)
{
	bool go_on;

	if (s->ending || s->state == SESSION_CLOSED)
		return true;
	note_audio(s, n);
	session_enter(s);
	if (buffer_append(&s->input, bytes, n) < 0)
		fail_for_room(s, n);
	session_hear(s);
	block_or_fail(s);
	go_on = !s->blocked;
	session_leave(s);
	return go_on;
}

static void put_mark(struct session *s, const struct mark *mark)
{
	struct error err;

	if (s->ending || s->state == SESSION_CLOSED)
		return;
	s->heard = true;
	session_enter(s);
	if (buffer_append(&s->marks, mark, sizeof *mark) < 0) {
		(void)error_set(&err, ERROR_LIMIT,
		    "more than %d commits, clears and changes of format wait to be carried out",
		    MARKS_MAX);
		session_fail(s, &err, 0);
	}
	session_hear(s);
	session_leave(s);
}

static void commit(struct session *s, bool told)
{
	const struct mark mark = { .kind = MARK_COMMIT, .at = s->given, .told = told };

	put_mark(s, &mark);
}

/* Takes back what no mark stands behind; bytes. */
static uint64_t drop_input(struct session *s)
{
	const struct mark *marks = (const void *)buffer_head(&s->marks);
	size_t n = s->marks.len / sizeof *marks;
	uint64_t from = n == 0 ? s->input_taken : marks[n - 1].at + marks[n - 1].skipped;
	uint64_t dropped = s->given - from;

	buffer_cut(&s->input, (size_t)dropped);
	s->waiting_ns -= MIN(s->waiting_ns, hearing_ns(&s->ear.format, dropped));
	return dropped;
}

void session_clear(struct session *s)
{
	struct mark mark = { .kind = MARK_CLEAR, .ear = s->ear };

	if (s->ending || s->state == SESSION_CLOSED)
		return;
	mark.skipped = drop_input(s);
	mark.at = s->given - mark.skipped;
	put_mark(s, &mark);
}

int session_reconfigure(struct session *s, const struct ear_config *cfg, struct error *err)
{
	const struct mark mark = { .kind = MARK_RECONFIGURE, .at = s->given, .ear = *cfg };

	if (ear_config_check(cfg, err) < 0)
		return -1;
	if (s->ending || s->state == SESSION_CLOSED)
		return 0;
	s->ear = *cfg;
	s->input.max = MAX(s->input.max, input_max(s, &cfg->format)); /* the old may wait still */
	put_mark(s, &mark);
	return 0;
}

void session_commit(struct session *s)
{
	commit(s, s->wants_heard);
}

void session_commit_unasked(struct session *s)
{
	commit(s, false);
}

void session_end(struct session *s)
{
	if (s->ending || s->state == SESSION_CLOSED)
		return;
	session_enter(s);
	s->ending = true;
	s->leaving = s->cut_off; /* all it has sent is heard, as it says that this is all */
	session_step(s, STEP_END);
	session_hear(s);
	session_leave(s);
}

void session_leave_soon(struct session *s, unsigned retry_after_ms)
{
	session_enter(s);
	s->leaving = !s->ending || s->state == SESSION_QUEUED;
	s->retry_after_ms = retry_after_ms;
	session_pump(s);
	session_leave(s);
}

void session_abort(struct session *s, const struct error *why)
{
	session_enter(s);
	session_fail(s, why, 0);
	session_leave(s);
}

/* Only speech detection can tell that there is nothing more to come; where the client's word ends it, it is waited for, unless
 * another session may go on with it. */
static bool is_all_open(const struct session *s)
{
	return s->speaking && s->first == s->last &&
	    (s->wants_idle || s->ear.endpoint.endpointing == ENDPOINTING_VAD);
}

/* What is still to be told of an utterance that idleness has ended is no sign of life. */
bool session_is_idle(struct session *s, uint64_t now_ns)
{
	bool heard = s->heard || s->input.len > 0 || s->state == SESSION_QUEUED ||
	    s->state == SESSION_CLOSED;
	bool working = s->job_running || (s->first != NULL && !is_all_open(s));

	s->heard = false;
	s->idle_cut = s->idle_cut && !heard;
	if (heard || (working && !s->idle_cut) || s->idle_since_ns == 0)
		s->idle_since_ns = now_ns;
	return s->limits->idle_timeout_ms > 0 && !working &&
	    now_ns - s->idle_since_ns > s->limits->idle_timeout_ms * NS_PER_MS;
}

void session_cut_idle(struct session *s)
{
	session_commit_unasked(s);
	s->heard = false; /* that was not the client */
	s->idle_cut = true;
}

void session_end_idle(struct session *s)
{
	struct session_event e = { .kind = SESSION_EVENT_IDLE };
	struct error err;

	session_enter(s);
	(void)error_set(&err, ERROR_TIMEOUT, "no audio came for idle_timeout_ms %u",
	    s->limits->idle_timeout_ms);
	if (s->wants_idle)
		session_emit(s, &e);
	else
		session_fail(s, &err, 0);
	session_leave(s);
}

uint64_t session_utterances(const struct session *s)
{
	return s->utterances;
}

const uint8_t *session_adaptation(const struct session *s, size_t *n_out)
{
	*n_out = s->adaptation_bytes;
	return s->adaptation;
}

const int16_t *session_samples(const struct session *s, uint64_t utterance, size_t *n_out)
{
	const struct utterance *u = s->first;

	while (u != NULL && u->id != utterance)
		u = u->next;
	*n_out = u == NULL || u->failed ? 0 : utterance_samples(u);
	return *n_out == 0 ? NULL : (const int16_t *)(const void *)buffer_head(&u->audio);
}

uint64_t session_instance(const struct session *s)
{
	return s->lease == NULL ? s->instance : lease_instance(s->lease);
}

bool session_is_speaking(const struct session *s)
{
	return s->speaking;
}

const char *session_pool_name(const struct session *s)
{
	return pool_name(s->pool);
}

unsigned session_open_utterances(const struct session *s)
{
	unsigned n = 0;

	for (const struct utterance *u = s->first; u != NULL; u = u->next)
		n += !u->failed || u->incomplete != NULL;
	return n;
}

uint64_t session_id(const struct session *s)
{
	return s->id;
}

enum session_state session_state(const struct session *s)
{
	return s->state;
}
