/*  RIFF --> CHUNK <--> FMT, DS64, SKIP        CHUNK --"data"--> DATA --its size--> BEHIND --a chunk--> SKIP --> BEHIND
 *  BEHIND --no chunk--> DATA                  DATA, BEHIND, SKIP behind audio --"RIFF....WAVE"--> CHUNK
 *
 * A WAV file is "RIFF", a size, "WAVE", and chunks: a name of four letters, a size, the bytes, and a zero byte if the
 * size is odd. Of the chunks we read "fmt ", "data" and "ds64", which has the sizes of files over 4 GB ("RF64").
 *
 * The size of "data" is what the writer believed when it began: 0 or 0xffffffff when it wrote to a pipe and could
 * not come back to fill it in, or that of the first slice. So no size is trusted to say that the audio is over: it goes
 * on unless a chunk follows, and wherever another header stands it ends. Twelve bytes that look like a header by chance are
 * one in 2^64. */
#include "audio/wav.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"

enum state { WAV_RIFF, WAV_CHUNK, WAV_FMT, WAV_DS64, WAV_SKIP, WAV_DATA, WAV_BEHIND };

enum {
	RIFF_BYTES = 12,
	CHUNK_BYTES = 8,
	FMT_BYTES = 16, /* of the plain format chunk; what is longer begins with the same */
	FMT_EXTENSIBLE_BYTES = 40,
	FMT_MAX_BYTES = 256, /* no writer adds more */
	DS64_BYTES = 24,
	DS64_MAX_BYTES = 65536,
	SAMPLE_MAX_BYTES = 8,
	FRAME_MAX_BYTES = SAMPLE_MAX_BYTES * FORMAT_CHANNELS_MAX, /* in the file */
};

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_ALAW = 6, TAG_MULAW = 7, TAG_EXTENSIBLE = 0xfffe };

struct wav {
	enum state state;
	uint8_t head[FMT_MAX_BYTES]; /* what the state collects before it can decide */
	size_t head_n, head_want;    /* head_n <= head_want <= sizeof head */
	uint64_t left; /* WAV_SKIP, WAV_DATA: bytes of the chunk still to come, padding included */
	uint64_t long_size; /* of the audio, as "ds64" says */
	bool endless;       /* the audio has no size */
	bool odd;           /* a byte of padding follows it */
	bool behind;        /* its beginning has come: from there on headers are looked for */
	bool heard;         /* there was audio, of this file or one before */
	unsigned headers;   /* of them all */
	bool foreign;       /* a kind we do not read */
	bool big_endian;
	struct format format;
	unsigned sample_bytes;         /* of one channel in the file; 0: no format yet */
	unsigned out_bytes;            /* of what becomes of it; <= sample_bytes */
	uint8_t rest[FRAME_MAX_BYTES]; /* the first bytes of a frame that is not whole yet */
	size_t rest_n;                 /* always < frame_bytes(w) */
	uint64_t frames;          /* in the first file as its header says it; 0: it does not say */
	uint8_t held[RIFF_BYTES]; /* behind audio: what begins like a header */
	size_t held_n;
};

