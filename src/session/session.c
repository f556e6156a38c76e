/* What a client does with its session: it gives audio, marks in it, and its end. What becomes of that is session_pump.c's. */
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

/* It belongs to the model that the finals come from. */
static int take_adaptation(struct session *s, const struct session_config *cfg, struct error *err)
{
	struct seat *seat = session_final_seat(s);

	if (cfg->adaptation_bytes > IPC_BLOB_MAX)
		return error_set(err, ERROR_INVALID, "adaptation has %zu bytes; at most %d",
		    cfg->adaptation_bytes, IPC_BLOB_MAX);
	if (cfg->adaptation_bytes == 0)
		return 0;
	seat->adaptation = xcalloc(1, IPC_BLOB_MAX);
	memcpy(seat->adaptation, cfg->adaptation, cfg->adaptation_bytes);
	seat->adaptation_bytes = cfg->adaptation_bytes;
	return 0;
}

static int take_wishes(struct session *s, const struct session_config *cfg, struct error *err)
{
	if (wishes_check(&cfg->wishes, err) < 0)
		return -1;
	wishes_take(&s->wishes, &cfg->wishes);
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
}

static void init_seats(struct session *s, struct pool *pool, const struct pool_finals *finals)
{
	if (finals != NULL)
		s->finals = *finals;
	seat_init(&s->seats[0], s, pool);
	for (unsigned i = 0; i < s->finals.n; i++)
		seat_init(&s->seats[s->seats_n], s, s->finals.pools[i]);
}

static int take_seats(struct session *s, struct error *err, unsigned *retry_after_ms_out)
{
	struct lease_owner owner = {
		.session = s->id, .tenant = s->cfg.tenant, .priority = s->cfg.priority
	};

	for (unsigned i = 0; i < s->seats_n; i++) {
		struct seat *seat = &s->seats[i];

		owner.by_utterance = i > 0;
		seat->lease = lease_new(
		    seat->pool, &owner, &session_lease_events, seat, err, retry_after_ms_out);
		if (seat->lease == NULL)
			return -1;
	}
	return 0;
}

static void drop_marks(struct session *s)
{
	struct mark mark;

	for (const struct mark *m; (m = session_next_mark(s)) != NULL;) {
		mark = *m;
		wishes_free(&mark.wishes);
		buffer_consume(&s->marks, sizeof mark);
	}
	buffer_done(&s->marks);
}

static void free_memory(struct session *s)
{
	told_drop_all(s);
	for (unsigned i = 0; i < s->seats_n; i++) {
		lease_release(&s->seats[i].lease);
		free(s->seats[i].adaptation);
	}
	hearing_free(&s->hearing);
	buffer_done(&s->input);
	drop_marks(s);
	wishes_done(&s->wishes);
	free(s);
}

