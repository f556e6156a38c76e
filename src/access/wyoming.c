/* Wyoming, which Home Assistant speaks: events on a TCP connection. Each audio-stop is answered by one transcript, or by
 * one error; any number of utterances follow each other on a connection, each a session of its own.
 *
 *   WAITING --audio-chunk--> HEARING --audio-stop--> ENDING --the session's end--> WAITING
 *
 * What belongs to the next utterance waits while one is ENDING, and everything waits while the session takes no more; the
 * connection is not read then, and what had been read before is held. */
#include <stdlib.h>
#include <string.h>

#include "access/entries.h"
#include "access/json_text.h"
#include "access/protocols.h"
#include "access/voice.h"
#include "access/wanted.h"
#include "access/wire.h"
#include "access/wyoming_event.h"
#include "access/wyoming_frame.h"
#include "access/wyoming_transcript.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "net/tcp.h"
#include "net/websocket.h"

/* Of one reading of the socket, and what is left of the one before. */
enum { HELD_MAX = 1 << 20 };

enum wyoming_state { WAITING, HEARING, ENDING };

struct wyoming {
	struct wire wire;
	struct voice voice;
	enum wyoming_state state;
	struct wyoming_reader reader;
	struct buffer held;         /* bytes that the reader has not had */
	struct wyoming_event event; /* read and not taken yet, where has_event */
	bool has_event;
	bool running;     /* events are being taken, further up the stack */
	bool full;        /* the session takes no more for now */
	bool paused;      /* the connection is not read */
	bool half_closed; /* nothing more will come */
	struct wyoming_wish wish;
	struct wyoming_format format;
	uint64_t offset_ms; /* where the client's own time stood when the audio began */
	struct wyoming_transcript transcript;
	struct error failed; /* why a part has not been heard; ERROR_NONE: all has */
	uint64_t quiet_ns;   /* since when it waits */
};

static struct wyoming *wyoming_of(struct wire *w)
{
	return (struct wyoming *)(void *)w;
}

static void send(void *arg, const char *type, json_t *data)
{
	struct wyoming *y = arg;
	size_t n = 0;
	char *bytes = wyoming_write(type, data, &n);

	if (bytes != NULL)
		wire_send_bytes(&y->wire, bytes, n);
	free(bytes);
}

static void send_error(struct wyoming *y, const struct error *why)
{
	send(y, "error",
	    json_pack("{s:o,s:s}", "text", json_text_of(why->text, strlen(why->text)), "code",
		error_code_name(why->code)));
}

static void tell(struct wire *w, const struct error *why, unsigned retry_after_ms)
{
	(void)retry_after_ms;
	send_error(wyoming_of(w), why);
}

/* The names of all pools, that of the listener first. To be freed. */
static struct language_pool *all_pools(const struct wyoming *y)
{
	const struct access *a = y->wire.access;
	const char *first = wire_listener_pool(&y->wire);
	struct language_pool *pools = access_language_pools(a, NULL), swap;

	for (unsigned i = 1; first != NULL && i < a->pools_n; i++)
		if (strcmp(pools[i].name, first) == 0) {
			swap = pools[0];
			pools[0] = pools[i];
			pools[i] = swap;
		}
	return pools;
}

/* Its name; *language_out is what it is for, so far as is known. */
static const char *choose_pool(const struct wyoming *y, char language_out[LANGUAGE_BYTES])
{
	struct language_pool *pools = all_pools(y);
	int i = wyoming_choose(&y->wish, pools, y->wire.access->pools_n);
	const struct language_pool *pool = &pools[i < 0 ? 0 : i];
	const char *name = pool->name;

	language_told(NULL, pool, language_out);
	free(pools);
	return name;
}

/* A command of which a part is missing may mean something else, so it is no transcript. */
static void end_transcript(struct wyoming *y)
{
	y->transcript.unheeded.code = ERROR_NONE;
	(void)voice_word_passed_over(&y->voice, &y->transcript.unheeded);
	wyoming_transcript_end(&y->transcript);
}

static void answer(struct wyoming *y)
{
	if (y->failed.code != ERROR_NONE)
		send_error(y, &y->failed);
	else
		end_transcript(y);
}

static void forget_utterance(struct wyoming *y)
{
	voice_drop(&y->voice);
	wyoming_wish_done(&y->wish);
	y->offset_ms = 0;
	y->failed.code = ERROR_NONE;
	y->full = false;
	y->state = WAITING;
	y->quiet_ns = clock_now_ns();
}

static void on_final(struct wyoming *y, const struct session_event *e)
{
	struct error err;

	y->transcript.incomplete |= e->final.incomplete != NULL;
	if (wyoming_transcript_final(&y->transcript, e) == 0)
		return;
	(void)error_set(
	    &err, ERROR_LIMIT, "a transcript may have %d bytes", WYOMING_TRANSCRIPT_BYTES);
	wire_fail(&y->wire, &err, 0);
}

static void run(struct wyoming *y);

static void on_ended(struct wyoming *y)
{
	answer(y);
	if (y->wire.closing)
		return;
	forget_utterance(y);
	run(y);
}

