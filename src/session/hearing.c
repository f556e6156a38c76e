/* The ear's part of a session: one job at a time takes some bytes to the work pool and comes back with events and
 * samples. While it runs, s->hearing belongs to it, and outlives the session if that goes. */
#include <stdlib.h>

#include "base/metric.h"
#include "base/util.h"
#include "session/session_internal.h"

/* Where the ear itself cannot say, for it holds some back to resample it, its bytes do. */
static int renew(struct hearing *h)
{
	struct ear *ear;

	if (h->finish_old && ear_finish(h->ear, &h->out, &h->err) < 0)
		return -1;
	ear = ear_new_at(&h->renew_with, MAX(h->renew_at, ear_position(h->ear)), &h->err);
	if (ear == NULL)
		return -1;
	ear_free(&h->ear);
	h->ear = ear;
	return 0;
}

static void run(void *arg)
{
	struct hearing *h = arg;

	h->rc = ear_feed(h->ear, buffer_head(&h->bytes), h->bytes.len, &h->out, &h->err);
	if (h->rc == 0 && h->commit)
		h->rc = ear_commit(h->ear, &h->out, &h->err);
	h->committed_n = h->out.events_n;
	if (h->rc == 0 && h->finish)
		h->rc = ear_finish(h->ear, &h->out, &h->err);
	if (h->rc == 0 && h->renew)
		h->rc = renew(h);
}

struct hearing *hearing_new(struct session *s, const struct ear_config *cfg, struct error *err)
{
	struct hearing *h = xcalloc(1, sizeof *h);

	h->session = s;
	buffer_init(&h->bytes, JOB_BYTES_MAX);
	h->ear = ear_new(cfg, err);
	if (h->ear == NULL)
		hearing_free(&h);
	return h;
}

void hearing_free(struct hearing **hearing)
{
	struct hearing *h = *hearing;

	*hearing = NULL;
	if (h == NULL)
		return;
	h->session = NULL;
	if (h->at_work)
		return; /* it comes again when that is over */
	ear_free(&h->ear);
	buffer_done(&h->bytes);
	ear_out_done(&h->out);
	free(h);
}

void hearing_unblock(struct session *s)
{
	struct told *t;

	if (s->flow != FLOW_HELD || session_is_over(s) || s->waiting_ns > session_bound_ns(s) / 2)
		return;
	s->flow = FLOW_FILE;
	t = xcalloc(1, sizeof *t);
	t->drain = true;
	told_push(s, t);
}

static void count_received(struct session *s)
{
	uint64_t ms = ear_position(s->hearing->ear) / SAMPLES_PER_MS;

	metric_add(METRIC_audio_received_seconds_total, ms - s->received_ms);
	s->received_ms = ms;
}

static void note_taken(struct session *s)
{
	if (s->input_taken > s->taken.bytes)
		s->taken_before = s->taken;
	s->taken = (struct place){ s->input_taken, ear_position(s->hearing->ear) };
	if (s->hearing->renew)
		s->ear_from = s->taken;
}

void hearing_take(struct session *s)
{
	struct hearing *h = s->hearing;
	bool clear = h->rc == 0 && h->renew && !h->finish_old;

	buffer_consume(&h->bytes, h->bytes.len);
	count_received(s);
	if (h->rc < 0)
		session_break(s, &h->err);
	else if (utterance_take(s, &h->out))
		note_taken(s);
	if (h->out.samples_cap > KEEP_SAMPLES)
		ear_out_done(&h->out);
	if (clear && !session_is_over(s) && s->parting != PARTING_CUT)
		utterance_clear(s);
}

/* Bytes before the next mark, or all there are, within one job's bound. */
static size_t next_bytes(const struct session *s)
{
	const struct mark *m = session_next_mark(s);
	uint64_t to_mark = m == NULL ? UINT64_MAX : m->at - s->input_taken;

	return MIN(MIN(s->input.len, to_mark), (size_t)JOB_BYTES_MAX);
}

/* Where `at` is in the ear's time. */
static uint64_t samples_at(const struct session *s, uint64_t at)
{
	uint64_t frames = (at - s->ear_from.bytes) / format_frame_bytes(&s->format);

	return s->ear_from.samples + frames * EAR_RATE_HZ / s->format.rate_hz;
}

static void take_renewal(struct session *s, const struct mark *m)
{
	struct hearing *h = s->hearing;

	h->renew = true;
	h->finish_old = m->kind == MARK_RECONFIGURE;
	h->renew_with = m->ear;
	h->renew_at = samples_at(s, m->at + m->skipped);
	s->input_taken += m->skipped;
	s->format = m->ear.format;
}