struct session *session_new(struct pool *pool, struct work *work,
    const struct session_limits *limits, const struct session_config *cfg, struct error *err,
    unsigned *retry_after_ms_out)
{
	struct session *s = xcalloc(1, sizeof *s);

	s->id = ++last_id;
	s->teller.tell = told_tell;
	s->work = work;
	s->limits = limits;
	s->cfg = *cfg;
	s->cfg.adaptation = NULL;
	s->cfg.finals = NULL;
	s->cfg.wishes = (struct session_wishes){ .translate = false };
	s->utterances = cfg->utterances_before;
	init_buffers(s, cfg);
	init_seats(s, pool, cfg->finals);
	if (take_wishes(s, cfg, err) == 0 && take_adaptation(s, cfg, err) == 0)
		s->hearing = hearing_new(s, &cfg->ear, err);
	if (s->hearing == NULL || take_seats(s, err, retry_after_ms_out) < 0) {
		free_memory(s);
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
	for (unsigned i = 0; i < s->seats_n; i++)
		lease_start(s->seats[i].lease);
}

void session_free(struct session **session)
{
	struct session *s = *session;

	if (s == NULL)
		return;
	*session = NULL;
	if (s->state != SESSION_CLOSED)
		session_close(s);
	utterance_drop_all(s);
	metric_sub(METRIC_sessions, 1);
	metric_add(METRIC_sessions_closed_total, 1);
	free_memory(s);
}

/* Whether the client has sent no more than somebody can have said in the time, since its audio has to wait: a live one, which
 * cannot be slowed. What it kept to itself before does not make it one. */
static bool is_live(struct session *s)
{
	uint64_t elapsed_ms = (pool_now_ns(s->seats[0].pool) - s->backlog_from_ns) / NS_PER_MS;
	uint64_t sent_ms = s->backlog_ns / NS_PER_MS;

	return s->flow == FLOW_LIVE && sent_ms <= elapsed_ms + elapsed_ms / 10 + LIVE_BURST_MS;
}

static void block_or_fail(struct session *s)
{
	struct error err;

	if (s->flow == FLOW_HELD || session_is_over(s) || s->waiting_ns <= session_bound_ns(s))
		return;
	if (!is_live(s)) {
		s->flow = FLOW_HELD; /* until on_drain, whatever is sent all the same */
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

	s->life = LIFE_HEARD;
	s->given += n;
	s->waiting_ns += ns;
	if (s->input.len == 0) {
		s->backlog_from_ns = pool_now_ns(s->seats[0].pool);
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

static bool takes_more(const struct session *s)
{
	return s->giving == GIVING && s->state != SESSION_CLOSED;
}

bool session_audio(struct session *s, const void *bytes, size_t n)
{
	if (!takes_more(s))
		return true;
	note_audio(s, n);
	if (buffer_append(&s->input, bytes, n) < 0)
		fail_for_room(s, n);
	session_hear(s);
	block_or_fail(s);
	return s->flow != FLOW_HELD;
}

/* Takes over what it owns. */
static void put_mark(struct session *s, struct mark *mark)
{
	struct error err;

	if (!takes_more(s)) {
		wishes_free(&mark->wishes);
		return;
	}
	s->life = LIFE_HEARD;
	if (buffer_append(&s->marks, mark, sizeof *mark) < 0) {
		wishes_free(&mark->wishes);
		(void)error_set(&err, ERROR_LIMIT,
		    "more than %d commits, clears and changes of format wait to be carried out",
		    MARKS_MAX);
		session_fail(s, &err, 0);
	}
	session_hear(s);
}

static void commit(struct session *s, bool told)
{
	struct mark mark = { .kind = MARK_COMMIT, .at = s->given, .told = told };

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

	if (!takes_more(s))
		return;
	mark.skipped = drop_input(s);
	mark.at = s->given - mark.skipped;
	put_mark(s, &mark);
}

int session_reconfigure(struct session *s, const struct ear_config *cfg, struct error *err)
{
	struct mark mark = { .kind = MARK_RECONFIGURE, .at = s->given, .ear = *cfg };

	if (ear_config_check(cfg, err) < 0)
		return -1;
	if (!takes_more(s))
		return 0;
	s->ear = *cfg;
	s->input.max = MAX(s->input.max, input_max(s, &cfg->format)); /* the old may wait still */
	put_mark(s, &mark);
	return 0;
}

int session_wish(struct session *s, const struct session_wishes *wishes, struct error *err)
{
	struct mark mark = { .kind = MARK_WISH, .at = s->given };

	if (wishes_check(wishes, err) < 0)
		return -1;
	mark.wishes = xcalloc(1, sizeof *mark.wishes);
	wishes_take(mark.wishes, wishes);
	put_mark(s, &mark);
	return 0;
}

void session_set_wording(struct session *s, const struct wording *wording)
{
	s->cfg.wording = *wording;
}

void session_commit(struct session *s)
{
	commit(s, s->cfg.wants_heard);
}

void session_commit_unasked(struct session *s)
{
	commit(s, false);
}

void session_end(struct session *s)
{
	if (!takes_more(s))
		return;
	s->giving = GIVING_ENDED;
	if (s->parting == PARTING_SOON)
		s->parting =
		    PARTING_NONE; /* all it has sent is heard, as it says that this is all */
	session_step(s, STEP_END);
	session_hear(s);
}

void session_leave_soon(struct session *s, unsigned retry_after_ms)
{
	if (s->parting == PARTING_NONE && (s->giving == GIVING || s->state == SESSION_QUEUED))
		s->parting = PARTING_SOON;
	s->retry_after_ms = retry_after_ms;
	session_pump(s);
}

void session_abort(struct session *s, const struct error *why)
{
	session_fail(s, why, 0);
	turn_flush(pool_turn(s->seats[0].pool), &s->teller);
}

/* Only speech detection can tell that there is nothing more to come; where the client's word ends it, it is waited for, unless
 * another session may go on with it. */
static bool is_all_open(const struct session *s)
{
	return session_is_speaking(s) && s->first == s->last &&
	    (s->cfg.wants_idle || s->ear.endpoint.endpointing == ENDPOINTING_VAD);
}

static bool shows_life(const struct session *s)
{
	return s->life == LIFE_HEARD || s->input.len > 0 || s->state == SESSION_QUEUED ||
	    s->state == SESSION_CLOSED;
}

/* What is still to be told of an utterance that idleness has ended is no sign of life. */
bool session_is_idle(struct session *s, uint64_t now_ns)
{
	bool alive = shows_life(s);
	bool working = s->hearing->at_work || (s->first != NULL && !is_all_open(s));

	if (alive)
		s->life = LIFE_NONE;
	if (alive || (working && s->life != LIFE_CUT) || s->idle_since_ns == 0)
		s->idle_since_ns = now_ns;
	return s->limits->idle_timeout_ms > 0 && !working &&
	    now_ns - s->idle_since_ns > s->limits->idle_timeout_ms * NS_PER_MS;
}

void session_cut_idle(struct session *s)
{
	session_commit_unasked(s);
	s->life = LIFE_CUT; /* that was not the client */
}

void session_end_idle(struct session *s)
{
	struct session_event e = { .kind = SESSION_EVENT_IDLE };
	struct error err;

	(void)error_set(&err, ERROR_TIMEOUT, "no audio came for idle_timeout_ms %u",
	    s->limits->idle_timeout_ms);
	if (s->cfg.wants_idle)
		session_emit(s, &e);
	else
		session_fail(s, &err, 0);
}

uint64_t session_utterances(const struct session *s)
{
	return s->utterances;
}

const uint8_t *session_adaptation(const struct session *s, size_t *n_out)
{
	const struct seat *seat = &s->seats[s->seats_n > 1];

	*n_out = seat->adaptation_bytes;
	return seat->adaptation;
}

const int16_t *session_samples(const struct session *s, uint64_t utterance, size_t *n_out)
{
	const struct utterance *u = s->first;

	while (u != NULL && u->id != utterance)
		u = u->next;
	*n_out = u == NULL || !utterance_is_heard(u) ? 0 : utterance_samples(u);
	return *n_out == 0 ? NULL : (const int16_t *)(const void *)buffer_head(&u->audio);
}

const char *session_pool_name(const struct session *s)
{
	return pool_name(s->seats[0].pool);
}

unsigned session_open_utterances(const struct session *s)
{
	unsigned n = 0;

	for (const struct utterance *u = s->first; u != NULL; u = u->next)
		n += utterance_is_heard(u) || u->incomplete != NULL;
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
