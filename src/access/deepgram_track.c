#include "access/deepgram_track.h"

#include <string.h>

#include "base/error.h"
#include "base/util.h"

enum {
	SILENCE_MS = 4000, /* of audio, for which a result is made without text */
	PIECE_MS = 3000,   /* the least of speech that is fixed before its utterance ends */
	RIPE_MS = 1000,    /* after a word's end, until it may be fixed */
};

enum result { INTERIM, FINAL };

/* Some words in a row, or none. */
struct part {
	const char *text;
	size_t text_bytes;
	const struct session_word *words;
	size_t words_n; /* 0: their times are not known */
	float confidence;
};

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

static size_t word_bytes(const struct part *p)
{
	const char *space = p->text_bytes == 0 ? NULL : memchr(p->text, ' ', p->text_bytes);

	return space == NULL ? p->text_bytes : (size_t)(space - p->text);
}

/* Takes n words off the beginning, or as many as there are. */
static struct part part_after(struct part p, size_t n)
{
	for (; n > 0 && p.text_bytes > 0; n--) {
		size_t bytes = MIN(word_bytes(&p) + 1, p.text_bytes);

		p.text += bytes;
		p.text_bytes -= bytes;
		p.words += p.words_n > 0;
		p.words_n -= p.words_n > 0;
	}
	return p;
}

/* Of a part and of what is left of it. */
static struct part part_before(struct part p, const struct part *rest)
{
	p.text_bytes -= rest->text_bytes;
	p.text_bytes -= p.text_bytes > 0 && p.text[p.text_bytes - 1] == ' ';
	p.words_n -= MIN(rest->words_n, p.words_n);
	return p;
}

/* A recogniser may think better of words that are fixed, and have more or fewer of them: what it heard behind them is the rest. */
static size_t words_fixed(const struct deepgram_track *t, const struct part *whole)
{
	size_t n = 0;

	if (t->fixed_words == 0 || !t->fixed_by_time || whole->words_n == 0)
		return t->fixed_words;
	while (n < whole->words_n &&
	    whole->words[n].start_ms + whole->words[n].end_ms < 2 * t->fixed_ms)
		n++;
	return n;
}

static struct part rest_of(const struct deepgram_track *t, struct part whole)
{
	return part_after(whole, words_fixed(t, &whole));
}

static float confidence_of(const struct part *p)
{
	float sum = 0;

	for (size_t i = 0; i < p->words_n; i++)
		sum += p->words[i].confidence;
	return p->words_n == 0 ? p->confidence : sum / (float)p->words_n;
}

static void say_part(struct deepgram_track *t, enum result kind, uint64_t end_ms,
    const struct part *p, struct deepgram_result *r)
{
	r->text = p->text;
	r->text_bytes = p->text_bytes;
	r->words = p->words;
	r->words_n = p->words_n;
	r->confidence = p->text_bytes == 0 ? 0 : confidence_of(p);
	say_result(t, kind, end_ms, r);
}

static void note_word(struct deepgram_track *t, uint64_t end_ms)
{
	t->last_word_end_ms = end_ms;
	t->words_said = true;
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
	t->began_ms = e->at_ms;
	t->interim_end_ms = MAX(t->interim_end_ms, e->at_ms);
	if (t->cfg.vad_events)
		t->cfg.say(
		    t->cfg.arg, deepgram_speech_started_of(t->cfg.about, t->cfg.channel, e->at_ms));
}

/* The words of the rest that stand, and ended a while ago if that is known. */
static size_t count_ripe(
    const struct deepgram_track *t, const struct part *rest, const char *stable_end)
{
	struct part p = *rest;
	size_t n = 0;

	while (p.text_bytes > 0 && p.text + word_bytes(&p) <= stable_end &&
	    (p.words_n == 0 || p.words[0].end_ms + RIPE_MS <= t->heard_ms)) {
		p = part_after(p, 1);
		n++;
	}
	return n;
}

/* Where so much of the text ends, if nothing better is known: as if it were spoken evenly. */
static uint64_t guess_end(const struct deepgram_track *t, const struct part *piece,
    const struct part *from, uint64_t from_ms)
{
	uint64_t span_ms = t->heard_ms - MIN(t->heard_ms, from_ms);

	return from_ms + span_ms * piece->text_bytes / MAX(from->text_bytes, (size_t)1);
}

/* Returns what is left. */
static struct part fix_piece(struct deepgram_track *t, struct part rest, const char *stable_end)
{
	uint64_t from_ms = MAX(t->fixed_ms, t->began_ms), end_ms;
	size_t n = count_ripe(t, &rest, stable_end);
	struct part left = part_after(rest, n), piece = part_before(rest, &left);

	if (n == 0)
		return rest;
	end_ms = piece.words_n > 0 ? piece.words[piece.words_n - 1].end_ms
				   : guess_end(t, &piece, &rest, from_ms);
	if (end_ms < from_ms + PIECE_MS)
		return rest;
	say_part(t, FINAL, end_ms, &piece, &(struct deepgram_result){ 0 });
	t->fixed_words += n;
	t->fixed_by_time = piece.words_n > 0;
	note_word(t, end_ms);
	return left;
}

static void on_partial(struct deepgram_track *t, const struct session_event *e)
{
	const struct part whole = { e->partial.text, e->partial.text_bytes, e->partial.words,
		e->partial.words_n, e->partial.confidence };
	struct part rest =
	    fix_piece(t, rest_of(t, whole), e->partial.text + e->partial.stable_bytes);

	t->words_coming = rest.text_bytes > 0;
	if (t->cfg.interim_results && rest.text_bytes > 0)
		say_part(t, INTERIM, MAX(t->heard_ms, t->interim_end_ms), &rest,
		    &(struct deepgram_result){ 0 });
}

/* One utterance less to wait for. True: a Finalize has waited for just that. */
static bool one_less(struct deepgram_track *t)
{
	bool waited;

	t->words_coming = false;
	t->fixed_words = 0;
	t->pending -= t->pending > 0;
	waited = t->finalize_waits && t->pending == 0;
	if (waited)
		t->finalize_waits = false;
	return waited;
}

static void on_final(struct deepgram_track *t, const struct session_event *e)
{
	const struct part whole = { e->final.text, e->final.text_bytes, e->final.words,
		e->final.words_n, e->final.confidence };
	struct part rest = rest_of(t, whole);
	bool waited = one_less(t);

	if (rest.words_n > 0)
		note_word(t, rest.words[rest.words_n - 1].end_ms);
	say_part(t, FINAL, e->final.end_ms, &rest,
	    &(struct deepgram_result){
		.speech_final = t->cfg.endpointing && e->final.cause == EAR_CAUSE_SILENCE,
		.from_finalize = waited || e->utterance == t->committed,
		.incomplete = e->final.incomplete != NULL });
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
