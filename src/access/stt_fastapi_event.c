#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/json_text.h"
#include "access/stt_fastapi.h"
#include "access/stt_stable.h"
#include "access/stt_time.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "net/websocket.h"

enum { REAL_DIGITS = 16 /* times since 1970 with microseconds */ };

void stt_fastapi_send(struct stt_fastapi *f, json_t *o)
{
	char *text =
	    o == NULL ? NULL : json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));

	json_decref(o);
	if (text != NULL)
		wire_send_text(&f->wire, text, strlen(text));
	free(text);
}

void stt_fastapi_count(const struct access *a, struct stt_status *out)
{
	out->sessions = a->stt_fastapi_n;
	out->speakers = a->stt_fastapi_speakers;
}

void stt_fastapi_tell_status(struct stt_fastapi *f, const char *state)
{
	struct stt_status status = { .state = state, .queue_depth = f->position };

	stt_fastapi_count(f->wire.access, &status);
	stt_fastapi_send(f, stt_fastapi_status(f->id, &status, stt_time_now()));
}

static bool is_open(const struct stt_speech *s)
{
	return !(s->segment.ended > 0);
}

static const struct stt_speech *open_speech(const struct stt_fastapi *f)
{
	const struct stt_speech *s = f->speeches;

	while (s != NULL && !is_open(s))
		s = s->next;
	return s;
}

static bool has_take(const struct stt_fastapi *f)
{
	const struct stt_take *t = f->takes;

	while (t != NULL && t->over)
		t = t->next;
	return t != NULL;
}

/* After a stop it is idle when all is told. */
const char *stt_fastapi_state(const struct stt_fastapi *f)
{
	if (open_speech(f) != NULL)
		return "recording";
	if (f->speeches != NULL)
		return "transcribing";
	if (f->streaming)
		return "listening";
	return has_take(f) ? "transcribing" : "idle";
}

static void tell_state(struct stt_fastapi *f)
{
	stt_fastapi_tell_status(f, stt_fastapi_state(f));
}

json_t *stt_fastapi_counted(const struct stt_fastapi *f)
{
	const struct stt_speech *open = open_speech(f);
	const struct stt_segment none = { .id = f->next_segment };

	return stt_fastapi_metrics(f->id, stt_fastapi_state(f), f->streaming,
	    open == NULL ? &none : &open->segment, &f->counts);
}

static json_t *timeline(const struct stt_fastapi *f, const char *event, const struct stt_speech *s)
{
	return stt_fastapi_timeline(f->id, event, &s->segment, stt_time_now());
}

static void tell_ended(struct stt_fastapi *f, const struct stt_speech *s)
{
	stt_fastapi_tell_status(f, "silence");
	stt_fastapi_send(f, timeline(f, "recording_ended", s));
	if (f->streaming)
		stt_fastapi_tell_status(f, "listening");
}

static void close_segment(struct stt_speech *s, double at)
{
	if (is_open(s))
		s->take->owner->wire.access->stt_fastapi_speakers--;
	s->segment.ended = at < s->segment.started ? s->segment.started : at;
}

static void speech_free(struct stt_speech *s)
{
	close_segment(s, s->segment.started);
	stt_stable_free(&s->stable);
	free(s);
}

/* NULL: nothing of it is told. */
static struct stt_speech **find(struct stt_take *t, uint64_t utterance)
{
	struct stt_speech **s = &t->owner->speeches;

	while (*s != NULL && ((*s)->take != t || (*s)->utterance != utterance))
		s = &(*s)->next;
	return s;
}

static void end_speech(struct stt_speech **at)
{
	struct stt_speech *s = *at;

	if (s == NULL)
		return;
	*at = s->next;
	speech_free(s);
}

void stt_fastapi_drop_speeches(struct stt_fastapi *f)
{
	while (f->speeches != NULL)
		end_speech(&f->speeches);
}

void stt_fastapi_forget(struct stt_fastapi *f)
{
	while (f->speeches != NULL) {
		if (is_open(f->speeches)) {
			close_segment(f->speeches, stt_time_now());
			tell_ended(f, f->speeches);
		}
		end_speech(&f->speeches);
	}
}

/* What had been kept from before speech cannot be more than there was. */
static struct stt_segment segment_at(struct stt_take *t, uint64_t at_ms)
{
	double at = (double)at_ms / 1000.0;
	struct stt_segment g = { .id = t->owner->next_segment++ };

	g.started = t->began + at;
	g.pre_roll_wished = t->owner->wire.access->cfg.endpoint.pre_roll_ms / 1000.0;
	g.pre_roll = g.pre_roll_wished < at ? g.pre_roll_wished : at;
	return g;
}

static void on_speech_start(struct stt_take *t, const struct session_event *e)
{
	struct stt_speech *s, **at = &t->owner->speeches;

	if (t->clearing > 0)
		return;
	s = xcalloc(1, sizeof *s);
	s->take = t;
	s->utterance = e->utterance;
	s->segment = segment_at(t, e->at_ms);
	s->stable = stt_stable_new();
	t->owner->wire.access->stt_fastapi_speakers++;
	while (*at != NULL)
		at = &(*at)->next;
	*at = s;
	stt_fastapi_tell_status(t->owner, "voice");
	stt_fastapi_send(t->owner, timeline(t->owner, "recording_started", s));
	stt_fastapi_tell_status(t->owner, "recording");
}

static void on_speech_end(struct stt_take *t, const struct session_event *e)
{
	struct stt_speech *s = *find(t, e->utterance);
	struct stt_fastapi *f = t->owner;

	if (s == NULL)
		return;
	close_segment(s, t->began + (double)e->at_ms / 1000.0);
	f->counts.finals_wanted++;
	tell_ended(f, s);
	stt_fastapi_send(f, timeline(f, "transcription_started", s));
	stt_fastapi_tell_status(f, "transcribing");
}

