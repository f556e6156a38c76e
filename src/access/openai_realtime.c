/* OpenAI's Realtime interface for transcription (docs/protocols/openai.md): one WebSocket, one session, and turns in it.
 *   RESTING --audio--> HEARD (a voice is there) --a fatal error--> (the wire closes)
 *           <--silence for idle_timeout_ms--
 * The voice is opened by the first audio, since a client first says what it will send and to which model; and given back in
 * silence, since clients stay connected while nobody speaks and take any `error` for the end. The next one goes on where it
 * left off: its times, and what was learnt of the speaker. A message that cannot be is answered by an `error` event, and the
 * session stays: clients do not expect to lose it.
 *
 * While a large message is dealt with, or the voice has enough, the connection is paused, so messages are obeyed in order. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "access/access_internal.h"
#include "access/entries.h"
#include "access/language.h"
#include "access/openai.h"
#include "access/openai_realtime_command.h"
#include "access/openai_realtime_event.h"
#include "access/openai_realtime_large.h"
#include "access/openai_realtime_session.h"
#include "access/openai_realtime_turns.h"
#include "access/voice.h"
#include "access/wire.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/name_list.h"
#include "base/util.h"
#include "net/http.h"
#include "net/query.h"
#include "net/websocket.h"
#include "pool/pool.h"

enum { MODEL_BYTES = 128, COMMIT_MIN_MS = 100 };

struct realtime {
	struct wire wire;
	struct voice voice;
	struct pool *pool; /* once there is a voice */
	struct realtime_session session;
	struct realtime_ids ids;
	struct realtime_turns turns;
	bool names_beta;         /* the first event has its beta name */
	char model[MODEL_BYTES]; /* of the URL */
	uint64_t given_ns;       /* audio */
	uint64_t committed_ms;   /* of it went with the client's last commit or clear */
	uint64_t told_ns;        /* when the client said something last */
	const json_t *event_id;  /* of the message that is being dealt with */
	uint64_t bytes_per_s;
	struct realtime_large *large; /* owned; NULL: no large message is being dealt with */
	bool full;                    /* the voice has enough for now */
	uint64_t utterances;          /* of the voices before */
	uint8_t *adaptation;          /* owned; what the voice before had learnt; NULL: nothing */
	size_t adaptation_bytes;
	bool warned; /* of wishes that are passed over */
};

static struct realtime *realtime_of(struct wire *w)
{
	return (struct realtime *)(void *)w;
}

static void send(void *arg, json_t *event)
{
	struct realtime *r = arg;

	wire_send_json(&r->wire, event);
}

static void send_error(
    struct realtime *r, const struct error *why, const struct realtime_blame *blame)
{
	log_debug("openai-realtime session %llu: %s", (unsigned long long)r->voice.id, why->text);
	send(r, realtime_event_error(&r->ids, why, blame, r->event_id));
}

/* Opening. */

static int read_model(const char *query, char model[MODEL_BYTES], struct error *err)
{
	struct query_span value = { NULL, 0 };

	(void)query_find(query, "model", &value);
	switch (query_decode(value, QUERY_PLUS_IS_SPACE, model, MODEL_BYTES)) {
	case QUERY_BROKEN:
		return error_set(
		    err, ERROR_INVALID, "model in the query is not properly percent-encoded");
	case QUERY_TOO_LONG:
		return error_set(
		    err, ERROR_INVALID, "model in the query is over %d bytes", MODEL_BYTES - 1);
	case QUERY_DECODED:
		break;
	}
	return 0;
}

static bool is_for_transcription(const char *query)
{
	struct query_span intent;

	return query_find(query, "intent", &intent) && query_is(intent, "transcription");
}

static bool asks_for_beta(const struct http_exchange *x)
{
	const char *header = http_header(x, "OpenAI-Beta");
	const char *offered = http_header(x, "Sec-WebSocket-Protocol");

	return (header != NULL && strstr(header, "realtime=v1") != NULL) ||
	    (offered != NULL && strstr(offered, "openai-beta.realtime-v1") != NULL);
}

