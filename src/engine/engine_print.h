/* engine_print: what one engine is and takes, in words (engine/engine.h says in which form). */
#ifndef ENGINE_ENGINE_PRINT_H
#define ENGINE_ENGINE_PRINT_H

#include <stdio.h>

struct engine_ops;

void engine_print(FILE *to, const struct engine_ops *ops);

#endif
