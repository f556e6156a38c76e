/* A transcription is a recording like any other: the body of a request, which has come whole and stays where it is until
 * the answer. The finals of its session are collected, and the answer is given when it has ended, or has failed in any
 * part: half a text would look like a whole one.
 *
 * With stream=true the answer begins with the first text that will not change, and goes on as more of it is heard; a
 * failure before that is answered like any other, one after it is the stream's last event. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_internal.h"
#include "access/delta.h"
#include "access/language.h"
#include "access/openai.h"
#include "access/openai_form.h"
#include "access/openai_text.h"
#include "access/recording.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/http.h"
#include "pool/pool.h"

/* Partials of a file are for deltas alone, and there is no hurry. */
enum { LINGER_MS = 1000, PARTIAL_INTERVAL_MS = 1000, HEADERS_BYTES = 1024 };

struct rest {
	struct access_link link;
	struct access *access;
	struct http_exchange
	    *x; /* NULL once it is answered, in whole or by a stream, or the client has left */
	struct http_stream
	    *stream; /* NULL before it begins, and once it has ended or the client has left */
	struct buffer
	    body; /* of a stream, which the form's file is in and x does not keep; else empty */
	struct delta delta; /* of the utterance that is being heard */
	bool said;          /* something of an earlier one was sent */
	struct client client;
	struct pool *pool;           /* borrowed */
	struct recording *recording; /* owned; NULL before the start and after the end */
	struct openai_form form;     /* owned */
	bool translate;
	struct openai_transcript transcript;
	unsigned depth; /* of calls into here; it ends when the last one returns */
	uint64_t ended_ns;
};

static struct rest *rest_of(struct access_link *l)
{
	return (struct rest *)((char *)l - offsetof(struct rest, link));
}

static struct rest *rest_new(struct access *a, struct http_exchange *x)
{
	struct rest *r = xcalloc(1, sizeof *r);

	r->access = a;
	r->x = x;
	return r;
}

static bool is_open(const struct rest *r)
{
	return r->x != NULL || r->stream != NULL;
}

static void enter(struct rest *r)
{
	r->depth++;
}

/* One that was let in stays in the list for a while after its end: an answer has to be on its way before a server that
 * drains closes the last connections, and a client that leaves does so inside its connection's own call. */
static void leave(struct rest *r)
{
	if (--r->depth > 0 || is_open(r))
		return;
	openai_transcript_done(&r->transcript);
	openai_form_done(&r->form);
	delta_reset(&r->delta);
	buffer_done(&r->body);
	r->ended_ns = clock_now_ns();
	if (r->link.ops == NULL)
		free(r);
}

static void forget(struct rest *r)
{
	access_link_remove(r->access, &r->link);
	free(r);
}

static void log_end(const struct rest *r, const char *how)
{
	uint64_t id = r->recording == NULL ? 0 : recording_session(r->recording);

	if (id > 0)
		log_info("session %llu: %s", (unsigned long long)id, how);
}

/* The client left in the middle of a stream. */
static void on_stream_close(void *arg)
{
	struct rest *r = arg;

	log_end(r, "client left before the end of the stream");
	enter(r);
	r->stream = NULL;
	recording_free(&r->recording);
	leave(r);
}

static const struct http_stream_events stream_events = { .on_close = on_stream_close };

static void add_warning(char out[HEADERS_BYTES], struct error *why)
{
	size_t used = strlen(out);

	for (char *c = why->text; *c != '\0'; c++)
		*c = *c == '"' || *c == '\\' ? '\'' : *c;
	(void)snprintf(
	    out + used, HEADERS_BYTES - used, "Warning: 299 stenopool \"%s\"\r\n", why->text);
}

/* Who asked for a language that no pool is for, or for what no engine takes, is heard all the same, as OpenAI's hears what it is not
 * told to; and there is no field for a warning, so it is HTTP's. */
static void write_warnings(const struct rest *r, char out[HEADERS_BYTES])
{
	const struct language_pool pool = access_language_pool(r->pool);
	const struct pool *hears = access_pool_of_finals(r->pool);
	const struct session_wishes wishes = wanted_lend(&r->form.wanted);
	struct error why;

	out[0] = '\0';
	if (language_word_other(&pool, r->form.language, &why))
		add_warning(out, &why);
	if (access_is_known(hears) &&
	    access_word_passed_over(hears, access_passed_over(r->pool, &wishes), &why))
		add_warning(out, &why);
}

