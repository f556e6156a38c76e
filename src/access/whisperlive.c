/* WhisperLive's protocol (docs/protocols/whisperlive.md) over one WebSocket:
 *   WAITING --options--> OPENED --a place--> STREAMING --END_OF_AUDIO, its time is up--> ENDING --ended--> (wire closes)
 * A client that gets no place at once is told WAIT and closed: it would give up anyway. */
#include <stdio.h>
#include <string.h>

#include "access/binary_text.h"
#include "access/entries.h"
#include "access/json_text.h"
#include "access/language.h"
#include "access/protocols.h"
#include "access/route.h"
#include "access/voice.h"
#include "access/whisperlive_text.h"
#include "access/wire.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "net/http.h"
#include "net/websocket.h"
#include "pool/pool.h"

/* The client that sends a file waits at its end until nothing changes any more, and says END_OF_AUDIO only then. */
enum { STALL_MS = 1500 };

#define END_OF_AUDIO "END_OF_AUDIO"

struct whisperlive {
	struct wire wire;
	struct voice voice;
	struct whisperlive_options options;
	struct whisperlive_segments segments;
	struct pool *pool;
	uint64_t bytes_per_s, bytes;
	uint64_t heard_ns;  /* when audio came last */
	bool stalled;       /* and that has been committed, or there was none */
	bool held;          /* we do not read, so nothing can come */
	uint64_t ready_ns;  /* since when it may speak; 0: not yet */
	bool ending;        /* what still comes is passed over */
	bool overtime;      /* it is ending because its time is up, and does not know that */
	bool owes_language; /* it has asked which is heard, and is told before the first segments */
};

static struct whisperlive *whisperlive_of(struct wire *w)
{
	return (struct whisperlive *)(void *)w;
}

static void tell(struct wire *w, const struct error *why, unsigned retry_after_ms)
{
	const char *uid = whisperlive_of(w)->options.uid;

	wire_send_json(w,
	    why->code == ERROR_BUSY ? whisperlive_wait(uid, retry_after_ms)
				    : whisperlive_status(uid, "ERROR", why->text));
}

static void warn(struct whisperlive *c, const char *what)
{
	wire_send_json(&c->wire, whisperlive_status(c->options.uid, "WARNING", what));
}

static void warn_of_unheeded(struct whisperlive *c)
{
	struct error text;

	if (c->options.unheeded[0] == '\0')
		return;
	(void)error_set(
	    &text, ERROR_NONE, "these options have no effect here: %s", c->options.unheeded);
	warn(c, text.text);
}

static void warn_of_language(struct whisperlive *c)
{
	const struct language_pool pool = access_language_pool(c->pool);
	struct error text;

	if (language_word_other(&pool, c->options.language, &text))
		warn(c, text.text);
}

/* `heard` "": the engine does not say, and it is told the one that the pool is for. */
static void tell_language(struct whisperlive *c, const char *heard)
{
	const struct language_pool pool = access_language_pool(c->pool);
	char language[LANGUAGE_BYTES];

	if (!c->owes_language)
		return;
	c->owes_language = false;
	language_told(heard, &pool, language);
	wire_send_json(&c->wire, whisperlive_language(c->options.uid, language));
}

static void warn_of_wishes(struct whisperlive *c)
{
	const struct session_wishes wishes = wanted_lend(&c->options.wanted);
	unsigned passed_over = access_passed_over(c->pool, &wishes);

	if ((passed_over & IPC_TAKES_TRANSLATE) != 0 || c->options.second_text)
		warn(c, "translation is not available; what is said is transcribed");
	whisperlive_settle_options(&c->options, passed_over);
	warn_of_unheeded(c);
	warn_of_language(c);
}

static void on_ready(struct whisperlive *c)
{
	const char *uid = c->options.uid;

	c->ready_ns = clock_now_ns();
	warn_of_wishes(c);
	wire_send_json(&c->wire, whisperlive_ready(uid));
	c->owes_language = c->options.language[0] == '\0';
	if ((pool_traits(c->pool)->takes & IPC_TAKES_LANGUAGE) == 0)
		tell_language(c, ""); /* there is nothing to wait for */
}

