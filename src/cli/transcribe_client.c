/* First the file is read until its format is known, then the server is asked, then audio flows: a file's when the session
 * is `ready`, since it can wait; a pipe's at once, since somebody may be speaking into it. `stop`, `done`, close. */
#define _GNU_SOURCE
#include "cli/transcribe_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "net/websocket.h"
#include "net/ws_client.h"

enum {
	PIECE_MS = 100, /* of audio in a message */
	PIECE_REALTIME_MS = 40,
	UNSENT_MAX_BYTES = 262144, /* in the socket's queue; with more we wait */
	RETRY_MS = 10,             /* so long */
	TIMEOUT_MS = 10000,        /* to connect; and to close */
	MESSAGE_MAX_BYTES =
	    8 << 20, /* an event with all words of the longest utterance is far smaller */
};

enum state {
	CLIENT_NONE = 0, /* in the table: the event changes nothing */
	CLIENT_OPENING,  /* reads the head of the file */
	CLIENT_CONNECTING,
	CLIENT_WAITING, /* for a recogniser */
	CLIENT_SENDING,
	CLIENT_DRAINING, /* all is sent */
	CLIENT_CLOSING,  /* nothing is expected any more but the end of the connection */
	CLIENT_CLOSED,
	CLIENT_STATES,
};

enum event {
	CLIENT_FORMAT,
	CLIENT_OPEN,
	CLIENT_READY,
	CLIENT_SENT,
	CLIENT_DONE,
	CLIENT_END,
	CLIENT_EVENTS
};

static const enum state next[CLIENT_STATES][CLIENT_EVENTS] = {
	[CLIENT_OPENING] = { [CLIENT_FORMAT] = CLIENT_CONNECTING, [CLIENT_END] = CLIENT_CLOSED },
	[CLIENT_CONNECTING] = { [CLIENT_OPEN] = CLIENT_WAITING, [CLIENT_END] = CLIENT_CLOSED },
	[CLIENT_WAITING] = { [CLIENT_READY] = CLIENT_SENDING,
	    [CLIENT_SENT] = CLIENT_DRAINING,
	    [CLIENT_DONE] = CLIENT_CLOSING,
	    [CLIENT_END] = CLIENT_CLOSED },
	[CLIENT_SENDING] = { [CLIENT_SENT] = CLIENT_DRAINING,
	    [CLIENT_DONE] = CLIENT_CLOSING,
	    [CLIENT_END] = CLIENT_CLOSED },
	[CLIENT_DRAINING] = { [CLIENT_DONE] = CLIENT_CLOSING, [CLIENT_END] = CLIENT_CLOSED },
	[CLIENT_CLOSING] = { [CLIENT_END] = CLIENT_CLOSED },
};

struct transcribe_client {
	const struct transcribe_client_config *cfg;    /* borrowed */
	const struct transcribe_client_events *events; /* borrowed */
	void *arg;                                     /* borrowed */
	uv_loop_t *loop;                               /* borrowed */
	enum state state;
	struct transcribe_source *source; /* owned; NULL once closed */
	struct ws_client *ws;             /* owned; NULL before and after the connection */
	uv_timer_t timer;
	struct format format;
	uint64_t total_ms;
	uint64_t sent_bytes;    /* of audio */
	uint64_t started_at_ms; /* loop time of the first audio; 0: none yet */
	struct error wrong;     /* the first thing that went wrong; code ERROR_NONE: nothing */
};

static void pump(struct transcribe_client *c);

/* The only writer of c->state. */
static void step(struct transcribe_client *c, enum event event)
{
	enum state to = next[c->state][event];

	if (to != CLIENT_NONE)
		c->state = to;
}

static void note(struct transcribe_client *c, const struct error *why)
{
	if (c->wrong.code == ERROR_NONE)
		c->wrong = *why;
}

static void end(struct transcribe_client *c)
{
	if (c->state == CLIENT_CLOSED)
		return;
	step(c, CLIENT_END);
	transcribe_source_free(&c->source);
	uv_close((uv_handle_t *)&c->timer, NULL);
	c->events->on_end(c->arg, c->wrong.code != ERROR_NONE ? &c->wrong : NULL);
}

static void send_json(struct transcribe_client *c, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);

	if (text != NULL)
		(void)ws_client_send_text(c->ws, text, strlen(text));
	free(text);
	json_decref(message);
}

static void send_start(struct transcribe_client *c)
{
	json_t *start = json_pack("{ss ss si si sb}", "type", "start", "encoding",
	    encoding_name(c->format.encoding), "sample_rate", (int)c->format.rate_hz, "channels",
	    (int)c->format.channels, "partials", c->cfg->partials);

	if (c->cfg->pool != NULL)
		(void)json_object_set_new(start, "pool", json_string(c->cfg->pool));
	send_json(c, start);
}

