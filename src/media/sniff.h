/* sniff: what kind of file this is, from its first bytes. Nothing is guessed from names or content types, and what is found
 * names the one demuxer that will read it. Where it is not clear, because something stands before the first frame, ffmpeg's own probe
 * chooses among the same demuxers, so that no file can choose another. Pure. */
#ifndef MEDIA_SNIFF_H
#define MEDIA_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum container {
	CONTAINER_WAV, /* audio/wav.h reads most of them itself */
	CONTAINER_FLAC,
	CONTAINER_OGG,
	CONTAINER_MP3,
	CONTAINER_MP4, /* M4A, MOV and 3GP too */
	CONTAINER_MATROSKA,
	CONTAINER_AAC, /* ADTS */
	CONTAINER_AIFF,
	CONTAINER_AMR,
	CONTAINER_CAF,
	CONTAINER_WAVE64,
	CONTAINER_AU,
	CONTAINER_TAGGED, /* it may be any of them, behind an ID3 tag */
	CONTAINER_OTHER,  /* or behind junk */
	CONTAINERS
};

/* Of a file's beginning so many bytes decide; more do no harm. */
enum { SNIFF_BYTES = 64 };

/* -1: it is none of them, being empty or text, and the sentence says which they are. Of a shorter beginning, too: to be asked when SNIFF_BYTES
 * are there, or the file has ended. */
int sniff(const void *bytes, size_t n, enum container *out, struct error *err);
const char *container_name(enum container c); /* "FLAC", for people */
/* As ffmpeg calls it; NULL: one of `sniff_demuxers` that its probe finds. */
const char *container_demuxer(enum container c);
extern const char sniff_demuxers[]; /* all there are, for format_whitelist */
/* The sentence that says which they are; -1. */
int sniff_none(struct error *err);

/* Whether the file can be read from its beginning to its end, or has what the reader must know first at its end. */
enum sniff_order { SNIFF_ORDER_UNKNOWN, SNIFF_ORDER_STREAM, SNIFF_ORDER_SEEK };

/* As the bytes so far tell; UNKNOWN: more may tell. */
enum sniff_order sniff_order(enum container c, const void *bytes, size_t n);

#endif
