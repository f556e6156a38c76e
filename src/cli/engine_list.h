/* engine_list: what the engines of this build take, as stenopool-host says it. The server links no engine, so it asks
 * the program that does. */
#ifndef CLI_ENGINE_LIST_H
#define CLI_ENGINE_LIST_H

#include <stddef.h>
#include <stdio.h>

struct error;

/* What `program --engines` says, from its beginning; NULL: it cannot be run. The caller's to close. Blocks. */
FILE *engine_list_open(const char *program);
/* Where the program is that stands beside this one, stenopool-host. */
int engine_list_program(char *out, size_t cap, struct error *err);
/* The program that stands beside this one. */
FILE *engine_list_open_own(void);

#endif
