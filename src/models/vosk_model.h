/* vosk_model: whether a directory is a model of Vosk, as far as can be told without the library, which trusts what it reads; and what
 * its name says of its language. There are two forms: the one with am/, conf/ and graph/, and the flat one that was there before.
 * Any process; blocks while it looks. */
#ifndef MODELS_VOSK_MODEL_H
#define MODELS_VOSK_MODEL_H

#include <stdbool.h>

struct error;

enum { VOSK_MODEL_LANGUAGE_BYTES = 4 };

struct vosk_model_info {
	bool is_flat;
	bool takes_phrases; /* its graph is put together as it is used, so it can be another one */
};

/* Whether it has what such a directory has: something that may be half of one, or another kind of model, has not. */
bool vosk_model_is_like(const char *dir);
/* -1: it cannot be read, or a file is missing, empty or something else: ERROR_CONFIG, a sentence with its path. */
int vosk_model_check(const char *dir, struct vosk_model_info *out, struct error *err);
/* "de" of "vosk-model-small-de-0.15" or of a path that ends so: ISO 639-1 (the project names some by their country; "cn" is "zh"),
 * or three letters. False: it does not say. Pure. */
bool vosk_model_language(const char *name, char out[VOSK_MODEL_LANGUAGE_BYTES]);
/* Whether a model may be called so: "vosk-model-" and then letters, digits, dots, hyphens and underscores, 60 bytes at most. Pure. */
bool vosk_model_name_is_fit(const char *name);

#endif
