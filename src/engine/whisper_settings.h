/* whisper_settings: the parameters of the Whisper engine. */
#ifndef ENGINE_WHISPER_SETTINGS_H
#define ENGINE_WHISPER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

struct error;

enum { WHISPER_SETTINGS_PARAMS = 14, WHISPER_SETTINGS_FLOOR_OF_MODEL = 1501 };

extern const struct engine_param_info whisper_settings_params[WHISPER_SETTINGS_PARAMS];

struct whisper_settings {
	char *model;              /* owned, as all text; a file */
	char *model_sum;          /* "": not known; else what its checksum has to be, in hex */
	char *language;           /* "": English of English models, "auto" of others */
	char *prompt, *hot_words; /* for those who wish none */
	bool translate;           /* likewise */
	double threads;           /* of one decode */
	double beam;              /* 1: greedy */
	bool short_window;        /* it is cut to the utterance's length */
	double window_floor;      /* frames; WHISPER_SETTINGS_FLOOR_OF_MODEL: not given */
	bool second_try;          /* a suspect decode is done again with the full window */
	double no_speech;         /* a probability */
	double log_p;             /* likewise, its logarithm, below 0 */
	bool tell_non_speech;
};

/* -1 and ERROR_CONFIG; whisper_settings_done also then. *s is zero before. */
int whisper_settings_load(
    struct whisper_settings *s, const struct engine_param *params, size_t n, struct error *err);
void whisper_settings_done(struct whisper_settings *s);

#endif
