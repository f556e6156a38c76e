/* vosk_text: what Vosk's clients say as text, and what they are told. Pure. */
#ifndef ACCESS_VOSK_TEXT_H
#define ACCESS_VOSK_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "access/wanted.h"
#include "session/session.h"

struct error;

enum vosk_command { VOSK_CONFIG, VOSK_EOF, VOSK_RESET };

struct vosk_config {
	unsigned sample_rate;      /* Hz; 0: not said */
	bool words;                /* results have their words */
	unsigned max_alternatives; /* 0: results have no alternatives */
	char pool[64];             /* the last part of the model's path; "": not said */
	struct wanted wanted;      /* the phrase list; owned */
};

void vosk_config_done(struct vosk_config *c);
/* Reads one message; VOSK_CONFIG changes what it names of *config, and knows nothing of the rest. -1: *err is a sentence
 * for the client. */
int vosk_read(const char *text, size_t n, enum vosk_command *command, struct vosk_config *config,
    struct error *err);

/* What has been heard and not been told yet: the finals of some utterances in one. */
struct vosk_result {
	json_t *words;   /* owned; an array of {conf,end,start,word} */
	char *text;      /* owned; NULL: nothing */
	bool incomplete; /* some of what was said is missing */
};

/* Adds a final to it. -1: no memory. */
int vosk_result_add(struct vosk_result *r, const struct session_event *final);
void vosk_result_done(struct vosk_result *r);
/* {"text":...,"result":[...]} or, where alternatives are wished, with the one that there is. NULL: no memory. */
json_t *vosk_result_json(const struct vosk_result *r, const struct vosk_config *config);
/* ... and what was asked for and makes no difference. */
json_t *vosk_warned(json_t *result, const struct error *what);
/* {"partial":...} */
json_t *vosk_partial_json(const char *text);

#endif