/* Nobody hears now, and what opens from here on is heard with them. */
static void take_wishes(struct session *s)
{
	const struct mark *m;
	struct mark wish;

	while (
	    (m = session_next_mark(s)) != NULL && m->at == s->input_taken && m->kind == MARK_WISH) {
		wish = *m;
		buffer_consume(&s->marks, sizeof wish);
		wishes_done(&s->wishes);
		s->wishes = *wish.wishes;
		free(wish.wishes);
	}
}

/* Commits, and up to one renewal of the ear after them; up to other wishes. */
static void take_marks(struct session *s)
{
	struct hearing *h = s->hearing;
	const struct mark *m;

	h->commit = h->renew = false;
	h->commits = 0;
	while (!h->renew && (m = session_next_mark(s)) != NULL && m->at == s->input_taken &&
	    m->kind != MARK_WISH) {
		if (m->kind == MARK_COMMIT) {
			h->commit = true;
			h->commits += m->told;
		} else {
			take_renewal(s, m);
		}
		buffer_consume(&s->marks, sizeof *m);
	}
}

uint64_t hearing_ns(const struct format *f, uint64_t bytes)
{
	return bytes * NS_PER_S / format_bytes_per_s(f);
}

static void take_input(struct session *s, size_t n)
{
	buffer_consume(&s->input, n);
	s->input_taken += n;
	s->waiting_ns -= MIN(s->waiting_ns, hearing_ns(&s->format, n));
	if (s->input.len == 0)
		s->waiting_ns = 0; /* no trace of rounding */
}

/* Nothing is taken to the ear but the word that the open utterance ends here. */
static bool take_cut(struct session *s)
{
	uint64_t cut = s->cut_utterance;

	s->cut_utterance = 0;
	if (!session_is_speaking(s) || s->last->id != cut)
		return false;
	s->hearing->commit = true;
	s->hearing->renew = s->hearing->finish = false;
	s->hearing->commits = 0;
	return true;
}

static void start_job(struct session *s)
{
	struct hearing *h = s->hearing;

	ear_out_clear(&h->out);
	h->item = (struct work_item){ .run = run, .done = session_on_heard, .arg = h };
	h->at_work = true;
	s->work->submit(s->work, &h->item);
}

/* Whether the ear may have any more now. */
static bool may_hear(const struct session *s)
{
	if (s->parting != PARTING_NONE && !session_is_speaking(s))
		return false;
	return !s->hearing->at_work && !session_is_over(s) && s->state != SESSION_QUEUED &&
	    s->giving != GIVING_FINISHED;
}

/* Samples that wait to be sent. What is sent again does not count. */
static uint64_t unsent(const struct session *s, enum pass_kind kind, bool ended)
{
	uint64_t n = 0;

	for (const struct utterance *u = s->first; u != NULL; u = u->next)
		if (u->passes[kind].state == PASS_OPEN && (!ended || u->state == UTTERANCE_ENDED))
			n += MAX(utterance_to_hear(u), u->passes[kind].reached) -
			    u->passes[kind].reached;
	return n;
}

/* More than is kept waits to be sent. Where there is another pass for finals it may be late by all that is said while it lacks a
 * place, and partials are not: what is open does not wait for it. */
static bool is_behind(const struct session *s)
{
	uint64_t ms = s->limits->buffer_ms;

	if (unsent(s, PASS_OF_PARTIALS, false) > ms * SAMPLES_PER_MS)
		return true;
	ms += (uint64_t)s->ear.endpoint.max_utterance_ms + s->finals.wait_ms;
	return s->seats_n > 1 && unsent(s, PASS_OF_FINALS, true) > ms * SAMPLES_PER_MS;
}

void hearing_next(struct session *s)
{
	struct hearing *h = s->hearing;
	size_t n;

	if (!may_hear(s))
		return;
	h->rate_hz = s->format.rate_hz;
	if (take_cut(s)) {
		start_job(s);
		return;
	}
	take_wishes(s);
	n = next_bytes(s);
	if (n > 0 && is_behind(s))
		return;
	if (buffer_append(&h->bytes, buffer_head(&s->input), n) < 0) {
		session_break_for_memory(s, "");
		return;
	}
	take_input(s, n);
	take_marks(s);
	h->finish =
	    s->giving == GIVING_ENDED && s->input.len == 0 && s->marks.len == 0 && !h->renew;
	if (n == 0 && !h->commit && !h->renew && !h->finish)
		return;
	if (h->finish)
		s->giving = GIVING_FINISHED;
	start_job(s);
}
