/* The data port: packets of audio in, what is heard of them out, as RealtimeSTT's stt-server tells it, but each client hears only of
 * its own. The session is opened for the first packet, which says the sample rate; when a client is silent for long it ends, and
 * the next packet opens another one.
 *
 * Changes of endpointing wait for the end of an open utterance, which they would cut otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/entries.h"
#include "access/json_text.h"
#include "access/language.h"
#include "access/protocols.h"
#include "access/stt_data_text.h"
#include "access/stt_packet.h"
#include "access/stt_server.h"
#include "access/stt_time.h"
#include "access/voice.h"
#include "access/wire.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/util.h"
#include "net/http.h"
#include "net/websocket.h"

enum { CLOSE_UNSUPPORTED = 1003, MESSAGE_BYTES = 128 };

struct stt_data {
	struct wire wire;
	struct stt_end end;
	struct voice voice;
	struct stt_settings settings;
	struct stt_facts facts;
	unsigned rate_hz;
	bool placed;       /* the session has a recogniser */
	bool renew;        /* the endpointing is another one since the open utterance began */
	unsigned clearing; /* clears that have not been carried out */
	uint64_t last;     /* utterance that has begun */
	uint64_t failed;   /* utterance that is being said, and will have no text; 0: none */
	uint64_t muted_to; /* utterances up to it are told no more; 0: none */
	uint64_t cleared_from, cleared_to; /* nor are these, of the last clears */
	char *shown;                       /* owned; the last realtime text; NULL: none */
	struct buffer audio;               /* s16; of the last utterance */
};

static struct stt_data *data_of(struct wire *w)
{
	return (struct stt_data *)(void *)w;
}

struct stt_data *stt_data_of(struct stt_end *e)
{
	return (struct stt_data *)(void *)((char *)e - offsetof(struct stt_data, end));
}

static void tell(struct stt_data *d, const char *type)
{
	wire_send_json(&d->wire, json_pack("{s:s}", "type", type));
}

static void tell_text(struct stt_data *d, const char *type, const char *text)
{
	wire_send_json(&d->wire,
	    json_pack("{s:s,s:o}", "type", type, "text", json_text_of(text, strlen(text))));
}

static void listen(struct stt_data *d)
{
	d->facts.listen_start = stt_time_now();
	tell(d, "vad_detect_start");
}

static void apply(struct stt_data *d)
{
	struct session_config cfg;
	struct error err;

	voice_defaults(d->wire.access, &cfg);
	cfg.ear.format.rate_hz = d->rate_hz;
	stt_settings_apply(&d->settings, &cfg.ear.endpoint);
	d->renew = false;
	if (d->voice.session != NULL && voice_reconfigure(&d->voice, &cfg.ear, &err) < 0)
		wire_fail(&d->wire, &err, 0);
}

/* From the next utterance on; the pool stays. */
static void wish(struct stt_data *d)
{
	struct wanted wanted = { .translate = false };
	struct session_wishes wishes;
	struct error ignored; /* they are within bounds */

	stt_settings_wishes(&d->settings, &wanted);
	wishes = wanted_lend(&wanted);
	(void)voice_wish(&d->voice, &wishes, &ignored);
}

void stt_data_set(struct stt_data *d, const struct stt_settings *s)
{
	struct endpoint_config before = d->wire.access->cfg.endpoint, after = before;

	stt_settings_apply(&d->settings, &before);
	stt_settings_merge(&d->settings, s);
	if (s->is_set[STT_LANGUAGE])
		wish(d);
	stt_settings_apply(&d->settings, &after);
	if (after.post_silence_ms == before.post_silence_ms &&
	    !(after.vad_sensitivity < before.vad_sensitivity) &&
	    !(after.vad_sensitivity > before.vad_sensitivity))
		return;
	d->renew = true;
	if (!d->facts.is_recording)
		apply(d);
}

const struct stt_settings *stt_data_settings(const struct stt_data *d)
{
	return &d->settings;
}

const struct stt_facts *stt_data_facts(const struct stt_data *d)
{
	return &d->facts;
}

