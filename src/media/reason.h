/* reason: why a file could not be decoded, out of what ffmpeg writes to its stderr: its most telling line, without the
 * names it has for things, in characters that can be shown. Plain data; pure. */
#ifndef MEDIA_REASON_H
#define MEDIA_REASON_H

#include <stdbool.h>
#include <stddef.h>

enum { REASON_BYTES = 160 };

struct reason {
	char line[2 * REASON_BYTES]; /* not yet ended; what is longer is cut */
	size_t n;
	bool specific;           /* what is kept was said by a part that looked at the file */
	char text[REASON_BYTES]; /* "": nothing telling was said so far */
};

/* Zeroed is empty. Takes all n bytes, in any pieces. */
void reason_feed(struct reason *r, const char *bytes, size_t n);
/* What was written has ended. The text: lent. */
const char *reason_finish(struct reason *r);

#endif
