/* The utterances of a session, heard one after the other by the instance in its place:
 *   OPEN --the ear ends it--> ENDED --final, error--> gone
 *   OPEN --session_clear--> gone
 * Audio goes to the instance in blocks of IPC_BLOCK_SAMPLES, which is what instances decode in; what is shorter waits for
 * the rest of its block or for the end of the utterance. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/parts.h"
#include "session/session_internal.h"

static uint64_t to_ms(const struct session *s, uint64_t samples)
{
	return samples / SAMPLES_PER_MS + s->offset_ms;
}

static size_t samples_of(const struct utterance *u)
{
	return u->audio.len / sizeof(int16_t);
}

const int16_t *session_samples(const struct session *s, uint64_t utterance, size_t *n_out)
{
	const struct utterance *u = s->first;

	while (u != NULL && u->id != utterance)
		u = u->next;
	*n_out = u == NULL || u->failed ? 0 : samples_of(u);
	return *n_out == 0 ? NULL : (const int16_t *)(const void *)buffer_head(&u->audio);
}

static void drop_audio(struct session *s, struct utterance *u)
{
	s->unsent_samples -= samples_of(u) - u->reached;
	u->sent = u->reached = 0;
	buffer_done(&u->audio);
}

static void utterance_free(struct session *s, struct utterance *u)
{
	drop_audio(s, u);
	text_done(&u->text);
	joined_done(&u->joined);
	free(u->attempts);
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
	event.at_ms = to_ms(s, e->speech_at);
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
	event.at_ms = to_ms(s, e->speech_at);
	event.end_cause = u->cause;
	if (u->failed && u->incomplete == NULL)
		utterance_free(s, take_first(s));
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
	session_fail(s, &err, 0);
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
	if (s->speaking && s->state != SESSION_CLOSED)
		keep_audio(s, out, at, out->samples_n);
	return true;
}

static void tell_recovered(struct session *s, const struct utterance *u)
{
	const struct session_event e = { .kind = SESSION_EVENT_RECOVERED, .utterance = u->id };

	metric_add(METRIC_utterances_recovered_total, 1);
	log_info("session %llu: utterance %llu goes on with instance %s/%llu, from %llu ms on",
	    (unsigned long long)s->id, (unsigned long long)u->id, pool_name(s->pool),
	    (unsigned long long)lease_instance(s->lease),
	    (unsigned long long)(u->part_from / SAMPLES_PER_MS));
	session_emit(s, &e);
}

static bool begin(struct session *s, struct utterance *u)
{
	struct ipc_begin b = { .utterance = u->id,
		.adaptation = s->adaptation,
		.adaptation_bytes = (uint32_t)s->adaptation_bytes };

	if (u->begun)
		return true;
	if (!lease_begin(s->lease, &b))
		return false;
	u->begun = true;
	if (!u->lost)
		return true;
	u->lost = false;
	tell_recovered(s, u);
	return !s->dead && s->state != SESSION_CLOSED; /* else `u` is gone */
}

static uint64_t partial_interval(const struct session *s)
{
	uint64_t ms =
	    s->partial_interval_ms > 0 ? s->partial_interval_ms : s->limits->partial_interval_ms;

	return ms * SAMPLES_PER_MS;
}

/* Once an instance was lost, partials are heard of what is sent again, bit by bit, also those that the client is not told:
 * they are all that there is, should the utterance have to be given up. */
static bool is_collected(const struct session *s, const struct utterance *u)
{
	return u->attempts_n > 0 && (u->sent < u->reached || !s->partials);
}

/* Of what is sent again after a loss no partial is asked for that has come before. */
static void ask_partial(struct session *s, struct utterance *u)
{
	bool told = s->partials && u->state == UTTERANCE_OPEN;

	if (u->partial_pending || (!told && u->attempts_n == 0) ||
	    u->sent < u->partial_asked_at + partial_interval(s))
		return;
	u->partial_asked_at = u->sent;
	u->partial_pending = lease_request_partial(s->lease);
}

