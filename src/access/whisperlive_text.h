/* whisperlive_text: what is said in WhisperLive's protocol: the client's options, and the segments it is told again and
 * again: the last completed ones, which never change, and the one that still grows. Clients keep the last growing one that they
 * were told, and write it behind the completed ones unless the last of those has the same text. Pure. */
#ifndef ACCESS_WHISPERLIVE_TEXT_H
#define ACCESS_WHISPERLIVE_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/wanted.h"
#include "audio/format.h"
#include "session/session.h"

struct error;

enum {
	WHISPERLIVE_UID_BYTES = 257, /* with the NUL */
	WHISPERLIVE_NAME_BYTES = 64,
	WHISPERLIVE_SEGMENTS = 10, /* told again when the client does not say how many */
	WHISPERLIVE_SEGMENTS_MAX = 100,
	WHISPERLIVE_SPANS = 16,
	WHISPERLIVE_UNHEEDED_BYTES = 128
};

struct whisperlive_options {
	char uid[WHISPERLIVE_UID_BYTES];
	char language[WHISPERLIVE_NAME_BYTES]; /* "": to be detected */
	char
	    model[WHISPERLIVE_NAME_BYTES]; /* "": none, or one that is too long for a pool's name */
	struct wanted wanted;              /* owned */
	bool second_text; /* a translation beside the text, which is not done here */
	bool word_timestamps;
	char unheeded
	    [WHISPERLIVE_UNHEEDED_BYTES]; /* names of what it asks for and is not done; "": nothing */
	unsigned segments;                /* 1..WHISPERLIVE_SEGMENTS_MAX */
	enum encoding encoding;
};

/* The first message. -1 with a sentence: no JSON object, no uid, or an audio_format that there is not; out->uid is there even
 * then if it can be. Other fields are as lenient as the clients are many: one of the wrong kind is as if it were not there. */
int whisperlive_parse(
    const char *text, size_t n, struct whisperlive_options *out, struct error *err);

/* What an utterance spans, as far as is known. */
struct whisperlive_span {
	uint64_t utterance, start_ms, end_ms; /* end 0: not over */
};

struct whisperlive_segments { /* plain data, zeroed has none */
	json_t *completed;    /* owned; NULL: none yet */
	json_t *growing;      /* owned; the last one that was told as growing; NULL: none yet */
	uint64_t end_ms;      /* of the last completed one; no other begins before */
	struct whisperlive_span spans[WHISPERLIVE_SPANS]; /* of the utterances in work, by number */
};

void whisperlive_options_done(struct whisperlive_options *o);
/* The pool is known: adds to those that are unheeded what its engine passes over of what is wished (IPC_TAKES_*). */
void whisperlive_settle_options(struct whisperlive_options *o, unsigned passed_over);

void whisperlive_segments_done(struct whisperlive_segments *s);
/* SPEECH_START and SPEECH_END. */
void whisperlive_note_span(struct whisperlive_segments *s, const struct session_event *e);
/* A final's text becomes a completed segment; none does if there is no text. */
void whisperlive_complete(struct whisperlive_segments *s, const struct whisperlive_options *o,
    const struct session_event *e);

/* Messages; NULL: nothing to say, or no memory. The caller owns them. */
/* All segments, with the one that a partial tells behind them; `e` NULL: no such. heard_ms: of audio, until now. */
json_t *whisperlive_segments_of(struct whisperlive_segments *s, const struct whisperlive_options *o,
    const struct session_event *e, uint64_t heard_ms);
/* To be told when nothing grows any more, before all segments are: the last completed one as if it were growing still, or an empty
 * one where there is none, in place of the growing one that the client keeps. NULL: what it keeps needs no correction. */
json_t *whisperlive_settle(struct whisperlive_segments *s, const struct whisperlive_options *o);
json_t *whisperlive_ready(const char *uid);
json_t *whisperlive_language(const char *uid, const char *language);
json_t *whisperlive_wait(const char *uid, uint64_t wait_ms);
/* Its time is up. */
json_t *whisperlive_disconnect(const char *uid);
/* "ERROR" or "WARNING". */
json_t *whisperlive_status(const char *uid, const char *status, const char *message);

#endif
