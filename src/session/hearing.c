/* The ear's part of a session: one job at a time takes some bytes to the work pool and comes back with events and
 * samples. While it runs, s->hearing belongs to it. */
#include "base/metric.h"
#include "base/util.h"
#include "session/session_internal.h"

static void run(void *arg)
{
	struct hearing *h = arg;

	h->rc = ear_feed(h->ear, buffer_head(&h->bytes), h->bytes.len, &h->out, &h->err);
	if (h->rc == 0 && h->commit)
		h->rc = ear_commit(h->ear, &h->out, &h->err);
	h->committed_n = h->out.events_n;
	if (h->rc == 0 && h->finish)
		h->rc = ear_finish(h->ear, &h->out, &h->err);
}

static void unblock(struct session *s)
{
	if (!s->blocked || s->dead || s->input.len > s->input_bound / 2)
		return;
	s->blocked = false;
	s->events->on_drain(s->arg);
}

static void count_received(struct session *s)
{
	uint64_t ms = ear_position(s->hearing.ear) / SAMPLES_PER_MS;

	metric_add(METRIC_audio_received_seconds_total, ms - s->received_ms);
	s->received_ms = ms;
}

static void note_taken(struct session *s)
{
	if (s->input_taken > s->taken.bytes)
		s->taken_before = s->taken;
	s->taken = (struct place){ s->input_taken, ear_position(s->hearing.ear) };
}

static void on_done(void *arg)
{
	struct hearing *h = arg;
	struct session *s = (struct session *)((char *)h - offsetof(struct session, hearing));

	session_enter(s);
	buffer_consume(&h->bytes, h->bytes.len);
	count_received(s);
	if (h->rc < 0)
		session_fail(s, &h->err, 0);
	else if (utterance_take(s, &h->out))
		note_taken(s);
	if (h->out.samples_cap > KEEP_SAMPLES)
		ear_out_done(&h->out);
	s->job_running = false; /* not before h->out is done with: events may bring more audio */
	if (!session_is_over(s)) {
		utterance_pump(s);
		heard_tell(s);
		hearing_next(s);
		session_finish_if_done(s);
		unblock(s);
	}
	session_leave(s);
}

/* Bytes before the next mark, or all there are, within one job's bound. */
static size_t next_bytes(const struct session *s)
{
	const struct mark *m = session_next_mark(s);
	uint64_t to_mark = m == NULL ? UINT64_MAX : m->at - s->input_taken;

	return MIN(MIN(s->input.len, to_mark), (size_t)JOB_BYTES_MAX);
}

static void take_marks(struct session *s)
{
	struct hearing *h = &s->hearing;
	const struct mark *m;

	h->commit = false;
	h->commits = 0;
	while ((m = session_next_mark(s)) != NULL && m->at == s->input_taken) {
		h->commit = true;
		h->commits += m->told;
		buffer_consume(&s->marks, sizeof *m);
	}
}

void hearing_next(struct session *s)
{
	struct hearing *h = &s->hearing;
	size_t n = next_bytes(s);

	if (s->leaving && !s->speaking)
		return;
	if (s->job_running || session_is_over(s) || !s->granted || s->finished)
		return;
	if (s->unsent_samples > (uint64_t)s->limits->buffer_ms * SAMPLES_PER_MS)
		return;
	if (buffer_append(&h->bytes, buffer_head(&s->input), n) < 0) {
		struct error err;

		(void)error_set(&err, ERROR_SYSTEM, "out of memory");
		session_fail(s, &err, 0);
		return;
	}
	buffer_consume(&s->input, n);
	s->input_taken += n;
	take_marks(s);
	h->finish = s->ending && s->input.len == 0 && s->marks.len == 0;
	if (n == 0 && !h->commit && !h->finish)
		return;
	s->finished = h->finish;
	ear_out_clear(&h->out);
	h->item = (struct work_item){ .run = run, .done = on_done, .arg = h };
	s->job_running = true;
	s->work->submit(s->work, &h->item);
}

void hearing_free(struct session *s)
{
	ear_free(&s->hearing.ear);
	buffer_done(&s->hearing.bytes);
	ear_out_done(&s->hearing.out);
}