/* Where what is heard now ends, as far as it has come. */
static size_t heard_to(const struct utterance *u)
{
	return u->part_to > 0 ? u->part_to : samples_of(u);
}

/* Samples that may be sent now. Instances answer when they have decoded all that they have, so what is collected comes
 * bit by bit. */
static size_t due_of(const struct session *s, const struct utterance *u)
{
	size_t due = heard_to(u);

	if (u->state == UTTERANCE_OPEN && u->part_to == 0)
		due -= (due - u->sent) % IPC_BLOCK_SAMPLES;
	if (!is_collected(s, u))
		return due;
	return u->partial_pending ? u->sent : MIN(due, u->partial_asked_at + partial_interval(s));
}

/* Sends what is due of the audio; false: the instance has no room now. */
static bool send_due(struct session *s, struct utterance *u, size_t due)
{
	const int16_t *samples = (const int16_t *)(const void *)buffer_head(&u->audio);
	size_t taken = lease_audio(s->lease, samples + u->sent, due - u->sent);

	u->sent += taken;
	s->unsent_samples -= MAX(u->sent, u->reached) - u->reached;
	u->reached = MAX(u->sent, u->reached);
	ask_partial(s, u);
	return u->sent == due;
}

/* False: not all has been sent, or what is to be heard of it before its end has not. */
static bool send_audio(struct session *s, struct utterance *u)
{
	size_t due;

	while ((due = due_of(s, u)) > u->sent)
		if (!send_due(s, u, due))
			return false;
	return u->sent == heard_to(u) && !(is_collected(s, u) && u->partial_pending);
}

static bool has_stable_text(const struct utterance *u)
{
	size_t n;

	(void)text_stable(&u->text, &n);
	return n > 0;
}

/* It is heard no more. What is stable of its text is told once it has ended. */
static void give_up(struct session *s, struct utterance *u, const struct error *why)
{
	metric_add(METRIC_utterances_failed_total, 1);
	u->failed = true;
	drop_audio(s, u);
	if (!has_stable_text(u))
		return;
	metric_add(METRIC_utterances_incomplete_total, 1);
	u->incomplete = xcalloc(1, sizeof *u->incomplete);
	*u->incomplete = *why;
}

static void tell_incomplete(struct session *s, const struct utterance *u, bool cut_off)
{
	struct session_event e = { .kind = SESSION_EVENT_FINAL, .utterance = u->id };

	e.final.text = text_stable(&u->text, &e.final.text_bytes);
	e.final.start_ms = to_ms(s, u->from);
	e.final.end_ms = to_ms(s, u->to);
	e.final.adaptation = s->adaptation;
	e.final.adaptation_bytes = s->adaptation_bytes;
	e.final.cause = u->cause;
	e.final.incomplete = u->incomplete;
	e.final.cut_off = cut_off;
	session_emit(s, &e);
}

/* The first one has failed: if it has ended, so that it is still there for its text, it is told and done with, and the
 * next one is begun. */
static void end_incomplete(struct session *s)
{
	struct utterance *u;

	if (s->first->state != UTTERANCE_ENDED)
		return;
	u = take_first(s);
	tell_incomplete(s, u, false);
	utterance_free(s, u);
	utterance_pump(s);
}

void utterance_pump(struct session *s)
{
	struct utterance *u = s->first;

	if (u == NULL || !s->granted || s->dead || s->state == SESSION_CLOSED)
		return;
	if (u->failed) {
		end_incomplete(s);
		return;
	}
	if (u->end_sent || !begin(s, u) || !send_audio(s, u))
		return;
	if (u->state == UTTERANCE_ENDED || u->part_to > 0)
		u->end_sent = lease_end(s->lease);
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
	e.at_ms = to_ms(s, u->to);
	e.end_cause = u->cause;
	session_emit(s, &e);
}