/* Frees the event; NULL: memory is out, and the stream goes without it. */
static void send_event(struct rest *r, char *event)
{
	char headers[HEADERS_BYTES + 32], warning[HEADERS_BYTES];
	const struct http_answer head = {
		.status = 200, .content_type = "text/event-stream", .headers = headers
	};
	struct http_exchange *x = r->x;

	if (x != NULL) {
		write_warnings(r, warning);
		(void)snprintf(headers, sizeof headers, "Cache-Control: no-cache\r\n%s", warning);
		r->x = NULL;
		r->stream = http_respond_stream(x, &head, &stream_events, r);
	}
	if (event != NULL && r->stream != NULL)
		(void)http_stream_send(r->stream, event, strlen(event));
	free(event);
}

static void end_stream(struct rest *r)
{
	struct http_stream *stream = r->stream;

	r->stream = NULL;
	recording_free(&r->recording);
	http_stream_end(stream);
}

static void break_stream(struct rest *r, const struct error *why, const struct openai_refusal *how)
{
	char *text = openai_refusal_text(why, how);

	send_event(r, text == NULL ? NULL : openai_error_event(text));
	free(text);
	end_stream(r);
}

static void refuse_as(struct rest *r, const struct error *why, const struct openai_refusal *how)
{
	struct http_exchange *x = r->x;
	char text[sizeof why->text + 16];

	if (!is_open(r))
		return;
	(void)snprintf(text, sizeof text, "ended: %s", why->text);
	log_end(r, text);
	if (r->stream != NULL) {
		break_stream(r, why, how);
		return;
	}
	r->x = NULL;
	recording_free(&r->recording);
	openai_refuse(x, why, how);
}

static void refuse(struct rest *r, const struct error *why, unsigned retry_after_ms)
{
	refuse_as(r, why,
	    &(struct openai_refusal){
		.code = openai_code(why->code), .retry_after_ms = retry_after_ms });
}

static void answer(struct rest *r)
{
	struct http_exchange *x = r->x;
	const struct language_pool pool = access_language_pool(r->pool);
	char language[LANGUAGE_BYTES], warning[HEADERS_BYTES], headers[HEADERS_BYTES + 40], *text;
	struct error err;

	language_told(NULL, &pool, language);
	write_warnings(r, warning);
	(void)snprintf(headers, sizeof headers, "%s%s", warning,
	    r->transcript.incomplete ? "x-stenopool-incomplete: true\r\n" : "");
	text = openai_transcript_text(&r->transcript, &r->form.style, language);
	if (text == NULL) {
		(void)error_set(&err, ERROR_SYSTEM, "no memory for the answer");
		refuse(r, &err, 0);
		return;
	}
	r->x = NULL;
	recording_free(&r->recording);
	http_respond(x,
	    &(struct http_answer){ .status = 200,
		.content_type = openai_format_type(r->form.style.format),
		.headers = headers,
		.body = text,
		.body_bytes = strlen(text) });
	free(text);
}

static void answer_stream(struct rest *r)
{
	static const char last[] = "data: [DONE]\n\n";

	send_event(r, openai_done_event(&r->transcript));
	if (r->stream == NULL)
		return;
	(void)http_stream_send(r->stream, last, sizeof last - 1);
	end_stream(r);
}

/* The words of one utterance are set apart from those of the one before. */
static void send_delta(struct rest *r, const char *text, size_t n)
{
	if (n > 0)
		send_event(r, openai_delta_event(r->said && r->delta.n == n, text, n));
}

static void on_partial(struct rest *r, const struct session_event *e)
{
	size_t n;
	const char *text =
	    delta_of_partial(&r->delta, e->partial.text, e->partial.settled_bytes, &n);

	send_delta(r, text, n);
	delta_note_time(&r->delta, e);
}

/* What was sent stands, and is in `done` as it was sent. */
static int finish_otherwise(struct rest *r, const struct session_event *e)
{
	size_t n;
	const char *rest = delta_behind(&r->delta, e, &n);

	if (n > 0)
		send_event(r, openai_delta_event(true, rest, n));
	return openai_transcript_correct(&r->transcript, r->delta.sent, r->delta.n, rest, n);
}

