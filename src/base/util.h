/* util: the few helpers every module may use. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stddef.h>
#include <sys/param.h> /* MIN, MAX */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* For small bookkeeping whose size we choose: these end the process when memory is out.
 * What a client or a model sizes goes through plain malloc and a worded error. */
void *xcalloc(size_t n, size_t size);
char *xstrdup(const char *s);

/* The last part of a path, which slashes may follow: its beginning in there, and its bytes; "/" has an empty one. */
const char *path_last(const char *path, size_t *n_out);
char *path_last_copy(const char *path); /* to be freed */

/* Closes *fd if it is open and sets it to -1. Keeps errno. */
void fd_close(int *fd);

#endif
