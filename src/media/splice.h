/* splice: where in a file's bytes another recording begins, as a browser's recorder that was stopped and started makes them, or
 * who puts files one behind the other. No demuxer reads on there; each recording needs a decoder of its own. Only beginnings of
 * 48 bits and more are looked for, so that none is found by chance; MP3 and ADTS have none, and need none. Pure. */
#ifndef MEDIA_SPLICE_H
#define MEDIA_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum { SPLICE_BYTES = 16 };

struct splice { /* plain data, zeroed is at a recording's beginning; only splice_* write to it */
	uint8_t held[SPLICE_BYTES]; /* may be the beginning of another */
	size_t held_n;
	uint8_t tag[10]; /* the head of an ID3 tag, which belongs to what follows it */
	size_t tag_n;
	uint64_t tag_left;
	bool inside; /* its own first byte has passed, behind tags */
	bool ogg;    /* it is such a file */
	bool pages;  /* Ogg: beyond its first pages, of which each stream has one */
	bool found;  /* what is held is the beginning of the next */
};

/* Appends to *out the bytes that belong to the present recording, and takes all n, or stops where another begins: true, and what comes
 * next belongs to that: feed again, though it be no byte, before the flush. Of what is held the answer comes with later bytes.
 * -1: *out is full. */
int splice_feed(struct splice *s, const void *bytes, size_t n, size_t *taken_out,
    struct buffer *out, bool *found_out);
/* No more bytes come: what is held belongs to the present one. */
int splice_flush(struct splice *s, struct buffer *out);

#endif