static void tell_rest_of(struct session *s, struct utterance *u, const struct error *why)
{
	if (!u->failed)
		give_up(s, u, why);
	if (u->state == UTTERANCE_OPEN)
		tell_cut_end(s, u);
	tell_incomplete(s, u, true);
}

void utterance_tell_rest(struct session *s, const struct error *why)
{
	struct utterance *u;

	while (!s->dead && s->first != NULL && has_stable_text(s->first)) {
		u = take_first(s);
		tell_rest_of(s, u, why);
		utterance_free(s, u);
	}
	utterance_drop_all(s);
}

static void go_on(struct session *s)
{
	if (s->dead || s->state == SESSION_CLOSED)
		return;
	utterance_pump(s);
	heard_tell(s);
	hearing_next(s);
	session_finish_if_done(s);
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
	go_on(s);
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
	go_on(s);
	session_leave(s);
}

static void on_progress(void *arg, uint64_t samples)
{
	(void)arg;
	(void)samples;
}

/* The caller frees them. */
static struct session_word *words_of(
    const struct session *s, const struct utterance *u, const struct ipc_result *r)
{
	struct session_word *words = xcalloc(r->words_n + 1u, sizeof *words);
	uint64_t from_ms = to_ms(s, u->from);

	for (unsigned i = 0; i < r->words_n; i++) {
		words[i].text = r->words[i].text.bytes;
		words[i].text_bytes = r->words[i].text.length;
		words[i].start_ms = from_ms + r->words[i].start_ms;
		words[i].end_ms = from_ms + r->words[i].end_ms;
		words[i].confidence = (float)r->words[i].confidence / IPC_CONFIDENCE_ONE;
	}
	return words;
}

/* To be freed. Where the engine does not say how sure it is of what may still change, how long it has stood does. */
static struct session_word *partial_words(
    const struct session *s, const struct utterance *u, const struct ipc_result *r)
{
	struct session_word *words = words_of(s, u, r);

	for (unsigned i = 0; i < r->words_n; i++)
		if (!(words[i].confidence > 0))
			words[i].confidence = text_confidence(&u->text, i);
	return words;
}

static void tell_partial(struct session *s, struct utterance *u, const struct ipc_result *r)
{
	struct session_event e = { .kind = SESSION_EVENT_PARTIAL, .utterance = u->id };
	struct session_word *words;

	e.partial.stable_bytes = text_partial(&u->text, r->text.bytes, r->text.length);
	if (u->state == UTTERANCE_ENDED || !s->partials)
		return;
	words = partial_words(s, u, r);
	e.partial.text = r->text.bytes;
	e.partial.text_bytes = r->text.length;
	e.partial.confidence = r->confidence > 0 ? (float)r->confidence / IPC_CONFIDENCE_ONE
						 : text_confidence_of_all(&u->text);
	e.partial.words = words;
	e.partial.words_n = r->words_n;
	metric_add(METRIC_partials_total, 1);
	session_emit(s, &e);
	free(words);
}

static uint32_t part_from_ms(const struct utterance *u)
{
	return (uint32_t)(u->part_from / SAMPLES_PER_MS);
}

static void on_partial(void *arg, const struct ipc_result *r)
{
	struct session *s = arg;
	struct joined_view all;

	session_enter(s);
	s->first->partial_pending = false;
	s->first->partial_heard_at = s->first->partial_asked_at;
	if (r->text.length > 0 &&
	    joined_view(&s->first->joined, r, part_from_ms(s->first), &all) == 0) {
		tell_partial(s, s->first, &all.result);
		joined_view_done(&all);
	}
	if (!session_is_over(s) && s->first != NULL && is_collected(s, s->first))
		utterance_pump(s);
	heard_tell(s);
	session_leave(s);
}

