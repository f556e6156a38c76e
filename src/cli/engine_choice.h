/* engine_choice: which engine hears where the settings name none, `engine = auto`: the best that takes what is set and whose model is
 * on this machine. Server process, when settings are read. */
#ifndef CLI_ENGINE_CHOICE_H
#define CLI_ENGINE_CHOICE_H

#include <stdio.h>

struct config;
struct error;

/* In each such pool the engine becomes one of those that the host names, which it does with the best first (fakes are no engines
 * here), and where it was chosen for a model that is here "model" becomes its name; an info line says so, and what would be better.
 * `engines` as model_names_resolve's; NULL: what can be had everywhere is taken. -1: none can be used. */
int engine_choice_make(struct config *c, FILE *engines, struct error *err);

#endif
