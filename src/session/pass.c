/* What the attempts in one seat make of an utterance. Each one that hears it brings a final or is lost; then another one hears it
 * again, or, after many attempts in vain, a part of it at a time, for a part that was heard need not be heard again.
 *
 *   OPEN --all of it was heard--> DONE
 *   OPEN --it is to blame, too many were lost, or none can be had--> GIVEN_UP
 *
 * What is made of it is kept here until the utterance asks for it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "ipc/result_copy.h"
#include "session/parts.h"
#include "session/session_internal.h"

enum { SETTLE_MS = 2000 };

#define NEVER PASS_STATES
static const enum pass_state next[PASS_STATES][PASS_EVENTS] = {
	/*                 final      lost all */
	[PASS_OPEN] = { PASS_DONE, PASS_GIVEN_UP },
	[PASS_DONE] = { NEVER, NEVER },
	[PASS_GIVEN_UP] = { NEVER, NEVER },
};

static void step(struct pass *p, enum pass_event e)
{
	assert(next[p->state][e] != NEVER);
	p->state = next[p->state][e];
}

struct pass *pass_of(struct utterance *u, const struct seat *seat)
{
	return &u->passes[seat->index == 0 ? PASS_OF_PARTIALS : PASS_OF_FINALS];
}

void pass_init(struct pass *p)
{
	joined_init(&p->joined);
}

void pass_done(struct pass *p)
{
	joined_done(&p->joined);
	told_free(&p->final);
	free(p->eager);
	free(p->lost);
	free(p->why);
}

