/* format: a client's sample format, and its way to mono float. Samples split across messages are carried
 * over. Pure; one thread at a time. */
#ifndef AUDIO_FORMAT_H
#define AUDIO_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum encoding {
	ENCODING_S16LE,
	ENCODING_F32LE,
	ENCODING_U8,
	ENCODING_MULAW,
	ENCODING_ALAW,
	ENCODING_S24LE,
	ENCODING_S32LE,
	ENCODINGS
};

enum { FORMAT_RATE_MIN_HZ = 8000, FORMAT_RATE_MAX_HZ = 192000, FORMAT_CHANNELS_MAX = 8 };
/* Of a frame, in any format that format_check lets pass. */
enum { FORMAT_FRAME_MAX_BYTES = 4 * FORMAT_CHANNELS_MAX };

struct format {
	enum encoding encoding;
	unsigned rate_hz; /* FORMAT_RATE_MIN_HZ..FORMAT_RATE_MAX_HZ */
	unsigned
	    channels; /* 1..FORMAT_CHANNELS_MAX; several are mixed down, each with the same weight */
};

/* "pcm_s16le", "pcm_f32le", "pcm_u8", "mulaw", "alaw", "pcm_s24le", "pcm_s32le". */
const char *encoding_name(enum encoding e);
/* -1 and a sentence with the names there are for another word. */
int encoding_parse(const char *name, enum encoding *out, struct error *err);
/* -1 and a sentence with the value and the range. */
int format_check(const struct format *f, struct error *err);
unsigned format_frame_bytes(const struct format *f); /* of one sample of all channels */
uint64_t format_bytes_per_s(const struct format *f);

struct format_reader {
	struct format format;
	uint8_t rest[FORMAT_FRAME_MAX_BYTES]; /* the first bytes of a frame that is not whole yet */
	unsigned rest_n;                      /* always < format_frame_bytes */
	unsigned only; /* this channel is read alone, counted from 1; 0: all are mixed */
};

void format_reader_init(struct format_reader *r, const struct format *f);
/* Reads one channel alone, counted from 1, of those that the format has. */
void format_reader_pick(struct format_reader *r, unsigned only);
/* Frames that `n` more bytes will give: the room that format_read needs in `out`. */
size_t format_frames(const struct format_reader *r, size_t n);
/* Reads all n bytes; mono samples, -1..1 nominal; NaN and infinity of float input become 0 and beyond-range
 * values are clipped. Returns the frames written. */
size_t format_read(struct format_reader *r, const void *bytes, size_t n, float *out);

/* Is it 16-bit mono at 16 kHz already, so that format_copy does instead of format_read? */
bool format_is_native(const struct format *f);
/* As format_read, without a conversion; only of a format that format_is_native. */
size_t format_copy(struct format_reader *r, const void *bytes, size_t n, int16_t *out);

#endif
