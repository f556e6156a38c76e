/* Twilio Media Streams (docs/protocols/twilio.md): a phone call's audio comes over one WebSocket, and nothing may be sent back on
 * it. What is heard goes to watchers, which are WebSockets of their own:
 *
 *   stream (wire) --start--> call: a voice for each track --events--> watchers (wires) that ask for it and may have it
 *
 * A call outlives its stream: Twilio closes that right behind `stop`, when the last words are still being decoded. It is
 * freed by the last end of its voices, or by the look once a second when there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/entries.h"
#include "access/twilio_internal.h"
#include "access/twilio_text.h"
#include "access/voice.h"
#include "access/wire.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/util.h"
#include "net/http.h"
#include "net/websocket.h"
#include "pool/pool.h"

enum { BYTES_PER_MS = 8, MULAW_SILENCE = 0xff };

struct track {
	struct twilio_call *call;
	enum twilio_track name;
	struct voice voice;
	struct twilio_clock clock;
	uint64_t fed_bytes; /* of audio and silence */
	bool held;          /* takes nothing for the moment */
};

struct stream {
	struct wire wire;
	struct twilio_call *call; /* NULL: it has not begun, or is over */
	char pool[64];            /* of the path; "": none */
};

struct twilio_call {
	struct access_link link;
	struct twilio_call *prev, *next; /* the hub's */
	struct access *access;
	struct stream *stream; /* NULL: it is gone */
	struct client client;
	struct pool *pool;
	char call_sid[TWILIO_SID_BYTES], stream_sid[TWILIO_SID_BYTES];
	bool inline_transcripts; /* the stream is told too */
	bool ending;             /* no more audio comes */
	bool in_use, over;       /* it may not be freed yet; it is to be freed then */
	struct track tracks[TWILIO_TRACKS];
};

struct watcher {
	struct wire wire;
	struct watcher *prev, *next; /* the hub's */
	char *query;                 /* owned */
};

/* All calls and all who watch some. */
struct twilio_hub {
	struct twilio_call *calls;
	struct watcher *watchers;
};

static struct twilio_hub *hub_of(struct access *a)
{
	if (a->twilio == NULL)
		a->twilio = xcalloc(1, sizeof *a->twilio);
	return a->twilio;
}

void twilio_hub_free(struct twilio_hub **hub)
{
	free(*hub);
	*hub = NULL;
}

/* ---- telling */

static struct twilio_who who_of(const struct twilio_call *c)
{
	return (struct twilio_who){ c->call_sid, c->stream_sid };
}

/* One sees the calls of one's own key; where there are no keys, all. */
static bool may_see(const struct watcher *w, const struct twilio_call *c)
{
	const struct twilio_who who = who_of(c);

	return !c->over && (c->access->keys == NULL || w->wire.client.tenant == c->client.tenant) &&
	    twilio_query_wants(w->query, &who);
}

/* Takes the event. A watcher that does not read is ended by it. */
static void tell_watchers(struct twilio_call *c, json_t *event)
{
	char *text =
	    event == NULL ? NULL : json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(9));
	struct watcher *next;

	json_decref(event);
	if (text == NULL)
		return;
	for (struct watcher *w = hub_of(c->access)->watchers; w != NULL; w = next) {
		next = w->next;
		if (may_see(w, c))
			wire_send_text(&w->wire, text, strlen(text));
	}
	if (c->inline_transcripts && c->stream != NULL)
		wire_send_text(&c->stream->wire, text, strlen(text));
	free(text);
}

static void tell_mark(struct twilio_call *c, const char *event)
{
	const struct twilio_who who = who_of(c);

	tell_watchers(c, twilio_mark(&who, event));
}

/* ---- a call */

static bool has_voices(const struct twilio_call *c)
{
	for (unsigned i = 0; i < TWILIO_TRACKS; i++)
		if (c->tracks[i].voice.session != NULL)
			return true;
	return false;
}

