/* deepgram_event: what is said to clients of Deepgram's /v1/listen, as JSON. Pure, apart from the random request ids. */
#ifndef ACCESS_DEEPGRAM_EVENT_H
#define ACCESS_DEEPGRAM_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/language.h"
#include "base/error.h"
#include "session/session.h"

struct deepgram_query;

enum {
	DEEPGRAM_ID_BYTES = 37,
	DEEPGRAM_SHA256_BYTES = 65,
	DEEPGRAM_TIME_BYTES = 32,
	DEEPGRAM_HEADERS_BYTES = 2048,
};

/* What is said of one stream or file in all its messages. */
struct deepgram_about {
	char request_id[DEEPGRAM_ID_BYTES];
	char created[DEEPGRAM_TIME_BYTES]; /* "2026-01-01T00:00:00.000Z" */
	char model_id[DEEPGRAM_ID_BYTES];  /* the same for the same pool, always */
	const char *model;                 /* the pool's name; lent, lives as long as the pool */
	char language[LANGUAGE_BYTES];     /* that it is for, told where none is heard */
	struct error
	    other; /* a sentence, where what was asked for is not heard; ERROR_INIT: it is, or nothing was */
	unsigned channels;
	bool formatted; /* words have a punctuated_word */
	/* What was asked for; its labels and warnings are in the metadata. Borrowed; NULL: none. */
	const struct deepgram_query *query;
};

struct deepgram_result {
	unsigned channel;
	uint64_t start_ms, end_ms;
	bool is_final, speech_final, from_finalize;
	bool incomplete; /* some of what was said is missing behind the text */
	const char *text;
	size_t text_bytes;
	float confidence;
	const struct session_word *words;
	size_t words_n;
};

/* A new request_id, and the time it is now. */
void deepgram_about_init(struct deepgram_about *a, const char *model, unsigned channels);
/* What of the language that is asked for is to be told. */
void deepgram_about_language(
    struct deepgram_about *a, const struct language_pool *pool, const char *asked);
void deepgram_id_make(char out[DEEPGRAM_ID_BYTES]);

/* NULL where memory is out. */
json_t *deepgram_words_of(const struct session_word *words, size_t n, bool formatted);
json_t *deepgram_results_of(const struct deepgram_about *a, const struct deepgram_result *r);
json_t *deepgram_utterance_end_of(
    const struct deepgram_about *a, unsigned channel, uint64_t last_word_end_ms);
json_t *deepgram_speech_started_of(
    const struct deepgram_about *a, unsigned channel, uint64_t at_ms);
/* Without a type: what a file's answer has as `metadata`. */
json_t *deepgram_metadata_of(
    const struct deepgram_about *a, const char *sha256, uint64_t duration_ms);
/* Header lines with the request_id, and the parameters that have no effect, which the metadata tells more of. */
void deepgram_write_headers(const struct deepgram_about *a, char out[DEEPGRAM_HEADERS_BYTES]);
/* `keyterms`: they have been replaced, by none. */
json_t *deepgram_configured_of(const struct deepgram_about *a, bool keyterms);
json_t *deepgram_not_configured_of(
    const struct deepgram_about *a, const char *code, const struct error *why);
json_t *deepgram_error_of(const struct error *why);
/* The body of a refused request. */
json_t *deepgram_refusal_of(const char *code, const struct error *why, const char *request_id);

#endif
