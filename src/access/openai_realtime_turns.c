#include "access/openai_realtime_turns.h"

#include <stdlib.h>
#include <string.h>

#include "access/delta.h"
#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"

struct realtime_turn {
	struct realtime_turn *next;
	char item[REALTIME_ID_BYTES];
	uint64_t first, last; /* utterances; 0: none, a turn in which nothing was said */
	unsigned open;        /* of them, without final or error yet */
	bool manual, committed, failed;
	bool incomplete;  /* some of what was said is missing */
	struct error why; /* once failed */
	struct delta delta;
	char *text; /* owned; of its finals; NULL: "" */
	size_t text_n;
	uint64_t audio_ms;
	char language[LANGUAGE_BYTES]; /* the first that was heard in it */
};

static struct realtime_turn *add(struct realtime_turns *t, bool manual)
{
	struct realtime_turn *turn = xcalloc(1, sizeof *turn);

	realtime_ids_item(t->ids, turn->item);
	turn->manual = manual;
	if (t->last != NULL)
		t->last->next = turn;
	else
		t->first = turn;
	t->last = turn;
	return turn;
}

static void turn_free(struct realtime_turn *turn)
{
	delta_reset(&turn->delta);
	free(turn->text);
	free(turn);
}

static void drop(struct realtime_turns *t, struct realtime_turn *turn)
{
	struct realtime_turn **at = &t->first, *before = NULL;

	for (; *at != turn; at = &(*at)->next)
		before = *at;
	*at = turn->next;
	if (t->last == turn)
		t->last = before;
	turn_free(turn);
}

static struct realtime_turn *find(const struct realtime_turns *t, uint64_t utterance)
{
	struct realtime_turn *turn = t->first;

	while (turn != NULL && (utterance < turn->first || utterance > turn->last))
		turn = turn->next;
	return turn;
}

bool realtime_turns_is_open(const struct realtime_turns *t)
{
	return t->last != NULL && !t->last->committed;
}

/* Before its end a turn without speech detection says nothing: its item is not there yet. */
static bool may_speak(const struct realtime_turn *turn)
{
	return !turn->failed && (turn->committed || !turn->manual);
}

static void send_delta(
    struct realtime_turns *t, const struct realtime_turn *turn, const char *text, size_t n)
{
	if (n > 0)
		t->send(t->arg, realtime_event_delta(t->ids, turn->item, text, n));
}

static json_t *completed(struct realtime_turns *t, const struct realtime_turn *turn)
{
	json_t *event = realtime_event_completed(t->ids, turn->item,
	    &(struct realtime_heard){ .text = turn->text == NULL ? "" : turn->text,
		.text_bytes = turn->text_n,
		.audio_ms = turn->audio_ms,
		.language = turn->language[0] != '\0' ? turn->language : t->language });

	if (turn->incomplete)
		(void)json_object_set_new(event, "incomplete", json_true());
	if (event != NULL && t->unheeded.code != ERROR_NONE)
		(void)json_object_set_new(
		    event, "warning", json_text_of(t->unheeded.text, strlen(t->unheeded.text)));
	t->unheeded.code = ERROR_NONE;
	return event;
}

/* Of a final that thinks better of what was sent: what was said behind that. */
static void send_behind(
    struct realtime_turns *t, const struct realtime_turn *turn, const struct session_event *e)
{
	size_t n;
	const char *rest = delta_behind(&turn->delta, e, &n);
	char *text = n == 0 ? NULL : malloc(n + 1);

	if (text == NULL)
		return;
	text[0] = ' ';
	memcpy(text + 1, rest, n);
	send_delta(t, turn, text, n + 1);
	free(text);
}

static void finish_if_done(struct realtime_turns *t, struct realtime_turn *turn)
{
	if (!turn->committed || turn->open > 0)
		return;
	t->send(t->arg,
	    turn->failed ? realtime_event_failed(t->ids, turn->item, &turn->why)
			 : completed(t, turn));
	drop(t, turn);
}

static void send_item(struct realtime_turns *t, const char *type, const struct realtime_turn *turn)
{
	t->send(t->arg, realtime_event_item(t->ids, type, t->previous, turn->item));
}

