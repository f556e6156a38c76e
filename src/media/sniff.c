/* Most kinds begin with letters of their own. MPEG audio and ADTS have none but eleven bits, and FLAC without its head nearly the
 * same, so that these are for ffmpeg's probe, which looks at many frames, as is what begins in the middle of one, with an ID3 tag, or
 * with junk. */
#include "media/sniff.h"

#include <string.h>

#include "base/error.h"
#include "base/util.h"

static const struct {
	const char *name, *demuxer;
} kinds[CONTAINERS] = {
	[CONTAINER_WAV] = { "WAV", "wav" },
	[CONTAINER_FLAC] = { "FLAC", "flac" },
	[CONTAINER_OGG] = { "Ogg", "ogg" },
	[CONTAINER_MP3] = { "MP3", NULL },
	[CONTAINER_MP4] = { "MP4", "mov" },
	[CONTAINER_MATROSKA] = { "WebM", "matroska" },
	[CONTAINER_AAC] = { "AAC", NULL },
	[CONTAINER_AIFF] = { "AIFF", "aiff" },
	[CONTAINER_AMR] = { "AMR", "amr" },
	[CONTAINER_CAF] = { "CAF", "caf" },
	[CONTAINER_WAVE64] = { "Wave64", "w64" },
	[CONTAINER_AU] = { "AU", "au" },
	[CONTAINER_TAGGED] = { "audio", NULL },
	[CONTAINER_OTHER] = { "audio", NULL },
};

const char sniff_demuxers[] = "wav,flac,ogg,mp3,mov,matroska,aac,aiff,amr,caf,w64,au";

/* At `at` stand these letters, and at the beginning those of `first`, if any. */
static const struct magic {
	enum container container;
	size_t at;
	const char *letters, *first;
} magics[] = {
	{ CONTAINER_WAV, 8, "WAVE", "RIFF" },
	{ CONTAINER_WAV, 8, "WAVE", "RF64" },
	{ CONTAINER_WAV, 8, "WAVE", "RIFX" },
	{ CONTAINER_AIFF, 8, "AIFF", "FORM" },
	{ CONTAINER_AIFF, 8, "AIFC", "FORM" },
	{ CONTAINER_FLAC, 0, "fLaC", NULL },
	{ CONTAINER_OGG, 0, "OggS", NULL },
	{ CONTAINER_TAGGED, 0, "ID3", NULL },
	{ CONTAINER_MP4, 4, "ftyp", NULL },
	{ CONTAINER_MP4, 4, "moov", NULL }, /* QuickTime of old, and these */
	{ CONTAINER_MP4, 4, "mdat", NULL },
	{ CONTAINER_MP4, 4, "wide", NULL },
	{ CONTAINER_MP4, 4, "skip", NULL },
	{ CONTAINER_MP4, 4, "free", NULL },
	{ CONTAINER_MP4, 4, "pnot", NULL },
	{ CONTAINER_MATROSKA, 0, "\x1a\x45\xdf\xa3", NULL },
	{ CONTAINER_AMR, 0, "#!AMR", NULL },
	{ CONTAINER_CAF, 0, "caff", NULL },
	{ CONTAINER_WAVE64, 0, "riff\x2e\x91\xcf\x11", NULL },
	{ CONTAINER_AU, 0, ".snd", NULL },
};

static bool has(const uint8_t *bytes, size_t n, size_t at, const char *letters)
{
	size_t length = strlen(letters);

	return n >= at + length && memcmp(bytes + at, letters, length) == 0;
}

/* Eleven bits of sync; layer 0 is reserved and what ADTS has there, as are version 1, bit rate 15 and sample rate 3. */
static bool is_mpeg_audio(const uint8_t *b, size_t n)
{
	return n >= 4 && b[0] == 0xff && (b[1] & 0xe0) == 0xe0 && (b[1] & 0x06) != 0 &&
	    (b[1] & 0x18) != 0x08 && (b[2] & 0xf0) != 0xf0 && (b[2] & 0x0c) != 0x0c;
}

