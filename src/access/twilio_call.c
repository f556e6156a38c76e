/* A phone call. It outlives its stream: Twilio closes that right behind `stop`, when the last words are still being decoded.
 * It is freed by the last end of its voices, or by the look once a second when there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/twilio_internal.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "net/websocket.h"

enum {
	BYTES_PER_MS = 8,
	MULAW_SILENCE = 0xff,
	LATE_MS = 2000, /* what the network may keep a track's audio back */
};

/* Takes the event. */
static void tell(struct twilio_call *c, json_t *event)
{
	char *text =
	    event == NULL ? NULL : json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(9));

	json_decref(event);
	if (text == NULL)
		return;
	twilio_watchers_tell(c, text, strlen(text));
	if (c->inline_transcripts && c->stream != NULL)
		wire_send_text(&c->stream->wire, text, strlen(text));
	free(text);
}

static void tell_mark(struct twilio_call *c, const char *event)
{
	const struct twilio_who who = twilio_call_who(c);

	tell(c, twilio_mark(&who, event));
}

static bool has_voices(const struct twilio_call *c)
{
	for (unsigned i = 0; i < TWILIO_TRACKS; i++)
		if (c->sides[i].voice.session != NULL)
			return true;
	return false;
}

static void enter(struct twilio_call *c)
{
	c->depth++;
}

static void leave(struct twilio_call *c)
{
	struct twilio_hub *hub = twilio_hub_of(c->access);

	if (--c->depth > 0 || !c->over)
		return;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		hub->calls = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	access_link_remove(c->access, &c->link);
	free(c);
}

/* The stream has been taken from it. */
static void give_back(struct twilio_call *c)
{
	c->over = true;
	for (unsigned i = 0; i < TWILIO_TRACKS; i++)
		voice_drop(&c->sides[i].voice);
}

static struct twilio_stream *take_stream(struct twilio_call *c)
{
	struct twilio_stream *s = c->stream;

	c->stream = NULL;
	if (s != NULL)
		s->call = NULL;
	return s;
}

static void finish_call(struct twilio_call *c)
{
	struct twilio_stream *s;

	enter(c);
	tell_mark(c, "stop");
	s = take_stream(c);
	if (s != NULL)
		wire_close(&s->wire, WS_CLOSE_NORMAL, "done");
	give_back(c);
	leave(c);
}

void twilio_call_fail(struct twilio_call *c, const struct error *why, unsigned retry_after_ms)
{
	const struct twilio_who who = twilio_call_who(c);
	struct error copy = *why; /* the session's, which goes */
	struct twilio_stream *s;

	enter(c);
	tell(c, twilio_error(&who, &copy));
	tell_mark(c, "stop");
	s = take_stream(c);
	if (s != NULL)
		wire_fail(&s->wire, &copy, retry_after_ms);
	give_back(c);
	leave(c);
}

static void end_voices(struct twilio_call *c)
{
	c->ending = true;
	for (unsigned i = 0; i < TWILIO_TRACKS; i++)
		voice_end(&c->sides[i].voice);
}

static bool is_held(const struct twilio_call *c)
{
	return c->sides[TWILIO_INBOUND].held || c->sides[TWILIO_OUTBOUND].held;
}

static void let_drain(struct twilio_side *t)
{
	struct twilio_call *c = t->call;

	t->held = false;
	if (c->stream != NULL && !c->sides[TWILIO_INBOUND].held && !c->sides[TWILIO_OUTBOUND].held)
		wire_resume(&c->stream->wire);
}

static void end_side(struct twilio_side *t)
{
	struct twilio_call *c = t->call;

	voice_drop(&t->voice);
	if (t->held)
		let_drain(t);
	if (has_voices(c))
		return;
	if (c->why.code != ERROR_NONE)
		twilio_call_fail(c, &c->why, c->retry_after_ms);
	else
		finish_call(c);
}