static int finish_deltas(struct rest *r, const struct session_event *e)
{
	int rc = 0;
	size_t n;
	const char *text = delta_of_final(&r->delta, e->final.text, e->final.text_bytes, &n);

	if (delta_goes_on(&r->delta, e->final.text, e->final.text_bytes))
		send_delta(r, text, n);
	else
		rc = finish_otherwise(r, e);
	r->said |= r->delta.n > 0;
	delta_reset(&r->delta);
	return rc;
}

static void send_segments(struct rest *r, size_t from)
{
	for (size_t i = from; i < r->transcript.segments.n; i++)
		send_event(r, openai_segment_event(&r->transcript, i));
}

static int take_final(struct rest *r, const struct session_event *e)
{
	size_t segments = r->transcript.segments.n;

	if (openai_transcript_add(&r->transcript, e) != 0 ||
	    (r->form.style.stream && finish_deltas(r, e) != 0))
		return -1;
	if (r->form.style.stream && r->form.style.format == OPENAI_DIARIZED_JSON)
		send_segments(r, segments);
	return 0;
}

static void on_final(struct rest *r, const struct session_event *e)
{
	struct error err;

	if (take_final(r, e) == 0)
		return;
	(void)error_set(&err, ERROR_SYSTEM, "no memory for what was heard");
	refuse(r, &err, 0);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct rest *r = arg;

	enter(r);
	if (e->kind == SESSION_EVENT_FINAL)
		on_final(r, e);
	else if (e->kind == SESSION_EVENT_PARTIAL && r->form.style.stream)
		on_partial(r, e);
	leave(r);
}

static void on_failed(
    void *arg, const struct error *why, unsigned retry_after_ms, enum recording_failure kind)
{
	struct rest *r = arg;

	enter(r);
	if (kind == RECORDING_BAD_AUDIO)
		refuse_as(
		    r, why, &(struct openai_refusal){ .param = "file", .code = "invalid_audio" });
	else
		refuse(r, why, retry_after_ms);
	leave(r);
}

static void on_done(void *arg, uint64_t audio_ms)
{
	struct rest *r = arg;

	enter(r);
	r->transcript.audio_ms = audio_ms;
	if (r->form.style.stream)
		answer_stream(r);
	else
		answer(r);
	leave(r);
}

static const struct recording_events recording_events = {
	.on_event = on_event, .on_failed = on_failed, .on_done = on_done
};

static void look(struct access_link *l, uint64_t now_ns)
{
	struct rest *r = rest_of(l);

	if (!is_open(r) && now_ns - MIN(now_ns, r->ended_ns) >= LINGER_MS * NS_PER_MS)
		forget(r);
}

static void stop(struct access_link *l, const struct error *why)
{
	struct rest *r = rest_of(l);

	if (is_open(r)) {
		enter(r);
		refuse(r, why, r->access->retry_after_ms);
		leave(r);
	}
	forget(r);
}

/* While the server drains, it is the sessions that are told. */
static const struct access_link_ops link_ops = { .look = look, .stop = stop };

/* Segments have to say what the deltas say, and are made of finals. */
static bool wants_partials(const struct openai_style *s)
{
	return s->stream && s->format != OPENAI_DIARIZED_JSON;
}

/* It may be answered from inside. */
static void begin(struct rest *r)
{
	struct recording_wishes wishes = { .bytes = r->form.file,
		.n = r->form.file_n,
		.pool = r->pool,
		.client = &r->client,
		.hearing = wanted_lend(&r->form.wanted),
		.partial_interval_ms = wants_partials(&r->form.style) ? PARTIAL_INTERVAL_MS : 0 };

	if (r->form.style.stream)
		http_take_body(r->x, &r->body);
	http_set_data(r->x, r);
	r->recording = recording_new(r->access, &wishes, &recording_events, r);
	recording_start(r->recording);
	if (is_open(r))
		access_link_add(r->access, &r->link, &link_ops);
}

static bool translates(const struct pool *pool)
{
	return (pool_traits(pool)->takes & IPC_TAKES_TRANSLATE) != 0;
}

