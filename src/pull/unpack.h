/* unpack: a directory out of a zip file (a Python wheel is one), or a copy of one that is here. What comes out has files and directories
 * below `dir` and nothing else, whatever the archive says. Command line; blocks. */
#ifndef PULL_UNPACK_H
#define PULL_UNPACK_H

#include <stdint.h>

struct error;

enum { UNPACK_NAME_BYTES = 256 };

struct unpack_config {
	const char *dir;    /* is there, and empty */
	uint64_t bytes_max; /* that all files together may have */
	void (*progress)(void *arg, uint64_t done, uint64_t total); /* of bytes_max; may be NULL */
	void *arg;
};

/* All entries that begin with `prefix`, without it. -1: no zip file, nothing with that prefix, a name that leads elsewhere or is there
 * twice, too many of them or too much, or it is damaged. */
int unpack_zip(
    const char *zip, const char *prefix, const struct unpack_config *cfg, struct error *err);
/* The directory that all of its entries are in, with a slash at its end; "": there is no such. */
int unpack_top(const char *zip, char out[UNPACK_NAME_BYTES], struct error *err);
/* The same of a directory (models/tree.h) that is here. */
int unpack_copy(const char *from, const struct unpack_config *cfg, struct error *err);

#endif