/* Twelve bits of sync, layer 0, a sample rate of the thirteen there are, a length that holds the header. */
static bool is_adts(const uint8_t *b, size_t n)
{
	return n >= 7 && b[0] == 0xff && (b[1] & 0xf6) == 0xf0 && (b[2] >> 2 & 15) < 13 &&
	    ((b[3] & 3u) << 11 | b[4] << 3 | b[5] >> 5) >= 7;
}

/* Or a playlist, a page, a list of files: no audio begins with so many characters. What LAME fills its frames with is the exception. */
static bool is_text(const uint8_t *b, size_t n)
{
	size_t same = 0;

	if (n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff)) &&
	    (n < 4 || b[2] == 0 || b[3] == 0))
		return true; /* UTF-16 with its mark */
	if (n >= 3 && memcmp(b, "\xef\xbb\xbf", 3) == 0)
		return true;
	for (size_t i = 0; i < MIN(n, (size_t)SNIFF_BYTES); i++) {
		if ((b[i] < ' ' && strchr("\t\r\n\f", b[i]) == NULL) || b[i] >= 0x7f || b[i] == 0)
			return false;
		same += b[i] == 'U';
	}
	return 2 * same < MIN(n, (size_t)SNIFF_BYTES);
}

int sniff_none(struct error *err)
{
	return error_set(err, ERROR_INVALID,
	    "it is none of WAV, FLAC, Ogg, MP3, MP4 (M4A), WebM (Matroska), AAC (ADTS), AIFF, AMR, "
	    "CAF, "
	    "Wave64 and AU");
}

int sniff(const void *bytes, size_t n, enum container *out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *m = &magics[i];

		if (!has(bytes, n, m->at, m->letters) ||
		    (m->first != NULL && !has(bytes, n, 0, m->first)))
			continue;
		*out = m->container;
		return 0;
	}
	if (n == 0)
		return error_set(err, ERROR_INVALID, "it is empty");
	if (is_text(bytes, n))
		return sniff_none(err);
	if (is_mpeg_audio(bytes, n))
		*out = CONTAINER_MP3;
	else if (is_adts(bytes, n))
		*out = CONTAINER_AAC;
	else
		*out = CONTAINER_OTHER;
	return 0;
}

const char *container_name(enum container c)
{
	return kinds[c].name;
}

const char *container_demuxer(enum container c)
{
	return kinds[c].demuxer;
}

static uint64_t big_endian(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

static enum sniff_order order_of_box(const uint8_t *name)
{
	static const char before[] = "moovmoofstypsidxemsg";

	if (memcmp(name, "mdat", 4) == 0)
		return SNIFF_ORDER_SEEK;
	for (size_t i = 0; i + 4 < sizeof before; i += 4)
		if (memcmp(name, before + i, 4) == 0)
			return SNIFF_ORDER_STREAM;
	return SNIFF_ORDER_UNKNOWN;
}

/* Boxes follow one another, each with its size, its name, and a longer size when the first is 1. What tells where the
 * samples are ("moov") comes before them ("mdat") or behind. */
static enum sniff_order order_of_mp4(const uint8_t *b, size_t n)
{
	size_t at = 0;

	while (n - at >= 16) {
		uint64_t size = big_endian(b + at, 4);
		enum sniff_order found = order_of_box(b + at + 4);

		if (found != SNIFF_ORDER_UNKNOWN)
			return found;
		if (size == 1)
			size = big_endian(b + at + 8, 8);
		if (size < 8) /* 0: to the end of the file */
			return SNIFF_ORDER_SEEK;
		if (size > n - at)
			return SNIFF_ORDER_UNKNOWN;
		at += (size_t)size;
	}
	return SNIFF_ORDER_UNKNOWN;
}

enum sniff_order sniff_order(enum container c, const void *bytes, size_t n)
{
	if (c == CONTAINER_CAF || c == CONTAINER_AIFF)
		return SNIFF_ORDER_SEEK; /* their writers add tables when they know them */
	return c == CONTAINER_MP4 ? order_of_mp4(bytes, n) : SNIFF_ORDER_STREAM;
}
