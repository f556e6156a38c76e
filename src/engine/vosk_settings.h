/* vosk_settings: the parameters of the Vosk engine. */
#ifndef ENGINE_VOSK_SETTINGS_H
#define ENGINE_VOSK_SETTINGS_H

#include <stddef.h>

#include "engine/engine.h"

struct error;

enum { VOSK_SETTINGS_PARAMS = 4 };

extern const struct engine_param_info vosk_settings_params[VOSK_SETTINGS_PARAMS];

struct vosk_settings {   /* each owned, never NULL once loaded */
	char *model;     /* a directory */
	char *model_sum; /* "": not known; else what the sum of its tree has to be, in hex */
	char *library;   /* "": to be found */
	char *phrases;   /* one a line, for those who wish none; "": none */
};

/* -1 and ERROR_CONFIG; vosk_settings_done also then. *s is zero before. */
int vosk_settings_load(
    struct vosk_settings *s, const struct engine_param *params, size_t n, struct error *err);
void vosk_settings_done(struct vosk_settings *s);

#endif
