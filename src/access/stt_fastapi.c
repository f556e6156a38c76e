#define _GNU_SOURCE
#include "access/stt_fastapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "access/credential.h"
#include "access/protocols.h"
#include "access/route.h"
#include "access/stt_packet.h"
#include "access/stt_time.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"
#include "net/http.h"
#include "net/websocket.h"

enum { TAKES_MAX = 4, SUBPROTOCOL_BYTES = 64 };

static struct stt_fastapi *fastapi_of(struct wire *w)
{
	return (struct stt_fastapi *)(void *)w;
}

static struct pool *pool_of(const struct wire *w, struct error *err)
{
	return access_pool_for(w->access, &w->client, wire_listener_pool(w), err);
}

void stt_fastapi_limits_of(const struct wire *w, struct stt_limits *out)
{
	struct error err;
	const struct pool *pool = pool_of(w, &err);
	const struct access_config *cfg = &w->access->cfg;

	*out = (struct stt_limits){ .endpoint = &cfg->endpoint, .pool = "" };
	out->audio_seconds = cfg->session.buffer_ms / 1000.0;
	if (pool == NULL)
		return;
	out->pool = pool_name(pool);
	out->speakers = pool_config_of(pool)->max;
	out->queue = pool_config_of(pool)->queue_max;
	out->sessions = out->speakers + out->queue;
}

static void tell_error(struct stt_fastapi *f, const char *where, const struct error *why)
{
	stt_fastapi_send(f, stt_fastapi_message("error", f->id, where, why->text));
}

static const char *where_of(enum error_code code)
{
	switch (code) {
	case ERROR_BUSY:
	case ERROR_SESSIONS:
	case ERROR_QUOTA:
	case ERROR_FORBIDDEN:
	case ERROR_RESTARTING:
		return "admission";
	case ERROR_ENGINE:
		return "main_engine";
	case ERROR_INVALID:
	case ERROR_LIMIT:
	case ERROR_OVERLOADED:
		return "audio";
	default:
		return "scheduler";
	}
}

static json_t *refusal(const struct wire *w, const char *session, const struct error *why)
{
	const char *where = where_of(why->code);
	json_t *o = stt_fastapi_message("error", session, where, why->text);
	struct stt_limits limits;

	stt_fastapi_limits_of(w, &limits);
	if (o != NULL && strcmp(where, "admission") == 0)
		(void)json_object_set_new(o, "limits", stt_fastapi_limits(&limits));
	return o;
}

static void tell(struct wire *w, const struct error *why, unsigned retry_after_ms)
{
	struct stt_fastapi *f = fastapi_of(w);

	(void)retry_after_ms;
	stt_fastapi_send(f, refusal(w, f->id, why));
}

static unsigned close_code(enum error_code code)
{
	return code == ERROR_SESSIONS || code == ERROR_QUOTA ? WS_CLOSE_TRY_LATER
							     : wire_close_code(code);
}

/* Memory of what is over, which may have been in use when it ended. */
static void sweep(struct stt_fastapi *f)
{
	struct stt_take **at = &f->takes, *t;

	while ((t = *at) != NULL) {
		if (!t->over) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		free(t);
	}
}

/* One that waits for its finals holds a place or waits for one, which a client may not have any number of. */
static int check_takes(const struct stt_fastapi *f, struct error *err)
{
	unsigned n = 0;

	for (const struct stt_take *t = f->takes; t != NULL; t = t->next)
		n += !t->over;
	if (n < TAKES_MAX)
		return 0;
	return error_set(err, ERROR_LIMIT,
	    "%u recordings of this connection wait for their texts; wait for one before the next "
	    "start",
	    n);
}

static struct stt_take *take_new(struct stt_fastapi *f, unsigned rate_hz)
{
	struct stt_take *t = xcalloc(1, sizeof *t);

	t->owner = f;
	t->rate_hz = rate_hz;
	t->began = stt_time_now();
	t->next = f->takes;
	f->takes = f->take = t;
	return t;
}

static int open_take(
    struct stt_fastapi *f, unsigned rate_hz, struct error *err, unsigned *retry_after_ms)
{
	struct access *a = f->wire.access;
	struct pool *pool = pool_of(&f->wire, err);
	struct session_config cfg;
	struct stt_take *t;

