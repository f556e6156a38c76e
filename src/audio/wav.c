/* A WAV file is "RIFF", a size, "WAVE", and chunks: a name of four letters, a size, the bytes, and a zero byte if the
 * size is odd. Of the chunks we read "fmt " and "data"; those before are passed over, those behind the audio ignored.
 *
 * The size of "data" is what the writer believed when it began: 0 or 0xffffffff when it wrote to a pipe and could
 * not come back to fill it in. Then the audio goes on to the end of the file. */
#include "audio/wav.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"

enum state { WAV_RIFF, WAV_CHUNK, WAV_FMT, WAV_SKIP, WAV_DATA, WAV_END };

enum {
	RIFF_BYTES = 12,
	CHUNK_BYTES = 8,
	FMT_BYTES = 16, /* of the plain format chunk; what is longer begins with the same */
	FMT_EXTENSIBLE_BYTES = 40,
	FMT_MAX_BYTES = 256,  /* no writer adds more */
	FRAME_MAX_BYTES = 16, /* of a frame in the file */
};

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_ALAW = 6, TAG_MULAW = 7, TAG_EXTENSIBLE = 0xfffe };

struct wav {
	enum state state;
	uint8_t head[FMT_MAX_BYTES]; /* what the state collects before it can decide */
	size_t head_n, head_want;    /* head_n <= head_want <= sizeof head */
	uint64_t left; /* WAV_SKIP, WAV_DATA: bytes of the chunk still to come, padding included */
	bool endless;  /* the audio has no size */
	bool foreign;  /* a kind we do not read */
	struct format format;
	unsigned sample_bytes;         /* of one channel in the file */
	unsigned keep_bytes;           /* of them the upper ones are sent */
	uint8_t rest[FRAME_MAX_BYTES]; /* the first bytes of a frame that is not whole yet */
	size_t rest_n;                 /* always < frame_bytes(w) */
	uint64_t frames; /* in the whole file as its header says it; 0: it does not say */
};