/* Where the model's name leaves the choice, one that can do what is asked. */
static struct pool *find_pool(const struct rest *r, struct error *err)
{
	const struct access *a = r->access;
	const char *model = r->form.model;
	struct pool *pool = openai_pool(a, &r->client, model, r->form.language, err);
	struct error ignored;

	if (pool == NULL || !r->translate || access_has_pool(a, model, strlen(model)))
		return pool;
	for (unsigned i = 0; i < a->pools_n && !translates(pool); i++)
		if (translates(a->pools[i]) &&
		    client_check_pool(&r->client, pool_name(a->pools[i]), &ignored) == 0)
			pool = a->pools[i];
	return pool;
}

static bool cannot_translate(const struct rest *r, struct error *err)
{
	const struct session_wishes wishes = wanted_lend(&r->form.wanted);

	if (!r->translate || translates(r->pool))
		return false;
	if (!access_word_translation(r->pool, &wishes, err))
		(void)error_set(err, ERROR_BUSY,
		    "pool \"%.40s\" is being loaded, and whether it translates is not known yet",
		    pool_name(r->pool));
	return true;
}

static void read_request(struct rest *r)
{
	struct openai_refusal how = { 0 };
	struct error err;
	size_t n;
	const void *body = http_body(r->x, &n);

	if (openai_form_read(
		&r->form, http_header(r->x, "Content-Type"), body, n, &err, &how.param) != 0) {
		refuse_as(r, &err, &how);
		return;
	}
	r->form.style.translate = r->form.wanted.translate = r->translate;
	r->pool = find_pool(r, &err);
	if (r->pool != NULL && cannot_translate(r, &err))
		refuse_as(r, &err, &(struct openai_refusal){ .code = "unsupported_endpoint" });
	else if (r->pool != NULL)
		begin(r);
	else if (err.code == ERROR_FORBIDDEN)
		refuse(r, &err, 0);
	else
		refuse_as(r, &err,
		    &(struct openai_refusal){
			.status = 404, .param = "model", .code = "model_not_found" });
}

/* 0, or answers and returns -1. */
static int let_in(struct access *a, struct http_exchange *x, struct client *client)
{
	struct error err;

	if (client_check(a->keys, x, client, &err) != 0) {
		openai_refuse(
		    x, &err, &(struct openai_refusal){ .status = 401, .code = "invalid_api_key" });
		return -1;
	}
	if (!a->leaving)
		return 0;
	access_word_leaving(&err);
	metric_add(METRIC_sessions_refused_total, 1);
	openai_refuse(x, &err,
	    &(struct openai_refusal){
		.code = error_code_name(err.code), .retry_after_ms = a->retry_after_ms });
	return -1;
}

void openai_transcribe_header(struct access *a, struct http_exchange *x)
{
	struct client client;

	(void)let_in(a, x, &client);
}

static void take(struct access *a, struct http_exchange *x, bool translate)
{
	struct client client;
	struct rest *r;

	if (let_in(a, x, &client) != 0)
		return;
	r = rest_new(a, x);
	r->client = client;
	r->translate = translate;
	enter(r);
	read_request(r);
	leave(r);
}

void openai_transcribe(struct access *a, struct http_exchange *x)
{
	take(a, x, false);
}

void openai_transcribe_abort(struct http_exchange *x)
{
	struct rest *r = http_data(x);

	if (r == NULL)
		return;
	log_end(r, "client left before the answer");
	enter(r);
	r->x = NULL;
	recording_free(&r->recording);
	leave(r);
}

/* Before the form is looked at, as nothing that it could say would help. */
static bool any_may_translate(const struct access *a)
{
	for (unsigned i = 0; i < a->pools_n; i++)
		if (translates(a->pools[i]) || pool_traits(a->pools[i])->decode_threads == 0)
			return true;
	return false;
}

void openai_translate(struct access *a, struct http_exchange *x)
{
	struct client client;
	struct error err;

	if (any_may_translate(a)) {
		take(a, x, true);
		return;
	}
	if (let_in(a, x, &client) != 0)
		return;
	(void)error_set(&err, ERROR_INVALID,
	    "this server's engines do not translate; /v1/audio/transcriptions gives the text in "
	    "the "
	    "language that is spoken");
	openai_refuse(x, &err, &(struct openai_refusal){ .code = "unsupported_endpoint" });
}
