/* Deepgram's live protocol over one WebSocket: audio in, Results out, and at the end one Metadata.
 * The sessions (deepgram_channels.h) are opened at once for raw audio, and for a file when it has shown its format.
 * CloseStream ends them, behind what the file still has; when they have ended Metadata goes out and the wire closes. */
#include <openssl/evp.h>
#include <stdio.h>

#include "access/deepgram_channels.h"
#include "access/deepgram_control.h"
#include "access/deepgram_event.h"
#include "access/deepgram_query.h"
#include "access/deepgram_refuse.h"
#include "access/entries.h"
#include "access/live_file.h"
#include "access/wire.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "net/http.h"
#include "net/websocket.h"
#include "pool/pool.h"

enum { SHA256_BYTES = 32 };

struct deepgram {
	struct wire wire;
	bool ending; /* CloseStream has come */
	struct deepgram_query query;
	struct deepgram_about about;
	char header[DEEPGRAM_HEADERS_BYTES];
	struct pool *pool; /* lent */
	struct deepgram_channels channels;
	struct live_file *file; /* owned */
	bool file_full;         /* it takes nothing before its on_drain */
	EVP_MD_CTX *sha256;     /* owned; of all audio as it came */
	uint64_t spoken_ns;     /* when the client last sent something */
};

static struct deepgram *deepgram_of(struct wire *w)
{
	return (struct deepgram *)(void *)w;
}

/* The words of close frames that clients of Deepgram look for. */
static void fail(struct deepgram *d, const char *code, const struct error *why)
{
	struct error coded;

	(void)error_set(&coded, why->code, "%s %.*s", code, (int)sizeof coded.text - 16, why->text);
	wire_fail(&d->wire, &coded, 0);
}

static bool is_clients_fault(enum error_code code)
{
	return code == ERROR_INVALID || code == ERROR_LIMIT || code == ERROR_FORBIDDEN ||
	    code == ERROR_SESSIONS || code == ERROR_QUOTA;
}

static void fail_session(struct deepgram *d, const struct error *why)
{
	fail(d, is_clients_fault(why->code) ? "DATA-0000" : "NET-0000", why);
}

/* Clients know 1008 and 1011 only, and a server that leaves says what every WebSocket client may know. */
static unsigned close_code(enum error_code code)
{
	if (code == ERROR_RESTARTING)
		return WS_CLOSE_RESTART;
	return is_clients_fault(code) ? WS_CLOSE_POLICY : WS_CLOSE_INTERNAL;
}

