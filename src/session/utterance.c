/* The utterances of a session, in the order in which they were said:
 *   OPEN --the ear ends it--> ENDED --final, error--> gone
 *   OPEN --session_clear--> gone
 * One that no instance can hear stays until its end, and ends with what is stable of its text. */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/session_internal.h"

size_t utterance_samples(const struct utterance *u)
{
	return u->audio.len / sizeof(int16_t);
}

static void drop_audio(struct session *s, struct utterance *u)
{
	s->unsent_samples -= utterance_samples(u) - u->reached;
	u->sent = u->reached = 0;
	buffer_done(&u->audio);
}

void utterance_free(struct session *s, struct utterance *u)
{
	drop_audio(s, u);
	text_done(&u->text);
	joined_done(&u->joined);
	free(u->attempts);
	free(u->incomplete);
	free(u);
}

/* Takes the first utterance out; the caller frees it. */
struct utterance *utterance_take_first(struct session *s)
{
	struct utterance *u = s->first;

	s->first = u->next;
	if (s->first == NULL)
		s->last = NULL;
	return u;
}

static void open_utterance(struct session *s, const struct ear_event *e)
{
	struct utterance *u = xcalloc(1, sizeof *u);
	struct session_event event = { .kind = SESSION_EVENT_SPEECH_START };

	u->id = ++s->utterances;
	u->from = e->at;
	buffer_init(&u->audio, SIZE_MAX / 2); /* bounded by max_utterance_ms */
	text_init(&u->text);
	joined_init(&u->joined);
	if (s->last != NULL)
		s->last->next = u;
	else
		s->first = u;
	s->last = u;
	s->speaking = true;
	metric_add(METRIC_utterances_opened_total, 1);
	if (s->state != SESSION_DRAINING)
		session_step(s, STEP_SPEECH);
	event.utterance = u->id;
	event.at_ms = session_ms(s, e->speech_at);
	session_emit(s, &event);
}

static void end_utterance(struct session *s, const struct ear_event *e)
{
	struct utterance *u = s->last;
	struct session_event event = { .kind = SESSION_EVENT_SPEECH_END };

	s->speaking = false;
	u->state = UTTERANCE_ENDED;
	u->cause = e->cause == EAR_CAUSE_STOP && !s->finished ? EAR_CAUSE_COMMIT : e->cause;
	u->to = e->at;
	if (e->cause == EAR_CAUSE_COMMIT)
		s->committed = u->id;
	/* A commit may end it at bytes that an earlier job heard. */
	u->before_end = s->input_taken > s->taken.bytes ? s->taken : s->taken_before;
	if (s->state != SESSION_DRAINING)
		session_step(s, STEP_SILENCE);
	event.utterance = u->id;
	event.at_ms = session_ms(s, e->speech_at);
	event.end_cause = u->cause;
	if (u->failed && u->incomplete == NULL)
		utterance_free(s, utterance_take_first(s));
	session_emit(s, &event);
}

static void keep_audio(struct session *s, const struct ear_out *out, size_t from, size_t to)
{
	size_t n = to - from;
	struct error err;

	if (n == 0 || s->dead || s->last->failed)
		return;
	assert(s->speaking);
	s->unsent_samples += n;
	if (buffer_append(&s->last->audio, out->samples + from, n * sizeof *out->samples) == 0)
		return;
	(void)error_set(&err, ERROR_SYSTEM, "out of memory for the audio of utterance %llu",
	    (unsigned long long)s->last->id);
	session_break(s, &err);
}

static void tell_committed(struct session *s)
{
	struct session_event e = { .kind = SESSION_EVENT_COMMITTED, .utterance = s->committed };

	s->committed = 0;
	for (unsigned n = s->hearing.commits; n > 0 && !session_is_over(s); n--) {
		e.committed.empty = e.utterance == 0;
		session_emit(s, &e);
		e.utterance = 0;
	}
}

/* `at`: index in the samples of what has not been kept or passed by. */
static void take_event(
    struct session *s, const struct ear_out *out, const struct ear_event *e, size_t *at)
{
	if (e->kind == EAR_SPEECH_START) {
		*at = e->audio_from;
		open_utterance(s, e);
		return;
	}
	keep_audio(s, out, *at, e->audio_to);
	*at = e->audio_to;
	if (s->speaking)
		end_utterance(s, e);
}

