/* HEAD --enough to tell what it is--> WAV or DECODED --its end, a failure, stop--> OVER */
#include "access/live_file.h"

#include <stdlib.h>

#include "audio/wav.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"
#include "media/decoder.h"
#include "media/sniff.h"

enum state { HEAD, WAV, DECODED, OVER };

enum { HEAD_MAX_BYTES = 65536 }; /* what stands before the format of a WAV file */

struct live_file {
	enum state state;
	struct decoders *decoders;
	const struct live_file_events *events;
	void *arg;
	struct buffer head;      /* what came so far, while is_kept */
	struct wav *wav;         /* owned */
	struct buffer audio;     /* taken out of the WAV file and not told yet */
	struct decoder *decoder; /* owned; NULL: there is none, or it has ended */
	struct format told;      /* the last format that was */
	bool format_told;
	bool apart; /* what is decoded has all its channels, and comes as a WAV file */
};

static const struct format decoded = {
	.encoding = ENCODING_S16LE, .rate_hz = DECODER_RATE_HZ, .channels = 1
};

struct live_file *live_file_new(
    struct decoders *decoders, const struct live_file_events *events, void *arg)
{
	struct live_file *f = xcalloc(1, sizeof *f);

	f->decoders = decoders;
	f->events = events;
	f->arg = arg;
	f->wav = wav_new();
	buffer_init(&f->head, SIZE_MAX / 2); /* both bounded by HEAD_MAX_BYTES and a message */
	buffer_init(&f->audio, SIZE_MAX / 2);
	return f;
}

struct live_file *live_file_new_raw(struct decoders *decoders, const struct format *format,
    const struct live_file_events *events, void *arg)
{
	struct live_file *f = live_file_new(decoders, events, arg);

	wav_free(&f->wav);
	f->wav = wav_new_raw(format);
	f->told = *format;
	f->format_told = true;
	f->state = WAV;
	return f;
}

void live_file_keep_channels(struct live_file *f)
{
	f->apart = true;
}

void live_file_free(struct live_file **f)
{
	if (*f == NULL)
		return;
	live_file_stop(*f);
	wav_free(&(*f)->wav);
	buffer_done(&(*f)->head);
	buffer_done(&(*f)->audio);
	free(*f);
	*f = NULL;
}

void live_file_stop(struct live_file *f)
{
	f->state = OVER;
	decoder_free(&f->decoder);
}

static void end(struct live_file *f, const struct error *why)
{
	if (f->state == OVER)
		return;
	live_file_stop(f);
	f->events->on_end(f->arg, why);
}

static bool is_format(const struct format *a, const struct format *b)
{
	return a->encoding == b->encoding && a->rate_hz == b->rate_hz && a->channels == b->channels;
}

static void tell_format(struct live_file *f, const struct format *format)
{
	if (f->state == OVER || (f->format_told && is_format(&f->told, format)))
		return;
	f->format_told = true;
	f->told = *format;
	f->events->on_format(f->arg, format);
}

static void tell_audio(struct live_file *f, const void *bytes, size_t n)
{
	if (n > 0 && f->state != OVER)
		f->events->on_audio(f->arg, bytes, n);
}

static void on_drain(void *arg)
{
	struct live_file *f = arg;

	f->events->on_drain(f->arg);
}

static void on_end(void *arg, const struct error *why)
{
	struct live_file *f = arg;

	f->decoder = NULL;
	end(f, why);
}

static void tell_wav(struct live_file *f)
{
	if (wav_format(f->wav) != NULL)
		tell_format(f, wav_format(f->wav));
	tell_audio(f, buffer_head(&f->audio), f->audio.len);
	buffer_consume(&f->audio, f->audio.len);
}

static void tell_decoded_wav(struct live_file *f, const uint8_t *bytes, size_t n)
{
	struct error err;

	for (size_t taken; n > 0 && f->state == DECODED; bytes += taken, n -= taken) {
		if (wav_feed(f->wav, bytes, n, &taken, &f->audio, &err) != 0) {
			decoder_free(&f->decoder);
			end(f, &err);
			return;
		}
		tell_wav(f);
	}
}