static int make_ids(struct realtime_ids *ids, struct error *err)
{
	unsigned char random[8];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return error_set(err, ERROR_SYSTEM, "there is no randomness for a session's id");
	for (size_t i = 0; i < sizeof random; i++)
		(void)snprintf(ids->nonce + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static void settle(const struct realtime *r, struct realtime_session *s)
{
	realtime_session_settle(s,
	    !name_list_matches(
		r->wire.access->cfg.openai_commit_models, realtime_session_model(s)));
}

static void read_mode(
    const struct realtime_session *s, struct realtime_mode *out, struct ear_config *ear)
{
	realtime_session_ear(s, ear);
	*out = (struct realtime_mode){ .manual = ear->endpoint.endpointing == ENDPOINTING_MANUAL,
		.prefix_ms = ear->endpoint.pre_roll_ms,
		.silence_ms = ear->endpoint.post_silence_ms };
}

static int read_request(
    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	struct realtime *r = realtime_of(w);
	char id[REALTIME_ID_BYTES];
	struct ear_config ear;

	how->status = 500;
	if (make_ids(&r->ids, err) < 0)
		return -1;
	how->status = 400;
	if (read_model(http_query(x), r->model, err) < 0)
		return -1;
	(void)snprintf(id, sizeof id, "sess_%s", r->ids.nonce);
	realtime_session_init(&r->session, id, r->model, &w->access->cfg.endpoint);
	settle(r, &r->session);
	w->begun = true; /* it may be silent for as long as it likes */
	r->session.flat = asks_for_beta(x);
	r->names_beta = r->session.flat && is_for_transcription(http_query(x));
	r->turns = (struct realtime_turns){
		.ids = &r->ids, .send = send, .arg = r, .beta = r->session.flat
	};
	read_mode(&r->session, &r->turns.mode, &ear);
	return 0;
}

static const char *refusal_code(unsigned status)
{
	return status == 401 ? "invalid_api_key"
	    : status == 429  ? "rate_limit_exceeded"
	    : status == 503  ? "server_error"
			     : NULL;
}

static void refuse(struct http_exchange *x, const struct error *why, const struct wire_refusal *how)
{
	openai_refuse(x, why,
	    &(struct openai_refusal){ .status = how->status,
		.code = refusal_code(how->status),
		.retry_after_ms = how->retry_after_ms });
}

static void on_open(struct wire *w)
{
	struct realtime *r = realtime_of(w);

	r->told_ns = clock_now_ns();
	send(r,
	    realtime_event_session(&r->ids,
		r->names_beta ? "transcription_session.created" : "session.created",
		realtime_session_json(&r->session)));
}

/* The session. */

static void remember_speaker(struct realtime *r)
{
	size_t n;
	const uint8_t *bytes = session_adaptation(r->voice.session, &n);

	free(r->adaptation);
	r->adaptation = n == 0 ? NULL : xcalloc(1, n);
	r->adaptation_bytes = n;
	if (n > 0)
		memcpy(r->adaptation, bytes, n);
}

/* A turn that waits for the client's word stays open, and may be gone on with. */
static void rest(struct realtime *r)
{
	log_info("session %llu: nothing is said, so its place is given back until there is",
	    (unsigned long long)r->voice.id);
	remember_speaker(r);
	r->utterances = session_utterances(r->voice.session);
	voice_drop(&r->voice);
}

static void tell_turn(struct realtime *r, const struct session_event *e)
{
	if (!r->warned)
		r->warned = voice_word_passed_over(&r->voice, &r->turns.unheeded);
	realtime_turns_event(&r->turns, e);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct realtime *r = arg;

	if (e->kind == SESSION_EVENT_IDLE)
		rest(r);
	else if (e->kind == SESSION_EVENT_ERROR && e->error.fatal)
		wire_fail(&r->wire, e->error.why, e->error.retry_after_ms);
	else if (e->kind == SESSION_EVENT_ENDED)
		wire_close(&r->wire, WS_CLOSE_NORMAL, "done");
	else
		tell_turn(r, e);
}

static void read_on(struct realtime *r)
{
	if (r->large == NULL && !r->full)
		wire_resume(&r->wire);
}

static void on_drain(void *arg)
{
	struct realtime *r = arg;

	r->full = false;
	if (r->large != NULL)
		realtime_large_go_on(r->large);
	read_on(r);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

/* A model that names no pool is another server's name for what ours do. */
static struct pool *find_pool(
    const struct realtime *r, const struct realtime_session *s, struct error *err)
{
	const char *model = realtime_session_model(s);

	return access_pool_among(
	    r->wire.access, &r->wire.client, &model, 1, realtime_session_language(s), err);
}

/* What is learnt with one pool's model says nothing to another one's. */
static void go_on_where_it_was(
    const struct realtime *r, const struct pool *before, struct session_config *cfg)
{
	cfg->offset_ms = r->given_ns / NS_PER_MS;
	cfg->utterances_before = r->utterances;
	if (r->pool != before)
		return;
	cfg->adaptation = r->adaptation;
	cfg->adaptation_bytes = r->adaptation_bytes;
}

static int open_wishing(
    struct realtime *r, struct session_config *cfg, struct error *err, unsigned *retry_after_ms)
{
	struct wanted wanted = { .translate = false };
	int rc;

	realtime_session_wishes(&r->session, &wanted);
	cfg->wishes = wanted_lend(&wanted);
	rc = voice_open(
	    &r->voice, r->wire.access, &r->wire.client, r->pool, cfg, err, retry_after_ms);
	wanted_done(&wanted);
	return rc;
}

static int open_voice(struct realtime *r, struct error *err, unsigned *retry_after_ms)
{
	const struct pool *before = r->pool;
	struct language_pool pool;
	struct session_config cfg;

	r->pool = find_pool(r, &r->session, err);
	voice_defaults(r->wire.access, &cfg);
	cfg.partials = true;
	cfg.wants_heard = true;
	cfg.wants_idle = true;
	go_on_where_it_was(r, before, &cfg);
	read_mode(&r->session, &r->turns.mode, &cfg.ear);
	if (r->pool == NULL || open_wishing(r, &cfg, err, retry_after_ms) < 0)
		return -1;
	r->bytes_per_s = format_bytes_per_s(&cfg.ear.format);
	r->wire.session = r->voice.id;
	pool = access_language_pool(r->pool);
	language_told(NULL, &pool, r->turns.language);
	voice_start(&r->voice, &session_events, r);
	return 0;
}

static bool has_voice(struct realtime *r)
{
	unsigned retry_after_ms = 0;
	struct error err;

	if (r->voice.session == NULL && open_voice(r, &err, &retry_after_ms) < 0)
		wire_fail(&r->wire, &err, retry_after_ms);
	return !r->wire.closing;
}

/* Commands. */

/* False: the voice has enough. */
static bool give(struct realtime *r, const uint8_t *bytes, size_t n)
{
	if (n == 0 || !has_voice(r))
		return true;
	r->given_ns += n * NS_PER_S / r->bytes_per_s;
	r->turns.given_ms = r->given_ns / NS_PER_MS;
	r->full = !voice_audio(&r->voice, bytes, n);
	if (r->full)
		wire_pause(&r->wire);
	return !r->full;
}

/* Of a message that is not large, so there is one piece. */
static void append(struct realtime *r, const struct realtime_command *c)
{
	uint8_t piece[REALTIME_PIECE_BYTES];
	struct realtime_blame blame = { 0 };
	struct error err;
	size_t at = 0;
	long n = realtime_command_audio(c, &at, piece, &err, &blame);

	if (n < 0)
		send_error(r, &err, &blame);
	else
		(void)give(r, piece, (size_t)n);
}

/* Who leaves turn detection to the server and commits as well finds now and then that it was faster. For clients any `error`
 * is the end, and the answer to what they mean has been given. */
static bool races(const struct realtime *r)
{
	return !r->turns.mode.manual && *r->turns.previous != '\0' &&
	    !realtime_turns_is_open(&r->turns);
}

static void commit(struct realtime *r)
{
	static const struct realtime_blame blame = { .code = "input_audio_buffer_commit_empty" };
	uint64_t from_ms = MAX(r->committed_ms, r->turns.ended_ms);
	uint64_t ms = r->turns.given_ms - MIN(from_ms, r->turns.given_ms);
	struct error err;

	if (ms < COMMIT_MIN_MS && races(r)) {
		log_debug("openai-realtime session %llu: passes over a commit of a turn that has "
			  "ended already",
		    (unsigned long long)r->voice.id);
		return;
	}
	if (ms < COMMIT_MIN_MS && (r->turns.mode.manual || !realtime_turns_is_open(&r->turns))) {
		(void)error_set(&err, ERROR_INVALID,
		    "buffer too small: a commit needs at least %d ms of audio, and there are %llu",
		    COMMIT_MIN_MS, (unsigned long long)ms);
		send_error(r, &err, &blame);
		return;
	}
	r->committed_ms = r->turns.given_ms;
	if (r->voice.session == NULL) {
		realtime_turns_commit_silence(&r->turns);
		return;
	}
	realtime_turns_commit(&r->turns);
	voice_commit(&r->voice);
}

static void clear(struct realtime *r)
{
	r->committed_ms = r->turns.given_ms;
	if (r->voice.session != NULL)
		voice_clear(&r->voice);
	else
		realtime_turns_event(
		    &r->turns, &(struct session_event){ .kind = SESSION_EVENT_CLEARED });
}

/* What is open ends at a change of format or endpointing; where only its way of ending changes it would have no end, so it
 * is committed. */
static int reconfigure(struct realtime *r, const struct realtime_session *next, struct error *err)
{
	struct realtime_mode mode;
	struct ear_config ear;

	read_mode(next, &mode, &ear);
	if (r->voice.session == NULL) {
		if (mode.manual != r->turns.mode.manual && realtime_turns_is_open(&r->turns))
			realtime_turns_commit_silence(&r->turns);
		r->turns.mode = mode;
		return 0;
	}
	if (json_equal(next->format, r->session.format) &&
	    json_equal(next->turn_detection, r->session.turn_detection))
		return 0;
	if (mode.manual != json_is_null(r->session.turn_detection)) {
		r->committed_ms = r->turns.given_ms;
		realtime_turns_switch(&r->turns, &mode);
		voice_commit(&r->voice);
	} else if (r->turns.switches == NULL) {
		r->turns.mode = mode;
	}
	r->bytes_per_s = format_bytes_per_s(&ear.format);
	return r->wire.closing ? 0 : voice_reconfigure(&r->voice, &ear, err);
}

/* From the next turn on. */
static int wish(struct realtime *r, const struct realtime_session *next, struct error *err)
{
	struct wanted wanted = { .translate = false };
	struct session_wishes wishes;
	int rc;

	if (json_equal(next->transcription, r->session.transcription))
		return 0;
	realtime_session_wishes(next, &wanted);
	wishes = wanted_lend(&wanted);
	rc = voice_wish(&r->voice, &wishes, err);
	wanted_done(&wanted);
	return rc;
}

static int try_update(struct realtime *r, struct realtime_session *next,
    const struct realtime_command *c, struct error *err, struct realtime_blame *blame)
{
	struct pool *pool;

	if (realtime_session_update(next, c->session, err, blame) < 0)
		return -1;
	settle(r, next);
	(void)snprintf(
	    blame->param, sizeof blame->param, "%s", "session.audio.input.transcription.model");
	pool = find_pool(r, next, err);
	if (pool == NULL)
		return -1;
	if (r->voice.session != NULL && pool != r->pool)
		return error_set(err, ERROR_INVALID,
		    "the model cannot be changed once audio has come; this session is heard by %s",
		    pool_name(r->pool));
	if (reconfigure(r, next, err) < 0)
		return -1;
	return r->wire.closing ? 0 : wish(r, next, err);
}

static void update(struct realtime *r, const struct realtime_command *c)
{
	bool beta = c->kind == REALTIME_UPDATE_BETA;
	struct realtime_session next;
	struct realtime_blame blame;
	struct error err;

	realtime_session_copy(&next, &r->session);
	next.flat |= beta;
	if (try_update(r, &next, c, &err, &blame) < 0) {
		realtime_session_done(&next);
		send_error(r, &err, &blame);
		return;
	}
	realtime_session_move(&r->session, &next);
	r->turns.beta = r->session.flat;
	send(r,
	    realtime_event_session(&r->ids,
		beta ? "transcription_session.updated" : "session.updated",
		realtime_session_json(&r->session)));
}

static void obey(struct realtime *r, const struct realtime_command *c)
{
	switch (c->kind) {
	case REALTIME_UPDATE:
	case REALTIME_UPDATE_BETA:
		update(r, c);
		return;
	case REALTIME_APPEND:
		append(r, c);
		return;
	case REALTIME_COMMIT:
		commit(r);
		return;
	case REALTIME_CLEAR:
		clear(r);
		return;
	case REALTIME_NOTHING:
		return;
	}
}

/* Of an append that is large the audio follows. */
static void take(struct realtime *r, const struct realtime_command *c, const struct error *why,
    const struct realtime_blame *blame)
{
	r->told_ns = clock_now_ns();
	r->event_id = c->event_id;
	if (why != NULL)
		send_error(r, why, blame);
	else if (r->large == NULL || c->kind != REALTIME_APPEND)
		obey(r, c);
	r->event_id = NULL;
}

static void on_large_command(void *arg, const struct realtime_command *c, const struct error *why,
    const struct realtime_blame *blame)
{
	take(arg, c, why, blame);
}

static bool on_large_audio(void *arg, const uint8_t *bytes, size_t n)
{
	return give(arg, bytes, n);
}

static void on_large_end(void *arg)
{
	struct realtime *r = arg;

	realtime_large_free(&r->large);
	read_on(r);
}

static const struct realtime_large_events large_events = {
	.on_command = on_large_command, .on_audio = on_large_audio, .on_end = on_large_end
};

static void take_large(struct realtime *r)
{
	struct buffer message;
	struct error err;

	if (ws_take_message(r->wire.ws, &message) < 0) {
		(void)error_set(&err, ERROR_SYSTEM, "there is no memory for the message");
		wire_fail(&r->wire, &err, 0);
		return;
	}
	wire_pause(&r->wire);
	r->large = realtime_large_new(r->wire.access->work, &message, &large_events, r);
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct realtime *r = realtime_of(w);
	struct realtime_command c;
	struct realtime_blame blame;
	struct error err;
	int rc;

	if (n >= REALTIME_LARGE_BYTES) {
		take_large(r);
		return;
	}
	rc = realtime_command_read(&c, text, n, &err, &blame);
	take(r, &c, rc < 0 ? &err : NULL, &blame);
	realtime_command_done(&c);
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	static const struct realtime_blame blame = { .code = "invalid_value" };
	struct error err;

	(void)bytes;
	(void)error_set(&err, ERROR_INVALID,
	    "a binary message of %zu bytes was passed over; audio comes as base64 in "
	    "input_audio_buffer.append",
	    n);
	send_error(realtime_of(w), &err, &blame);
}

static void tell(struct wire *w, const struct error *why, unsigned retry_after_ms)
{
	static const struct realtime_blame blame = { 0 };
	struct realtime *r = realtime_of(w);

	(void)retry_after_ms; /* there is no field for it */
	realtime_turns_fail(&r->turns, why);
	send_error(r, why, &blame);
}

/* While there is a voice the roster looks after it. */
static void look(struct wire *w, uint64_t now_ns)
{
	const struct access *a = w->access;
	struct realtime *r = realtime_of(w);
	unsigned ms = a->cfg.openai_realtime_timeout_ms;
	struct error err;

	if (r->voice.session != NULL)
		return;
	if (a->leaving) {
		access_word_leaving(&err);
		wire_fail(w, &err, a->retry_after_ms);
	} else if (ms > 0 && now_ns - MIN(now_ns, r->told_ns) >= ms * NS_PER_MS) {
		(void)error_set(
		    &err, ERROR_TIMEOUT, "nothing came for openai_realtime_timeout_ms %u", ms);
		wire_fail(w, &err, 0);
	}
}

static void cut(struct wire *w, const struct error *why)
{
	voice_abort(&realtime_of(w)->voice, why);
}

static void on_closing(struct wire *w)
{
	struct realtime *r = realtime_of(w);

	realtime_large_free(&r->large);
	voice_drop(&r->voice);
}

static void on_gone(struct wire *w)
{
	struct realtime *r = realtime_of(w);

	realtime_turns_done(&r->turns);
	realtime_session_done(&r->session);
	free(r->adaptation);
}

static const struct wire_protocol protocol = {
	.name = "openai-realtime",
	.size = sizeof(struct realtime),
	.read_request = read_request,
	.refuse = refuse,
	.on_open = on_open,
	.on_text = on_text,
	.on_binary = on_binary,
	.tell = tell,
	.look = look,
	.cut = cut,
	.on_closing = on_closing,
	.on_gone = on_gone,
};

void openai_realtime_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
