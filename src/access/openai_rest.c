/* A transcription is a session like any other: its client is the body of a request, which has come whole and stays where it
 * is until the answer. The file is fed to the session as fast as that takes it; its finals are collected, and the answer is
 * given when it has ended, or has failed in any part: half a text would look like a whole one. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_internal.h"
#include "access/openai.h"
#include "access/openai_form.h"
#include "access/openai_text.h"
#include "audio/wav.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/util.h"
#include "net/http.h"
#include "pool/pool.h"
#include "session/roster.h"

enum {
	BUSY_RETRY_MS = 1000,
	HEAD_BYTES =
	    4096, /* of the file at once until its format is known: less than a session keeps */
	PIECE_BYTES = 65536,
	LINGER_MS = 1000,
};

struct rest {
	struct access_link link;
	struct access *access;
	struct http_exchange *x; /* NULL once it is answered or the client has left */
	struct client client;
	struct session *session; /* owned; NULL before the start and after the end */
	uint64_t id;
	struct openai_form form;
	struct wav *wav;     /* owned */
	struct buffer audio; /* taken out of the file and not given to the session yet */
	size_t fed;          /* bytes of the file that the WAV reader has */
	size_t piece_bytes;
	bool full; /* the session takes nothing before on_drain */
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
	r->wav = wav_new();
	r->piece_bytes = HEAD_BYTES;
	buffer_init(&r->audio, PIECE_BYTES);
	return r;
}

static void enter(struct rest *r)
{
	r->depth++;
}

/* One that had a session stays in the list for a while after its end: an answer has to be on its way before a server that
 * drains closes the last connections, and a client that leaves does so inside its connection's own call. */
static void leave(struct rest *r)
{
	if (--r->depth > 0 || r->x != NULL)
		return;
	wav_free(&r->wav);
	buffer_done(&r->audio);
	openai_transcript_done(&r->transcript);
	r->ended_ns = clock_now_ns();
	if (r->link.ops == NULL)
		free(r);
}

static void forget(struct rest *r)
{
	access_link_remove(r->access, &r->link);
	free(r);
}

static void drop_session(struct rest *r)
{
	if (r->session == NULL)
		return;
	client_set_remove(&r->access->clients, &r->client);
	roster_remove(r->access->roster, r->session);
	session_free(&r->session);
}

static void refuse_as(struct rest *r, const struct error *why, const struct openai_refusal *how)
{
	struct http_exchange *x = r->x;

	if (x == NULL)
		return;
	if (r->id > 0)
		log_info("session %llu: ended: %s", (unsigned long long)r->id, why->text);
	r->x = NULL;
	drop_session(r);
	openai_refuse(x, why, how);
}

static void refuse(struct rest *r, const struct error *why, unsigned retry_after_ms)
{
	bool later = why->code == ERROR_BUSY || why->code == ERROR_OVERLOADED;

	if (later && retry_after_ms == 0)
		retry_after_ms = BUSY_RETRY_MS;
	refuse_as(r, why,
	    &(struct openai_refusal){
		.code = openai_code(why->code), .retry_after_ms = retry_after_ms });
}

static void refuse_audio(struct rest *r, struct error *why)
{
	(void)error_prefix(why, "not audio this server can read: send WAV");
	why->code = ERROR_INVALID;
	refuse_as(r, why, &(struct openai_refusal){ .param = "file", .code = "invalid_audio" });
}

static void answer(struct rest *r)
{
	struct http_exchange *x = r->x;
	const char *language = r->form.language;
	struct error err;
	char *text;

	if (*language == '\0')
		language = session_pool_name(r->session);
	text = openai_transcript_text(&r->transcript, &r->form.style, language);
	if (text == NULL) {
		(void)error_set(&err, ERROR_SYSTEM, "no memory for the answer");
		refuse(r, &err, 0);
		return;
	}
	r->x = NULL;
	drop_session(r);
	http_respond(x,
	    &(struct http_answer){ .status = 200,
		.content_type = openai_format_type(r->form.style.format),
		.body = text,
		.body_bytes = strlen(text) });
	free(text);
}

/* Takes the next piece of the file; at its end what is left of a cut frame is dropped. */
static int read_piece(struct rest *r, struct error *err)
{
	size_t n = MIN(r->piece_bytes, r->form.file_n - r->fed);

	if (wav_feed(r->wav, r->form.file + r->fed, n, &r->audio, err) != 0)
		return -1;
	r->fed += n;
	return r->fed == r->form.file_n ? wav_finish(r->wav, err) : 0;
}