static void remember_adaptation(struct session *s, const struct ipc_result *r)
{
	if (r->adaptation_bytes == 0)
		return;
	if (s->adaptation == NULL)
		s->adaptation = xcalloc(1, IPC_BLOB_MAX);
	assert(r->adaptation_bytes <= IPC_BLOB_MAX);
	for (uint32_t i = 0; i < r->adaptation_bytes; i++)
		s->adaptation[i] = r->adaptation[i];
	s->adaptation_bytes = r->adaptation_bytes;
}

static void emit_final(struct session *s, const struct utterance *u, const struct ipc_result *r)
{
	struct session_word *words = words_of(s, u, r);
	struct session_event e = { .kind = SESSION_EVENT_FINAL, .utterance = u->id };

	e.final.text = r->text.bytes;
	e.final.text_bytes = r->text.length;
	e.final.start_ms = to_ms(s, u->from);
	e.final.end_ms = to_ms(s, u->to);
	e.final.confidence = (float)r->confidence / IPC_CONFIDENCE_ONE;
	e.final.words = words;
	e.final.words_n = r->words_n;
	e.final.adaptation = s->adaptation;
	e.final.adaptation_bytes = s->adaptation_bytes;
	e.final.cause = u->cause;
	session_emit(s, &e);
	free(words);
}

static void count_final(const struct utterance *u, const struct ipc_result *r)
{
	metric_add(METRIC_utterances_done_total, 1);
	metric_add(METRIC_words_total, r->words_n);
	metric_add(METRIC_audio_decoded_seconds_total, samples_of(u) / SAMPLES_PER_MS);
}

static void count_work(const struct ipc_result *r)
{
	metric_add(METRIC_decode_cpu_seconds_total, r->cpu_us);
	metric_add(METRIC_decode_faults_total, r->faults);
}

static void fail_for_text(struct session *s)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "out of memory for what was heard");
	session_fail(s, &err, 0);
}

static void finish(struct session *s, const struct ipc_result *r)
{
	struct utterance *u = s->first;
	struct joined_view all;

	if (joined_view(&u->joined, r, part_from_ms(u), &all) < 0) {
		fail_for_text(s);
		return;
	}
	(void)take_first(s);
	count_final(u, &all.result);
	emit_final(s, u, &all.result);
	joined_view_done(&all);
	utterance_free(s, u);
}

/* To the end, or where it is quiet before it gets too long. */
static void choose_part(struct utterance *u)
{
	const int16_t *samples = (const int16_t *)(const void *)buffer_head(&u->audio);
	size_t left = samples_of(u) - u->part_from, cut;

	u->part_to = 0;
	if (u->part_most == 0 || left == 0)
		return;
	cut = parts_cut(samples + u->part_from, left, u->part_most);
	if (cut < left)
		u->part_to = u->part_from + cut;
}

/* A part was heard, and need not be heard again whatever becomes of the rest. */
static void finish_part(struct session *s, const struct ipc_result *r)
{
	struct utterance *u = s->first;

	if (joined_add(&u->joined, r, part_from_ms(u)) < 0) {
		fail_for_text(s);
		return;
	}
	text_settle(&u->text, (const char *)buffer_head(&u->joined.text), u->joined.text.len);
	u->begun = u->end_sent = u->partial_pending = false;
	u->vain = u->furthest = 0;
	u->sent = u->part_from = u->part_to;
	u->partial_heard_at =
	    MAX(u->partial_heard_at, u->part_from); /* its text is better than any */
	u->partial_asked_at = u->partial_heard_at;
	choose_part(u);
}

static void on_final(void *arg, const struct ipc_result *r)
{
	struct session *s = arg;

	session_enter(s);
	count_work(r);
	remember_adaptation(s, r);
	if (s->first->part_to > 0)
		finish_part(s, r);
	else
		finish(s, r);
	go_on(s);
	session_leave(s);
}

static void tell_failed(struct session *s, struct utterance *u, const struct error *why)
{
	struct session_event e = { .kind = SESSION_EVENT_ERROR, .utterance = u->id };

	e.error.why = why;
	if (u->state == UTTERANCE_ENDED)
		utterance_free(s, take_first(s));
	session_emit(s, &e);
}