static void on_error(struct wyoming *y, const struct session_event *e)
{
	if (e->error.fatal) {
		wire_fail(&y->wire, e->error.why, e->error.retry_after_ms);
		return;
	}
	wyoming_transcript_lose(&y->transcript);
	if (y->failed.code == ERROR_NONE)
		y->failed = *e->error.why;
}

static void on_event(void *arg, const struct session_event *e)
{
	struct wyoming *y = arg;

	switch (e->kind) {
	case SESSION_EVENT_SPEECH_START:
		send(y, "voice-started", json_pack("{s:I}", "timestamp", (json_int_t)e->at_ms));
		break;
	case SESSION_EVENT_SPEECH_END:
		send(y, "voice-stopped", json_pack("{s:I}", "timestamp", (json_int_t)e->at_ms));
		break;
	case SESSION_EVENT_PARTIAL:
		wyoming_transcript_partial(&y->transcript, e);
		break;
	case SESSION_EVENT_FINAL:
		on_final(y, e);
		break;
	case SESSION_EVENT_ERROR:
		on_error(y, e);
		break;
	case SESSION_EVENT_ENDED:
		on_ended(y);
		break;
	default:
		break;
	}
}

static void on_drain(void *arg)
{
	struct wyoming *y = arg;

	y->full = false;
	run(y);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

static int open_session(struct wyoming *y, struct error *err, unsigned *retry_after_ms)
{
	struct access *a = y->wire.access;
	char language[LANGUAGE_BYTES];
	struct session_config cfg;
	struct pool *pool;

	*retry_after_ms = a->retry_after_ms;
	if (a->leaving) {
		access_word_leaving(err);
		return -1;
	}
	pool = access_pool(a, choose_pool(y, language), err);
	if (pool == NULL)
		return -1;
	wyoming_transcript_begin(&y->transcript, language);
	voice_defaults(a, &cfg);
	cfg.ear.format = wyoming_ear_format(&y->format);
	cfg.partials = true;
	cfg.offset_ms = y->offset_ms;
	cfg.wishes = wanted_lend(&y->wish.wanted);
	if (voice_open(&y->voice, a, &y->wire.client, pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	y->wire.session = y->voice.id;
	y->state = HEARING;
	voice_start(&y->voice, &session_events, y);
	return 0;
}

static void change_format(struct wyoming *y, const struct wyoming_format *f)
{
	struct ear_config ear = { .format = wyoming_ear_format(f),
		.endpoint = y->wire.access->cfg.endpoint };
	struct error err;

	if (wyoming_format_is(&y->format, f))
		return;
	y->format = *f;
	if (y->voice.session != NULL && voice_reconfigure(&y->voice, &ear, &err) < 0)
		wire_fail(&y->wire, &err, 0);
}

static void take_format(struct wyoming *y)
{
	struct wyoming_format f = y->format;
	struct error err;

	if (wyoming_read_format(y->event.data, &f, &err) == 0)
		change_format(y, &f);
	else
		wire_fail(&y->wire, &err, 0);
}

static void hear(struct wyoming *y, const uint8_t *bytes, size_t n)
{
	if (n > 0 && !voice_audio(&y->voice, bytes, n))
		y->full = true;
}

static void on_audio_chunk(struct wyoming *y)
{
	unsigned retry_after_ms = 0;
	struct error err;

	take_format(y);
	if (y->wire.closing || y->event.payload_n == 0)
		return;
	if (y->state == WAITING && open_session(y, &err, &retry_after_ms) < 0)
		wire_fail(&y->wire, &err, retry_after_ms);
	else
		hear(y, y->event.payload, y->event.payload_n);
}

static void on_audio_start(struct wyoming *y)
{
	y->offset_ms = wyoming_timestamp_ms(y->event.data);
	take_format(y);
}

/* Where there was no audio there is nothing to wait for. */
static void on_audio_stop(struct wyoming *y)
{
	char language[LANGUAGE_BYTES];

	if (y->state == HEARING) {
		y->state = ENDING;
		voice_end(&y->voice);
		return;
	}
	(void)choose_pool(y, language);
	wyoming_transcript_begin(&y->transcript, language);
	answer(y);
	forget_utterance(y);
}

static void on_transcribe(struct wyoming *y)
{
	wyoming_read_wish(y->event.data, &y->wish);
}

static void on_describe(struct wyoming *y)
{
	struct language_pool *pools = all_pools(y);

	send(y, "info", wyoming_info(pools, y->wire.access->pools_n));
	free(pools);
}

static void on_ping(struct wyoming *y)
{
	json_t *text = json_object_get(y->event.data, "text");

	send(y, "pong", text == NULL ? NULL : json_pack("{s:O}", "text", text));
}

static const struct {
	const char *type;
	bool of_utterance; /* waits for the end of the one before */
	void (*take)(struct wyoming *y);
} events[] = {
	{ "describe", false, on_describe },
	{ "ping", false, on_ping },
	{ "transcribe", true, on_transcribe },
	{ "audio-start", true, on_audio_start },
	{ "audio-chunk", true, on_audio_chunk },
	{ "audio-stop", true, on_audio_stop },
};

/* -1: of no type that is known here; it is passed over. */
static int event_index(const struct wyoming *y)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (strcmp(events[i].type, y->event.type) == 0)
			return (int)i;
	return -1;
}

/* True: it is taken or passed over. */
static bool take_event(struct wyoming *y)
{
	int i = event_index(y);

	if (y->full || (i >= 0 && events[i].of_utterance && y->state == ENDING))
		return false;
	y->wire.begun = true;
	y->has_event = false;
	if (i >= 0)
		events[i].take(y);
	return true;
}

static bool next_event(struct wyoming *y)
{
	size_t taken;
	struct error err;
	enum wyoming_progress p;

	if (y->held.len == 0)
		return false;
	p = wyoming_read(&y->reader, buffer_head(&y->held), y->held.len, &taken, &y->event, &err);
	buffer_consume(&y->held, taken);
	y->has_event = p == WYOMING_EVENT;
	if (p == WYOMING_BAD)
		wire_fail(&y->wire, &err, 0);
	return y->has_event;
}

static void pause_or_resume(struct wyoming *y)
{
	if (y->has_event && !y->paused)
		wire_pause(&y->wire);
	else if (!y->has_event && y->paused)
		wire_resume(&y->wire);
	y->paused = y->has_event;
}

/* Without an audio-stop nobody waits for a transcript. */
static void close_when_done(struct wyoming *y)
{
	if (y->half_closed && y->state != ENDING)
		wire_close(&y->wire, WS_CLOSE_NORMAL, "the client has ended");
}

/* Takes all events that can be taken now. One may end a session, whose last event comes here again from inside. */
static void run(struct wyoming *y)
{
	if (y->running || y->wire.closing)
		return;
	y->running = true;
	while (!y->wire.closing && (y->has_event || next_event(y)))
		if (!take_event(y))
			break;
	y->running = false;
	if (y->wire.closing)
		return;
	pause_or_resume(y);
	close_when_done(y);
}

static void on_bytes(struct wire *w, const uint8_t *bytes, size_t n)
{
	struct wyoming *y = wyoming_of(w);
	struct error err;

	if (buffer_append(&y->held, bytes, n) == 0) {
		run(y);
		return;
	}
	(void)error_set(&err, ERROR_SYSTEM, "no memory for what came");
	wire_fail(w, &err, 0);
}

static void on_end(struct wire *w)
{
	struct wyoming *y = wyoming_of(w);

	y->half_closed = true;
	run(y);
}

/* Between utterances: a server that leaves waits for nobody who might say something, and no client may keep its connection
 * for longer than it may keep a session. */
static void look(struct wire *w, uint64_t now_ns)
{
	struct wyoming *y = wyoming_of(w);
	unsigned ms = w->access->cfg.session.idle_timeout_ms;
	uint64_t since_ns = MAX(y->quiet_ns, tcp_last_heard_ns(w->tcp));
	struct error err;

	if (y->state != WAITING || !w->begun)
		return;
	if (w->access->leaving) {
		access_word_leaving(&err);
		wire_fail(w, &err, w->access->retry_after_ms);
	} else if (ms > 0 && now_ns - MIN(now_ns, since_ns) > ms * NS_PER_MS) {
		wire_close(w, WS_CLOSE_NORMAL, "nothing came for idle_timeout_ms");
	}
}

static void on_open(struct wire *w)
{
	struct wyoming *y = wyoming_of(w);
	const struct access_listener *l = w->listener;

	y->format = (struct wyoming_format){ EAR_RATE_HZ, 2, 1 };
	if (l != NULL && l->sample_rate != 0)
		y->format.rate_hz = l->sample_rate;
	/* The largest message is also the largest piece that a session takes. */
	wyoming_reader_init(&y->reader, w->access->cfg.session.piece_bytes);
	buffer_init(&y->held, HELD_MAX);
	wyoming_transcript_init(&y->transcript, send, y);
}

static void cut(struct wire *w, const struct error *why)
{
	voice_abort(&wyoming_of(w)->voice, why);
}

static void on_closing(struct wire *w)
{
	voice_drop(&wyoming_of(w)->voice);
}

static void on_gone(struct wire *w)
{
	struct wyoming *y = wyoming_of(w);

	wyoming_reader_done(&y->reader);
	wyoming_transcript_done(&y->transcript);
	wyoming_wish_done(&y->wish);
	buffer_done(&y->held);
}

static const struct wire_protocol protocol = {
	.name = "wyoming",
	.size = sizeof(struct wyoming),
	.on_open = on_open,
	.on_bytes = on_bytes,
	.on_end = on_end,
	.tell = tell,
	.look = look,
	.cut = cut,
	.on_closing = on_closing,
	.on_gone = on_gone,
};

void wyoming_accept(struct access *a, const struct access_listener *l, struct tcp *t)
{
	wire_accept_tcp(a, t, l, &protocol);
}