bool utterance_take(struct session *s, const struct ear_out *out)
{
	size_t at = 0;

	for (size_t i = 0; i <= out->events_n && !session_is_over(s); i++) {
		if (i == s->hearing.committed_n)
			tell_committed(s);
		if (i == out->events_n || session_is_over(s))
			break;
		if (s->leaving && !s->speaking) {
			s->cut_off = true; /* the rest is for another server to hear */
			return false;
		}
		take_event(s, out, &out->events[i], &at);
	}
	if (s->speaking && !session_is_over(s))
		keep_audio(s, out, at, out->samples_n);
	return true;
}

bool utterance_has_stable_text(const struct utterance *u)
{
	size_t n;

	(void)text_stable(&u->text, &n);
	return n > 0;
}

void utterance_give_up(struct session *s, struct utterance *u, const struct error *why)
{
	metric_add(METRIC_utterances_failed_total, 1);
	u->failed = true;
	drop_audio(s, u);
	if (!utterance_has_stable_text(u))
		return;
	metric_add(METRIC_utterances_incomplete_total, 1);
	u->incomplete = xcalloc(1, sizeof *u->incomplete);
	*u->incomplete = *why;
}

static void tell_incomplete(struct session *s, const struct utterance *u, bool cut_off)
{
	struct session_event e = { .kind = SESSION_EVENT_FINAL, .utterance = u->id };

	e.final.text = text_stable(&u->text, &e.final.text_bytes);
	e.final.start_ms = session_ms(s, u->from);
	e.final.end_ms = session_ms(s, u->to);
	e.final.adaptation = s->adaptation;
	e.final.adaptation_bytes = s->adaptation_bytes;
	e.final.cause = u->cause;
	e.final.incomplete = u->incomplete;
	e.final.cut_off = cut_off;
	session_emit(s, &e);
}

bool utterance_end_incomplete(struct session *s)
{
	struct utterance *u;

	if (s->first == NULL || !s->first->failed || s->first->state != UTTERANCE_ENDED)
		return false;
	u = utterance_take_first(s);
	tell_incomplete(s, u, false);
	utterance_free(s, u);
	return !session_is_over(s);
}

/* Takes the last utterance out; the caller frees it. */
static struct utterance *take_last(struct session *s)
{
	struct utterance **to = &s->first, *before = NULL, *u = s->last;

	while (*to != u) {
		before = *to;
		to = &before->next;
	}
	*to = NULL;
	s->last = before;
	return u;
}

static void abandon_open(struct session *s)
{
	struct utterance *u = take_last(s);

	s->speaking = false;
	if (s->state != SESSION_DRAINING)
		session_step(s, STEP_SILENCE);
	if (!u->failed) {
		metric_add(METRIC_utterances_abandoned_total, 1);
		if (s->first == NULL)
			lease_abort(s->lease);
	}
	utterance_free(s, u);
}

void utterance_clear(struct session *s)
{
	struct session_event e = { .kind = SESSION_EVENT_CLEARED };

	if (s->speaking) {
		e.utterance = s->last->id;
		abandon_open(s);
	}
	session_emit(s, &e);
}

void utterance_drop_all(struct session *s)
{
	struct utterance *u = s->first, *next;

	s->first = s->last = NULL;
	s->speaking = false;
	for (; u != NULL; u = next) {
		next = u->next;
		if (!u->failed)
			metric_add(METRIC_utterances_abandoned_total, 1);
		utterance_free(s, u);
	}
}

/* Where the ear stood last. */
static void tell_cut_end(struct session *s, struct utterance *u)
{
	struct session_event e = { .kind = SESSION_EVENT_SPEECH_END, .utterance = u->id };

	u->state = UTTERANCE_ENDED;
	u->cause = EAR_CAUSE_STOP;
	u->to = MAX(u->from, s->taken.samples);
	e.at_ms = session_ms(s, u->to);
	e.end_cause = u->cause;
	session_emit(s, &e);
}

static void tell_rest_of(struct session *s, struct utterance *u, const struct error *why)
{
	if (!u->failed)
		utterance_give_up(s, u, why);
	if (u->state == UTTERANCE_OPEN)
		tell_cut_end(s, u);
	tell_incomplete(s, u, true);
}

void utterance_tell_rest(struct session *s, const struct error *why)
{
	struct utterance *u;

	while (!s->dead && s->first != NULL && utterance_has_stable_text(s->first)) {
		u = utterance_take_first(s);
		tell_rest_of(s, u, why);
		utterance_free(s, u);
	}
	utterance_drop_all(s);
}