static void send_commit(struct realtime_turns *t, const struct realtime_turn *turn)
{
	t->send(t->arg, realtime_event_committed(t->ids, t->previous, turn->item));
	if (t->beta) {
		send_item(t, "conversation.item.created", turn);
	} else {
		send_item(t, "conversation.item.added", turn);
		send_item(t, "conversation.item.done", turn);
	}
}

static void commit(struct realtime_turns *t, struct realtime_turn *turn)
{
	const char *text;
	size_t n;

	send_commit(t, turn);
	memcpy(t->previous, turn->item, sizeof t->previous);
	turn->committed = true;
	if (may_speak(turn) && turn->text_n > 0) {
		text = delta_of_final(&turn->delta, turn->text, turn->text_n, &n);
		send_delta(t, turn, text, n);
	}
	finish_if_done(t, turn);
}

static void on_speech_start(struct realtime_turns *t, const struct session_event *e)
{
	struct realtime_turn *turn = t->last;
	uint64_t prefix_ms = MIN(t->mode.prefix_ms, e->at_ms);
	uint64_t start_ms = MAX(e->at_ms - prefix_ms, t->ended_ms); /* no two turns overlap */

	if (turn == NULL || turn->committed || !turn->manual) {
		turn = add(t, t->mode.manual);
		turn->first = e->utterance;
	}
	turn->last = e->utterance;
	turn->open++;
	if (!turn->manual)
		t->send(t->arg,
		    realtime_event_speech(
			t->ids, "speech_started", "audio_start_ms", start_ms, turn->item));
}

/* The silence that ends a turn is its own; a commit and the greatest length end it where they cut. */
static uint64_t end_ms_of(const struct realtime_turns *t, const struct session_event *e)
{
	if (e->end_cause != EAR_CAUSE_SILENCE)
		return e->at_ms;
	return MAX(e->at_ms, MIN(e->at_ms + t->mode.silence_ms, t->given_ms));
}

static void on_speech_end(struct realtime_turns *t, const struct session_event *e)
{
	struct realtime_turn *turn = find(t, e->utterance);

	if (turn == NULL || turn->manual || turn->committed)
		return;
	t->ended_ms = end_ms_of(t, e);
	t->send(t->arg,
	    realtime_event_speech(
		t->ids, "speech_stopped", "audio_end_ms", t->ended_ms, turn->item));
	commit(t, turn);
}

/* The text of the turn's finals and behind it more; to be freed. NULL: memory is out. */
static char *text_with(const struct realtime_turn *turn, const char *more, size_t n, size_t *all_n)
{
	size_t before = turn->text_n + (turn->text_n > 0 && n > 0);
	char *text = malloc(before + n + 1);

	if (text == NULL)
		return NULL;
	if (turn->text_n > 0)
		memcpy(text, turn->text, turn->text_n);
	if (before > turn->text_n)
		text[turn->text_n] = ' ';
	if (n > 0)
		memcpy(text + before, more, n);
	*all_n = before + n;
	return text;
}

static void on_partial(struct realtime_turns *t, const struct session_event *e)
{
	struct realtime_turn *turn = find(t, e->utterance);
	const char *text;
	char *all;
	size_t n;

	if (turn == NULL || !may_speak(turn) || e->partial.settled_bytes == 0)
		return;
	all = text_with(turn, e->partial.text, e->partial.settled_bytes, &n);
	if (all == NULL)
		return;
	text = delta_of_partial(&turn->delta, all, n, &n);
	send_delta(t, turn, text, n);
	if (turn->text_n == 0)
		delta_note_time(&turn->delta, e);
	free(all);
}

/* A part of the text would look like the whole, so a turn fails with any of its utterances of which nothing is known. */
static void fail(struct realtime_turn *turn, const struct error *why)
{
	turn->failed = true;
	turn->why = *why;
}

static void take_final(struct realtime_turn *turn, const struct session_event *e)
{
	struct error err;
	char *all = text_with(turn, e->final.text, e->final.text_bytes, &turn->text_n);

	if (all == NULL) {
		(void)error_set(&err, ERROR_SYSTEM, "there is no memory for the text");
		fail(turn, &err);
		return;
	}
	free(turn->text);
	turn->text = all;
	if (turn->language[0] == '\0')
		memcpy(turn->language, e->final.language, sizeof turn->language);
	turn->incomplete |= e->final.incomplete != NULL;
	turn->audio_ms += e->final.end_ms - MIN(e->final.start_ms, e->final.end_ms);
}