const int16_t *stt_data_last(const struct stt_data *d, size_t *n_out)
{
	*n_out = d->audio.len / sizeof(int16_t);
	return *n_out == 0 ? NULL : (const int16_t *)(const void *)buffer_head(&d->audio);
}

void stt_data_commit(struct stt_data *d)
{
	voice_commit(&d->voice);
}

static void end_recording(struct stt_data *d)
{
	d->facts.is_recording = false;
	d->facts.recording_stop_time = stt_time_now();
	tell(d, "recording_stop");
}

void stt_data_drop(struct stt_data *d, enum stt_drop what)
{
	bool open = d->facts.is_recording;

	if (d->voice.session == NULL)
		return;
	if (what == STT_DROP_ALL)
		d->muted_to = d->last;
	if (d->clearing++ == 0)
		d->cleared_from = d->last + !open;
	d->cleared_to = d->last;
	if (open)
		end_recording(d);
	voice_clear(&d->voice);
	if (open)
		listen(d);
}

static bool is_muted(const struct stt_data *d, uint64_t utterance)
{
	return utterance <= d->muted_to ||
	    (utterance >= d->cleared_from && utterance <= d->cleared_to);
}

/* Only for the control connection, which may ask for it. */
static void keep_audio(struct stt_data *d, const int16_t *samples, size_t n)
{
	buffer_done(&d->audio);
	buffer_init(&d->audio, n * sizeof *samples);
	if (d->end.other != NULL && n > 0)
		(void)buffer_append(&d->audio, samples, n * sizeof *samples);
}

static char *audio_message(const int16_t *samples, size_t n)
{
	static const char head[] = "{\"type\":\"transcription_start\",\"audio_bytes_base64\":\"";
	char *text = malloc(stt_audio_base64_bytes(n) + sizeof head + 2);
	size_t at = sizeof head - 1;

	if (text == NULL)
		return NULL;
	memcpy(text, head, at);
	stt_audio_base64(samples, n, text + at);
	memcpy(text + at + stt_audio_base64_bytes(n), "\"}", 3);
	return text;
}

/* A message that is longer than may wait to be sent would end the client; it is told without the audio then. */
static void tell_audio(struct stt_data *d, uint64_t utterance)
{
	size_t n;
	const int16_t *samples = session_samples(d->voice.session, utterance, &n);
	char *text;

	keep_audio(d, samples, n);
	if (!ws_has_room(d->wire.ws, stt_audio_base64_bytes(n) + MESSAGE_BYTES)) {
		log_info("stt-data session %llu: utterance %llu is told without its audio, which "
			 "is over send_buffer_bytes",
		    (unsigned long long)d->voice.id, (unsigned long long)utterance);
		n = 0;
	}
	text = audio_message(samples, n);
	if (text != NULL)
		wire_send_text(&d->wire, text, strlen(text));
	free(text);
}

static void forget_shown(struct stt_data *d)
{
	free(d->shown);
	d->shown = NULL;
}

static void on_speech_start(struct stt_data *d, const struct session_event *e)
{
	d->last = e->utterance;
	if (d->clearing > 0)
		d->cleared_to = e->utterance;
	if (is_muted(d, e->utterance))
		return;
	forget_shown(d);
	d->facts.is_recording = true;
	d->facts.speech_end_silence_start = 0;
	tell(d, "vad_detect_stop");
	tell(d, "recording_start");
}

static void on_partial(struct stt_data *d, const struct session_event *e)
{
	char *text;

	if (is_muted(d, e->utterance))
		return;
	text = stt_sentence(e->partial.text, e->partial.text_bytes);
	if (text == NULL || (d->shown != NULL && strcmp(text, d->shown) == 0)) {
		free(text);
		return;
	}
	free(d->shown);
	d->shown = text;
	tell_text(d, "realtime", text);
}

static void send_sentence(struct stt_data *d, const char *text, bool incomplete)
{
	json_t *o = json_pack(
	    "{s:s,s:o}", "type", "fullSentence", "text", json_text_of(text, strlen(text)));

	if (incomplete)
		(void)json_object_set_new(o, "incomplete", json_true());
	wire_send_json(&d->wire, o);
}