const struct wording *pass_wording(const struct seat *seat)
{
	static const struct wording raw = { .uppercase = false };

	if (!pool_tidies_text(seat->pool) ||
	    (pool_traits(seat->pool)->tells & IPC_TELLS_PUNCTUATION) != 0)
		return &raw;
	return &seat->session->cfg.wording;
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

/* As the client is told it, and where in there a text's stable bytes are. */
static void emit_partial(struct seat *seat, struct ipc_result *r, size_t stable, size_t settled)
{
	struct session *s = seat->session;
	struct utterance *u = seat->at;
	struct session_event e = { .kind = SESSION_EVENT_PARTIAL,
		.utterance = u->id,
		.instance = pass_of(u, seat)->now.instance };
	struct session_word *words;
	struct worded worded;

	wording_result(pass_wording(seat), WORDING_GROWING, r, &worded);
	words = partial_words(s, u, r);
	e.partial.text = r->text.bytes;
	e.partial.text_bytes = r->text.length;
	e.partial.stable_bytes = worded_place(&worded, stable);
	e.partial.settled_bytes = worded_place(&worded, settled);
	e.partial.confidence = r->confidence > 0 ? (float)r->confidence / IPC_CONFIDENCE_ONE
						 : text_confidence_of_all(&u->text);
	e.partial.words = words;
	e.partial.words_n = r->words_n;
	session_copy_language(e.partial.language, &r->language);
	metric_add(METRIC_partials_total, 1);
	session_emit(s, &e);
	free(words);
	worded_done(&worded);
}

static void tell_partial(struct seat *seat, struct ipc_result *r)
{
	struct session *s = seat->session;
	struct utterance *u = seat->at;
	struct attempt *a = &pass_of(u, seat)->now;
	size_t stable =
	    text_partial_at(&u->text, r->text.bytes, r->text.length, a->sent / SAMPLES_PER_MS);
	size_t settled =
	    text_settled(&u->text, s->cfg.settle_ms > 0 ? s->cfg.settle_ms : SETTLE_MS);

	if (r->language.length > 0)
		session_copy_language(u->language, &r->language);
	if (s->cfg.partials && (u->state == UTTERANCE_OPEN || s->cfg.paced_partials))
		emit_partial(seat, r, stable, settled);
}

static uint32_t from_ms(const struct pass *p)
{
	return (uint32_t)(p->from / SAMPLES_PER_MS);
}

/* The words of a text that is told instead of the engine's. */
static void respell(struct ipc_word *words, unsigned n, struct ipc_text text)
{
	for (unsigned i = 0; i < n; i++) {
		const char *space = text.length == 0 ? NULL : memchr(text.bytes, ' ', text.length);
		uint32_t bytes = space == NULL ? text.length : (uint32_t)(space - text.bytes);
		uint32_t step = MIN(bytes + 1, text.length);

		words[i].text = (struct ipc_text){ text.bytes, bytes };
		text.bytes += step;
		text.length -= step;
	}
}

/* What was told as stable stands against every later opinion. That of an engine that decodes anew is one of its own, so two say enough. To
 * be freed. */
static char *keep_stable(const struct seat *seat, struct text *text, struct ipc_result *r)
{
	size_t n = 0;
	char *told;

	if (pool_traits(seat->pool)->partials == IPC_PARTIALS_ANEW)
		text->agree = 2;
	told = text_keep_stable(text, r->text.bytes, r->text.length, &n);
	if (told == NULL)
		return NULL;
	r->text = (struct ipc_text){ told, (uint32_t)n };
	respell(r->words, r->words_n, r->text);
	return told;
}

/* All that is known at present. */
static void take_partial(struct seat *seat, const struct ipc_result *r)
{
	struct pass *p = pass_of(seat->at, seat);
	struct joined_view all;
	char *told;

	if (r->text.length == 0 || joined_view(&p->joined, r, from_ms(p), &all) < 0)
		return;
	told = keep_stable(seat, &seat->at->text, &all.result);
	tell_partial(seat, &all.result);
	free(told);
	joined_view_done(&all);
}

void pass_partial(struct seat *seat, const struct ipc_result *r)
{
	struct pass *p = pass_of(seat->at, seat);

	p->now.partial_pending = false;
	p->partial_heard_at = p->now.partial_asked_at;
	take_partial(seat, r);
}

static void remember_adaptation(struct seat *seat, const struct ipc_result *r)
{
	if (r->adaptation_bytes == 0)
		return;
	if (seat->adaptation == NULL)
		seat->adaptation = xcalloc(1, IPC_BLOB_MAX);
	assert(r->adaptation_bytes <= IPC_BLOB_MAX);
	for (uint32_t i = 0; i < r->adaptation_bytes; i++)
		seat->adaptation[i] = r->adaptation[i];
	seat->adaptation_bytes = r->adaptation_bytes;
}

static struct told *make_final(
    const struct seat *seat, struct utterance *u, const struct ipc_result *heard)
{
	struct session *s = seat->session;
	const struct seat *kept = session_final_seat(s);
	struct ipc_result told = *heard, *r = &told;
	struct worded worded;
	struct session_word *words;
	struct session_event e = { .kind = SESSION_EVENT_FINAL,
		.utterance = u->id,
		.instance = pass_of(u, seat)->now.instance };
	struct told *t;

	wording_result(pass_wording(seat), WORDING_WHOLE, r, &worded);
	words = words_of(s, u, r);
	e.final.text = r->text.bytes;
	e.final.text_bytes = r->text.length;
	e.final.start_ms = session_ms(s, u->from);
	e.final.end_ms = session_ms(s, u->to);
	e.final.confidence = (float)r->confidence / IPC_CONFIDENCE_ONE;
	e.final.words = words;
	e.final.words_n = r->words_n;
	e.final.adaptation = kept->adaptation;
	e.final.adaptation_bytes = kept->adaptation_bytes;
	e.final.cause = u->cause;
	session_copy_language(e.final.language, &r->language);
	t = told_new(&e);
	free(words);
	worded_done(&worded);
	return t;
}

static void count_work(const struct ipc_result *r)
{
	metric_add(METRIC_decode_cpu_seconds_total, r->cpu_us);
	metric_add(METRIC_decode_faults_total, r->faults);
}

static void break_for_text(struct seat *seat)
{
	session_break_for_memory(seat->session, " for what was heard");
}

static bool tells_eager(const struct seat *seat, const struct ipc_result *r)
{
	return seat->session->cfg.wants_eager && seat->at->finals == seat && r->text.length > 0;
}

static void tell_eager(struct seat *seat, const struct ipc_result *r)
{
	struct utterance *u = seat->at;
	struct told *t;

	if (!tells_eager(seat, r) || u->eager_told)
		return;
	t = make_final(seat, u, r);
	if (t == NULL)
		return;
	t->e.kind = SESSION_EVENT_EAGER_FINAL;
	t->e.final.end_ms = session_ms(seat->session, u->from + u->pause);
	t->e.final.adaptation_bytes = 0;
	u->eager_told = true;
	told_push(seat->session, t);
}

/* An engine that decodes anew has decoded a partial with it. */
void pass_eager(struct seat *seat, const struct ipc_result *r)
{
	struct pass *p = pass_of(seat->at, seat);

	p->eager = result_copy(r);
	if (pool_traits(seat->pool)->partials == IPC_PARTIALS_ANEW && seat->index == 0 &&
	    !seat->session->cfg.paced_partials)
		take_partial(seat, r);
	tell_eager(
	    seat, p->eager); /* a partial may have spelled the words of the other in its own way */
}

static void finish(struct seat *seat, const struct ipc_result *r)
{
	struct utterance *u = seat->at;
	struct pass *p = pass_of(u, seat);
	struct joined_view all;

	step(p, PASS_FINAL);
	seat->at = NULL;
	if (joined_view(&p->joined, r, from_ms(p), &all) < 0) {
		break_for_text(seat);
		return;
	}
	p->words = all.result.words_n;
	p->final = make_final(seat, u, &all.result);
	if (p->final == NULL)
		break_for_text(seat);
	joined_view_done(&all);
}

void pass_keep_eager(struct seat *seat, struct utterance *u)
{
	struct ipc_result *r = pass_of(u, seat)->eager;

	pass_of(u, seat)->eager = NULL;
	seat->at = u;
	lease_settle(seat->lease);
	count_work(r);
	remember_adaptation(seat, r);
	finish(seat, r);
	free(r);
}

/* To the end, or where it is quiet before it gets too long. */
static void choose_part(const struct utterance *u, struct pass *p)
{
	const int16_t *samples = (const int16_t *)(const void *)buffer_head(&u->audio);
	size_t left = utterance_to_hear(u) - p->from, cut;

	p->to = 0;
	if (p->most == 0 || left == 0)
		return;
	cut = parts_cut(samples + p->from, left, p->most);
	if (cut < left)
		p->to = p->from + cut;
}

/* A part was heard, and need not be heard again whatever becomes of the rest. */
static void finish_part(struct seat *seat, const struct ipc_result *r)
{
	struct utterance *u = seat->at;
	struct pass *p = pass_of(u, seat);

	if (joined_add(&p->joined, r, from_ms(p)) < 0) {
		break_for_text(seat);
		return;
	}
	if (seat->index == 0)
		text_settle(
		    &u->text, (const char *)buffer_head(&p->joined.text), p->joined.text.len);
	p->vain = p->furthest = 0;
	p->from = p->to;
	p->partial_heard_at = MAX(p->partial_heard_at, p->from); /* its text is better than any */
	p->now = (struct attempt){ .sent = p->from, .partial_asked_at = p->partial_heard_at };
	choose_part(u, p);
}

void pass_final(struct seat *seat, const struct ipc_result *r)
{
	count_work(r);
	remember_adaptation(seat, r);
	if (pass_of(seat->at, seat)->to > 0)
		finish_part(seat, r);
	else
		finish(seat, r);
}

void pass_give_up(struct seat *seat, const struct error *why)
{
	struct pass *p = pass_of(seat->at, seat);

	step(p, PASS_LOST_ALL);
	p->why = xcalloc(1, sizeof *p->why);
	*p->why = *why;
	seat->at = NULL;
}

/* As if nothing had been sent: its audio is all here, and the adaptation it began with is the seat's still. */
static void rewind_pass(const struct utterance *u, struct pass *p)
{
	size_t most = parts_length(utterance_to_hear(u) - p->from, p->furthest, p->vain);

	if (most != SIZE_MAX)
		p->most = most;
	if (u->state == UTTERANCE_ENDED && !utterance_has_stable_text(u))
		p->partial_heard_at = p->from; /* no later ones would come to agree with it */
	p->now = (struct attempt){
		.replay = true, .sent = p->from, .partial_asked_at = p->partial_heard_at
	};
	choose_part(u, p);
}

static void note_loss(struct pass *p, const struct loss *loss)
{
	const struct lost_attempt a = { .cause = loss->cause,
		.from = p->from,
		.at = p->from + loss->done,
		.busy = loss->busy,
		.decoding = loss->busy && loss->done > 0 && loss->done < loss->given };

	if (p->lost == NULL)
		p->lost = xcalloc(VERDICT_ATTEMPTS_MAX, sizeof *p->lost);
	if (p->lost_n == VERDICT_ATTEMPTS_MAX)
		memmove(p->lost, p->lost + 1, --p->lost_n * sizeof *p->lost);
	p->lost[p->lost_n++] = a;
	p->vain++;
	p->furthest = MAX(p->furthest, (size_t)loss->done);
}

/* It is given up; worded in *err. */
static void condemn(
    struct seat *seat, enum verdict verdict, const struct error *why, struct error *err)
{
	struct session *s = seat->session;
	char limit[64] = "";

	lease_abort(seat->lease);
	if (verdict == VERDICT_POISON) {
		metric_add(METRIC_utterances_poisonous_total, 1);
		poison_keep(s, seat, seat->at);
	} else {
		metric_add(METRIC_utterances_given_up_total, 1);
		(void)snprintf(
		    limit, sizeof limit, " (utterance_losses_max %u)", s->limits->losses_max);
	}
	(void)error_set(err, why->code,
	    "%zu instances were lost to this utterance%s, the last because: %s",
	    pass_of(seat->at, seat)->lost_n, limit, why->text);
}

void pass_lost(struct seat *seat, const struct error *why, const struct loss *loss)
{
	struct session *s = seat->session;
	struct utterance *u = seat->at;
	struct pass *p = pass_of(u, seat);
	enum verdict verdict;
	struct error err;

	note_loss(p, loss);
	metric_add(METRIC_utterances_lost_total, 1);
	verdict = verdict_of(p->lost, p->lost_n, p->vain, s->limits->losses_max);
	log_warn("session %llu: utterance %llu lost its instance: %s", (unsigned long long)s->id,
	    (unsigned long long)u->id, why->text);
	if (verdict == VERDICT_GO_ON) {
		rewind_pass(u, p);
		return;
	}
	condemn(seat, verdict, why, &err);
	pass_give_up(seat, &err);
}
