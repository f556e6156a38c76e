/* The utterances of a session, in the order in which they were said:
 *
 *   OPEN --the ear ends it--> ENDED --final, error--> gone
 *   OPEN --given up--> STUMP --the ear ends it--> GIVEN_UP --> gone, with what is stable of its text
 *   ENDED --given up--> GIVEN_UP
 *   OPEN, STUMP --session_clear--> gone
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/session_internal.h"

#define NEVER UTTERANCE_STATES
static const enum utterance_state next[UTTERANCE_STATES][UTTERANCE_EVENTS] = {
	/*                          end                 give up */
	[UTTERANCE_OPEN] = { UTTERANCE_ENDED, UTTERANCE_STUMP },
	[UTTERANCE_ENDED] = { NEVER, UTTERANCE_GIVEN_UP },
	[UTTERANCE_STUMP] = { UTTERANCE_GIVEN_UP, NEVER },
	[UTTERANCE_GIVEN_UP] = { NEVER, NEVER },
};

static void step(struct utterance *u, enum utterance_event e)
{
	assert(next[u->state][e] != NEVER);
	u->state = next[u->state][e];
}

/* It is heard no more. */
static void drop_audio(struct session *s, struct utterance *u)
{
	for (unsigned i = 0; i < s->seats_n; i++)
		seat_forget(&s->seats[i], u);
	for (unsigned i = 0; i < PASS_KINDS; i++)
		u->passes[i].reached = 0;
	buffer_done(&u->audio);
}

static void free_utterance(struct session *s, struct utterance *u)
{
	drop_audio(s, u);
	for (unsigned i = 0; i < PASS_KINDS; i++)
		pass_done(&u->passes[i]);
	text_done(&u->text);
	wishes_done(&u->wishes);
	free(u->incomplete);
	free(u);
}

/* Takes the first utterance out; the caller frees it. */
static struct utterance *take_first(struct session *s)
{
	struct utterance *u = s->first;

	s->first = u->next;
	if (s->first == NULL)
		s->last = NULL;
	return u;
}

static void append(struct session *s, struct utterance *u)
{
	if (s->last != NULL)
		s->last->next = u;
	else
		s->first = u;
	s->last = u;
}

static void open_utterance(struct session *s, const struct ear_event *e)
{
	struct utterance *u = xcalloc(1, sizeof *u);
	struct session_event event = { .kind = SESSION_EVENT_SPEECH_START };

	u->id = ++s->utterances;
	u->from = e->at;
	u->rate_hz = s->hearing->rate_hz;
	wishes_copy(&u->wishes, &s->wishes);
	buffer_init(&u->audio, SIZE_MAX / 2); /* bounded by max_utterance_ms */
	text_init(&u->text);
	for (unsigned i = 0; i < PASS_KINDS; i++)
		pass_init(&u->passes[i]);
	if (s->seats_n <= 2)
		u->finals = session_final_seat(s);
	append(s, u);
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

	step(u, UTTERANCE_ON_END);
	u->cause = e->cause == EAR_CAUSE_STOP && s->giving != GIVING_FINISHED ? EAR_CAUSE_COMMIT
									      : e->cause;
	u->to = e->at;
	u->ended_ns = pool_now_ns(session_final_seat(s)->pool);
	if (e->cause == EAR_CAUSE_COMMIT)
		s->committed = u->id;
	/* A commit may end it at bytes that an earlier job heard. */
	u->before_end = s->input_taken > s->taken.bytes ? s->taken : s->taken_before;
	if (s->state != SESSION_DRAINING)
		session_step(s, STEP_SILENCE);
	event.utterance = u->id;
	event.at_ms = session_ms(s, e->speech_at);
	event.end_cause = u->cause;
	session_emit(s, &event);
}

static void keep_audio(struct session *s, const struct ear_out *out, size_t from, size_t to)
{
	size_t n = to - from;

	if (n == 0 || !utterance_is_heard(s->last))
		return;
	assert(session_is_speaking(s));
	if (buffer_append(&s->last->audio, out->samples + from, n * sizeof *out->samples) < 0) {
		session_break_for_memory(s, " for the audio of an utterance");
	}
}

static void pause_utterance(struct utterance *u)
{
	size_t n = utterance_samples(u);

	u->pause = n - n % IPC_BLOCK_SAMPLES;
}

static void resume_utterance(struct session *s, struct utterance *u)
{
	const struct session_event e = { .kind = SESSION_EVENT_RESUMED, .utterance = u->id };

	u->pause = 0;
	for (unsigned i = 0; i < s->seats_n; i++)
		seat_resume(&s->seats[i], u);
	if (u->eager_told)
		session_emit(s, &e);
	u->eager_told = false;
}

