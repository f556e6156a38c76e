/* openai_text: what was heard, and how OpenAI's clients want it written. Pure. */
#ifndef ACCESS_OPENAI_TEXT_H
#define ACCESS_OPENAI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/language.h"
#include "session/session.h"

enum openai_format {
	OPENAI_JSON,
	OPENAI_TEXT,
	OPENAI_SRT,
	OPENAI_VTT,
	OPENAI_VERBOSE_JSON,
	OPENAI_DIARIZED_JSON,
	OPENAI_FORMATS
};

struct openai_style {
	enum openai_format format;
	bool words, segments; /* of verbose_json */
	bool stream;          /* events as they happen instead of one answer */
	bool translate;       /* the text is English, whatever was said */
};

struct openai_piece {
	char *text; /* owned; UTF-8 without control characters */
	uint64_t start_ms, end_ms;
	bool follows; /* the one before it without a blank */
};

struct openai_pieces {
	struct openai_piece *at; /* owned */
	size_t n, cap;
};

/* Plain data, zeroed is empty. */
struct openai_transcript {
	struct openai_pieces texts, segments, words; /* texts: of the finals, as they came */
	uint64_t audio_ms;
	bool incomplete;               /* some of what was said is missing */
	char language[LANGUAGE_BYTES]; /* the first that was heard; "": the engine did not say */
};

/* False for a word that is none of "json", "text", "srt", "vtt", "verbose_json" and "diarized_json". */
bool openai_format_parse(const char *word, size_t n, enum openai_format *out);
const char *openai_format_type(enum openai_format f); /* the Content-Type */

/* A final, unless nothing was heard in it; its segments are what openai_cues.h makes of it, the last marked where it is
 * incomplete. -1 when memory is out. */
int openai_transcript_add(struct openai_transcript *t, const struct session_event *final);
/* Instead of the last one's text: what was told of it before, and behind it the rest of which that is not the beginning. */
int openai_transcript_correct(
    struct openai_transcript *t, const char *told, size_t told_n, const char *rest, size_t rest_n);
void openai_transcript_done(struct openai_transcript *t);
/* The answer's body, to be freed by the caller; NULL when memory is out. `language` is told where the transcript has none. */
char *openai_transcript_text(
    const struct openai_transcript *t, const struct openai_style *style, const char *language);

/* The events of a stream, each with its "data: " and blank line; the text of a delta is UTF-8 or is made so. */
char *openai_delta_event(bool blank_before, const char *text, size_t n);
char *openai_segment_event(const struct openai_transcript *t, size_t i); /* the i-th, diarized */
char *openai_done_event(const struct openai_transcript *t);
char *openai_error_event(const char *error); /* as openai_error_text words it */

/* {"error":{"message":...,"type":...,"param":...,"code":...}}; param and code may be NULL. To be freed by the caller; NULL
 * when memory is out. */
char *openai_error_text(unsigned status, const char *message, const char *param, const char *code);

#endif