static void send_stop(struct transcribe_client *c)
{
	step(c, CLIENT_SENT);
	send_json(c, json_pack("{ss}", "type", "stop"));
}

static uint64_t sent_ms(const struct transcribe_client *c)
{
	return c->sent_bytes * 1000 / format_bytes_per_s(&c->format);
}

static size_t piece_bytes(const struct transcribe_client *c)
{
	unsigned ms = c->cfg->realtime ? PIECE_REALTIME_MS : PIECE_MS;

	return (size_t)c->format.rate_hz * ms / 1000 * format_frame_bytes(&c->format);
}

static void on_timer(uv_timer_t *timer)
{
	pump(timer->data);
}

/* Milliseconds until `bytes` more could have been spoken; 0: they could. */
static uint64_t not_yet_ms(struct transcribe_client *c, size_t bytes)
{
	uint64_t due_ms, now_ms = uv_now(c->loop);

	if (!c->cfg->realtime)
		return 0;
	due_ms = c->started_at_ms + (c->sent_bytes + bytes) * 1000 / format_bytes_per_s(&c->format);
	return due_ms > now_ms ? due_ms - now_ms : 0;
}

/* Sends one message of audio. False: not now; what is needed for the next try has been set up. */
static bool send_piece(struct transcribe_client *c)
{
	struct buffer *audio = transcribe_source_audio(c->source);
	bool ended = transcribe_source_has_ended(c->source);
	size_t n = MIN(audio->len, piece_bytes(c));
	uint64_t wait_ms = not_yet_ms(c, n);

	if (n < piece_bytes(c) && !ended) {
		if (!transcribe_source_is_reading(c->source))
			transcribe_source_more(c->source);
		return false;
	}
	if (wait_ms == 0 && ws_client_unsent_bytes(c->ws) > UNSENT_MAX_BYTES)
		wait_ms = RETRY_MS;
	if (n > 0 && wait_ms > 0) {
		(void)uv_timer_start(&c->timer, on_timer, wait_ms, 0);
		return false;
	}
	if (n > 0)
		(void)ws_client_send_binary(c->ws, buffer_head(audio), n);
	buffer_consume(audio, n);
	c->sent_bytes += n;
	return n > 0;
}

static void pump(struct transcribe_client *c)
{
	if (c->state != CLIENT_SENDING || c->ws == NULL)
		return;
	if (c->started_at_ms == 0)
		c->started_at_ms = uv_now(c->loop);
	while (send_piece(c))
		;
	c->events->on_progress(c->arg, sent_ms(c), c->total_ms);
	if (transcribe_source_has_ended(c->source) && transcribe_source_audio(c->source)->len == 0)
		send_stop(c);
}

static void on_format(struct transcribe_client *c);

static void on_data(void *arg)
{
	struct transcribe_client *c = arg;

	if (c->state == CLIENT_OPENING)
		on_format(c);
	else
		pump(c);
}

static void on_source_error(void *arg, const struct error *why)
{
	struct transcribe_client *c = arg;

	note(c, why);
	if (c->state == CLIENT_SENDING)
		send_stop(c); /* what was sent already still gets its text */
	else if (c->state == CLIENT_OPENING)
		end(c);
}

static void on_open(void *arg, struct ws_client *ws)
{
	struct transcribe_client *c = arg;

	(void)ws;
	step(c, CLIENT_OPEN);
	send_start(c);
	if (!transcribe_source_is_live(c->source))
		return;
	step(c, CLIENT_READY);
	pump(c);
}

static void note_server_error(struct transcribe_client *c, json_t *event)
{
	const char *message = json_string_value(json_object_get(event, "message"));
	const char *code = json_string_value(json_object_get(event, "code"));
	struct error why = ERROR_INIT;

	(void)error_set(&why, ERROR_PEER, "%s",
	    message != NULL    ? message
		: code != NULL ? code
			       : "the server failed");
	note(c, &why);
}

/* Where its session ends next, that is told by what ends it. */
static void note_incomplete(struct transcribe_client *c, json_t *final)
{
	const char *message = json_string_value(json_object_get(final, "message"));
	struct error why = ERROR_INIT;

	if (!json_is_true(json_object_get(final, "incomplete")) ||
	    json_is_true(json_object_get(final, "cut_off")))
		return;
	(void)error_set(&why, ERROR_PEER,
	    "the text is incomplete: of the utterance from %.1f s on only the beginning was "
	    "understood: %s",
	    (double)json_integer_value(json_object_get(final, "start_ms")) / 1000,
	    message != NULL ? message : "the server does not say why");
	note(c, &why);
}

