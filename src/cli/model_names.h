/* model_names: an engine's parameter that is a model may be a name of the catalogue in the settings; the host is told the file it
 * lies in, and its checksum. Server process, when settings are read. */
#ifndef CLI_MODEL_NAMES_H
#define CLI_MODEL_NAMES_H

#include <stdio.h>

struct config;
struct error;

/* In each pool: "model=NAME", or the engine's own default where there is none, becomes "model=PATH" and "model_sum=HEX"; a value
 * with a slash is a path and stays. A pool whose model of Vosk is for one language, as its name says, is for that one unless "languages" is set. `engines`: what engines take, in the words of stenopool-host; read from its beginning; NULL:
 * that could not be asked, and nothing changes. -1: "[pool en] model: " and why: no such model, of another engine, or not here,
 * and then with the command that gets it. */
int model_names_resolve(struct config *c, FILE *engines, struct error *err);

#endif
