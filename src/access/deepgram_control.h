/* deepgram_control: the text messages of clients of Deepgram's /v1/listen. Pure. */
#ifndef ACCESS_DEEPGRAM_CONTROL_H
#define ACCESS_DEEPGRAM_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

struct error;

enum deepgram_command {
	DEEPGRAM_KEEP_ALIVE,
	DEEPGRAM_FINALIZE,
	DEEPGRAM_CLOSE_STREAM,
	DEEPGRAM_CONFIGURE,
	DEEPGRAM_UNKNOWN,
};

struct deepgram_control {
	enum deepgram_command command;
	int channel; /* of FINALIZE: that one; -1: all */
	struct {
		const char *failure; /* its code, and *err says why it cannot be; NULL: it can */
		bool keyterms;       /* they were replaced, by none */
		bool unformatted;    /* words are to have no punctuated_word any more */
	} configure;
};

/* -1 and a sentence when it is no JSON object with a type. What is unknown is described in *err too, and 0 returned, since
 * newer clients may say more than this server knows. */
int deepgram_control_read(
    const char *text, size_t n, struct deepgram_control *out, struct error *err);

#endif