	if (pool == NULL || check_takes(f, err) < 0)
		return -1;
	t = take_new(f, rate_hz);
	voice_defaults(a, &cfg);
	cfg.ear.format.rate_hz = rate_hz;
	cfg.partials = true;
	if (voice_open(&t->voice, a, &f->wire.client, pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	f->wire.session = t->voice.id;
	voice_start(&t->voice, &stt_fastapi_events, t);
	return 0;
}

static int change_rate(struct stt_take *t, unsigned rate_hz, struct error *err)
{
	struct session_config cfg;

	voice_defaults(t->voice.access, &cfg);
	cfg.ear.format.rate_hz = t->rate_hz = rate_hz;
	return voice_reconfigure(&t->voice, &cfg.ear, err);
}

/* -1: the wire is closed. */
static int be_open(struct stt_fastapi *f, unsigned rate_hz)
{
	unsigned retry_after_ms = 0;
	struct error err = ERROR_INIT;
	int rc = 0;

	if (f->take == NULL)
		rc = open_take(f, rate_hz, &err, &retry_after_ms);
	else if (f->take->rate_hz != rate_hz)
		rc = change_rate(f->take, rate_hz, &err);
	if (rc < 0)
		wire_fail(&f->wire, &err, retry_after_ms);
	return f->wire.closing || f->take == NULL ? -1 : 0;
}

static void hear(struct stt_fastapi *f, const struct stt_packet *p)
{
	struct buffer mono;

	if (p->pcm_bytes == 0 || be_open(f, p->rate_hz) < 0)
		return;
	buffer_init(&mono, p->pcm_bytes);
	if (p->channels > 1 && stt_packet_mix(p, &mono) == 0) {
		if (!voice_audio(&f->take->voice, buffer_head(&mono), mono.len))
			wire_pause(&f->wire);
	} else if (p->channels == 1) {
		if (!voice_audio(&f->take->voice, p->pcm, p->pcm_bytes))
			wire_pause(&f->wire);
	}
	buffer_done(&mono);
}

/* Once after each stop: a client that goes on sending would get as many warnings as it sends packets. */
static void refuse_stopped(struct stt_fastapi *f)
{
	f->counts.rejected++;
	if (!f->warned)
		stt_fastapi_send(f,
		    stt_fastapi_message("warning", f->id, NULL,
			"Audio stream is stopped; send a start command before sending audio."));
	f->warned = true;
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	struct stt_fastapi *f = fastapi_of(w);
	struct stt_packet p;
	struct format format = { .channels = 1 };
	struct error err;

	sweep(f);
	if (!f->streaming) {
		refuse_stopped(f);
		return;
	}
	if (stt_packet_read(bytes, n, STT_PACKET_STRICT, &p, &err) < 0) {
		tell_error(f, "audio_packet", &err);
		return;
	}
	format.rate_hz = p.rate_hz;
	if (format_check(&format, &err) < 0)
		tell_error(f, "audio_packet", &err);
	else
		hear(f, &p);
}

static void start(struct stt_fastapi *f)
{
	f->streaming = true;
	f->warned = false;
	stt_fastapi_tell_status(f, "listening");
}

static void stop(struct stt_fastapi *f)
{
	struct stt_take *t = f->take;

	f->streaming = false;
	f->take = NULL;
	f->position = 0;
	stt_fastapi_tell_status(f, stt_fastapi_state(f));
	if (t != NULL && !t->over)
		voice_end(&t->voice);
	wire_resume(&f->wire);
}

/* What was said before is told no more: the take that hears goes on from here, all others end. */
static void clear(struct stt_fastapi *f)
{
	bool open = f->speeches != NULL;
	json_t *o;

	stt_fastapi_forget(f);
	for (struct stt_take *t = f->takes; t != NULL; t = t->next) {
		if (t == f->take)
			t->clearing++;
		else if (!t->over)
			voice_drop(&t->voice);
		t->over = t != f->take;
	}
	if (f->take != NULL)
		voice_clear(&f->take->voice);
	f->counts.dropped += open;
	f->next_segment += !open;
	stt_fastapi_tell_status(f, stt_fastapi_state(f));
	o = stt_fastapi_event("clear", f->id);
	if (o != NULL)
		(void)json_object_set_new(o, "nextSegmentId", json_integer(f->next_segment));
	stt_fastapi_send(f, o);
	stt_fastapi_tell_status(f, stt_fastapi_state(f));
}

static void pong(struct stt_fastapi *f)
{
	json_t *o = stt_fastapi_event("pong", f->id);

	if (o != NULL)
		(void)json_object_set_new(o, "serverTime", json_real(stt_time_now()));
	stt_fastapi_send(f, o);
}

static void tell_metrics(struct stt_fastapi *f)
{
	json_t *o = stt_fastapi_event("metrics", f->id);

	if (o != NULL)
		(void)json_object_set_new(o, "metrics", stt_fastapi_counted(f));
	stt_fastapi_send(f, o);
}

static void (*const commands[STT_FASTAPI_COMMANDS])(struct stt_fastapi *f) = {
	[STT_FASTAPI_START] = start,
	[STT_FASTAPI_STOP] = stop,
	[STT_FASTAPI_CLEAR] = clear,
	[STT_FASTAPI_PING] = pong,
	[STT_FASTAPI_METRICS] = tell_metrics,
};

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct stt_fastapi *f = fastapi_of(w);
	enum stt_fastapi_command command;
	struct error err;

	sweep(f);
	if (stt_fastapi_read(text, n, &command, &err) < 0)
		tell_error(f, "command", &err);
	else
		commands[command](f);
}

/* 32 hex digits that cannot be guessed. */
static void make_id(char out[STT_FASTAPI_ID_BYTES])
{
	uint8_t random[STT_FASTAPI_ID_BYTES / 2] = { 0 };

	(void)!getrandom(random, sizeof random, 0);
	for (size_t i = 0; i < sizeof random; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", random[i]);
}

static void link_in(struct stt_fastapi *f)
{
	struct access *a = f->wire.access;

	f->next = a->stt_fastapi;
	if (f->next != NULL)
		f->next->prev = f;
	a->stt_fastapi = f;
	a->stt_fastapi_n++;
}

static void link_out(struct stt_fastapi *f)
{
	f->wire.access->stt_fastapi_n--;
	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		f->wire.access->stt_fastapi = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
}

/* A page may be open for long before anybody speaks. */
static void on_open(struct wire *w)
{
	struct stt_fastapi *f = fastapi_of(w);
	struct stt_limits limits;

	w->begun = true;
	f->next_segment = 1;
	make_id(f->id);
	link_in(f);
	stt_fastapi_limits_of(w, &limits);
	stt_fastapi_send(f, stt_fastapi_hello(f->id, &limits));
	stt_fastapi_send(f, stt_fastapi_ready(f->id, &limits));
}

/* One without a session would not be told that the server leaves. */
static void look(struct wire *w, uint64_t now_ns)
{
	struct stt_fastapi *f = fastapi_of(w);
	struct error err;

	(void)now_ns;
	sweep(f);
	if (!w->access->leaving || f->takes != NULL)
		return;
	access_word_leaving(&err);
	wire_fail(w, &err, w->access->retry_after_ms);
}

static void cut(struct wire *w, const struct error *why)
{
	for (struct stt_take *t = fastapi_of(w)->takes; t != NULL; t = t->next)
		voice_abort(&t->voice, why);
}

static void on_closing(struct wire *w)
{
	for (struct stt_take *t = fastapi_of(w)->takes; t != NULL; t = t->next)
		voice_drop(&t->voice);
}

static void on_gone(struct wire *w)
{
	struct stt_fastapi *f = fastapi_of(w);

	stt_fastapi_drop_speeches(f);
	for (struct stt_take *t = f->takes; t != NULL; t = t->next)
		t->over = true;
	sweep(f);
	if (f->id[0] != '\0')
		link_out(f);
}

static void on_refused_message(
    void *arg, struct ws *ws, enum ws_kind kind, const void *bytes, size_t n)
{
	(void)arg;
	(void)ws;
	(void)kind;
	(void)bytes;
	(void)n;
}

static void on_refused_close(void *arg, struct ws *ws, unsigned code, const char *why)
{
	(void)arg;
	(void)ws;
	(void)code;
	(void)why;
}

static const struct ws_events refused_events = { on_refused_message, on_refused_close };

/* A page's script is told only by the WebSocket itself why there is none for it; that opens only if one of the subprotocols it
 * offered is answered. */
static void refuse_in_words(struct http_exchange *x, const char *message)
{
	const char *offered = http_header(x, "Sec-WebSocket-Protocol");
	char subprotocol[SUBPROTOCOL_BYTES];
	json_t *o = json_pack("{s:s,s:s,s:s,s:{}}", "type", "error", "where", "admission",
	    "message", message, "limits");
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	struct ws *ws =
	    http_upgrade(x, credential_subprotocol(offered, subprotocol, sizeof subprotocol), NULL,
		&refused_events, NULL);

	if (text != NULL)
		(void)ws_send_text(ws, text, strlen(text));
	ws_close(ws, WS_CLOSE_TRY_LATER, message);
	json_decref(o);
	free(text);
}

static void refuse(struct http_exchange *x, const struct error *why, const struct wire_refusal *how)
{
	if (how->status == 503)
		refuse_in_words(x, why->text);
	else
		route_refuse(x, how->status, why->text, how->retry_after_ms);
}

static const struct wire_protocol protocol = {
	.name = "stt-fastapi",
	.size = sizeof(struct stt_fastapi),
	.refuse = refuse,
	.on_open = on_open,
	.on_text = on_text,
	.on_binary = on_binary,
	.tell = tell,
	.close_code = close_code,
	.look = look,
	.cut = cut,
	.on_closing = on_closing,
	.on_gone = on_gone,
};

void stt_fastapi_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
