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

struct live_file {
	enum state state;
	struct decoders *decoders;
	const struct live_file_events *events;
	void *arg;
	struct buffer head;      /* HEAD: what came so far */
	struct wav *wav;         /* owned */
	struct buffer audio;     /* taken out of the WAV file and not told yet */
	struct decoder *decoder; /* owned; NULL: there is none, or it has ended */
	bool format_told;
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
	buffer_init(&f->head, SIZE_MAX / 2); /* both bounded by SNIFF_BYTES and a message */
	buffer_init(&f->audio, SIZE_MAX / 2);
	return f;
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

static void tell_format(struct live_file *f, const struct format *format)
{
	if (f->format_told || f->state == OVER)
		return;
	f->format_told = true;
	f->events->on_format(f->arg, format);
}

static void tell_audio(struct live_file *f, const void *bytes, size_t n)
{
	if (n > 0 && f->state != OVER)
		f->events->on_audio(f->arg, bytes, n);
}

static void on_decoded(void *arg, const uint8_t *bytes, size_t n)
{
	struct live_file *f = arg;

	tell_format(f, &decoded);
	tell_audio(f, bytes, n);
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

static const struct decoder_events decoder_events = {
	.on_audio = on_decoded, .on_drain = on_drain, .on_end = on_end
};

static void feed_wav(struct live_file *f, const void *bytes, size_t n)
{
	struct error err;

	if (wav_feed(f->wav, bytes, n, &f->audio, &err) != 0) {
		end(f, &err);
		return;
	}
	if (wav_format(f->wav) != NULL)
		tell_format(f, wav_format(f->wav));
	tell_audio(f, buffer_head(&f->audio), f->audio.len);
	buffer_consume(&f->audio, f->audio.len);
}

static bool feed(struct live_file *f, const void *bytes, size_t n)
{
	if (f->state == DECODED)
		return decoder_feed(f->decoder, bytes, n);
	if (f->state == WAV)
		feed_wav(f, bytes, n);
	return true;
}

/* What it is; ends it when it is nothing. */
static void look(struct live_file *f)
{
	struct decoder_job job = { .live = true };
	struct error err;

	if (sniff(buffer_head(&f->head), f->head.len, &job.container, &err) != 0) {
		end(f, &err);
	} else if (job.container == CONTAINER_WAV) {
		f->state = WAV;
	} else {
		f->decoder = decoder_new(f->decoders, &job, &decoder_events, f, &err);
		if (f->decoder == NULL)
			end(f, &err);
		else
			f->state = DECODED;
	}
}

static bool feed_head(struct live_file *f)
{
	bool more;

	look(f);
	more = feed(f, buffer_head(&f->head), f->head.len);
	buffer_consume(&f->head, f->head.len);
	return more;
}

bool live_file_feed(struct live_file *f, const void *bytes, size_t n)
{
	struct error err;

	if (f->state != HEAD)
		return feed(f, bytes, n);
	if (buffer_append(&f->head, bytes, n) != 0) {
		(void)error_set(&err, ERROR_SYSTEM, "no memory for the audio that came");
		end(f, &err);
	}
	return f->head.len < SNIFF_BYTES || feed_head(f);
}

static void finish_wav(struct live_file *f)
{
	struct error err;

	if (wav_finish(f->wav, &err) != 0)
		end(f, &err);
	else
		end(f, NULL);
}

void live_file_finish(struct live_file *f)
{
	if (f->state == HEAD && f->head.len == 0)
		end(f, NULL);
	else if (f->state == HEAD)
		(void)feed_head(f);
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