static void take_event(struct transcribe_client *c, json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));

	c->events->on_event(c->arg, event);
	if (type == NULL)
		return;
	if (strcmp(type, "ready") == 0 && c->state == CLIENT_WAITING) {
		step(c, CLIENT_READY);
		pump(c);
	} else if (strcmp(type, "error") == 0) {
		note_server_error(c, event);
	} else if (strcmp(type, "final") == 0) {
		note_incomplete(c, event);
	} else if (strcmp(type, "done") == 0) {
		step(c, CLIENT_DONE);
		ws_client_close(c->ws, WS_CLOSE_NORMAL, "");
	}
}

static void on_message(
    void *arg, struct ws_client *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	struct transcribe_client *c = arg;
	struct error why = ERROR_INIT;
	json_t *event = kind == WS_TEXT ? json_loadb(bytes, n, 0, NULL) : NULL;

	if (json_is_object(event)) {
		take_event(c, event);
	} else {
		(void)error_set(&why, ERROR_PEER,
		    "the server sent what is no event; is it a Stenopool server?");
		note(c, &why);
		ws_client_close(ws, WS_CLOSE_PROTOCOL, "not an event");
	}
	json_decref(event);
}

static void on_close(void *arg, struct ws_client *ws, unsigned code, const char *text)
{
	struct transcribe_client *c = arg;
	struct error why = ERROR_INIT;

	(void)ws;
	c->ws = NULL;
	if (c->state == CLIENT_CONNECTING)
		(void)error_set(&why, ERROR_PEER, "%s", text);
	else
		(void)error_set(&why, ERROR_PEER,
		    "the server ended the connection before it was done: %s (%u)",
		    *text != '\0' ? text : "no reason given", code);
	if (c->state != CLIENT_CLOSING)
		note(c, &why);
	end(c);
}

static void on_format(struct transcribe_client *c)
{
	static const struct ws_client_events events = { on_open, on_message, on_close };
	const struct ws_client_config cfg = {
		.url = c->cfg->url,
		.tls = c->cfg->tls,
		.headers = c->cfg->headers,
		.timeout_ms = TIMEOUT_MS,
		.max_message_bytes = MESSAGE_MAX_BYTES,
		.send_buffer_bytes = 2 * UNSENT_MAX_BYTES,
	};
	struct error why = ERROR_INIT;

	c->format = *transcribe_source_format(c->source);
	c->total_ms = transcribe_source_total_ms(c->source);
	step(c, CLIENT_FORMAT);
	c->ws = ws_client_connect(c->loop, &cfg, &events, c, &why);
	if (c->ws == NULL) {
		note(c, &why);
		end(c);
	}
}

struct transcribe_client *transcribe_client_new(struct uv_loop_s *loop,
    const struct transcribe_client_config *cfg, const struct transcribe_client_events *events,
    void *arg, struct error *err)
{
	static const struct transcribe_source_events source_events = { on_data, on_source_error };
	struct transcribe_client *c = xcalloc(1, sizeof *c);

	c->cfg = cfg;
	c->events = events;
	c->arg = arg;
	c->loop = loop;
	c->state = CLIENT_OPENING;
	c->source = transcribe_source_new(loop, &cfg->source, &source_events, c, err);
	if (c->source == NULL) {
		free(c);
		return NULL;
	}
	(void)uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	transcribe_source_more(c->source);
	return c;
}

void transcribe_client_free(struct transcribe_client **c)
{
	assert(*c == NULL || (*c)->state == CLIENT_CLOSED);
	free(*c);
	*c = NULL;
}

/* Whether some of the file is not sent; what a pipe would still have brought nobody knows. */
static bool is_cut(const struct transcribe_client *c)
{
	switch (c->state) {
	case CLIENT_OPENING:
	case CLIENT_CONNECTING:
		return true;
	case CLIENT_WAITING:
	case CLIENT_SENDING:
		return !transcribe_source_is_live(c->source);
	case CLIENT_NONE:
	case CLIENT_DRAINING:
	case CLIENT_CLOSING:
	case CLIENT_CLOSED:
	case CLIENT_STATES:
		break;
	}
	return false;
}

void transcribe_client_stop(struct transcribe_client *c)
{
	struct error why = ERROR_INIT;

	if (is_cut(c)) {
		(void)error_set(&why, ERROR_INVALID, "interrupted after %.1f s of audio",
		    c->format.rate_hz > 0 ? (double)sent_ms(c) / 1000 : 0.0);
		note(c, &why);
	}
	if (c->state == CLIENT_WAITING || c->state == CLIENT_SENDING)
		send_stop(c);
	else if (c->ws != NULL && c->state == CLIENT_CONNECTING)
		ws_client_close(c->ws, WS_CLOSE_NORMAL, "");
	else if (c->state == CLIENT_OPENING)
		end(c);
}
