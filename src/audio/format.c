#define _DEFAULT_SOURCE
#include "audio/format.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"

enum { NATIVE_HZ = 16000, SLICE = 64 };

/* Turns `n` samples at p into floats. */
typedef void decode_f(const uint8_t *p, size_t n, float *out);

static void decode_s16le(const uint8_t *p, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t bits;

		memcpy(&bits, p + 2 * i, sizeof bits);
		out[i] = (float)(int16_t)le16toh(bits) / 32768.0f;
	}
}

/* Its upper 16 bits are no more than a recogniser can use, yet a quiet recording has its speech in the lower ones. */
static void decode_s24le(const uint8_t *p, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++, p += 3) {
		uint32_t bits = (uint32_t)p[0] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 24;

		out[i] = (float)(int32_t)bits / 2147483648.0f;
	}
}

static void decode_s32le(const uint8_t *p, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, p + 4 * i, sizeof bits);
		out[i] = (float)(int32_t)le32toh(bits) / 2147483648.0f;
	}
}

static void decode_f32le(const uint8_t *p, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;
		float x;

		memcpy(&bits, p + 4 * i, sizeof bits);
		bits = le32toh(bits);
		memcpy(&x, &bits, sizeof x);
		if (!isfinite(x))
			x = 0.0f;
		out[i] = x < -1.0f ? -1.0f : x > 1.0f ? 1.0f : x;
	}
}

static void decode_u8(const uint8_t *p, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = ((float)p[i] - 128.0f) / 128.0f;
}

/* G.711: a sign, three bits of exponent e and four of mantissa m, all bits inverted. The magnitude is
 * (2m + 33) * 2^e - 33 in 14-bit units, of which 8192 are full scale. */
static void decode_mulaw(const uint8_t *p, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned code = (unsigned)p[i] ^ 0xffu;
		int magnitude = (int)((2 * (code & 15u) + 33) << (code >> 4 & 7u)) - 33;

		out[i] = (float)(code & 0x80u ? -magnitude : magnitude) / 8192.0f;
	}
}

/* G.711: even bits inverted, the sign bit is set for positive values. The magnitude is 2m + 1 for e = 0,
 * else (2m + 33) * 2^(e - 1), in 13-bit units, of which 4096 are full scale. */
static void decode_alaw(const uint8_t *p, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned code = (unsigned)p[i] ^ 0x55u, e = code >> 4 & 7u;
		unsigned step = 2 * (code & 15u) + 1;
		int magnitude = (int)(e == 0 ? step : (step + 32) << (e - 1));

		out[i] = (float)(code & 0x80u ? magnitude : -magnitude) / 4096.0f;
	}
}

static const struct {
	const char *name;
	decode_f *decode;
	unsigned bytes; /* of one sample of one channel */
} encodings[ENCODINGS] = {
	[ENCODING_S16LE] = { "pcm_s16le", decode_s16le, 2 },
	[ENCODING_F32LE] = { "pcm_f32le", decode_f32le, 4 },
	[ENCODING_U8] = { "pcm_u8", decode_u8, 1 },
	[ENCODING_MULAW] = { "mulaw", decode_mulaw, 1 },
	[ENCODING_ALAW] = { "alaw", decode_alaw, 1 },
	[ENCODING_S24LE] = { "pcm_s24le", decode_s24le, 3 },
	[ENCODING_S32LE] = { "pcm_s32le", decode_s32le, 4 },
};

const char *encoding_name(enum encoding e)
{
	return encodings[e].name;
}

int encoding_parse(const char *name, enum encoding *out, struct error *err)
{
	for (unsigned i = 0; i < ENCODINGS; i++)
		if (strcmp(name, encodings[i].name) == 0) {
			*out = (enum encoding)i;
			return 0;
		}
	return error_set(err, ERROR_INVALID,
	    "encoding '%.40s' is not supported; pcm_s16le, pcm_s24le, pcm_s32le, pcm_f32le, "
	    "pcm_u8, "
	    "mulaw or alaw",
	    name);
}

int format_check(const struct format *f, struct error *err)
{
	if ((unsigned)f->encoding >= ENCODINGS)
		return error_set(err, ERROR_INVALID, "encoding %u is not supported; 0 to %d",
		    (unsigned)f->encoding, ENCODINGS - 1);
	if (f->rate_hz < FORMAT_RATE_MIN_HZ || f->rate_hz > FORMAT_RATE_MAX_HZ)
		return error_set(err, ERROR_INVALID, "sample_rate %u is not supported; %d to %d",
		    f->rate_hz, FORMAT_RATE_MIN_HZ, FORMAT_RATE_MAX_HZ);
	if (f->channels < 1 || f->channels > FORMAT_CHANNELS_MAX)
		return error_set(err, ERROR_INVALID, "channels %u is not supported; 1 to %d",
		    f->channels, FORMAT_CHANNELS_MAX);
	return 0;
}