/* A client waits for a sentence after each recording, so one that failed has an empty one. */
static void tell_sentence(
    struct stt_data *d, uint64_t utterance, const char *heard, size_t n, bool incomplete)
{
	char *text;

	if (is_muted(d, utterance))
		return;
	text = stt_sentence(heard, n);
	forget_shown(d);
	if (text != NULL)
		send_sentence(d, text, incomplete);
	free(text);
	if (!d->facts.is_recording)
		listen(d);
}

static void on_speech_end(struct stt_data *d, const struct session_event *e)
{
	if (is_muted(d, e->utterance))
		return;
	d->facts.speech_end_silence_start = stt_time_now();
	tell(d, "start_turn_detection");
	end_recording(d);
	tell(d, "stop_turn_detection");
	if (!d->wire.closing)
		tell_audio(d, e->utterance);
	if (d->failed == e->utterance)
		tell_sentence(d, e->utterance, "", 0, false);
	if (d->renew && !d->wire.closing)
		apply(d);
}

/* Of one that is still being said that is told at its end, when the client begins to wait for its sentence. */
static void on_failed(struct stt_data *d, uint64_t utterance)
{
	if (utterance == d->last && d->facts.is_recording)
		d->failed = utterance;
	else
		tell_sentence(d, utterance, "", 0, false);
}

static void on_error(struct stt_data *d, const struct session_event *e)
{
	if (!e->error.fatal) {
		on_failed(d, e->utterance);
	} else if (e->error.why->code == ERROR_TIMEOUT && d->placed) {
		voice_drop(&d->voice); /* a client that is silent gives its recogniser back */
		wire_resume(&d->wire);
	} else {
		wire_fail(&d->wire, e->error.why, e->error.retry_after_ms);
	}
}

static void on_ready(struct stt_data *d)
{
	d->placed = true;
	listen(d);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct stt_data *d = arg;

	switch (e->kind) {
	case SESSION_EVENT_READY:
		on_ready(d);
		break;
	case SESSION_EVENT_SPEECH_START:
		on_speech_start(d, e);
		break;
	case SESSION_EVENT_SPEECH_END:
		on_speech_end(d, e);
		break;
	case SESSION_EVENT_PARTIAL:
		on_partial(d, e);
		break;
	case SESSION_EVENT_FINAL:
		tell_sentence(d, e->utterance, e->final.text, e->final.text_bytes,
		    e->final.incomplete != NULL);
		break;
	case SESSION_EVENT_CLEARED:
		d->clearing--;
		break;
	case SESSION_EVENT_ERROR:
		on_error(d, e);
		break;
	case SESSION_EVENT_ENDED:
		wire_close(&d->wire, WS_CLOSE_NORMAL, "done");
		break;
	default:
		break;
	}
}

static const struct session_events session_events = { .on_event = on_event,
	.on_drain = wire_on_drain };

/* The pool for the client's language hears it, if there is one and the key may use it; else the listener's does. The
 * reference's client always sends a language, "en" where nobody has chosen one: to refuse it would shut out all whose key
 * is for another pool. There is no message to warn it by, as WhisperLive's clients are, so the log has it. */
static struct pool *pool_of(const struct stt_data *d, struct error *err)
{
	const struct access *a = d->wire.access;
	const char *asked = d->settings.language;
	struct pool *pool = access_pool_of_language(a, &d->wire.client, asked, err);
	struct language_pool languages;
	struct error other;

	if (pool == NULL)
		pool = access_pool_for(a, &d->wire.client, wire_listener_pool(&d->wire), err);
	if (pool == NULL)
		return NULL;
	languages = access_language_pool(pool);
	if (language_word_other(&languages, asked, &other))
		log_info("stt-data: %s", other.text);
	return pool;
}

