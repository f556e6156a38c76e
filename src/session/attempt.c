/* What instances make of the first utterance of a session. Each one that hears it is an attempt: it is sent the audio in blocks
 * of IPC_BLOCK_SAMPLES, which is what instances decode in (what is shorter waits for the rest of its block or for the end of
 * the utterance), and brings a final or is lost. Then another one hears it again, or, after many attempts in vain, a part
 * of it at a time. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "session/parts.h"
#include "session/session_internal.h"

enum { SETTLE_MS = 2000 };

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
	return !session_is_over(s); /* else `u` is gone */
}

static uint64_t partial_interval(const struct session *s)
{
	uint64_t ms =
	    s->partial_interval_ms > 0 ? s->partial_interval_ms : s->limits->partial_interval_ms;

	return ms * SAMPLES_PER_MS;
}

/* Instances answer when they have decoded all that they have, so where no partial may be missed audio comes bit by bit. Once an
 * instance was lost that is what is sent again, also of those that the client is not told: they are all that there is,
 * should the utterance have to be given up. */
static bool is_paced(const struct session *s, const struct utterance *u)
{
	return (s->partials && s->paced_partials) ||
	    (u->attempts_n > 0 && (u->sent < u->reached || !s->partials));
}

/* Of what is sent again after a loss no partial is asked for that has come before. */
static void ask_partial(struct session *s, struct utterance *u)
{
	bool told = s->partials && u->state == UTTERANCE_OPEN;

	if (u->partial_pending || (!told && !s->paced_partials && u->attempts_n == 0) ||
	    u->sent < u->partial_asked_at + partial_interval(s))
		return;
	u->partial_asked_at = u->sent;
	u->partial_pending = lease_request_partial(s->lease);
}

/* Where what is heard now ends, as far as it has come. */
static size_t heard_to(const struct utterance *u)
{
	return u->part_to > 0 ? u->part_to : utterance_samples(u);
}

/* Samples that may be sent now. */
static size_t due_of(const struct session *s, const struct utterance *u)
{
	size_t due = heard_to(u);

	if (u->state == UTTERANCE_OPEN && u->part_to == 0)
		due -= (due - u->sent) % IPC_BLOCK_SAMPLES;
	if (!is_paced(s, u))
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
	return u->sent == heard_to(u) && !(is_paced(s, u) && u->partial_pending);
}

void attempt_pump(struct session *s)
{
	struct utterance *u;

	if (!s->granted || session_is_over(s))
		return;
	while (utterance_end_incomplete(s))
		continue;
	u = s->first;
	if (u == NULL || session_is_over(s) || u->failed || u->end_sent || !begin(s, u) ||
	    !send_audio(s, u))
		return;
	if (u->state == UTTERANCE_ENDED || u->part_to > 0)
		u->end_sent = lease_end(s->lease);
}

/* The caller frees them. */
static struct session_word *words_of(
    const struct session *s, const struct utterance *u, const struct ipc_result *r)
{
	struct session_word *words = xcalloc(r->words_n + 1u, sizeof *words);
	uint64_t from_ms = session_ms(s, u->from);

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

	e.partial.stable_bytes =
	    text_partial_at(&u->text, r->text.bytes, r->text.length, u->sent / SAMPLES_PER_MS);
	e.partial.settled_bytes =
	    text_settled(&u->text, s->settle_ms > 0 ? s->settle_ms : SETTLE_MS);
	if (!s->partials || (u->state == UTTERANCE_ENDED && !s->paced_partials))
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

void attempt_partial(struct session *s, const struct ipc_result *r)
{
	struct utterance *u = s->first;
	struct joined_view all;

	u->partial_pending = false;
	u->partial_heard_at = u->partial_asked_at;
	if (r->text.length == 0 || joined_view(&u->joined, r, part_from_ms(u), &all) < 0)
		return;
	tell_partial(s, u, &all.result);
	joined_view_done(&all);
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
	e.final.start_ms = session_ms(s, u->from);
	e.final.end_ms = session_ms(s, u->to);
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
	metric_add(METRIC_audio_decoded_seconds_total, utterance_samples(u) / SAMPLES_PER_MS);
}

static void count_work(const struct ipc_result *r)
{
	metric_add(METRIC_decode_cpu_seconds_total, r->cpu_us);
	metric_add(METRIC_decode_faults_total, r->faults);
}

static void break_for_text(struct session *s)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "out of memory for what was heard");
	session_break(s, &err);
}

static void finish(struct session *s, const struct ipc_result *r)
{
	struct utterance *u = s->first;
	struct joined_view all;

	if (joined_view(&u->joined, r, part_from_ms(u), &all) < 0) {
		break_for_text(s);
		return;
	}
	(void)utterance_take_first(s);
	count_final(u, &all.result);
	emit_final(s, u, &all.result);
	joined_view_done(&all);
	utterance_free(s, u);
}

/* To the end, or where it is quiet before it gets too long. */
static void choose_part(struct utterance *u)
{
	const int16_t *samples = (const int16_t *)(const void *)buffer_head(&u->audio);
	size_t left = utterance_samples(u) - u->part_from, cut;

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
		break_for_text(s);
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

void attempt_final(struct session *s, const struct ipc_result *r)
{
	count_work(r);
	remember_adaptation(s, r);
	if (s->first->part_to > 0)
		finish_part(s, r);
	else
		finish(s, r);
}

static void tell_failed(struct session *s, struct utterance *u, const struct error *why)
{
	struct session_event e = { .kind = SESSION_EVENT_ERROR, .utterance = u->id };

	e.error.why = why;
	if (u->state == UTTERANCE_ENDED)
		utterance_free(s, utterance_take_first(s));
	session_emit(s, &e);
}

/* An utterance that is still open stays as a stump: its audio goes nowhere, and its end is still told. One of which
 * something was understood ends where the ear is, so that what is said from there on is heard. */
void attempt_failed(struct session *s, const struct error *why)
{
	struct utterance *u = s->first;

	log_warn("session %llu: utterance %llu failed: %s", (unsigned long long)s->id,
	    (unsigned long long)u->id, why->text);
	utterance_give_up(s, u, why);
	if (u->incomplete == NULL)
		tell_failed(s, u, why);
	else if (u->state == UTTERANCE_OPEN)
		s->cut_utterance = u->id;
}

/* As if nothing had been sent: its audio is all here, and the adaptation it began with is the session's still. */
static void rewind_utterance(struct utterance *u)
{
	size_t most = parts_length(utterance_samples(u) - u->part_from, u->furthest, u->vain);

	if (most != SIZE_MAX)
		u->part_most = most;
	u->lost = true;
	u->begun = u->end_sent = u->partial_pending = false;
	if (u->state == UTTERANCE_ENDED && !utterance_has_stable_text(u))
		u->partial_heard_at = u->part_from; /* no later ones would come to agree with it */
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

void attempt_lost(struct session *s, const struct error *why, const struct loss *loss)
{
	struct utterance *u = s->first;
	enum verdict verdict;
	struct error err;

	note_attempt(u, loss);
	metric_add(METRIC_utterances_lost_total, 1);
	verdict = verdict_of(u->attempts, u->attempts_n, u->vain, s->limits->losses_max);
	log_warn("session %llu: utterance %llu lost its instance: %s", (unsigned long long)s->id,
	    (unsigned long long)u->id, why->text);
	if (verdict == VERDICT_GO_ON) {
		rewind_utterance(u);
		return;
	}
	condemn(s, u, verdict, why, &err);
	attempt_failed(s, &err);
}