unsigned format_frame_bytes(const struct format *f)
{
	return encodings[f->encoding].bytes * f->channels;
}

uint64_t format_bytes_per_s(const struct format *f)
{
	return (uint64_t)format_frame_bytes(f) * f->rate_hz;
}

void format_reader_init(struct format_reader *r, const struct format *f)
{
	*r = (struct format_reader){ .format = *f };
	assert(format_frame_bytes(f) <= sizeof r->rest);
}

void format_reader_pick(struct format_reader *r, unsigned only)
{
	assert(only <= r->format.channels);
	r->only = only;
}

size_t format_frames(const struct format_reader *r, size_t n)
{
	size_t frame = format_frame_bytes(&r->format);

	/* Not (rest_n + n) / frame: that could wrap. */
	return n / frame + (r->rest_n + n % frame) / frame;
}

static void mix(const float *all, unsigned channels, size_t frames, float *out)
{
	const float weight = 1.0f / (float)channels;

	for (size_t i = 0; i < frames; i++, all += channels) {
		float sum = 0.0f;

		for (unsigned c = 0; c < channels; c++)
			sum += all[c];
		out[i] = weight * sum;
	}
}

static void pick(const struct format_reader *r, const float *all, size_t frames, float *out)
{
	for (size_t i = 0; i < frames; i++)
		out[i] = all[i * r->format.channels + r->only - 1];
}

/* Whole frames only; returns how many. */
static size_t read_frames(
    const struct format_reader *r, const uint8_t *p, size_t frames, float *out)
{
	const struct format *f = &r->format;
	decode_f *decode = encodings[f->encoding].decode;
	size_t frame = format_frame_bytes(f);

	if (f->channels == 1) {
		decode(p, frames, out);
		return frames;
	}
	for (size_t at = 0; at < frames;) {
		float all[FORMAT_CHANNELS_MAX * SLICE];
		size_t n = MIN(frames - at, (size_t)SLICE);

		decode(p + at * frame, f->channels * n, all);
		if (r->only > 0)
			pick(r, all, n, out + at);
		else
			mix(all, f->channels, n, out + at);
		at += n;
	}
	return frames;
}

/* Takes bytes into the split frame, if there is one, until it is whole; returns how many. */
static size_t fill_rest(struct format_reader *r, const uint8_t *p, size_t n)
{
	size_t take = format_frame_bytes(&r->format) - r->rest_n;

	if (r->rest_n == 0)
		return 0;
	take = MIN(take, n);
	memcpy(r->rest + r->rest_n, p, take);
	r->rest_n += (unsigned)take;
	return take;
}

static void keep_rest(struct format_reader *r, const uint8_t *p, size_t n)
{
	if (n > 0)
		memcpy(r->rest, p, n);
	r->rest_n = (unsigned)n;
}

size_t format_read(struct format_reader *r, const void *bytes, size_t n, float *out)
{
	const uint8_t *p = bytes;
	size_t frame = format_frame_bytes(&r->format), used, done = 0;

	used = fill_rest(r, p, n);
	if (r->rest_n > 0 && r->rest_n < frame)
		return 0;
	if (r->rest_n == frame)
		done = read_frames(r, r->rest, 1, out);
	done += read_frames(r, p + used, (n - used) / frame, out + done);
	keep_rest(r, p + n - (n - used) % frame, (n - used) % frame);
	return done;
}

bool format_is_native(const struct format *f)
{
	return f->encoding == ENCODING_S16LE && f->rate_hz == NATIVE_HZ && f->channels == 1;
}

static void samples_from_le(int16_t *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) /* nothing, on most machines */
		samples[i] = (int16_t)le16toh((uint16_t)samples[i]);
}

size_t format_copy(struct format_reader *r, const void *bytes, size_t n, int16_t *out)
{
	const uint8_t *p = bytes;
	size_t used, done = 0;

	assert(format_is_native(&r->format));
	used = fill_rest(r, p, n);
	if (r->rest_n == 1)
		return 0;
	if (r->rest_n == 2)
		memcpy(out + done++, r->rest, sizeof *out);
	if (n - used >= sizeof *out)
		memcpy(out + done, p + used, (n - used) / 2 * sizeof *out);
	done += (n - used) / 2;
	samples_from_le(out, done);
	keep_rest(r, p + n - (n - used) % 2, (n - used) % 2);
	return done;
}
