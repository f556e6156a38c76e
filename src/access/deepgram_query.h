/* deepgram_query: what a client of Deepgram's /v1/listen asks for in the query. Pure. */
#ifndef ACCESS_DEEPGRAM_QUERY_H
#define ACCESS_DEEPGRAM_QUERY_H

#include <stdbool.h>

#include "audio/endpoint.h"
#include "audio/format.h"

struct error;

enum { DEEPGRAM_NAME_BYTES = 64, DEEPGRAM_CHANNELS_MAX = 2 };

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
	bool utterances, detect_language, callback;
};

/* What is unknown is ignored, as is what this server has no use for; of a parameter that may be there once the last one
 * counts. -1 and a sentence that names the parameter, its value and what is allowed. */
int deepgram_query_read(const char *query, struct deepgram_query *out, struct error *err);

/* `endpointing` on top of the server's own; what this server cannot do is brought to the nearest it can. */
void deepgram_query_endpoint(const struct deepgram_query *q, struct endpoint_config *endpoint);

#endif
