/* pocketsphinx_settings: the parameters of a pool made into settings of the library: our words for the paths,
 * what they are when not given, and everything else by the library's own names, checked before it sees them.
 * Private to the PocketSphinx engine. */
#ifndef ENGINE_POCKETSPHINX_SETTINGS_H
#define ENGINE_POCKETSPHINX_SETTINGS_H

#include <stddef.h>

#include "engine/engine.h"

struct error;

enum { POCKETSPHINX_SETTINGS_MAX = 128, POCKETSPHINX_PARAMS = 5 };
extern const struct engine_param_info pocketsphinx_settings_params[POCKETSPHINX_PARAMS];

struct pocketsphinx_settings { /* plain data; zeroed is empty; borrows from the parameters */
	struct engine_param
	    list[POCKETSPHINX_SETTINGS_MAX]; /* names of the library, without a dash */
	size_t n;
};

/* Fills an empty *s. ERROR_CONFIG for what cannot be, ERROR_ENGINE for a path where nothing is. */
int pocketsphinx_settings_make(struct pocketsphinx_settings *s, const struct engine_param *params,
    size_t n, struct error *err);
/* NULL when there is none of that name; lent. */
const char *pocketsphinx_settings_find(const struct pocketsphinx_settings *s, const char *name);

#endif
