/* deepgram_answer: what was heard in a file, channel by channel, as Deepgram's clients get it. Pure. */
#ifndef ACCESS_DEEPGRAM_ANSWER_H
#define ACCESS_DEEPGRAM_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/deepgram_event.h"
#include "access/language.h"
#include "base/buffer.h"

struct deepgram_query;
struct format;
struct session_event;

/* Of one channel. Zeroed is nothing; deepgram_answer_done gives all back. */
struct deepgram_answer {
	json_t *words, *finals; /* owned (deepgram_passages.h); NULL: none so far */
	struct buffer text;     /* of the finals, with a space between them */
	double confidence;      /* the sum of the words' */
	size_t words_n;
	bool incomplete;               /* some of what was said is missing */
	char language[LANGUAGE_BYTES]; /* the first that was heard; "": the engine did not say */
};

void deepgram_answer_init(struct deepgram_answer *t);
void deepgram_answer_done(struct deepgram_answer *t);
/* A final; one without text leaves no trace. -1: no memory. */
int deepgram_answer_add(
    struct deepgram_answer *t, const struct deepgram_about *a, const struct session_event *e);
/* The whole body, of all n channels; takes `metadata`; `language` is told as detected where none was heard, NULL: nobody asked. The caller frees
 * it. NULL: no memory. */
char *deepgram_answer_text(const struct deepgram_answer *all, unsigned n,
    const struct deepgram_query *q, const char *language, json_t *metadata);

enum { DEEPGRAM_WAV_HEADER_BYTES = 44 };
/* What stands before raw audio of that format in a WAV file whose length is not known. */
void deepgram_answer_wav_header(const struct format *f, void *out);
/* Raw audio of that format as a WAV file, which the caller frees. NULL: no memory, or more than such a file may have. */
void *deepgram_answer_wav(const struct format *f, const void *bytes, size_t n, size_t *n_out);

#endif
