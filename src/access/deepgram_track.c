#include "access/deepgram_track.h"

#include "base/error.h"
#include "base/util.h"

enum { SILENCE_MS = 4000 }; /* of audio, for which a result is made without text */

enum result { INTERIM, FINAL };

void deepgram_track_init(struct deepgram_track *t, const struct deepgram_track_config *cfg)
{
	*t = (struct deepgram_track){ .cfg = *cfg };
}

static void say_result(
    struct deepgram_track *t, enum result kind, uint64_t end_ms, struct deepgram_result *r)
{
	r->channel = t->cfg.channel;
	r->is_final = kind == FINAL;
	r->start_ms = t->fixed_ms;
	r->end_ms = MAX(end_ms, t->fixed_ms);
	if (r->text == NULL)
		r->text = "";
	if (kind == FINAL)
		t->fixed_ms = r->end_ms;
	t->interim_end_ms = kind == FINAL ? 0 : r->end_ms;
	t->cfg.say(t->cfg.arg, deepgram_results_of(t->cfg.about, r));
}

static void say_silence(struct deepgram_track *t, uint64_t end_ms, bool from_finalize)
{
	say_result(t, FINAL, end_ms, &(struct deepgram_result){ .from_finalize = from_finalize });
}

static uint64_t silent_until(const struct deepgram_track *t)
{
	return t->heard_ms - MIN(t->heard_ms, (uint64_t)t->cfg.margin_ms);
}

static void on_start(struct deepgram_track *t, const struct session_event *e)
{
	t->pending++;
	t->speaking = true;
	t->interim_end_ms = MAX(t->interim_end_ms, e->at_ms);
	if (t->cfg.vad_events)
		t->cfg.say(
		    t->cfg.arg, deepgram_speech_started_of(t->cfg.about, t->cfg.channel, e->at_ms));
}

static void on_partial(struct deepgram_track *t, const struct session_event *e)
{
	t->words_coming = true;
	if (t->cfg.interim_results)
		say_result(t, INTERIM, MAX(t->heard_ms, t->interim_end_ms),
		    &(struct deepgram_result){
			.text = e->partial.text, .text_bytes = e->partial.text_bytes });
}

/* One utterance less to wait for. True: a Finalize has waited for just that. */
static bool one_less(struct deepgram_track *t)
{
	bool waited;

	t->words_coming = false;
	t->pending -= t->pending > 0;
	waited = t->finalize_waits && t->pending == 0;
	if (waited)
		t->finalize_waits = false;
	return waited;
}

static void on_final(struct deepgram_track *t, const struct session_event *e)
{
	bool waited = one_less(t);

	if (e->final.words_n > 0) {
		t->last_word_end_ms = e->final.words[e->final.words_n - 1].end_ms;
		t->words_said = true;
	}
	say_result(t, FINAL, e->final.end_ms,
	    &(struct deepgram_result){
		.speech_final = t->cfg.endpointing && e->final.cause == EAR_CAUSE_SILENCE,
		.from_finalize = waited || e->utterance == t->committed,
		.text = e->final.text,
		.text_bytes = e->final.text_bytes,
		.confidence = e->final.confidence,
		.words = e->final.words,
		.words_n = e->final.words_n });
}

/* The words of one utterance are lost; the stream goes on, and whoever waits for its Finalize must not wait forever. */
static void on_failure(struct deepgram_track *t, const struct session_event *e)
{
	bool waited = one_less(t);

	t->cfg.say(t->cfg.arg, deepgram_error_of(e->error.why));
	if (waited || e->utterance == t->committed)
		say_silence(t, t->fixed_ms, true);
}

static void on_committed(struct deepgram_track *t, const struct session_event *e)
{
	if (!e->committed.empty)
		t->committed = e->utterance;
	else if (t->pending > 0)
		t->finalize_waits = true;
	else
		say_silence(t, silent_until(t), true);
}

/* With an utterance open that has no text so far, the last word is still the last one. */
static bool is_quiet(const struct deepgram_track *t)
{
	return t->pending == 0 || (t->pending == 1 && t->speaking && !t->words_coming);
}

static void on_heard(struct deepgram_track *t, const struct session_event *e)
{
	t->heard_ms = e->heard.at_ms;
	if (t->cfg.utterance_end_ms > 0 && t->words_said && is_quiet(t) &&
	    t->heard_ms >= t->last_word_end_ms + t->cfg.utterance_end_ms) {
		t->words_said = false;
		t->cfg.say(t->cfg.arg,
		    deepgram_utterance_end_of(t->cfg.about, t->cfg.channel, t->last_word_end_ms));
	}
	if (t->pending == 0 && silent_until(t) >= t->fixed_ms + SILENCE_MS)
		say_silence(t, silent_until(t), false);
}

void deepgram_track_event(struct deepgram_track *t, const struct session_event *e)
{
	switch (e->kind) {
	case SESSION_EVENT_SPEECH_START:
		on_start(t, e);
		break;
	case SESSION_EVENT_SPEECH_END:
		t->speaking = false;
		break;
	case SESSION_EVENT_PARTIAL:
		on_partial(t, e);
		break;
	case SESSION_EVENT_FINAL:
		on_final(t, e);
		break;
	case SESSION_EVENT_ERROR:
		if (!e->error.fatal)
			on_failure(t, e);
		break;
	case SESSION_EVENT_HEARD:
		on_heard(t, e);
		break;
	case SESSION_EVENT_COMMITTED:
		on_committed(t, e);
		break;
	case SESSION_EVENT_ENDED:
		if (e->ended.audio_ms > t->fixed_ms)
			say_silence(t, e->ended.audio_ms, false);
		break;
	default:
		break;
	}
}