static int open_session(struct stt_data *d, struct error *err, unsigned *retry_after_ms)
{
	struct access *a = d->wire.access;
	struct pool *pool = pool_of(d, err);
	struct wanted wanted = { .translate = false };
	struct session_config cfg;

	if (pool == NULL)
		return -1;
	voice_defaults(a, &cfg);
	cfg.ear.format.rate_hz = d->rate_hz;
	cfg.partials = true;
	stt_settings_apply(&d->settings, &cfg.ear.endpoint);
	stt_settings_wishes(&d->settings, &wanted);
	cfg.wishes = wanted_lend(&wanted); /* of which nothing is to be done */
	d->placed = d->renew = d->facts.is_recording = false;
	d->clearing = 0;
	d->last = d->failed = d->muted_to = d->cleared_to = 0;
	d->cleared_from = 1;
	if (voice_open(&d->voice, a, &d->wire.client, pool, &cfg, err, retry_after_ms) < 0)
		return -1;
	d->wire.session = d->voice.id;
	voice_start(&d->voice, &session_events, d);
	return 0;
}

/* -1: the wire is closed. */
static int be_open(struct stt_data *d, unsigned rate_hz)
{
	unsigned retry_after_ms = 0, before = d->rate_hz;
	struct error err;

	d->rate_hz = rate_hz;
	if (d->voice.session != NULL && before != rate_hz)
		apply(d);
	else if (d->voice.session == NULL && open_session(d, &err, &retry_after_ms) < 0)
		wire_fail(&d->wire, &err, retry_after_ms);
	return d->wire.closing ? -1 : 0;
}

/* The reference drops the connection as if it had failed itself (1011). */
static void refuse_packet(struct stt_data *d, unsigned code, const struct error *why)
{
	log_info("stt-data session %llu: ended: %s", (unsigned long long)d->voice.id, why->text);
	wire_close(&d->wire, code, why->text);
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	struct format format = { .channels = 1 };
	struct stt_data *d = data_of(w);
	struct stt_packet p;
	struct error err;

	if (stt_packet_read(bytes, n, STT_PACKET_LOOSE, &p, &err) < 0) {
		refuse_packet(d, WS_CLOSE_BAD_TEXT, &err);
		return;
	}
	format.rate_hz = p.rate_hz;
	if (format_check(&format, &err) < 0) {
		refuse_packet(d, CLOSE_UNSUPPORTED, &err);
		return;
	}
	if (p.pcm_bytes > 0 && be_open(d, p.rate_hz) == 0 &&
	    !voice_audio(&d->voice, p.pcm, p.pcm_bytes))
		wire_pause(w);
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	(void)w;
	(void)text;
	(void)n;
}

static int read_request(
    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	(void)err;
	(void)how;
	stt_end_set_address(&data_of(w)->end, http_peer(x));
	return 0;
}

static void on_open(struct wire *w)
{
	struct stt_data *d = data_of(w);

	w->begun = true;
	d->end.side = STT_DATA;
	d->end.tenant = w->client.tenant;
	stt_pairs_add(&w->access->stt_pairs, &d->end);
	if (d->end.other != NULL)
		stt_data_set(d, d->end.other->settings);
}

static void look(struct wire *w, uint64_t now_ns)
{
	struct error err;

	(void)now_ns;
	if (!w->access->leaving || data_of(w)->voice.session != NULL)
		return;
	access_word_leaving(&err);
	wire_fail(w, &err, w->access->retry_after_ms);
}

static void cut(struct wire *w, const struct error *why)
{
	voice_abort(&data_of(w)->voice, why);
}

/* Its control connection goes on, perhaps with another one that waits for it. */
static void on_closing(struct wire *w)
{
	struct stt_data *d = data_of(w);
	struct stt_end *control;

	voice_drop(&d->voice);
	control = stt_pairs_remove(&w->access->stt_pairs, &d->end);
	if (control != NULL && control->other != NULL)
		stt_data_set(stt_data_of(control->other), control->settings);
}

static void on_gone(struct wire *w)
{
	struct stt_data *d = data_of(w);

	buffer_done(&d->audio);
	free(d->shown);
}

static const struct wire_protocol protocol = {
	.name = "stt-data",
	.size = sizeof(struct stt_data),
	.read_request = read_request,
	.on_open = on_open,
	.on_text = on_text,
	.on_binary = on_binary,
	.look = look,
	.cut = cut,
	.on_closing = on_closing,
	.on_gone = on_gone,
};

void stt_data_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