/* `alone`: the final of a turn that has no other text; NULL: it has. */
static void send_rest(
    struct realtime_turns *t, struct realtime_turn *turn, const struct session_event *alone)
{
	const char *text;
	size_t n;

	if (alone != NULL && !delta_goes_on(&turn->delta, turn->text, turn->text_n)) {
		send_behind(t, turn, alone);
		return;
	}
	text = delta_of_final(&turn->delta, turn->text, turn->text_n, &n);
	send_delta(t, turn, text, n);
}

static void on_final(struct realtime_turns *t, const struct session_event *e)
{
	struct realtime_turn *turn = find(t, e->utterance);
	bool alone;

	if (turn == NULL)
		return;
	turn->open--;
	alone = turn->text_n == 0;
	take_final(turn, e);
	if (may_speak(turn))
		send_rest(t, turn, alone ? e : NULL);
	finish_if_done(t, turn);
}

static void on_error(struct realtime_turns *t, const struct session_event *e)
{
	struct realtime_turn *turn = find(t, e->utterance);

	if (turn == NULL || e->utterance == 0)
		return;
	turn->open--;
	fail(turn, e->error.why);
	finish_if_done(t, turn);
}

void realtime_turns_commit(struct realtime_turns *t)
{
	t->commits++;
}

void realtime_turns_commit_silence(struct realtime_turns *t)
{
	commit(t, realtime_turns_is_open(t) ? t->last : add(t, true));
}

void realtime_turns_switch(struct realtime_turns *t, const struct realtime_mode *mode)
{
	struct realtime_switch *s = xcalloc(1, sizeof *s), **at = &t->switches;

	while (*at != NULL)
		at = &(*at)->next;
	*at = s;
	s->commit = ++t->commits;
	s->mode = *mode;
}

/* True when this commit was there for another mode to begin. */
static bool take_switch(struct realtime_turns *t)
{
	struct realtime_switch *s = t->switches;

	if (s == NULL || s->commit != t->answered)
		return false;
	t->mode = s->mode;
	t->switches = s->next;
	free(s);
	return true;
}

/* Where speech detection had ended the turn before, or at this very commit, it is committed already. */
static void on_committed(struct realtime_turns *t, const struct session_event *e)
{
	bool asked;

	t->answered++;
	asked = !take_switch(t);
	if (realtime_turns_is_open(t) && t->last->manual)
		commit(t, t->last);
	else if (asked && e->committed.empty && !realtime_turns_is_open(t))
		commit(t, add(t, true));
}

static void on_cleared(struct realtime_turns *t)
{
	if (realtime_turns_is_open(t))
		drop(t, t->last);
	t->send(t->arg, realtime_event(t->ids, "input_audio_buffer.cleared"));
}

void realtime_turns_event(struct realtime_turns *t, const struct session_event *e)
{
	switch (e->kind) {
	case SESSION_EVENT_SPEECH_START:
		on_speech_start(t, e);
		return;
	case SESSION_EVENT_SPEECH_END:
		on_speech_end(t, e);
		return;
	case SESSION_EVENT_PARTIAL:
		on_partial(t, e);
		return;
	case SESSION_EVENT_FINAL:
		on_final(t, e);
		return;
	case SESSION_EVENT_ERROR:
		on_error(t, e);
		return;
	case SESSION_EVENT_COMMITTED:
		on_committed(t, e);
		return;
	case SESSION_EVENT_CLEARED:
		on_cleared(t);
		return;
	default:
		return;
	}
}

void realtime_turns_fail(struct realtime_turns *t, const struct error *why)
{
	for (const struct realtime_turn *turn = t->first; turn != NULL; turn = turn->next)
		if (turn->committed)
			t->send(t->arg, realtime_event_failed(t->ids, turn->item, why));
	realtime_turns_done(t);
}

void realtime_turns_done(struct realtime_turns *t)
{
	struct realtime_turn *turn = t->first, *next;

	t->first = t->last = NULL;
	for (struct realtime_switch *s = t->switches, *after; s != NULL; s = after) {
		after = s->next;
		free(s);
	}
	t->switches = NULL;
	for (; turn != NULL; turn = next) {
		next = turn->next;
		turn_free(turn);
	}
}
