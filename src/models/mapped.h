/* mapped: a file's bytes as memory, read only. Nobody may cut the file meanwhile; one that lies in the store is never written
 * to, only replaced. Any process. */
#ifndef MODELS_MAPPED_H
#define MODELS_MAPPED_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct mapped {
	const uint8_t *data; /* lent until mapped_done */
	size_t n;
};

/* -1: it cannot be read; ERROR_CONFIG with the path. An empty file is mapped to no bytes. */
int mapped_open(struct mapped *m, const char *path, struct error *err);
void mapped_done(struct mapped *m); /* one that is zero is fine */

#endif
