/* wyoming_transcript: what a Wyoming client is told of an utterance's text: transcript-start, then transcript-chunk for what will not
 * change any more, then transcript with all of it and transcript-stop. Utterances of the session are parted by a blank. Pure. */
#ifndef ACCESS_WYOMING_TRANSCRIPT_H
#define ACCESS_WYOMING_TRANSCRIPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "access/delta.h"
#include "access/language.h"
#include "base/buffer.h"
#include "base/error.h"

struct session_event;

/* Takes data, which may be NULL. */
typedef void wyoming_send_f(void *arg, const char *type, json_t *data);

enum { WYOMING_TRANSCRIPT_BYTES = 1 << 20 };

struct
    wyoming_transcript { /* plain data; embed it. Zeroed is one to which nothing but _done may happen. */
	wyoming_send_f *send;
	void *arg;                     /* borrowed */
	char language[LANGUAGE_BYTES]; /* that is told: of who hears it, or what was heard first */
	bool heard;                    /* the latter */
	struct delta delta;            /* of the session's open utterance */
	struct buffer text;            /* of all finals */
	bool started;                  /* transcript-start has been sent */
	bool said;                     /* and some text with it */
	bool incomplete;               /* some of what was said is missing */
	struct error
	    unheeded; /* what was asked for and makes no difference; ERROR_NONE: there is nothing */
};

void wyoming_transcript_init(struct wyoming_transcript *t, wyoming_send_f *send, void *arg);
void wyoming_transcript_done(struct wyoming_transcript *t);
/* What was before is forgotten. */
void wyoming_transcript_begin(struct wyoming_transcript *t, const char *language);
void wyoming_transcript_partial(struct wyoming_transcript *t, const struct session_event *e);
/* -1: it is longer than WYOMING_TRANSCRIPT_BYTES. */
int wyoming_transcript_final(struct wyoming_transcript *t, const struct session_event *e);
/* The open utterance has failed and gets no final. */
void wyoming_transcript_lose(struct wyoming_transcript *t);
void wyoming_transcript_end(struct wyoming_transcript *t);

#endif