/* While the model is being loaded there are places, only not yet. */
static void refuse_queue(struct whisperlive *c, uint64_t wait_ms)
{
	struct error err;

	if (pool_state(c->pool) == POOL_STARTING)
		return;
	(void)error_set(&err, ERROR_BUSY, "pool %s: all places are taken", pool_name(c->pool));
	wire_fail(&c->wire, &err, (unsigned)MIN(wait_ms, (uint64_t)UINT32_MAX));
}

static void send_segments(struct whisperlive *c, const struct session_event *partial)
{
	wire_send_json(&c->wire,
	    whisperlive_segments_of(
		&c->segments, &c->options, partial, c->bytes * 1000 / c->bytes_per_s));
}

/* Nothing grows now: what was complete or has failed was the last one of which there was a partial. */
static void send_completed(struct whisperlive *c)
{
	wire_send_json(&c->wire, whisperlive_settle(&c->segments, &c->options));
	send_segments(c, NULL);
}

static void on_final(struct whisperlive *c, const struct session_event *e)
{
	if (e->final.incomplete != NULL)
		warn(c, e->final.incomplete->text);
	whisperlive_complete(&c->segments, &c->options, e);
	if (e->final.text_bytes > 0)
		tell_language(c, e->final.language);
	send_completed(c);
}

static void on_error(struct whisperlive *c, const struct session_event *e)
{
	if (e->error.fatal) {
		wire_fail(&c->wire, e->error.why, e->error.retry_after_ms);
		return;
	}
	warn(c, e->error.why->text);
	send_completed(c); /* without what has failed */
}

static void on_ended(struct whisperlive *c)
{
	if (c->overtime)
		wire_send_json(&c->wire, whisperlive_disconnect(c->options.uid));
	wire_close(&c->wire, WS_CLOSE_NORMAL,
	    c->overtime ? "whisperlive_max_connection_time_ms is up" : "done");
}

static void on_event(void *arg, const struct session_event *e)
{
	struct whisperlive *c = arg;

	switch (e->kind) {
	case SESSION_EVENT_QUEUED:
		refuse_queue(c, e->queued.estimated_wait_ms);
		break;
	case SESSION_EVENT_READY:
		on_ready(c);
		break;
	case SESSION_EVENT_SPEECH_START:
	case SESSION_EVENT_SPEECH_END:
		whisperlive_note_span(&c->segments, e);
		break;
	case SESSION_EVENT_PARTIAL:
		if (e->partial.text_bytes > 0)
			tell_language(c, e->partial.language);
		send_segments(c, e);
		break;
	case SESSION_EVENT_FINAL:
		on_final(c, e);
		break;
	case SESSION_EVENT_ERROR:
		on_error(c, e);
		break;
	case SESSION_EVENT_ENDED:
		on_ended(c);
		break;
	default:
		break;
	}
}