/* The other side may still have something to say. */
static void fail_side(struct twilio_side *t, const struct error *why, unsigned retry_after_ms)
{
	struct twilio_call *c = t->call;

	if (!voice_is_heard_out(why->code)) {
		twilio_call_fail(c, why, retry_after_ms);
		return;
	}
	enter(c);
	c->why = *why;
	c->retry_after_ms = retry_after_ms;
	if (why->code == ERROR_QUOTA)
		end_voices(c);
	end_side(t);
	leave(c);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct twilio_side *t = arg;
	struct twilio_call *c = t->call;
	const struct twilio_who who = twilio_call_who(c);

	if (e->kind == SESSION_EVENT_ERROR && e->error.fatal) {
		fail_side(t, e->error.why, e->error.retry_after_ms);
		return;
	}
	tell(c, twilio_event(&who, t->track, &t->clock, e));
	if (e->kind == SESSION_EVENT_ENDED)
		end_side(t);
}

static void on_drain(void *arg)
{
	let_drain(arg);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

/* Opened without an event, so that whoever opens several has them all before one of them fails. */
static int open_track(
    struct twilio_call *c, enum twilio_track name, struct error *err, unsigned *retry_after_ms)
{
	struct twilio_side *t = &c->sides[name];
	struct session_config cfg;

	voice_defaults(c->access, &cfg);
	cfg.ear.format = (struct format){ ENCODING_MULAW, BYTES_PER_MS * 1000, 1 };
	cfg.partials = true;
	t->call = c;
	t->track = name;
	if (voice_open(&t->voice, c->access, &c->client, c->pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	if (c->stream->wire.session == 0)
		c->stream->wire.session = t->voice.id;
	return 0;
}

/* Of some calls nothing comes while nobody speaks, so the pause that ends an utterance may come as nothing at all. */
static void look_for_pause(struct twilio_side *t, uint64_t now_ns)
{
	const struct twilio_call *c = t->call;
	uint64_t pause_ms = c->access->cfg.endpoint.post_silence_ms + LATE_MS;

	if (session_is_speaking(t->voice.session) && !is_held(c) &&
	    now_ns - MIN(now_ns, t->heard_ns) >= pause_ms * NS_PER_MS)
		voice_commit(&t->voice);
}

/* A track on which nobody speaks is not idle while somebody does on the other. */
static void look_at_sides(struct twilio_call *c, uint64_t now_ns)
{
	bool heard = c->heard_ns > c->looked_ns;
	/* Where this process itself stood still, what came meanwhile has not been read yet. */
	bool stalled = now_ns - MIN(now_ns, c->looked_ns) > LATE_MS * NS_PER_MS;

	c->looked_ns = now_ns;
	for (unsigned i = 0; i < TWILIO_TRACKS; i++) {
		if (c->sides[i].voice.session != NULL && !stalled)
			look_for_pause(&c->sides[i], now_ns);
		if (heard)
			(void)voice_audio(&c->sides[i].voice, "", 0);
	}
}

/* A call that nobody ends any more, as none of its tracks was ever heard; nor does the roster. */
static void look_without_voices(struct twilio_call *c, uint64_t now_ns)
{
	unsigned ms = c->access->cfg.session.idle_timeout_ms;
	struct error why;

	if (c->ending) {
		finish_call(c);
	} else if (c->access->leaving) {
		access_word_leaving(&why);
		twilio_call_fail(c, &why, c->access->retry_after_ms);
	} else if (ms > 0 && now_ns - MIN(now_ns, c->heard_ns) >= ms * NS_PER_MS) {
		(void)error_set(&why, ERROR_TIMEOUT, "no audio came for idle_timeout_ms %u", ms);
		twilio_call_fail(c, &why, 0);
	}
}

static void look(struct access_link *l, uint64_t now_ns)
{
	struct twilio_call *c = (struct twilio_call *)(void *)l;

	enter(c);
	if (has_voices(c))
		look_at_sides(c, now_ns);
	else
		look_without_voices(c, now_ns);
	leave(c);
}

static void stop(struct access_link *l, const struct error *why)
{
	struct twilio_call *c = (struct twilio_call *)(void *)l;

	twilio_call_fail(c, why, c->access->retry_after_ms);
}

static const struct access_link_ops call_ops = { .look = look, .stop = stop };

static struct twilio_call *new_call(struct twilio_stream *s, const struct twilio_message *m)
{
	struct twilio_call *c = xcalloc(1, sizeof *c);
	struct twilio_hub *hub = twilio_hub_of(s->wire.access);

	c->access = s->wire.access;
	c->heard_ns = clock_now_ns();
	c->client = s->wire.client;
	c->stream = s;
	s->call = c;
	(void)snprintf(c->call_sid, sizeof c->call_sid, "%s", m->start.call_sid);
	(void)snprintf(c->stream_sid, sizeof c->stream_sid, "%s", m->start.stream_sid);
	c->inline_transcripts = m->start.inline_transcripts;
	c->next = hub->calls;
	if (c->next != NULL)
		c->next->prev = c;
	hub->calls = c;
	access_link_add(c->access, &c->link, &call_ops);
	return c;
}

static int open_tracks(struct twilio_call *c, const struct twilio_message *m, struct error *err,
    unsigned *retry_after_ms)
{
	for (unsigned i = 0; i < TWILIO_TRACKS; i++)
		if (m->start.tracks[i] &&
		    open_track(c, (enum twilio_track)i, err, retry_after_ms) < 0)
			return -1;
	return 0;
}

/* An event of one may end them all. */
static void start_tracks(struct twilio_stream *s)
{
	for (unsigned i = 0; i < TWILIO_TRACKS && s->call != NULL; i++)
		if (s->call->sides[i].voice.session != NULL)
			voice_start(&s->call->sides[i].voice, &session_events, &s->call->sides[i]);
}

void twilio_call_begin(
    struct twilio_stream *s, const struct twilio_message *start, struct pool *pool)
{
	unsigned retry_after_ms = 0;
	struct error err;

	new_call(s, start)->pool = pool;
	tell_mark(s->call, "connected");
	if (s->call != NULL && open_tracks(s->call, start, &err, &retry_after_ms) < 0)
		twilio_call_fail(s->call, &err, retry_after_ms);
	start_tracks(s);
}

static void feed(struct twilio_side *t, const uint8_t *bytes, size_t n)
{
	t->fed_bytes += n;
	if (voice_audio(&t->voice, bytes, n) || t->call->stream == NULL)
		return;
	t->held = true;
	wire_pause(&t->call->stream->wire);
}

static void feed_silence(struct twilio_side *t, uint64_t ms)
{
	size_t n = (size_t)ms * BYTES_PER_MS;
	uint8_t *silence = malloc(n);

	if (silence == NULL)
		return;
	memset(silence, MULAW_SILENCE, n);
	feed(t, silence, n);
	free(silence);
}

/* Opens a track that start did not name. False: it is not heard, as the call is over, or the server leaves and takes
 * nobody new. */
static bool has_voice(struct twilio_call *c, enum twilio_track track)
{
	struct twilio_side *t = &c->sides[track];
	unsigned retry_after_ms = 0;
	struct error err;

	if (t->voice.id != 0)
		return true;
	if (c->access->leaving)
		return false;
	if (open_track(c, track, &err, &retry_after_ms) < 0)
		twilio_call_fail(c, &err, retry_after_ms);
	else
		voice_start(&t->voice, &session_events, t);
	return !c->over;
}

static void hear(
    struct twilio_side *t, const struct twilio_message *m, const uint8_t *bytes, size_t n)
{
	uint64_t gap_ms = m->media.timed ? twilio_clock_gap(&t->clock, m->media.timestamp_ms) : 0;

	if (gap_ms > 0)
		feed_silence(t, gap_ms);
	feed(t, bytes, n);
	t->clock.fed_ms = t->fed_bytes / BYTES_PER_MS;
}

void twilio_call_audio(
    struct twilio_call *c, const struct twilio_message *media, const uint8_t *bytes, size_t n)
{
	if (c->ending)
		return;
	enter(c);
	c->heard_ns = clock_now_ns();
	c->sides[media->media.track].heard_ns = c->heard_ns;
	if (has_voice(c, media->media.track))
		hear(&c->sides[media->media.track], media, bytes, n);
	leave(c);
}

void twilio_call_end(struct twilio_call *c)
{
	enter(c);
	end_voices(c);
	if (!c->over && !has_voices(c))
		finish_call(c);
	leave(c);
}

void twilio_call_leave(struct twilio_call *c)
{
	enter(c);
	(void)take_stream(c);
	end_voices(c);
	leave(c);
}