/* Until its format is known. */
static int read_head(struct rest *r, struct error *err)
{
	do {
		if (read_piece(r, err) != 0)
			return -1;
	} while (wav_format(r->wav) == NULL);
	r->piece_bytes = (size_t)MIN(format_bytes_per_s(wav_format(r->wav)), (uint64_t)PIECE_BYTES);
	return 0;
}

/* The session may end, and the request be answered, in any of its calls. */
static void feed(struct rest *r)
{
	struct error err;

	while (r->session != NULL && !r->full) {
		if (r->audio.len > 0)
			r->full = !session_audio(r->session, buffer_head(&r->audio), r->audio.len);
		buffer_consume(&r->audio, r->audio.len);
		if (r->session == NULL)
			return;
		if (r->fed == r->form.file_n) {
			session_end(r->session);
			return;
		}
		if (!r->full && read_piece(r, &err) != 0)
			refuse_audio(r, &err);
	}
}

static void on_final(struct rest *r, const struct session_event *e)
{
	struct error err;

	if (openai_transcript_add(&r->transcript, e) == 0)
		return;
	(void)error_set(&err, ERROR_SYSTEM, "no memory for what was heard");
	refuse(r, &err, 0);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct rest *r = arg;

	enter(r);
	if (e->kind == SESSION_EVENT_FINAL) {
		on_final(r, e);
	} else if (e->kind == SESSION_EVENT_ERROR) {
		refuse(r, e->error.why, e->error.retry_after_ms);
	} else if (e->kind == SESSION_EVENT_ENDED) {
		r->transcript.audio_ms = e->ended.audio_ms;
		answer(r);
	}
	leave(r);
}

static void on_drain(void *arg)
{
	struct rest *r = arg;

	enter(r);
	r->full = false;
	feed(r);
	leave(r);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

static void look(struct access_link *l, uint64_t now_ns)
{
	struct rest *r = rest_of(l);

	if (r->x == NULL && now_ns - MIN(now_ns, r->ended_ns) >= LINGER_MS * NS_PER_MS)
		forget(r);
}

static void stop(struct access_link *l, const struct error *why)
{
	struct rest *r = rest_of(l);

	if (r->x != NULL) {
		enter(r);
		refuse(r, why, r->access->retry_after_ms);
		leave(r);
	}
	forget(r);
}

/* While the server drains, it is the sessions that are told. */
static const struct access_link_ops link_ops = { .look = look, .stop = stop };

static int open_session(
    struct rest *r, struct pool *pool, struct error *err, unsigned *retry_after_ms)
{
	struct access *a = r->access;
	const struct session_config cfg = {
		.ear = { .format = *wav_format(r->wav), .endpoint = a->cfg.endpoint },
		.tenant = r->client.tenant,
		.priority = r->client.priority,
	};

	if (roster_has_room(a->roster, err) < 0)
		return -1;
	r->session = session_new(pool, a->work, &a->cfg.session, &cfg, err, retry_after_ms);
	if (r->session == NULL)
		return -1;
	r->id = session_id(r->session);
	roster_add(a->roster, r->session);
	client_set_add(&a->clients, &r->client, r->id);
	access_link_add(a, &r->link, &link_ops);
	return 0;
}

static void begin(struct rest *r, struct pool *pool)
{
	unsigned retry_after_ms = 0;
	struct error err;

	if (read_head(r, &err) != 0) {
		refuse_audio(r, &err);
	} else if (open_session(r, pool, &err, &retry_after_ms) != 0) {
		metric_add(METRIC_sessions_refused_total, 1);
		refuse(r, &err, retry_after_ms);
	} else {
		http_set_data(r->x, r);
		session_start(r->session, &session_events, r);
		feed(r);
	}
}

static void read_request(struct rest *r)
{
	struct openai_refusal how = { 0 };
	struct pool *pool;
	struct error err;
	size_t n;
	const void *body = http_body(r->x, &n);

	if (openai_form_read(
		&r->form, http_header(r->x, "Content-Type"), body, n, &err, &how.param) != 0) {
		refuse_as(r, &err, &how);
		return;
	}
	pool = openai_pool(r->access, r->form.model, &err);
	if (pool != NULL)
		begin(r, pool);
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

void openai_transcribe(struct access *a, struct http_exchange *x)
{
	struct client client;
	struct rest *r;

	if (let_in(a, x, &client) != 0)
		return;
	r = rest_new(a, x);
	r->client = client;
	enter(r);
	read_request(r);
	leave(r);
}

void openai_transcribe_abort(struct http_exchange *x)
{
	struct rest *r = http_data(x);

	if (r == NULL)
		return;
	log_info("session %llu: client left before the answer", (unsigned long long)r->id);
	enter(r);
	r->x = NULL;
	drop_session(r);
	leave(r);
}