static void on_drain(void *arg)
{
	struct whisperlive *c = arg;

	c->held = false;
	c->heard_ns = clock_now_ns();
	wire_resume(&c->wire);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

/* The pool that the model names, or the listener's, or the one for the language, or the first: a model's name is mostly one of
 * Whisper's and says nothing here. Where its key may not use the pool for its language, to refuse it would shut out those
 * clients that always send one, chosen or not (the iOS one has "en" built in), and to hear it in silence would give it words
 * of another language. So another pool hears it, and it is told so by a warning, for which the protocol has a message. */
static struct pool *choose_pool(const struct whisperlive *c, struct error *err)
{
	const char *names[] = { c->options.model, wire_listener_pool(&c->wire) };
	const struct access *a = c->wire.access;
	bool denied =
	    access_pool_of_language(a, &c->wire.client, c->options.language, err) == NULL &&
	    err->code == ERROR_FORBIDDEN;

	return access_pool_among(
	    a, &c->wire.client, names, ARRAY_SIZE(names), denied ? "" : c->options.language, err);
}

static int open_session(struct whisperlive *c, struct error *err, unsigned *retry_after_ms)
{
	struct pool *pool = choose_pool(c, err);
	struct session_config cfg;

	voice_defaults(c->wire.access, &cfg);
	cfg.ear.format.encoding = c->options.encoding;
	cfg.partials = true;
	cfg.wishes = wanted_lend(&c->options.wanted);
	c->bytes_per_s = format_bytes_per_s(&cfg.ear.format);
	c->stalled = true;
	c->pool = pool;
	if (pool == NULL ||
	    voice_open(
		&c->voice, c->wire.access, &c->wire.client, pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	c->wire.session = c->voice.id;
	c->wire.begun = true;
	voice_start(&c->voice, &session_events, c);
	return 0;
}

static void on_options(struct whisperlive *c, const char *text, size_t n)
{
	unsigned retry_after_ms = 0;
	struct error err;

	if (whisperlive_parse(text, n, &c->options, &err) < 0 ||
	    open_session(c, &err, &retry_after_ms) < 0)
		wire_fail(&c->wire, &err, retry_after_ms);
}

static void end(struct whisperlive *c)
{
	c->ending = true;
	voice_end(&c->voice);
}

static void refuse_message(struct wire *w, const char *why)
{
	struct error err;

	(void)error_set(&err, ERROR_INVALID, "%s", why);
	wire_fail(w, &err, 0);
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct whisperlive *c = whisperlive_of(w);

	if (c->ending)
		return;
	if (!w->begun)
		on_options(c, text, n);
	else if (binary_text_is_word(text, n, END_OF_AUDIO))
		end(c);
	else
		refuse_message(w,
		    "after the options only audio is taken, in binary messages, and END_OF_AUDIO");
}

static void on_audio(struct whisperlive *c, const void *bytes, size_t n)
{
	c->bytes += n;
	c->heard_ns = clock_now_ns();
	c->stalled = false;
	if (!voice_audio(&c->voice, bytes, n)) {
		c->held = true;
		wire_pause(&c->wire);
	}
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	struct whisperlive *c = whisperlive_of(w);

	if (c->ending)
		return;
	if (!w->begun)
		refuse_message(w,
		    "the first message must be the options, as text: "
		    "{\"uid\":...,\"language\":...}");
	else if (binary_text_is_word(bytes, n, END_OF_AUDIO))
		end(c);
	else
		on_audio(c, bytes, n);
}

/* What was said last becomes a completed segment though nobody says that it is over. */
static void look_for_stall(struct whisperlive *c, uint64_t now_ns)
{
	if (c->stalled || c->held || now_ns - MIN(now_ns, c->heard_ns) < STALL_MS * NS_PER_MS)
		return;
	c->stalled = true;
	voice_commit(&c->voice);
}

static bool is_overtime(const struct whisperlive *c, uint64_t now_ns)
{
	unsigned ms = c->wire.access->cfg.whisperlive_max_connection_time_ms;

	return ms > 0 && c->ready_ns > 0 && now_ns - MIN(now_ns, c->ready_ns) >= ms * NS_PER_MS;
}

/* What it has said so far comes to its finals before it is told. */
static void look(struct wire *w, uint64_t now_ns)
{
	struct whisperlive *c = whisperlive_of(w);

	if (c->voice.session == NULL || c->ending)
		return;
	if (!is_overtime(c, now_ns)) {
		look_for_stall(c, now_ns);
		return;
	}
	log_info("whisperlive session %llu: its whisperlive_max_connection_time_ms %u are up",
	    (unsigned long long)w->session, w->access->cfg.whisperlive_max_connection_time_ms);
	c->overtime = true;
	end(c);
}

static void cut(struct wire *w, const struct error *why)
{
	voice_abort(&whisperlive_of(w)->voice, why);
}

static void on_closing(struct wire *w)
{
	struct whisperlive *c = whisperlive_of(w);

	voice_drop(&c->voice);
	whisperlive_options_done(&c->options);
	whisperlive_segments_done(&c->segments);
}

static void refuse(struct http_exchange *x, const struct error *why, const struct wire_refusal *how)
{
	char headers[ROUTE_HEADERS_BYTES];
	const struct http_answer a = {
		.status = how->status,
		.headers = headers,
		.body = why->text,
		.body_bytes = strlen(why->text),
	};

	route_refusal_headers(headers, how->status, how->retry_after_ms);
	http_respond(x, &a);
}

static const struct wire_protocol protocol = {
	.name = "whisperlive",
	.size = sizeof(struct whisperlive),
	.refuse = refuse,
	.on_text = on_text,
	.on_binary = on_binary,
	.tell = tell,
	.look = look,
	.cut = cut,
	.on_closing = on_closing,
};

void whisperlive_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
