/* Two ways lead to the session. A WAV file goes there piece by piece, as it is. Of another file pieces go to a decoder,
 * and what that gives goes on; when the session has enough the decoder is held back, and through it the file.
 *
 * The session is opened when the first audio is there, so what is no audio is refused without waiting for a place. */
#include "access/recording.h"

#include <stdlib.h>

#include "access/access_internal.h"
#include "access/voice.h"
#include "audio/wav.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/metric.h"
#include "base/util.h"
#include "media/decoder.h"
#include "media/sniff.h"

enum {
	BUSY_RETRY_MS = 1000,
	HEAD_BYTES = 4096, /* of the file at once until its format is known */
	PIECE_BYTES = 65536,
	SETTLE_MS =
	    5000, /* nobody waits for what a file says as for what a person says; what stands long is righter */
};

struct recording {
	struct access *access;
	struct recording_wishes wishes;
	struct client client;
	const struct recording_events *events;
	void *arg;
	struct voice voice; /* with a session from the first audio to the end */
	size_t fed;         /* bytes of the file that were read */
	bool full;          /* nothing is taken before on_drain */
	bool is_wav;        /* the session is given a WAV file: this one, or the decoder's */
	struct buffer
	    head; /* of what comes from the decoder as a WAV file, until its format is known */
	size_t piece_bytes;
	bool decoded;            /* there is or was a decoder */
	struct decoder *decoder; /* owned; NULL: there is none, or it has ended */
	unsigned depth; /* of calls into here; what is freed goes when the last one returns */
	bool over;      /* it has told its last */
	bool freed;
};

static void enter(struct recording *r)
{
	r->depth++;
}

static void leave(struct recording *r)
{
	if (--r->depth > 0 || !r->freed)
		return;
	buffer_done(&r->head);
	free(r);
}

static int open_session(
    struct recording *r, const struct format *format, struct error *err, unsigned *retry_after_ms)
{
	struct session_config cfg;

	voice_defaults(r->access, &cfg);
	cfg.ear.format = *format;
	cfg.ear.only = r->wishes.channel;
	cfg.partials = cfg.paced_partials = r->wishes.partial_interval_ms > 0;
	cfg.partial_interval_ms = r->wishes.partial_interval_ms;
	cfg.settle_ms = SETTLE_MS;
	cfg.wishes = r->wishes.hearing;
	if (r->wishes.raw_text)
		cfg.wording = (struct wording){ .uppercase = false };
	return voice_open(
	    &r->voice, r->access, &r->client, r->wishes.pool, &cfg, err, retry_after_ms);
}

static void give_back(struct recording *r)
{
	r->over = true;
	voice_drop(&r->voice);
	decoder_free(&r->decoder);
}

static void fail(struct recording *r, const struct error *why, unsigned retry_after_ms,
    enum recording_failure kind)
{
	if (r->over)
		return;
	give_back(r);
	if (kind == RECORDING_BUSY && retry_after_ms == 0)
		retry_after_ms = BUSY_RETRY_MS;
	r->events->on_failed(r->arg, why, retry_after_ms, kind);
}

static void fail_as_audio(struct recording *r, struct error *why)
{
	(void)error_prefix(why, "not audio");
	why->code = ERROR_INVALID;
	fail(r, why, 0, RECORDING_BAD_AUDIO);
}

/* Of a session. */
static enum recording_failure kind_of(enum error_code code)
{
	if (code == ERROR_BUSY || code == ERROR_OVERLOADED || code == ERROR_RESTARTING)
		return RECORDING_BUSY;
	return code == ERROR_INVALID ? RECORDING_BAD_AUDIO : RECORDING_BROKEN;
}

static void on_event(void *arg, const struct session_event *e)
{
	struct recording *r = arg;

	enter(r);
	if (e->kind == SESSION_EVENT_ERROR) {
		fail(r, e->error.why, e->error.retry_after_ms, kind_of(e->error.why->code));
	} else if (e->kind == SESSION_EVENT_ENDED) {
		const uint64_t audio_ms = e->ended.audio_ms;

		give_back(r);
		r->events->on_done(r->arg, audio_ms);
	} else {
		r->events->on_event(r->arg, e);
	}
	leave(r);
}