static unsigned u16(const uint8_t *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

static void collect(struct wav *w, enum state state, size_t bytes)
{
	w->state = state;
	w->head_n = 0;
	w->head_want = bytes;
}

struct wav *wav_new(void)
{
	struct wav *w = xcalloc(1, sizeof *w);

	collect(w, WAV_RIFF, RIFF_BYTES);
	return w;
}

void wav_free(struct wav **w)
{
	free(*w);
	*w = NULL;
}

static size_t frame_bytes(const struct wav *w)
{
	return (size_t)w->sample_bytes * w->format.channels;
}

static int read_riff(struct wav *w, struct error *err)
{
	w->foreign = memcmp(w->head, "RF64", 4) == 0 || memcmp(w->head, "RIFX", 4) == 0;
	if (w->foreign)
		return error_set(err, ERROR_INVALID,
		    "WAV files of the kind %.4s are not supported; only RIFF", w->head);
	if (memcmp(w->head, "RIFF", 4) != 0 || memcmp(w->head + 8, "WAVE", 4) != 0)
		return error_set(err, ERROR_INVALID, "this is not a WAV file");
	collect(w, WAV_CHUNK, CHUNK_BYTES);
	return 0;
}

static int read_chunk(struct wav *w, struct error *err)
{
	uint32_t size = u32(w->head + 4);

	if (memcmp(w->head, "data", 4) == 0) {
		if (w->sample_bytes == 0)
			return error_set(err, ERROR_INVALID,
			    "the audio of the WAV file comes before its format");
		w->state = WAV_DATA;
		w->endless = size == 0 || size == UINT32_MAX;
		w->left = w->endless ? 0 : size;
		w->frames = w->left / frame_bytes(w);
		return 0;
	}
	if (memcmp(w->head, "fmt ", 4) == 0) {
		if (size < FMT_BYTES || size > FMT_MAX_BYTES)
			return error_set(err, ERROR_INVALID,
			    "the format of the WAV file has %u bytes; allowed is %d to %d",
			    (unsigned)size, FMT_BYTES, FMT_MAX_BYTES);
		collect(w, WAV_FMT, size);
		return 0;
	}
	w->state = WAV_SKIP;
	w->left = (uint64_t)size + size % 2;
	return 0;
}

static int choose_encoding(struct wav *w, unsigned tag, unsigned bits, struct error *err)
{
	unsigned bytes = (bits + 7) / 8;

	w->sample_bytes = w->keep_bytes = bytes;
	if (tag == TAG_PCM && bytes == 1) {
		w->format.encoding = ENCODING_U8;
	} else if (tag == TAG_PCM && bytes >= 2 && bytes <= 4) {
		w->format.encoding = ENCODING_S16LE;
		w->keep_bytes = 2;
	} else if (tag == TAG_FLOAT && bits == 32) {
		w->format.encoding = ENCODING_F32LE;
	} else if ((tag == TAG_ALAW || tag == TAG_MULAW) && bits == 8) {
		w->format.encoding = tag == TAG_ALAW ? ENCODING_ALAW : ENCODING_MULAW;
	} else {
		w->sample_bytes = 0;
		return error_set(err, ERROR_INVALID,
		    "WAV format %u with %u bits is not supported; PCM with 8, 16, 24 or 32, float "
		    "with 32, A-law and mu-law "
		    "with 8",
		    tag, bits);
	}
	return 0;
}

/* What an extensible format says in the first two bytes of its GUID, if the rest is that of a plain format. */
static unsigned extensible_tag(const uint8_t *fmt, size_t n)
{
	static const uint8_t tail[14] = { 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b,
		0x71 };

	if (n < FMT_EXTENSIBLE_BYTES || memcmp(fmt + 26, tail, sizeof tail) != 0)
		return TAG_EXTENSIBLE;
	return u16(fmt + 24);
}

static int read_fmt(struct wav *w, struct error *err)
{
	const uint8_t *fmt = w->head;
	unsigned tag = u16(fmt);

	if (tag == TAG_EXTENSIBLE)
		tag = extensible_tag(fmt, w->head_n);
	w->format.channels = u16(fmt + 2);
	w->format.rate_hz = u32(fmt + 4);
	w->foreign =
	    choose_encoding(w, tag, u16(fmt + 14), err) != 0 || format_check(&w->format, err) != 0;
	if (w->foreign)
		return -1;
	if (u16(fmt + 12) != frame_bytes(w))
		return error_set(err, ERROR_INVALID,
		    "the WAV file says %u bytes a frame, but its format makes %zu", u16(fmt + 12),
		    frame_bytes(w));
	w->state = WAV_SKIP;
	w->left = w->head_n % 2;
	return 0;
}

static int decide(struct wav *w, struct error *err)
{
	switch (w->state) {
	case WAV_RIFF:
		return read_riff(w, err);
	case WAV_CHUNK:
		return read_chunk(w, err);
	case WAV_FMT:
		return read_fmt(w, err);
	case WAV_SKIP:
	case WAV_DATA:
	case WAV_END:
		break;
	}
	return 0;
}

/* Bytes taken: at most what the state still wants. */
static size_t take_head(struct wav *w, const uint8_t *bytes, size_t n)
{
	n = MIN(n, w->head_want - w->head_n);
	memcpy(w->head + w->head_n, bytes, n);
	w->head_n += n;
	return n;
}

static size_t take_skip(struct wav *w, size_t n)
{
	n = (size_t)MIN((uint64_t)n, w->left);
	w->left -= n;
	if (w->left == 0)
		collect(w, WAV_CHUNK, CHUNK_BYTES);
	return n;
}

/* Whole frames, n of them in bytes, to *out: of each sample the upper keep_bytes. */
static int put_frames(const struct wav *w, const uint8_t *bytes, size_t n, struct buffer *out)
{
	size_t samples = n / w->sample_bytes, drop = w->sample_bytes - w->keep_bytes;
	uint8_t *to;

	if (drop == 0)
		return n == 0 ? 0 : buffer_append(out, bytes, n);
	if (samples == 0)
		return 0;
	to = buffer_reserve(out, samples * w->keep_bytes);
	if (to == NULL)
		return -1;
	for (size_t i = 0; i < samples; i++)
		memcpy(to + i * w->keep_bytes, bytes + i * w->sample_bytes + drop, w->keep_bytes);
	buffer_grow(out, samples * w->keep_bytes);
	return 0;
}

static int put_audio(struct wav *w, const uint8_t *bytes, size_t n, struct buffer *out)
{
	size_t frame = frame_bytes(w), fill, whole;

	if (w->rest_n > 0) {
		fill = MIN(n, frame - w->rest_n);
		memcpy(w->rest + w->rest_n, bytes, fill);
		w->rest_n += fill;
		bytes += fill;
		n -= fill;
		if (w->rest_n < frame)
			return 0;
		w->rest_n = 0;
		if (put_frames(w, w->rest, frame, out) != 0)
			return -1;
	}
	whole = n - n % frame;
	memcpy(w->rest, bytes + whole, n - whole);
	w->rest_n = n - whole;
	return put_frames(w, bytes, whole, out);
}

static int take_data(
    struct wav *w, const uint8_t *bytes, size_t *n, struct buffer *out, struct error *err)
{
	if (!w->endless)
		*n = (size_t)MIN((uint64_t)*n, w->left);
	if (put_audio(w, bytes, *n, out) != 0)
		return error_set(
		    err, ERROR_LIMIT, "there is no room for %zu more bytes of audio", *n);
	if (!w->endless)
		w->left -= *n;
	if (!w->endless && w->left == 0)
		w->state = WAV_END;
	return 0;
}

int wav_feed(struct wav *w, const void *bytes, size_t n, struct buffer *out, struct error *err)
{
	const uint8_t *p = bytes, *end = p + n;

	while (p < end && w->state != WAV_END) {
		size_t taken = (size_t)(end - p);

		if (w->state == WAV_DATA) {
			if (take_data(w, p, &taken, out, err) != 0)
				return -1;
		} else if (w->state == WAV_SKIP) {
			taken = take_skip(w, taken);
		} else {
			taken = take_head(w, p, taken);
			if (w->head_n == w->head_want && decide(w, err) != 0)
				return -1;
		}
		p += taken;
	}
	return 0;
}

int wav_finish(const struct wav *w, struct error *err)
{
	if (w->state == WAV_RIFF)
		return error_set(err, ERROR_INVALID, "this is not a WAV file");
	if (w->state != WAV_DATA && w->state != WAV_END)
		return error_set(err, ERROR_INVALID, "the WAV file ends before its audio begins");
	return 0;
}

const struct format *wav_format(const struct wav *w)
{
	return w->state == WAV_DATA || w->state == WAV_END ? &w->format : NULL;
}

bool wav_is_foreign(const struct wav *w)
{
	return w->foreign;
}

uint64_t wav_frames(const struct wav *w)
{
	return w->frames;
}
