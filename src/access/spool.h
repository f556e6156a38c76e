/* spool: a body that is too large for memory, kept in a file without a name until it has been heard, and read from there as if it
 * were in memory: the kernel may drop its pages at any time. Writes go to the kernel's cache, and block as long as a disk that
 * cannot keep up makes them. Server process, loop thread only. */
#ifndef ACCESS_SPOOL_H
#define ACCESS_SPOOL_H

#include <stddef.h>

struct error;
struct spool;

/* NULL and a sentence when no file can be made in that directory. */
struct spool *spool_new(const char *dir, struct error *err);
/* -1 and a sentence when the disk is full or broken. */
int spool_write(struct spool *s, const void *bytes, size_t n, struct error *err);
/* All that was written; lent until spool_free. Nothing may be written any more. NULL and a sentence when it cannot be read. */
const void *spool_map(struct spool *s, size_t *n_out, struct error *err);
/* So many more bytes of it have been read, by whomever: now and then its pages go from the process's memory, and come back from
 * the kernel's cache where somebody reads them again. */
void spool_was_read(struct spool *s, size_t n);
void spool_free(struct spool **s); /* NULL in it is fine */

#endif