static void tell_realtime(struct stt_fastapi *f, const struct stt_speech *s, const char *text,
    const struct stt_stable_text *stable)
{
	const struct stt_realtime r = { text, s->sequence, stable };
	json_t *line = timeline(f, "realtime_transcript", s);

	f->counts.partials++;
	stt_fastapi_send(f, stt_fastapi_realtime(f->id, &r, &s->segment, stt_time_now()));
	if (line != NULL) {
		(void)json_object_set_new(line, "text", json_text_of(text, strlen(text)));
		(void)json_object_set_new(line, "sequence", json_integer((json_int_t)s->sequence));
	}
	stt_fastapi_send(f, line);
}

/* Each partial has heard more than the one before, as it is asked for when more has been sent. */
static void on_partial(struct stt_take *t, const struct session_event *e)
{
	struct stt_speech *s = *find(t, e->utterance);
	struct stt_stable_text stable;
	char *text;

	if (s == NULL || s->stable == NULL)
		return;
	text = malloc(e->partial.text_bytes + 1);
	if (text == NULL)
		return;
	memcpy(text, e->partial.text, e->partial.text_bytes);
	text[e->partial.text_bytes] = '\0';
	s->sequence++;
	if (stt_stable_take(s->stable, text, e->partial.text_bytes, s->sequence,
		clock_now_ns() / NS_PER_MS, &stable) == 0)
		tell_realtime(t->owner, s, text, &stable);
	free(text);
}

static void on_final(struct stt_take *t, const struct session_event *e)
{
	struct stt_speech **at = find(t, e->utterance);
	struct stt_fastapi *f = t->owner;
	const char *text = e->final.text;
	size_t n = e->final.text_bytes;
	json_t *final, *line;

	if (*at == NULL)
		return;
	f->counts.finals++;
	final = stt_fastapi_final(f->id, text, n, &(*at)->segment, stt_time_now());
	if (e->final.incomplete != NULL) {
		(void)json_object_set_new(final, "incomplete", json_true());
		stt_fastapi_send(
		    f, stt_fastapi_message("warning", f->id, NULL, e->final.incomplete->text));
	}
	stt_fastapi_send(f, final);
	line = timeline(f, "final_transcript", *at);
	if (line != NULL)
		(void)json_object_set_new(line, "text", json_text_of(text, n));
	stt_fastapi_send(f, line);
	end_speech(at);
	tell_state(f);
}

static void on_queued(struct stt_take *t, const struct session_event *e)
{
	struct stt_fastapi *f = t->owner;
	char text[160];

	f->position = e->queued.position;
	(void)snprintf(text, sizeof text,
	    "All recognisers are taken; this client's place in the queue is %u, for about %llu s. "
	    "What is said is kept",
	    e->queued.position, (unsigned long long)(e->queued.estimated_wait_ms + 999) / 1000);
	stt_fastapi_send(f, stt_fastapi_message("warning", f->id, NULL, text));
	tell_state(f);
}

static void on_ready(struct stt_take *t)
{
	bool waited = t->owner->position > 0;

	t->placed = true;
	t->owner->position = 0;
	if (waited)
		tell_state(t->owner);
}

/* Its speeches have had their ends, or never will. */
static void end_take(struct stt_take *t)
{
	struct stt_fastapi *f = t->owner;
	struct stt_speech **at = &f->speeches;

	while (*at != NULL)
		if ((*at)->take == t)
			end_speech(at);
		else
			at = &(*at)->next;
	voice_drop(&t->voice);
	t->over = true;
	if (f->take == t)
		f->take = NULL;
	wire_resume(&f->wire); /* it may have been held off for this take's sake */
	tell_state(f);
}

static void on_utterance_failed(struct stt_take *t, const struct session_event *e)
{
	struct stt_speech **at = find(t, e->utterance);
	struct stt_fastapi *f = t->owner;

	if (*at == NULL)
		return;
	if (is_open(*at)) { /* what is still said of it is told no more */
		close_segment(*at, stt_time_now());
		tell_ended(f, *at);
	}
	stt_fastapi_send(f, stt_fastapi_message("error", f->id, "recorder", e->error.why->text));
	end_speech(at);
	tell_state(f);
}

/* A client that is silent for long gives its recogniser back, and gets one again when it goes on. */
static void on_error(struct stt_take *t, const struct session_event *e)
{
	if (!e->error.fatal)
		on_utterance_failed(t, e);
	else if (e->error.why->code == ERROR_TIMEOUT && t->placed)
		end_take(t);
	else
		wire_fail(&t->owner->wire, e->error.why, e->error.retry_after_ms);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct stt_take *t = arg;

	switch (e->kind) {
	case SESSION_EVENT_QUEUED:
		on_queued(t, e);
		break;
	case SESSION_EVENT_READY:
		on_ready(t);
		break;
	case SESSION_EVENT_SPEECH_START:
		on_speech_start(t, e);
		break;
	case SESSION_EVENT_SPEECH_END:
		on_speech_end(t, e);
		break;
	case SESSION_EVENT_PARTIAL:
		on_partial(t, e);
		break;
	case SESSION_EVENT_FINAL:
		on_final(t, e);
		break;
	case SESSION_EVENT_CLEARED:
		t->clearing--;
		break;
	case SESSION_EVENT_ERROR:
		on_error(t, e);
		break;
	case SESSION_EVENT_ENDED:
		end_take(t);
		break;
	default:
		break;
	}
}

static void on_drain(void *arg)
{
	struct stt_take *t = arg;

	wire_resume(&t->owner->wire);
}

const struct session_events stt_fastapi_events = { .on_event = on_event, .on_drain = on_drain };
