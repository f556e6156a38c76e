/* clip: a recording, as it is and as the ear of a session would hand it to an instance. */
#ifndef SERVER_CLIP_H
#define SERVER_CLIP_H

#include "common/wav.h"

struct error;

struct clip {
	char name[64];    /* of the file, without directory and ending */
	struct wav wav;   /* as recorded */
	int16_t *samples; /* owned; all of it, at 16 kHz */
	size_t n;
};

/* -1 and a sentence that names the file. */
int clip_load(struct clip *clip, const char *path, struct error *err);
void clip_done(struct clip *clip);

#endif