/* An utterance that is still open stays as a stump: its audio goes nowhere, and its end is still told. One of which
 * something was understood ends where the ear is, so that what is said from there on is heard. */
static void on_failed(void *arg, const struct error *why)
{
	struct session *s = arg;
	struct utterance *u = s->first;

	log_warn("session %llu: utterance %llu failed: %s", (unsigned long long)s->id,
	    (unsigned long long)u->id, why->text);
	give_up(s, u, why);
	session_enter(s);
	if (u->incomplete == NULL)
		tell_failed(s, u, why);
	else if (u->state == UTTERANCE_OPEN)
		s->cut_utterance = u->id;
	go_on(s);
	session_leave(s);
}

/* As if nothing had been sent: its audio is all here, and the adaptation it began with is the session's still. */
static void rewind_utterance(struct utterance *u)
{
	size_t most = parts_length(samples_of(u) - u->part_from, u->furthest, u->vain);

	if (most != SIZE_MAX)
		u->part_most = most;
	u->lost = true;
	u->begun = u->end_sent = u->partial_pending = false;
	u->partial_asked_at = u->partial_heard_at;
	u->sent = u->part_from;
	choose_part(u);
}

static void note_attempt(struct utterance *u, const struct loss *loss)
{
	const struct attempt a = { .cause = loss->cause,
		.from = u->part_from,
		.at = u->part_from + loss->done,
		.busy = loss->busy,
		.decoding = loss->busy && loss->done > 0 && loss->done < loss->given };

	if (u->attempts == NULL)
		u->attempts = xcalloc(VERDICT_ATTEMPTS_MAX, sizeof *u->attempts);
	if (u->attempts_n == VERDICT_ATTEMPTS_MAX)
		memmove(u->attempts, u->attempts + 1, --u->attempts_n * sizeof *u->attempts);
	u->attempts[u->attempts_n++] = a;
	u->vain++;
	u->furthest = MAX(u->furthest, (size_t)loss->done);
}

/* It is given up; worded in *err. */
static void condemn(struct session *s, struct utterance *u, enum verdict verdict,
    const struct error *why, struct error *err)
{
	char limit[64] = "";

	lease_abort(s->lease);
	if (verdict == VERDICT_POISON) {
		metric_add(METRIC_utterances_poisonous_total, 1);
		poison_keep(s, u);
	} else {
		metric_add(METRIC_utterances_given_up_total, 1);
		(void)snprintf(
		    limit, sizeof limit, " (utterance_losses_max %u)", s->limits->losses_max);
	}
	(void)error_set(err, why->code,
	    "%zu instances were lost to this utterance%s, the last because: %s", u->attempts_n,
	    limit, why->text);
}

static void on_lost(void *arg, const struct error *why, const struct loss *loss)
{
	struct session *s = arg;
	struct utterance *u = s->first;
	enum verdict verdict;
	struct error err;

	note_attempt(u, loss);
	metric_add(METRIC_utterances_lost_total, 1);
	verdict = verdict_of(u->attempts, u->attempts_n, u->vain, s->limits->losses_max);
	log_warn("session %llu: utterance %llu lost its instance: %s", (unsigned long long)s->id,
	    (unsigned long long)u->id, why->text);
	if (verdict != VERDICT_GO_ON) {
		condemn(s, u, verdict, why, &err);
		on_failed(s, &err);
		return;
	}
	rewind_utterance(u);
	session_enter(s);
	go_on(s);
	session_leave(s);
}

const struct lease_events utterance_lease_events = {
	.on_queued = on_queued,
	.on_granted = on_granted,
	.on_refused = on_refused,
	.on_writable = on_writable,
	.on_progress = on_progress,
	.on_partial = on_partial,
	.on_final = on_final,
	.on_lost = on_lost,
	.on_failed = on_failed,
};
