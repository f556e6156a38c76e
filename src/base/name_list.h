/* name_list: a text that is a list of names, set apart by commas and blanks. Pure. */
#ifndef BASE_NAME_LIST_H
#define BASE_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* The next name, not terminated, whose length *n_out is; *list goes on behind it. NULL: there is none. */
const char *name_list_next(const char **list, size_t *n_out);
/* NULL is an empty list. */
bool name_list_has(const char *list, const char *name);
/* The same with patterns: "*" stands for any name, and a "*" at the end of one for whatever follows. */
bool name_list_matches(const char *list, const char *name);

#endif