static void feed_wav(struct recording *r);

static void on_drain(void *arg)
{
	struct recording *r = arg;

	enter(r);
	if (r->decoder != NULL) {
		decoder_resume(r->decoder);
	} else if (r->is_wav && !r->decoded) {
		r->full = false;
		feed_wav(r);
	}
	leave(r);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

/* False when it was refused, or has ended already. A server that began to leave meanwhile tells only the sessions that
 * were there. */
static bool begin_session(struct recording *r, const struct format *format)
{
	unsigned retry_after_ms = 0;
	struct error err;
	int rc = -1;

	if (r->access->leaving) {
		access_word_leaving(&err);
		retry_after_ms = r->access->retry_after_ms;
	} else {
		rc = open_session(r, format, &err, &retry_after_ms);
	}
	if (rc == 0) {
		if (r->is_wav)
			voice_expect_wav(&r->voice);
		voice_start(&r->voice, &session_events, r);
		if (r->wishes.channel > 0 && r->events->on_channels != NULL)
			r->events->on_channels(r->arg, format->channels);
		return r->voice.session != NULL;
	}
	fail(r, &err, retry_after_ms, kind_of(err.code));
	return false;
}

/* ---- WAV ---- */

/* Until its format is known, which is in *out then. *foreign_out: it is nothing that is read here. */
static int read_head(
    const uint8_t *file, size_t n, struct format *out, bool *foreign_out, struct error *err)
{
	struct wav *wav = wav_new();
	struct buffer audio;
	size_t fed = 0, taken;
	int rc = 0;

	buffer_init(&audio, HEAD_BYTES);
	while (rc == 0 && wav_format(wav) == NULL && fed < n) {
		rc = wav_feed(
		    wav, file + fed, MIN((size_t)HEAD_BYTES, n - fed), &taken, &audio, err);
		fed += taken;
	}
	if (rc == 0 && wav_format(wav) == NULL)
		rc = wav_finish(wav, &audio, err);
	if (rc == 0)
		*out = *wav_format(wav);
	*foreign_out = wav_is_foreign(wav);
	buffer_done(&audio);
	wav_free(&wav);
	return rc;
}

static void was_read(struct recording *r, size_t n)
{
	r->fed += n;
	if (r->events->on_read != NULL)
		r->events->on_read(r->arg, n);
}

/* The session may end in any of its calls, and the recording with it. */
static void feed_wav(struct recording *r)
{
	const uint8_t *file = r->wishes.bytes;

	while (r->voice.session != NULL && !r->full) {
		size_t n = MIN(r->piece_bytes, r->wishes.n - r->fed);

		if (n == 0) {
			voice_end(&r->voice);
			return;
		}
		was_read(r, n);
		r->full = !voice_audio(&r->voice, file + r->fed - n, n);
	}
}

/* ---- containers ---- */

static const struct format decoded = {
	.encoding = ENCODING_S16LE, .rate_hz = DECODER_RATE_HZ, .channels = 1
};

static void feed_decoder(struct recording *r)
{
	const uint8_t *file = r->wishes.bytes;

	while (!r->full && r->fed < r->wishes.n) {
		size_t n = MIN((size_t)PIECE_BYTES, r->wishes.n - r->fed);

		r->full = !decoder_feed(r->decoder, file + r->fed, n);
		was_read(r, n);
	}
	if (!r->full)
		decoder_finish(r->decoder);
}

static void hear_decoded(struct recording *r, const void *bytes, size_t n)
{
	if (!voice_audio(&r->voice, bytes, n) && r->decoder != NULL)
		decoder_pause(r->decoder);
}

/* Channels that are not mixed come as a WAV file. */
static void begin_apart(struct recording *r, const uint8_t *bytes, size_t n)
{
	struct format format;
	struct error err;
	bool foreign;

	if (buffer_append(&r->head, bytes, n) != 0) {
		(void)error_set(&err, ERROR_SYSTEM, "no memory for the audio");
		fail(r, &err, 0, RECORDING_BROKEN);
	} else if (read_head(buffer_head(&r->head), r->head.len, &format, &foreign, &err) == 0) {
		r->is_wav = true;
		if (begin_session(r, &format))
			hear_decoded(r, buffer_head(&r->head), r->head.len);
	} else if (foreign || r->head.len >= HEAD_BYTES) {
		fail_as_audio(r, &err);
	}
}

static void on_decoded(void *arg, const uint8_t *bytes, size_t n)
{
	struct recording *r = arg;

	enter(r);
	if (r->voice.session == NULL && r->wishes.channel > 0)
		begin_apart(r, bytes, n);
	else if (r->voice.session != NULL || begin_session(r, &decoded))
		hear_decoded(r, bytes, n);
	leave(r);
}

static void on_decoder_drain(void *arg)
{
	struct recording *r = arg;

	r->full = false;
	feed_decoder(r);
}

static void on_decoder_end(void *arg, const struct error *why)
{
	struct recording *r = arg;

	enter(r);
	r->decoder = NULL;
	if (why != NULL)
		fail(r, why, 0,
		    why->code == ERROR_INVALID || why->code == ERROR_LIMIT ? RECORDING_BAD_AUDIO
									   : RECORDING_BROKEN);
	else if (r->voice.session != NULL || begin_session(r, &decoded))
		voice_end(&r->voice);
	leave(r);
}

static const struct decoder_events decoder_events = {
	.on_audio = on_decoded, .on_drain = on_decoder_drain, .on_end = on_decoder_end
};

static void begin_decoder(struct recording *r, enum container c)
{
	const struct decoder_job job = { .container = c, .apart = r->wishes.channel > 0 };
	struct error err;

	r->decoded = true;
	r->decoder = decoder_new(r->access->decoders, &job, &decoder_events, r, &err);
	if (r->decoder != NULL) {
		feed_decoder(r);
		return;
	}
	metric_add(METRIC_sessions_refused_total, 1);
	fail(r, &err, 0, RECORDING_BUSY);
}

/* A WAV file of a kind that is not read here is a container like others. */
static void begin_wav(struct recording *r)
{
	struct format format;
	struct error err;
	bool foreign;

	if (read_head(r->wishes.bytes, r->wishes.n, &format, &foreign, &err) == 0) {
		r->is_wav = true;
		r->piece_bytes = (size_t)MIN(format_bytes_per_s(&format), (uint64_t)PIECE_BYTES);
		if (begin_session(r, &format))
			feed_wav(r);
	} else if (foreign) {
		begin_decoder(r, CONTAINER_WAV);
	} else {
		fail_as_audio(r, &err);
	}
}

struct recording *recording_new(struct access *a, const struct recording_wishes *wishes,
    const struct recording_events *events, void *arg)
{
	struct recording *r = xcalloc(1, sizeof *r);

	r->access = a;
	r->wishes = *wishes;
	r->client = *wishes->client;
	r->wishes.client = &r->client;
	r->events = events;
	r->arg = arg;
	buffer_init(&r->head, SIZE_MAX / 2); /* bounded by HEAD_BYTES and a piece */
	return r;
}

void recording_start(struct recording *r)
{
	enum container found;
	struct error err;

	enter(r);
	if (sniff(r->wishes.bytes, MIN(r->wishes.n, (size_t)SNIFF_BYTES), &found, &err) != 0)
		fail_as_audio(r, &err);
	else if (found == CONTAINER_WAV)
		begin_wav(r);
	else
		begin_decoder(r, found);
	leave(r);
}

void recording_free(struct recording **recording)
{
	struct recording *r = *recording;

	*recording = NULL;
	if (r == NULL)
		return;
	enter(r);
	give_back(r);
	r->freed = true;
	leave(r);
}

uint64_t recording_session(const struct recording *r)
{
	return r->voice.id;
}