static void tell_committed(struct session *s)
{
	struct session_event e = { .kind = SESSION_EVENT_COMMITTED, .utterance = s->committed };

	s->committed = 0;
	for (unsigned n = s->hearing->commits; n > 0; n--) {
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
	if (!session_is_speaking(s))
		return;
	if (e->kind == EAR_SPEECH_END)
		end_utterance(s, e);
	else if (e->kind == EAR_PAUSE)
		pause_utterance(s->last);
	else
		resume_utterance(s, s->last);
}

bool utterance_take(struct session *s, const struct ear_out *out)
{
	size_t at = 0;

	for (size_t i = 0; i <= out->events_n && !session_is_over(s); i++) {
		if (i == s->hearing->committed_n)
			tell_committed(s);
		if (i == out->events_n)
			break;
		if (s->parting != PARTING_NONE && !session_is_speaking(s)) {
			s->parting = PARTING_CUT; /* the rest is for another server to hear */
			return false;
		}
		take_event(s, out, &out->events[i], &at);
	}
	if (session_is_speaking(s) && !session_is_over(s))
		keep_audio(s, out, at, out->samples_n);
	return true;
}

/* What is stable of its text is told once it has ended. */
static void give_up(struct session *s, struct utterance *u, const struct error *why)
{
	metric_add(METRIC_utterances_failed_total, 1);
	drop_audio(s, u);
	step(u, UTTERANCE_ON_GIVE_UP);
	if (!utterance_has_stable_text(u))
		return;
	metric_add(METRIC_utterances_incomplete_total, 1);
	u->incomplete = xcalloc(1, sizeof *u->incomplete);
	*u->incomplete = *why;
}

static void tell_incomplete(struct session *s, const struct utterance *u, bool cut_off)
{
	struct session_event e = { .kind = SESSION_EVENT_FINAL, .utterance = u->id };
	struct ipc_result r = { .utterance = u->id };
	struct worded worded;
	size_t n;

	r.text.bytes = text_stable(&u->text, &n);
	r.text.length = (uint32_t)n;
	wording_result(pass_wording(&s->seats[0]), WORDING_BROKEN, &r, &worded);
	e.final.text = r.text.bytes;
	e.final.text_bytes = r.text.length;
	e.final.start_ms = session_ms(s, u->from);
	e.final.end_ms = session_ms(s, u->to);
	e.final.adaptation = session_final_seat(s)->adaptation;
	e.final.adaptation_bytes = session_final_seat(s)->adaptation_bytes;
	e.final.cause = u->cause;
	e.final.incomplete = u->incomplete;
	e.final.by_partials = s->seats_n > 1;
	e.final.cut_off = cut_off;
	memcpy(e.final.language, u->language, sizeof e.final.language);
	session_emit(s, &e);
	worded_done(&worded);
}

/* One of which something was understood ends where the ear is, so that what is said from there on is heard. One of which nothing
 * was stays as a stump if it is open: its end is still told. */
static void take_failure(struct session *s, struct utterance *u, const struct error *why)
{
	struct session_event e = { .kind = SESSION_EVENT_ERROR, .utterance = u->id };

	log_warn("session %llu: utterance %llu failed: %s", (unsigned long long)s->id,
	    (unsigned long long)u->id, why->text);
	give_up(s, u, why);
	e.error.why = why;
	if (u->incomplete == NULL)
		session_emit(s, &e);
	else if (u->state == UTTERANCE_STUMP)
		s->cut_utterance = u->id;
}

/* Of the first utterance; `p` is its. */
static void finish(struct session *s, struct pass *p)
{
	struct utterance *u = take_first(s);

	if (s->seats_n > 1 && p == &u->passes[PASS_OF_PARTIALS]) {
		p->final->e.final.by_partials = true;
		metric_add(METRIC_finals_from_partials_total, 1);
	}

	metric_add(METRIC_utterances_done_total, 1);
	metric_add(METRIC_words_total, p->words);
	metric_add(METRIC_audio_decoded_seconds_total, utterance_samples(u) / SAMPLES_PER_MS);
	told_push(s, p->final);
	p->final = NULL;
	free_utterance(s, u);
}

static void end_given_up(struct session *s)
{
	struct utterance *u = take_first(s);

	if (u->incomplete != NULL)
		tell_incomplete(s, u, false);
	free_utterance(s, u);
}

/* What speaks for another pool than the first: what was wished, what a partial was heard as, or at last all of it. "": nothing yet. */
static const char *language_of(const struct utterance *u)
{
	const char *wished = u->wishes.language;
	const struct pass *p = &u->passes[PASS_OF_PARTIALS];

	if (wished != NULL && wished[0] != '\0' && strcmp(wished, "auto") != 0)
		return wished;
	return u->language[0] == '\0' && p->final != NULL ? p->final->e.final.language
							  : u->language;
}

static struct seat *seat_for(struct session *s, const char *language)
{
	unsigned i = 0;

	if (s->finals.n > 1 && s->cfg.choose_finals != NULL && language[0] != '\0')
		i = s->cfg.choose_finals(&s->finals, language);
	assert(i < s->finals.n);
	return &s->seats[1 + i];
}

/* Who brings the finals of those of which that is known now. */
static void choose_finals(struct session *s)
{
	for (struct utterance *u = s->first; u != NULL; u = u->next)
		if (u->finals == NULL && utterance_is_heard(u) &&
		    (u->passes[PASS_OF_PARTIALS].state != PASS_OPEN || language_of(u)[0] != '\0'))
			u->finals = seat_for(s, language_of(u));
}

/* The one that is told: of finals, or, where that one was given up, the other one. NULL: neither is there yet, or ever. */
static struct pass *pass_told(struct session *s, struct utterance *u)
{
	struct pass *partials = &u->passes[PASS_OF_PARTIALS];
	struct pass *finals = s->seats_n > 1 ? &u->passes[PASS_OF_FINALS] : partials;

	if (finals->final != NULL)
		return finals;
	return finals->state == PASS_GIVEN_UP && partials->final != NULL ? partials : NULL;
}

/* Why there is no final; NULL: there may be one. */
static const struct error *why_none(const struct session *s, const struct utterance *u)
{
	const struct pass *partials = &u->passes[PASS_OF_PARTIALS];
	const struct pass *finals = s->seats_n > 1 ? &u->passes[PASS_OF_FINALS] : partials;

	return partials->state == PASS_GIVEN_UP && finals->state == PASS_GIVEN_UP ? finals->why
										  : NULL;
}

/* False: nothing has come of it yet. */
static bool settle_first(struct session *s)
{
	struct utterance *u = s->first;

	if (utterance_is_heard(u) && why_none(s, u) != NULL)
		take_failure(s, u, why_none(s, u));
	if (u->state == UTTERANCE_GIVEN_UP)
		end_given_up(s);
	else if (utterance_is_heard(u) && pass_told(s, u) != NULL)
		finish(s, pass_told(s, u));
	else
		return false;
	return true;
}

void utterance_pump(struct session *s)
{
	choose_finals(s);
	while (s->first != NULL && !session_is_over(s) && settle_first(s))
		continue;
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

	if (s->state != SESSION_DRAINING)
		session_step(s, STEP_SILENCE);
	if (utterance_is_heard(u))
		metric_add(METRIC_utterances_abandoned_total, 1);
	free_utterance(s, u);
}

void utterance_clear(struct session *s)
{
	struct session_event e = { .kind = SESSION_EVENT_CLEARED };

	if (session_is_speaking(s)) {
		e.utterance = s->last->id;
		abandon_open(s);
	}
	session_emit(s, &e);
}

void utterance_drop_all(struct session *s)
{
	struct utterance *u;

	while (s->first != NULL) {
		u = take_first(s);
		if (utterance_is_heard(u))
			metric_add(METRIC_utterances_abandoned_total, 1);
		free_utterance(s, u);
	}
}

/* Where the ear stood last. */
static void tell_cut_end(struct session *s, struct utterance *u)
{
	struct session_event e = { .kind = SESSION_EVENT_SPEECH_END, .utterance = u->id };

	step(u, UTTERANCE_ON_END);
	u->cause = EAR_CAUSE_STOP;
	u->to = MAX(u->from, s->taken.samples);
	e.at_ms = session_ms(s, u->to);
	e.end_cause = u->cause;
	session_emit(s, &e);
}

static void tell_rest_of(struct session *s, struct utterance *u, const struct error *why)
{
	if (utterance_is_heard(u))
		give_up(s, u, why);
	if (utterance_is_open(u))
		tell_cut_end(s, u);
	tell_incomplete(s, u, true);
}

void utterance_tell_rest(struct session *s, const struct error *why)
{
	struct utterance *u;

	while (s->first != NULL && utterance_has_stable_text(s->first)) {
		u = take_first(s);
		tell_rest_of(s, u, why);
		free_utterance(s, u);
	}
	utterance_drop_all(s);
}
