/* deepgram_query: what a client of Deepgram's /v1/listen asks for in the query. Pure. */
#ifndef ACCESS_DEEPGRAM_QUERY_H
#define ACCESS_DEEPGRAM_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "access/wanted.h"
#include "audio/endpoint.h"
#include "audio/format.h"
#include "ipc/message.h"

struct error;

enum {
	DEEPGRAM_NAME_BYTES = 64,
	DEEPGRAM_CHANNELS_MAX = FORMAT_CHANNELS_MAX,
	DEEPGRAM_LABELS_BYTES = 4096,
	DEEPGRAM_WARNINGS_MAX = 24,
};

enum deepgram_use { DEEPGRAM_LIVE, DEEPGRAM_FILE };

/* What a client asked for and does not get; it is told. */
struct deepgram_warning {
	char parameter[DEEPGRAM_NAME_BYTES]; /* printable */
	const char *why;                     /* of the program */
	unsigned unless; /* IPC_TAKES_*, of an engine that makes it do; 0: none does */
};

struct deepgram_query {
	char model[DEEPGRAM_NAME_BYTES];    /* "": not said */
	char language[DEEPGRAM_NAME_BYTES]; /* likewise */
	bool raw;                           /* `encoding` was given; else there is a container */
	struct format format;               /* of raw audio, all channels of it */
	bool multichannel;                  /* each channel is heard for itself */
	bool interim_results, vad_events;
	bool formatted;            /* punctuate or smart_format */
	bool no_endpointing;       /* no result is told as the end of what was said */
	unsigned endpointing_ms;   /* 0: the server's own */
	unsigned utterance_end_ms; /* 0: off */
	bool utterances, paragraphs, detect_language;
	/* `keyterm` and `keywords`, without boosts, with commas between: as many as fit. */
	char hot_words[IPC_PROMPT_MAX + 1];
	unsigned utt_split_ms; /* a pause that ends an utterance of a file */
	/* `tag` and `extra`, to be given back: 't' or 'e' and the value with a zero behind it, one after the other. */
	char labels[DEEPGRAM_LABELS_BYTES];
	size_t labels_n;
	struct deepgram_warning warnings[DEEPGRAM_WARNINGS_MAX]; /* each parameter once */
	unsigned warnings_n;
	unsigned warnings_more; /* that did not fit */
};

/* What is unknown, and what this server does not do, becomes a warning, unless it would do harm to go on without it; of a
 * parameter that may be there once the last one counts. -1 and a sentence that names the parameter, its value and what is
 * allowed. */
int deepgram_query_read(
    const char *query, enum deepgram_use use, struct deepgram_query *out, struct error *err);

/* The pool is chosen, and its engine takes this (IPC_TAKES_*): what it does is no warning any more. */
void deepgram_query_settle(struct deepgram_query *q, unsigned takes);
/* What is wished of the hearing, into an empty *out. */
void deepgram_query_wishes(const struct deepgram_query *q, struct wanted *out);

/* `endpointing` on top of the server's own; what this server cannot do is brought to the nearest it can. */
void deepgram_query_endpoint(const struct deepgram_query *q, struct endpoint_config *endpoint);

#endif
