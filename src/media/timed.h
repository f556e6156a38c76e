/* timed: audio with times comes from a decoder, audio without any goes on: where the file's own clock has a hole there is silence,
 * so that what is heard stands where a player would play it. Nothing is ever left out: audio that overlaps what was before stands
 * behind it, and what is behind that comes earlier again only where there is a hole.
 *
 * ffmpeg's muxer smjpeg is the plainest one that keeps times: chunks of a name, a time in ms, a size, the bytes. Pure. */
#ifndef MEDIA_TIMED_H
#define MEDIA_TIMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 16-bit samples at 16 kHz, of one channel. */
enum { TIMED_BYTES_PER_MS = 32 };
enum { TIMED_HEAD_BYTES = 16, TIMED_HOLE_MS = 100, TIMED_BACK_MS = 10000 };

struct timed { /* plain data; only timed_* write to it */
	uint8_t head[TIMED_HEAD_BYTES];
	size_t head_n;
	const uint8_t *at, *end; /* what was fed and has not been taken */
	uint64_t left;           /* bytes of the chunk */
	uint64_t silence;        /* bytes to be given before it */
	uint64_t given;          /* bytes, silence included */
	int64_t base_ms;         /* what is to be added to times */
	unsigned channels;       /* 0: not known yet */
	enum {
		TIMED_MAGIC,
		TIMED_HEADER,
		TIMED_SKIP,
		TIMED_CHUNK,
		TIMED_IN_CHUNK,
		TIMED_OVER
	} state;
	bool from_first, begun; /* from_first: the first time is 0 */
};

/* `from_first`: its first audio stands at its beginning, whatever its time. */
void timed_init(struct timed *t, bool from_first);
/* Lent until timed_next has said TIMED_NOTHING; only then may more be fed. */
void timed_feed(struct timed *t, const void *bytes, size_t n);

enum timed_kind { TIMED_NOTHING, TIMED_AUDIO, TIMED_SILENCE, TIMED_BROKEN };
struct timed_piece {
	enum timed_kind kind;
	const uint8_t *bytes; /* of AUDIO: lent */
	size_t n;             /* of SILENCE: at most `max` */
};

/* What comes next. BROKEN: this is no such stream, and nothing more is read of it. */
struct timed_piece timed_next(struct timed *t, size_t max);
bool timed_is_empty(const struct timed *t); /* timed_next would say TIMED_NOTHING */
/* How many channels the audio has; 0 before timed_next has given any. */
unsigned timed_channels(const struct timed *t);
/* How much has been given, and before the next audio will have been: a hole that has begun counts as a whole. */
uint64_t timed_ms(const struct timed *t);

#endif
