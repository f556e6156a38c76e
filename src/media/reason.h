/* reason: why a file could not be decoded, out of what ffmpeg writes to its stderr. What it writes is for people who can see its
 * command line; so of its many lines only the kind is told to clients (verdict.h), in words of our own, and the most telling line
 * goes to the log, in characters that can be shown. Plain data; pure. */
#ifndef MEDIA_REASON_H
#define MEDIA_REASON_H

#include <stdbool.h>
#include <stddef.h>

enum { REASON_BYTES = 160, REASON_NAME_BYTES = 24 };

/* A later one goes before an earlier one. */
enum reason_kind {
	REASON_NONE,
	REASON_DAMAGED,  /* whatever it said else */
	REASON_CUT,      /* it ends before its audio begins, or before what tells where it is */
	REASON_NO_INDEX, /* of MP4: what tells where the audio is has never been written */
	REASON_CODEC,    /* its audio is encoded in a way that this ffmpeg does not know */
	REASON_NO_AUDIO, /* there is no sound track */
	REASON_FOREIGN,  /* it is of a kind that may not be read */
	REASON_MEMORY,
	REASON_KINDS
};

struct reason {
	char line[2 * REASON_BYTES]; /* not yet ended; what is longer is cut */
	size_t n;
	enum reason_kind kind;
	bool specific;                /* what is kept was said by a part that looked at the file */
	char text[REASON_BYTES];      /* "": nothing telling was said so far */
	char name[REASON_NAME_BYTES]; /* CODEC: what ffmpeg calls it; "": it does not say */
};

/* Zeroed is empty. Takes all n bytes, in any pieces. */
void reason_feed(struct reason *r, const char *bytes, size_t n);
/* What was written has ended. The text: lent. */
const char *reason_finish(struct reason *r);

#endif