/* The stream has been taken from it. Not while one of its voices takes audio, which looks at the voice afterwards. */
static void free_call(struct twilio_call *c)
{
	struct twilio_hub *hub = hub_of(c->access);

	for (unsigned i = 0; i < TWILIO_TRACKS; i++)
		voice_drop(&c->tracks[i].voice);
	c->over = true;
	if (c->in_use)
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

static struct stream *take_stream(struct twilio_call *c)
{
	struct stream *s = c->stream;

	c->stream = NULL;
	if (s != NULL)
		s->call = NULL;
	return s;
}

static void finish_call(struct twilio_call *c)
{
	struct stream *s;

	tell_mark(c, "stop");
	s = take_stream(c);
	if (s != NULL)
		wire_close(&s->wire, WS_CLOSE_NORMAL, "done");
	free_call(c);
}

static void fail_call(struct twilio_call *c, const struct error *why, unsigned retry_after_ms)
{
	const struct twilio_who who = who_of(c);
	struct error copy = *why; /* the session's, which goes */
	struct stream *s;

	tell_watchers(c, twilio_error(&who, &copy));
	tell_mark(c, "stop");
	s = take_stream(c);
	if (s != NULL)
		wire_fail(&s->wire, &copy, retry_after_ms);
	free_call(c);
}

/* What has come is heard to its end. */
static void end_call(struct twilio_call *c)
{
	c->ending = true;
	for (unsigned i = 0; i < TWILIO_TRACKS; i++)
		voice_end(&c->tracks[i].voice);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct track *t = arg;
	struct twilio_call *c = t->call;
	const struct twilio_who who = who_of(c);

	if (e->kind == SESSION_EVENT_ERROR && e->error.fatal) {
		fail_call(c, e->error.why, e->error.retry_after_ms);
		return;
	}
	tell_watchers(c, twilio_event(&who, t->name, &t->clock, e));
	if (e->kind != SESSION_EVENT_ENDED)
		return;
	voice_drop(&t->voice);
	if (!has_voices(c))
		finish_call(c);
}

static void on_drain(void *arg)
{
	struct track *t = arg;
	struct twilio_call *c = t->call;

	t->held = false;
	if (c->stream != NULL && !c->tracks[TWILIO_INBOUND].held &&
	    !c->tracks[TWILIO_OUTBOUND].held)
		wire_resume(&c->stream->wire);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

/* Opened without an event, so that whoever opens several has them all before one of them fails. */
static int open_track(
    struct twilio_call *c, enum twilio_track name, struct error *err, unsigned *retry_after_ms)
{
	struct track *t = &c->tracks[name];
	struct session_config cfg;

	voice_defaults(c->access, &cfg);
	cfg.ear.format = (struct format){ ENCODING_MULAW, BYTES_PER_MS * 1000, 1 };
	cfg.partials = true;
	t->call = c;
	t->name = name;
	if (voice_open(&t->voice, c->access, &c->client, c->pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	if (c->stream->wire.session == 0)
		c->stream->wire.session = t->voice.id;
	return 0;
}

/* A call that nobody ends any more, as none of its tracks was ever heard; nor does the roster when the server leaves. */
static void look(struct access_link *l, uint64_t now_ns)
{
	struct twilio_call *c = (struct twilio_call *)(void *)l;
	struct error why;

	(void)now_ns;
	if (has_voices(c))
		return;
	access_word_leaving(&why);
	if (c->ending)
		finish_call(c);
	else if (c->access->leaving)
		fail_call(c, &why, c->access->retry_after_ms);
}

static void stop(struct access_link *l, const struct error *why)
{
	struct twilio_call *c = (struct twilio_call *)(void *)l;

	fail_call(c, why, c->access->retry_after_ms);
}

static const struct access_link_ops call_ops = { .look = look, .stop = stop };

static struct twilio_call *new_call(struct stream *s, const struct twilio_message *m)
{
	struct twilio_call *c = xcalloc(1, sizeof *c);
	struct twilio_hub *hub = hub_of(s->wire.access);

	c->access = s->wire.access;
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

/* ---- a stream */

static struct stream *stream_of(struct wire *w)
{
	return (struct stream *)(void *)w;
}

static int choose_pool(
    const struct stream *s, const struct twilio_message *m, struct pool **out, struct error *err)
{
	const char *name = m->start.pool != NULL ? m->start.pool
	    : s->pool[0] != '\0'                 ? s->pool
						 : NULL;

	*out = access_pool_for(s->wire.access, &s->wire.client, name, err);
	return *out == NULL ? -1 : 0;
}

/* One that had no key when it came must bring it now: Twilio can send neither headers nor a query. */
static int check_key(struct stream *s, const struct twilio_message *m, struct error *err)
{
	const char *key = m->start.key;

	if (!s->wire.unknown)
		return 0;
	if (client_check_secret(s->wire.access->keys, key, &s->wire.client, err) < 0)
		return -1;
	s->wire.unknown = false;
	return 0;
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
static void start_tracks(struct stream *s)
{
	for (unsigned i = 0; i < TWILIO_TRACKS && s->call != NULL; i++)
		if (s->call->tracks[i].voice.session != NULL)
			voice_start(
			    &s->call->tracks[i].voice, &session_events, &s->call->tracks[i]);
}

static void on_start(struct stream *s, const struct twilio_message *m)
{
	struct pool *pool;
	unsigned retry_after_ms = 0;
	struct error err;

	if (s->wire.begun)
		(void)error_set(&err, ERROR_INVALID, "start was sent twice; a stream is one call");
	if (s->wire.begun || check_key(s, m, &err) < 0 || choose_pool(s, m, &pool, &err) < 0) {
		wire_fail(&s->wire, &err, 0);
		return;
	}
	s->wire.begun = true;
	new_call(s, m)->pool = pool;
	tell_mark(s->call, "connected");
	if (s->call != NULL && open_tracks(s->call, m, &err, &retry_after_ms) < 0)
		fail_call(s->call, &err, retry_after_ms);
	start_tracks(s);
}

static void feed(struct stream *s, struct track *t, const uint8_t *bytes, size_t n)
{
	t->fed_bytes += n;
	if (voice_audio(&t->voice, bytes, n) || s->call == NULL)
		return;
	t->held = true;
	wire_pause(&s->wire);
}

static void feed_silence(struct stream *s, struct track *t, uint64_t ms)
{
	size_t n = (size_t)ms * BYTES_PER_MS;
	uint8_t *silence = malloc(n);

	if (silence == NULL)
		return;
	memset(silence, MULAW_SILENCE, n);
	feed(s, t, silence, n);
	free(silence);
}

/* The track that is spoken of; one that start did not name is opened now. */
static struct track *track_for(struct stream *s, enum twilio_track name)
{
	struct track *t = &s->call->tracks[name];
	unsigned retry_after_ms = 0;
	struct error err;

	if (t->voice.id != 0)
		return t;
	if (open_track(s->call, name, &err, &retry_after_ms) < 0)
		fail_call(s->call, &err, retry_after_ms);
	else
		voice_start(&t->voice, &session_events, t);
	return s->call == NULL ? NULL : t;
}

static void hear(struct stream *s, const struct twilio_message *m, const uint8_t *bytes, size_t n)
{
	struct track *t = track_for(s, m->media.track);
	uint64_t gap_ms;

	if (t == NULL)
		return;
	gap_ms = m->media.timed ? twilio_clock_gap(&t->clock, m->media.timestamp_ms) : 0;
	if (gap_ms > 0)
		feed_silence(s, t, gap_ms);
	if (s->call == NULL)
		return;
	feed(s, t, bytes, n);
	t->clock.fed_ms = t->fed_bytes / BYTES_PER_MS;
}

static void take_audio(
    struct stream *s, const struct twilio_message *m, const uint8_t *bytes, size_t n)
{
	struct twilio_call *c = s->call;

	if (c->ending)
		return;
	c->in_use = true;
	hear(s, m, bytes, n);
	c->in_use = false;
	if (c->over)
		free_call(c);
}

static void refuse_message(struct stream *s, const struct error *why)
{
	if (s->call != NULL)
		fail_call(s->call, why, 0);
	else
		wire_fail(&s->wire, why, 0);
}

static void on_media(struct stream *s, const struct twilio_message *m)
{
	size_t cap = m->media.payload_bytes / 4 * 3;
	uint8_t *bytes = malloc(cap + 1);
	long n = bytes == NULL
	    ? -1
	    : base64_decode(m->media.payload, m->media.payload_bytes, bytes, cap);
	struct error err;

	if (n >= 0 && s->call != NULL) {
		take_audio(s, m, bytes, (size_t)n);
	} else {
		(void)error_set(&err, ERROR_INVALID, "%s",
		    n < 0 ? "\"media.payload\" is not base64" : "media came before start");
		refuse_message(s, &err);
	}
	free(bytes);
}

static void on_stop(struct stream *s)
{
	if (s->call == NULL) {
		wire_close(&s->wire, WS_CLOSE_NORMAL, "done");
		return;
	}
	end_call(s->call);
	if (s->call != NULL && !has_voices(s->call))
		finish_call(s->call);
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct stream *s = stream_of(w);
	struct twilio_message m;
	struct error err;

	if (twilio_parse(text, n, &m, &err) < 0)
		refuse_message(s, &err);
	else if (m.kind == TWILIO_START)
		on_start(s, &m);
	else if (m.kind == TWILIO_MEDIA)
		on_media(s, &m);
	else if (m.kind == TWILIO_STOP)
		on_stop(s);
	twilio_message_done(&m);
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	struct error err;

	(void)bytes;
	(void)n;
	(void)error_set(&err, ERROR_INVALID,
	    "a binary message came; Media Streams are JSON, with the audio in base64");
	refuse_message(stream_of(w), &err);
}

/* What was said until now is still told to those who watch. */
static void on_closing(struct wire *w)
{
	struct twilio_call *c = stream_of(w)->call;

	if (c == NULL)
		return;
	(void)take_stream(c);
	end_call(c);
}

static int read_request(
    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	static const char prefix[] = "/twilio/";
	const char *path = http_path(x);

	(void)err;
	(void)how;
	if (strncmp(path, prefix, sizeof prefix - 1) == 0)
		(void)snprintf(
		    stream_of(w)->pool, sizeof stream_of(w)->pool, "%s", path + sizeof prefix - 1);
	return 0;
}

static const struct wire_protocol stream_protocol = {
	.name = "twilio",
	.size = sizeof(struct stream),
	.key_may_come_later = true,
	.read_request = read_request,
	.on_text = on_text,
	.on_binary = on_binary,
	.on_closing = on_closing,
};

void twilio_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &stream_protocol);
}

/* ---- a watcher */

static struct watcher *watcher_of(struct wire *w)
{
	return (struct watcher *)(void *)w;
}

static int read_watch(
    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	(void)err;
	(void)how;
	watcher_of(w)->query = xstrdup(http_query(x));
	return 0;
}

/* It hears at once of the calls that go on already. */
static void on_watch(struct wire *w)
{
	struct twilio_hub *hub = hub_of(w->access);
	struct watcher *watcher = watcher_of(w);

	w->begun = true;
	watcher->next = hub->watchers;
	if (watcher->next != NULL)
		watcher->next->prev = watcher;
	hub->watchers = watcher;
	for (const struct twilio_call *c = hub->calls; c != NULL && !w->closing; c = c->next) {
		const struct twilio_who who = who_of(c);

		if (may_see(watcher, c))
			wire_send_json(w, twilio_mark(&who, "connected"));
	}
}

static void ignore(struct wire *w, const char *text, size_t n)
{
	(void)w;
	(void)text;
	(void)n;
}

static void ignore_bytes(struct wire *w, const void *bytes, size_t n)
{
	(void)w;
	(void)bytes;
	(void)n;
}

/* A server that leaves waits for calls, not for those who watch none. */
static void look_at_watcher(struct wire *w, uint64_t now_ns)
{
	struct error why;

	(void)now_ns;
	if (!w->access->leaving || hub_of(w->access)->calls != NULL)
		return;
	access_word_leaving(&why);
	wire_fail(w, &why, 0);
}

static void on_watcher_closing(struct wire *w)
{
	struct watcher *watcher = watcher_of(w);

	if (watcher->prev != NULL)
		watcher->prev->next = watcher->next;
	else
		hub_of(w->access)->watchers = watcher->next;
	if (watcher->next != NULL)
		watcher->next->prev = watcher->prev;
	watcher->prev = watcher->next = NULL;
}

static void on_watcher_gone(struct wire *w)
{
	free(watcher_of(w)->query);
}

static const struct wire_protocol watcher_protocol = {
	.name = "twilio transcripts",
	.size = sizeof(struct watcher),
	.read_request = read_watch,
	.on_open = on_watch,
	.on_text = ignore,
	.on_binary = ignore_bytes,
	.look = look_at_watcher,
	.on_closing = on_watcher_closing,
	.on_gone = on_watcher_gone,
};

void twilio_watch(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &watcher_protocol);
}