static unsigned u16(const struct wav *w, const uint8_t *p)
{
	return w->big_endian ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static uint32_t u32(const struct wav *w, const uint8_t *p)
{
	uint32_t first = u16(w, p), second = u16(w, p + 2);

	return w->big_endian ? first << 16 | second : second << 16 | first;
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

struct wav *wav_new_raw(const struct format *f)
{
	struct wav *w = xcalloc(1, sizeof *w);

	w->state = WAV_DATA;
	w->endless = w->behind = w->heard = true;
	w->format = *f;
	w->sample_bytes = w->out_bytes = format_frame_bytes(f) / f->channels;
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

/* ---- headers ---- */

static int read_riff(struct wav *w, struct error *err)
{
	static const char *const kinds[] = { "RIFF", "RF64", "RIFX" };
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		known |= memcmp(w->head, kinds[i], 4) == 0;
	if (!known || memcmp(w->head + 8, "WAVE", 4) != 0)
		return error_set(err, ERROR_INVALID, "this is not a WAV file");
	w->big_endian = memcmp(w->head, "RIFX", 4) == 0;
	w->behind = false;
	w->sample_bytes = 0;
	w->long_size = 0;
	collect(w, WAV_CHUNK, CHUNK_BYTES);
	return 0;
}

static void begin_audio(struct wav *w, uint32_t size)
{
	uint64_t bytes = size == UINT32_MAX ? w->long_size : size;

	w->endless = bytes == 0;
	w->odd = bytes % 2 != 0;
	w->left = bytes;
	w->rest_n = 0;
	if (!w->heard)
		w->frames = bytes / frame_bytes(w);
	w->headers += !w->behind;
	w->heard = w->behind = true;
	w->state = WAV_DATA;
	if (size == 0) /* or there is none, and a chunk follows */
		collect(w, WAV_BEHIND, CHUNK_BYTES);
}

static void skip(struct wav *w, uint64_t bytes)
{
	w->state = WAV_SKIP;
	w->left = bytes;
}

static int check_size(
    const char *what, uint32_t size, unsigned min, unsigned max, struct error *err)
{
	if (size >= min && size <= max)
		return 0;
	return error_set(err, ERROR_INVALID, "%s of the WAV file has %u bytes; allowed is %u to %u",
	    what, (unsigned)size, min, max);
}

static int read_chunk(struct wav *w, struct error *err)
{
	uint32_t size = u32(w, w->head + 4);

	if (memcmp(w->head, "data", 4) == 0) {
		if (w->sample_bytes == 0)
			return error_set(err, ERROR_INVALID,
			    "the audio of the WAV file comes before its format");
		begin_audio(w, size);
	} else if (memcmp(w->head, "fmt ", 4) == 0) {
		if (check_size("the format", size, FMT_BYTES, FMT_MAX_BYTES, err) != 0)
			return -1;
		collect(w, WAV_FMT, size);
	} else if (memcmp(w->head, "ds64", 4) == 0) {
		if (check_size("the chunk ds64", size, DS64_BYTES, DS64_MAX_BYTES, err) != 0)
			return -1;
		collect(w, WAV_DS64, DS64_BYTES);
		w->left = (uint64_t)size + size % 2 - DS64_BYTES;
	} else {
		skip(w, (uint64_t)size + size % 2);
	}
	return 0;
}

static void read_ds64(struct wav *w)
{
	const uint8_t *size = w->head + 8;

	w->long_size = (uint64_t)u32(w, size + 4) << 32 | u32(w, size);
	skip(w, w->left);
}

static int choose_encoding(struct wav *w, unsigned tag, unsigned bits, struct error *err)
{
	static const enum encoding by_bytes[] = { ENCODING_U8, ENCODING_S16LE, ENCODING_S24LE,
		ENCODING_S32LE };
	unsigned bytes = (bits + 7) / 8;

	w->sample_bytes = w->out_bytes = bytes;
	if (tag == TAG_PCM && bytes >= 1 && bytes <= ARRAY_SIZE(by_bytes)) {
		w->format.encoding = by_bytes[bytes - 1];
	} else if (tag == TAG_FLOAT && (bits == 32 || bits == 64)) {
		w->format.encoding = ENCODING_F32LE;
		w->out_bytes = sizeof(float);
	} else if ((tag == TAG_ALAW || tag == TAG_MULAW) && bits == 8) {
		w->format.encoding = tag == TAG_ALAW ? ENCODING_ALAW : ENCODING_MULAW;
	} else {
		w->sample_bytes = 0;
		return error_set(err, ERROR_INVALID,
		    "WAV format %u with %u bits is not supported; PCM with 8, 16, 24 or 32, float "
		    "with 32 or 64, A-law and mu-law with 8",
		    tag, bits);
	}
	return 0;
}

/* Samples may stand in more bytes than they need, to the left of them. */
static int choose_frame(struct wav *w, unsigned tag, unsigned bytes, struct error *err)
{
	unsigned wide = bytes / w->format.channels;

	if (bytes == frame_bytes(w))
		return 0;
	if (tag == TAG_PCM && w->sample_bytes > 1 && bytes % w->format.channels == 0 &&
	    wide > w->sample_bytes && wide <= SAMPLE_MAX_BYTES) {
		w->sample_bytes = wide;
		return 0;
	}
	return error_set(err, ERROR_INVALID,
	    "the WAV file says %u bytes a frame, but its format makes %zu", bytes, frame_bytes(w));
}

/* What an extensible format says in the first two bytes of its GUID, if the rest is that of a plain format. */
static unsigned extensible_tag(const struct wav *w)
{
	static const uint8_t tail[14] = { 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b,
		0x71 };
	const uint8_t *fmt = w->head;

	if (w->head_n < FMT_EXTENSIBLE_BYTES || memcmp(fmt + 26, tail, sizeof tail) != 0)
		return TAG_EXTENSIBLE;
	return u16(w, fmt + 24);
}

static int read_fmt(struct wav *w, struct error *err)
{
	const uint8_t *fmt = w->head;
	unsigned tag = u16(w, fmt);

	if (tag == TAG_EXTENSIBLE)
		tag = extensible_tag(w);
	w->format.channels = u16(w, fmt + 2);
	w->format.rate_hz = u32(w, fmt + 4);
	if (choose_encoding(w, tag, u16(w, fmt + 14), err) != 0 ||
	    format_check(&w->format, err) != 0 ||
	    choose_frame(w, tag, u16(w, fmt + 12), err) != 0) {
		w->foreign = !w->heard;
		return -1;
	}
	skip(w, w->head_n % 2);
	return 0;
}

/* Letters, digits and spaces make a chunk's name, and hardly ever audio. Tags that players put at the end of any file are
 * passed over with all that follows. */
static bool is_chunk_name(const uint8_t *p)
{
	for (size_t i = 0; i < 4; i++)
		if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') ||
			(p[i] >= '0' && p[i] <= '9') || p[i] == ' ' || p[i] == '_'))
			return false;
	return true;
}

static bool is_tag(const uint8_t *p)
{
	return memcmp(p, "TAG", 3) == 0 || memcmp(p, "ID3", 3) == 0 ||
	    memcmp(p, "APETAGEX", 8) == 0;
}

static int put_audio(struct wav *w, const uint8_t *bytes, size_t n, struct buffer *out);

static bool begins_other(const uint8_t *p)
{
	return memcmp(p, "OggS", 5) == 0 || memcmp(p, "fLaC", 4) == 0 ||
	    memcmp(p, "\x1a\x45\xdf\xa3", 4) == 0 || memcmp(p + 4, "ftyp", 4) == 0;
}

static int read_behind(struct wav *w, struct buffer *out, struct error *err)
{
	uint32_t size = u32(w, w->head + 4);

	if (begins_other(w->head))
		return error_set(err, ERROR_INVALID,
		    "behind the audio of the WAV file another kind of file begins; what follows "
		    "must be "
		    "WAV too");
	if (is_tag(w->head)) {
		skip(w, UINT64_MAX);
	} else if (memcmp(w->head, "data", 4) == 0) {
		begin_audio(w, size);
	} else if (is_chunk_name(w->head)) {
		skip(w, (uint64_t)size + size % 2);
	} else {
		w->state = WAV_DATA;
		w->endless = true;
		if (put_audio(w, w->head, w->head_n, out) != 0)
			return error_set(err, ERROR_LIMIT,
			    "there is no room for %zu more bytes of audio", w->head_n);
	}
	return 0;
}

static int decide(struct wav *w, struct buffer *out, struct error *err)
{
	switch (w->state) {
	case WAV_RIFF:
		return read_riff(w, err);
	case WAV_CHUNK:
		return read_chunk(w, err);
	case WAV_FMT:
		return read_fmt(w, err);
	case WAV_DS64:
		read_ds64(w);
		return 0;
	case WAV_BEHIND:
		return read_behind(w, out, err);
	case WAV_SKIP:
	case WAV_DATA:
		break;
	}
	return 0;
}

/* ---- what the states take ---- */

/* Bytes taken: at most what the state still wants. */
static size_t take_head(struct wav *w, const uint8_t *bytes, size_t n)
{
	n = MIN(n, w->head_want - w->head_n);
	memcpy(w->head + w->head_n, bytes, n);
	w->head_n += n;
	return n;
}

static void skip_on(struct wav *w, size_t n)
{
	w->left -= n;
	if (w->left == 0)
		collect(w, w->behind ? WAV_BEHIND : WAV_CHUNK, CHUNK_BYTES);
}

static void put_double(const uint8_t *from, uint8_t *to)
{
	uint64_t bits = 0;
	uint32_t narrow;
	double wide;
	float x;

	for (unsigned i = SAMPLE_MAX_BYTES; i-- > 0;)
		bits = bits << 8 | from[i];
	memcpy(&wide, &bits, sizeof wide);
	x = wide > 1.0 ? 1.0f : wide < -1.0 ? -1.0f : (float)wide; /* NaN stays */
	memcpy(&narrow, &x, sizeof narrow);
	for (unsigned i = 0; i < sizeof narrow; i++)
		to[i] = (uint8_t)(narrow >> 8 * i);
}

/* Of integers the upper bytes. */
static void put_sample(const struct wav *w, const uint8_t *from, uint8_t *to)
{
	uint8_t turned[SAMPLE_MAX_BYTES];

	if (w->big_endian) {
		for (unsigned i = 0; i < w->sample_bytes; i++)
			turned[i] = from[w->sample_bytes - 1 - i];
		from = turned;
	}
	if (w->format.encoding == ENCODING_F32LE && w->sample_bytes == SAMPLE_MAX_BYTES)
		put_double(from, to);
	else
		memcpy(to, from + w->sample_bytes - w->out_bytes, w->out_bytes);
}

static bool is_as_it_is(const struct wav *w)
{
	return w->sample_bytes == w->out_bytes && !w->big_endian;
}

/* Whole frames, n of them in bytes. */
static int put_frames(const struct wav *w, const uint8_t *bytes, size_t n, struct buffer *out)
{
	size_t samples = n / w->sample_bytes;
	uint8_t *to;

	if (samples == 0)
		return 0;
	if (is_as_it_is(w))
		return buffer_append(out, bytes, n);
	to = buffer_reserve(out, samples * w->out_bytes);
	if (to == NULL)
		return -1;
	for (size_t i = 0; i < samples; i++)
		put_sample(w, bytes + i * w->sample_bytes, to + i * w->out_bytes);
	buffer_grow(out, samples * w->out_bytes);
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

static void end_data(struct wav *w)
{
	if (w->odd)
		skip(w, 1);
	else
		collect(w, WAV_BEHIND, CHUNK_BYTES);
}

static int take_data(
    struct wav *w, const uint8_t *bytes, size_t n, struct buffer *out, struct error *err)
{
	if (put_audio(w, bytes, n, out) != 0)
		return error_set(
		    err, ERROR_LIMIT, "there is no room for %zu more bytes of audio", n);
	if (w->endless)
		return 0;
	w->left -= n;
	if (w->left == 0)
		end_data(w);
	return 0;
}

/* All that is no header behind audio; -1, or how many bytes were taken, 1 at least. */
static int take(struct wav *w, const uint8_t *bytes, size_t n, size_t *taken_out,
    struct buffer *out, struct error *err)
{
	bool bounded = w->state == WAV_SKIP || (w->state == WAV_DATA && !w->endless);

	*taken_out = bounded ? (size_t)MIN((uint64_t)n, w->left) : n;
	if (w->state == WAV_DATA)
		return take_data(w, bytes, *taken_out, out, err);
	if (w->state == WAV_SKIP) {
		skip_on(w, *taken_out);
		return 0;
	}
	*taken_out = take_head(w, bytes, n);
	return w->head_n == w->head_want ? decide(w, out, err) : 0;
}

static int take_all(
    struct wav *w, const uint8_t *bytes, size_t n, struct buffer *out, struct error *err)
{
	for (size_t taken; n > 0; bytes += taken, n -= taken)
		if (take(w, bytes, n, &taken, out, err) != 0)
			return -1;
	return 0;
}

/* ---- headers behind audio ---- */

/* As far as it goes. */
static bool begins_header(const uint8_t *p, size_t n)
{
	return (memcmp(p, "RIFF", MIN(n, (size_t)4)) == 0 ||
		   memcmp(p, "RF64", MIN(n, (size_t)4)) == 0 ||
		   memcmp(p, "RIFX", MIN(n, (size_t)4)) == 0) &&
	    (n <= 8 || memcmp(p + 8, "WAVE", MIN(n, (size_t)RIFF_BYTES) - 8) == 0);
}

/* How many bytes stand before what is a header, or may become one with what follows. */
static size_t before_header(const uint8_t *p, size_t n)
{
	const uint8_t *at = p, *end = p + n;

	while (at < end && (at = memchr(at, 'R', (size_t)(end - at))) != NULL) {
		if (begins_header(at, (size_t)(end - at)))
			return (size_t)(at - p);
		at++;
	}
	return n;
}

/* One more byte to those that are held: they go on being held, or some of them are audio after all. */
static int hold(struct wav *w, uint8_t byte, struct buffer *out, struct error *err)
{
	size_t free_n;

	w->held[w->held_n++] = byte;
	free_n = before_header(w->held, w->held_n);
	if (free_n > 0 && take_all(w, w->held, free_n, out, err) != 0)
		return -1;
	w->held_n -= free_n;
	memmove(w->held, w->held + free_n, w->held_n);
	if (w->held_n < RIFF_BYTES)
		return 0;
	memcpy(w->head, w->held, RIFF_BYTES);
	w->held_n = 0;
	return read_riff(w, err);
}

static int take_behind(struct wav *w, const uint8_t *bytes, size_t n, size_t *taken_out,
    struct buffer *out, struct error *err)
{
	size_t plain = w->held_n > 0 ? 0 : before_header(bytes, n);

	*taken_out = MAX(plain, (size_t)1);
	return plain > 0 ? take_all(w, bytes, plain, out, err) : hold(w, *bytes, out, err);
}

/* ---- */

int wav_feed(struct wav *w, const void *bytes, size_t n, size_t *taken_out, struct buffer *out,
    struct error *err)
{
	const uint8_t *p = bytes, *end = p + n;
	size_t before = out->len;

	*taken_out = 0;
	while (p < end) {
		bool behind = w->behind;
		size_t taken;
		int rc = behind ? take_behind(w, p, (size_t)(end - p), &taken, out, err)
				: take(w, p, (size_t)(end - p), &taken, out, err);

		if (rc != 0)
			return -1;
		p += taken;
		if (behind && !w->behind && out->len > before)
			break;
	}
	*taken_out = (size_t)(p - (const uint8_t *)bytes);
	return 0;
}

size_t wav_pass(struct wav *w, const void *bytes, size_t n)
{
	if (w->state != WAV_DATA || !is_as_it_is(w) || w->held_n > 0 || w->rest_n > 0)
		return 0;
	n = before_header(bytes, n);
	if (!w->endless)
		n = (size_t)MIN((uint64_t)n, w->left - 1); /* the last one changes the state */
	n -= n % frame_bytes(w);
	w->left -= w->endless ? 0 : n;
	return n;
}

int wav_flush(struct wav *w, struct buffer *out, struct error *err)
{
	size_t n = w->held_n;

	w->held_n = 0;
	return take_all(w, w->held, n, out, err);
}

/* Of audio without a size a few bytes may have waited to be told from a chunk. */
static int flush_behind(struct wav *w, struct buffer *out, struct error *err)
{
	size_t n = w->head_n;

	if (w->state != WAV_BEHIND || !w->endless || (n >= 4 && is_chunk_name(w->head)))
		return 0;
	w->state = WAV_DATA;
	return take_data(w, w->head, n, out, err);
}

int wav_finish(struct wav *w, struct buffer *out, struct error *err)
{
	if (w->heard)
		return w->behind && (wav_flush(w, out, err) != 0 || flush_behind(w, out, err) != 0)
		    ? -1
		    : 0;
	if (w->state == WAV_RIFF)
		return error_set(err, ERROR_INVALID, "this is not a WAV file");
	return error_set(err, ERROR_INVALID, "the WAV file ends before its audio begins");
}

const struct format *wav_format(const struct wav *w)
{
	return w->heard ? &w->format : NULL;
}

bool wav_is_foreign(const struct wav *w)
{
	return w->foreign;
}

unsigned wav_headers(const struct wav *w)
{
	return w->headers;
}

uint64_t wav_frames(const struct wav *w)
{
	return w->frames;
}