static void finish(struct deepgram *d, uint64_t audio_ms)
{
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	char hex[DEEPGRAM_SHA256_BYTES];
	json_t *metadata;

	(void)EVP_DigestFinal_ex(d->sha256, digest, NULL);
	for (unsigned i = 0; i < SHA256_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	metadata = deepgram_metadata_of(&d->about, hex, audio_ms);
	(void)json_object_set_new(metadata, "type", json_string("Metadata"));
	wire_send_json(&d->wire, metadata);
	wire_close(&d->wire, WS_CLOSE_NORMAL, "done");
}

static void say(void *arg, json_t *message)
{
	struct deepgram *d = arg;

	wire_send_json(&d->wire, message);
}

static void on_failed(void *arg, const struct error *why)
{
	fail_session(arg, why);
}

static void on_ended(void *arg, uint64_t audio_ms)
{
	finish(arg, audio_ms);
}

/* Nobody is heard who is kept waiting; a file's decoder is held back too. */
static void hold_back(struct deepgram *d)
{
	bool full = deepgram_channels_is_full(&d->channels);

	if (full || d->file_full)
		wire_pause(&d->wire);
	if (full)
		live_file_pause(d->file);
}

static void go_on(struct deepgram *d)
{
	if (deepgram_channels_is_full(&d->channels))
		return;
	live_file_resume(d->file);
	if (d->file_full)
		return;
	d->spoken_ns = clock_now_ns(); /* it could not be heard until now */
	wire_resume(&d->wire);
}

static void on_drain(void *arg)
{
	go_on(arg);
}

static const struct deepgram_channels_events channels_events = {
	.say = say, .on_drain = on_drain, .on_failed = on_failed, .on_ended = on_ended
};

static int open_channels(
    struct deepgram *d, const struct format *format, struct error *err, unsigned *retry_after_ms)
{
	const struct deepgram_channels_config cfg = {
		.access = d->wire.access,
		.client = &d->wire.client,
		.pool = d->pool,
		.query = &d->query,
		.about = &d->about,
		.events = &channels_events,
		.arg = d,
	};

	if (deepgram_channels_open(&d->channels, &cfg, *format, err, retry_after_ms) != 0)
		return -1;
	d->wire.session = d->channels.one[0].voice.id;
	return 0;
}

/* Raw audio; the wire may be closing when it returns. */
static void hear(struct deepgram *d, const void *bytes, size_t n)
{
	if (!deepgram_channels_audio(&d->channels, bytes, n))
		hold_back(d);
}

static void on_file_format(void *arg, const struct format *format)
{
	struct deepgram *d = arg;
	unsigned retry_after_ms;
	struct error err;

	if (d->channels.n > 0) {
		if (deepgram_channels_reformat(&d->channels, *format, &err) != 0)
			fail_session(d, &err);
	} else if (open_channels(d, format, &err, &retry_after_ms) != 0) {
		fail_session(d, &err);
	} else {
		deepgram_channels_start(&d->channels);
	}
}

static void on_file_audio(void *arg, const void *bytes, size_t n)
{
	struct deepgram *d = arg;

	if (!d->wire.closing)
		hear(d, bytes, n);
}

static void on_file_drain(void *arg)
{
	struct deepgram *d = arg;

	d->file_full = false;
	go_on(d);
}

static void end_sessions(struct deepgram *d)
{
	if (d->channels.n == 0)
		finish(d, 0);
	else
		deepgram_channels_end(&d->channels);
}

static void on_file_end(void *arg, const struct error *why)
{
	struct deepgram *d = arg;

	if (d->wire.closing)
		return;
	if (why != NULL)
		fail_session(d, why);
	else
		end_sessions(d);
}

static const struct live_file_events file_events = { .on_format = on_file_format,
	.on_audio = on_file_audio,
	.on_drain = on_file_drain,
	.on_end = on_file_end };

static void hear_file(struct deepgram *d, const void *bytes, size_t n)
{
	if (!live_file_feed(d->file, bytes, n)) {
		d->file_full = true;
		hold_back(d);
	}
}

static void close_stream(struct deepgram *d)
{
	d->ending = true;
	live_file_finish(d->file);
}

/* Whoever waits for the answer gets one, also where nothing can have been said: of a file that has not shown its format. */
static void finalize(struct deepgram *d, int channel)
{
	static const struct deepgram_result nothing = {
		.is_final = true, .from_finalize = true, .text = ""
	};
	struct error err;

	if (channel >= (int)d->about.channels) {
		(void)error_set(&err, ERROR_INVALID,
		    "channel is %d; the channels of this stream are counted from 0, and it has %u",
		    channel, d->about.channels);
		wire_send_json(&d->wire, deepgram_error_of(&err));
	} else if (d->channels.n == 0) {
		wire_send_json(&d->wire, deepgram_results_of(&d->about, &nothing));
	} else {
		deepgram_channels_commit(&d->channels, channel);
	}
}

static void configure(
    struct deepgram *d, const struct deepgram_control *control, const struct error *why)
{
	if (control->configure.failure != NULL) {
		wire_send_json(&d->wire,
		    deepgram_not_configured_of(&d->about, control->configure.failure, why));
		return;
	}
	if (control->configure.unformatted) {
		d->about.formatted = d->query.formatted = false;
		deepgram_channels_unformat(&d->channels);
	}
	if (control->configure.keyterms) { /* there are to be none */
		d->query.hot_words[0] = '\0';
		deepgram_channels_wish(&d->channels);
	}
	wire_send_json(&d->wire, deepgram_configured_of(&d->about, control->configure.keyterms));
}

static void on_text(struct wire *w, const char *text, size_t n)
{
	struct deepgram *d = deepgram_of(w);
	struct deepgram_control control;
	struct error err;

	d->spoken_ns = clock_now_ns();
	if (deepgram_control_read(text, n, &control, &err) != 0)
		fail(d, "DATA-0000", &err);
	else if (d->ending)
		return;
	else if (control.command == DEEPGRAM_UNKNOWN)
		wire_send_json(w, deepgram_error_of(&err));
	else if (control.command == DEEPGRAM_CONFIGURE)
		configure(d, &control, &err);
	else if (control.command == DEEPGRAM_CLOSE_STREAM)
		close_stream(d);
	else if (control.command == DEEPGRAM_FINALIZE)
		finalize(d, control.channel);
	else if (d->channels.n > 0)
		hear(d, "",
		    0); /* one without audio is not idle when its client says that it is there */
}

static void on_binary(struct wire *w, const void *bytes, size_t n)
{
	struct deepgram *d = deepgram_of(w);

	d->spoken_ns = clock_now_ns();
	if (d->ending)
		return;
	if (n == 0) {
		close_stream(d);
		return;
	}
	(void)EVP_DigestUpdate(d->sha256, bytes, n);
	hear_file(d, bytes, n);
}

static void look_at_silence(struct deepgram *d, uint64_t now_ns)
{
	unsigned ms = d->wire.access->cfg.deepgram_timeout_ms;
	struct error err;

	if (d->ending || deepgram_channels_is_full(&d->channels) || d->file_full ||
	    now_ns - MIN(now_ns, d->spoken_ns) < ms * NS_PER_MS)
		return;
	(void)error_set(&err, ERROR_TIMEOUT,
	    "did not receive audio data or a text message within the timeout window "
	    "(deepgram_timeout_ms %u)",
	    ms);
	fail(d, "NET-0001", &err);
}

/* Sessions are told that the server leaves; a client without one is told here. */
static void look_at_leaving(struct deepgram *d)
{
	struct error err;

	if (d->channels.n > 0 || !d->wire.access->leaving)
		return;
	access_word_leaving(&err);
	fail(d, "NET-0000", &err);
}

static void look(struct wire *w, uint64_t now_ns)
{
	look_at_leaving(deepgram_of(w));
	look_at_silence(deepgram_of(w), now_ns);
}

static int read_request(
    struct wire *w, struct http_exchange *x, struct error *err, struct wire_refusal *how)
{
	struct deepgram *d = deepgram_of(w);

	w->begun = true; /* the query has said it all */
	d->sha256 = EVP_MD_CTX_new();
	if (d->sha256 == NULL || EVP_DigestInit_ex(d->sha256, EVP_sha256(), NULL) != 1) {
		how->status = 500;
		return error_set(err, ERROR_SYSTEM, "no memory for a stream");
	}
	if (deepgram_query_read(http_query(x), DEEPGRAM_LIVE, &d->query, err) != 0)
		return -1;
	how->status = 0;
	d->pool = deepgram_pool(w->access, &w->client, &d->query, err);
	if (d->pool == NULL)
		return -1;
	deepgram_about_init(&d->about, pool_name(d->pool), 1);
	d->about.formatted = d->query.formatted;
	d->about.query = &d->query;
	deepgram_settle(d->pool, &d->query, &d->about);
	deepgram_write_headers(&d->about, d->header);
	d->spoken_ns = clock_now_ns();
	if (!d->query.raw) {
		d->file = live_file_new(w->access->decoders, &file_events, d);
		if (d->query.multichannel)
			live_file_keep_channels(d->file);
		return 0;
	}
	d->file = live_file_new_raw(w->access->decoders, &d->query.format, &file_events, d);
	return open_channels(d, &d->query.format, err, &how->retry_after_ms);
}

static const char *headers(const struct wire *w)
{
	return ((const struct deepgram *)(const void *)w)->header;
}

static void on_open(struct wire *w)
{
	deepgram_channels_start(&deepgram_of(w)->channels);
}

static void refuse(struct http_exchange *x, const struct error *why, const struct wire_refusal *how)
{
	deepgram_refuse(x, how->status, why, how->retry_after_ms);
}

static void cut(struct wire *w, const struct error *why)
{
	deepgram_channels_abort(&deepgram_of(w)->channels, why);
}

static void on_closing(struct wire *w)
{
	struct deepgram *d = deepgram_of(w);

	if (d->file != NULL)
		live_file_stop(d->file);
	deepgram_channels_drop(&d->channels);
}

static void on_gone(struct wire *w)
{
	struct deepgram *d = deepgram_of(w);

	on_closing(w); /* of one that was refused in the middle of it */
	live_file_free(&d->file);
	EVP_MD_CTX_free(d->sha256);
}

static const struct wire_protocol protocol = {
	.name = "deepgram",
	.size = sizeof(struct deepgram),
	.read_request = read_request,
	.refuse = refuse,
	.headers = headers,
	.on_open = on_open,
	.on_text = on_text,
	.on_binary = on_binary,
	.close_code = close_code,
	.look = look,
	.cut = cut,
	.on_closing = on_closing,
	.on_gone = on_gone,
};

void deepgram_accept(struct access *a, struct http_exchange *x)
{
	wire_accept(a, x, &protocol);
}