static void on_decoded(void *arg, const uint8_t *bytes, size_t n)
{
	struct live_file *f = arg;

	if (f->apart) {
		tell_decoded_wav(f, bytes, n);
		return;
	}
	tell_format(f, &decoded);
	tell_audio(f, bytes, n);
}

static const struct decoder_events decoder_events = {
	.on_audio = on_decoded, .on_drain = on_drain, .on_end = on_end
};

static void begin_decoder(struct live_file *f, enum container c)
{
	const struct decoder_job job = { .container = c, .live = true, .apart = f->apart };
	struct error err;

	wav_free(&f->wav);
	f->wav = wav_new();
	f->decoder = decoder_new(f->decoders, &job, &decoder_events, f, &err);
	if (f->decoder == NULL)
		end(f, &err);
	else
		f->state = DECODED;
}

/* A WAV file of a kind that is not read here is a container like others. */
static bool hand_over(struct live_file *f)
{
	begin_decoder(f, CONTAINER_WAV);
	return f->state != DECODED || decoder_feed(f->decoder, buffer_head(&f->head), f->head.len);
}

static bool feed_wav(struct live_file *f, const uint8_t *bytes, size_t n)
{
	struct error err;

	for (size_t taken; n > 0 && f->state == WAV; bytes += taken, n -= taken) {
		if (wav_feed(f->wav, bytes, n, &taken, &f->audio, &err) == 0) {
			tell_wav(f);
			continue;
		}
		if (wav_is_foreign(f->wav) && f->head.len <= HEAD_MAX_BYTES)
			return hand_over(f);
		end(f, &err);
		return true;
	}
	return true;
}

static bool feed(struct live_file *f, const void *bytes, size_t n)
{
	if (f->state == DECODED)
		return decoder_feed(f->decoder, bytes, n);
	return f->state != WAV || feed_wav(f, bytes, n);
}

/* What it is; ends it when it is nothing. */
static void look(struct live_file *f)
{
	enum container found;
	struct error err;

	if (sniff(buffer_head(&f->head), f->head.len, &found, &err) != 0) {
		end(f, &err);
	} else if (found == CONTAINER_WAV) {
		f->state = WAV;
	} else {
		begin_decoder(f, found);
	}
}

/* It may be needed from its beginning as long as it is not known who will read it. */
static bool is_kept(const struct live_file *f)
{
	return f->state == HEAD ||
	    (f->state == WAV && wav_format(f->wav) == NULL && f->head.len <= HEAD_MAX_BYTES);
}

static bool feed_head(struct live_file *f, size_t n)
{
	size_t from = f->state == HEAD ? 0 : f->head.len - n;
	bool more;

	if (f->state == HEAD)
		look(f);
	more = feed(f, buffer_head(&f->head) + from, f->head.len - from);
	if (!is_kept(f))
		buffer_consume(&f->head, f->head.len);
	return more;
}

bool live_file_feed(struct live_file *f, const void *bytes, size_t n)
{
	struct error err;

	if (!is_kept(f))
		return feed(f, bytes, n);
	if (buffer_append(&f->head, bytes, n) != 0) {
		(void)error_set(&err, ERROR_SYSTEM, "no memory for the audio that came");
		end(f, &err);
	}
	return (f->state == HEAD && f->head.len < SNIFF_BYTES) || feed_head(f, n);
}

static void finish_wav(struct live_file *f)
{
	struct error err;

	if (wav_finish(f->wav, &f->audio, &err) != 0) {
		end(f, &err);
		return;
	}
	tell_wav(f);
	end(f, NULL);
}

void live_file_finish(struct live_file *f)
{
	if (f->state == HEAD && f->head.len == 0)
		end(f, NULL);
	else if (f->state == HEAD)
		(void)feed_head(f, f->head.len);
	if (f->state == WAV)
		finish_wav(f);
	else if (f->state == DECODED)
		decoder_finish(f->decoder);
}

void live_file_pause(struct live_file *f)
{
	if (f->decoder != NULL)
		decoder_pause(f->decoder);
}

void live_file_resume(struct live_file *f)
{
	if (f->decoder != NULL)
		decoder_resume(f->decoder);
}
