/* deepgram_control: the text messages of clients of Deepgram's /v1/listen. Pure. */
#ifndef ACCESS_DEEPGRAM_CONTROL_H
#define ACCESS_DEEPGRAM_CONTROL_H

#include <stddef.h>

struct error;

enum deepgram_command {
	DEEPGRAM_KEEP_ALIVE,
	DEEPGRAM_FINALIZE,
	DEEPGRAM_CLOSE_STREAM,
	DEEPGRAM_IGNORED, /* of older clients */
	DEEPGRAM_UNKNOWN,
};

struct deepgram_control {
	enum deepgram_command command;
	int channel; /* of FINALIZE: that one; -1: all */
};

/* -1 and a sentence when it is no JSON object with a type. What is unknown is described in *err too, and 0 returned, since
 * newer clients may say more than this server knows. */
int deepgram_control_read(
    const char *text, size_t n, struct deepgram_control *out, struct error *err);

#endif
