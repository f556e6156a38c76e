/* known: the models that can be meant by a name: those of the catalogue, and directories that were imported into the store, which have
 * their sum beside them. One thread; blocks on the disk. */
#ifndef MODELS_KNOWN_H
#define MODELS_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "models/catalogue.h"
#include "models/sum.h"

struct error;

enum { KNOWN_IMPORTED_MAX = 128 };

/* As models_find (catalogue.h). Of what was imported the model stays where it is until the process ends; its bytes and sum are those it
 * has now. */
const struct model *known_find(const char *name, struct error *err);
/* By its place: the catalogue's, and then those imported, by their names; NULL: that was the last. Begin with 0. */
const struct model *known_at(size_t i);
/* Whether its file, or directory, has its sum: -1, a sentence that says what it has, or that it cannot be read. */
int known_check(const struct model *m, const char *path, struct error *err);
/* Writes the sum beside `path`, a directory in the store that is to be found by its name. */
int known_write_sum(
    const char *path, const char sum[SUM_HEX_BYTES], uint64_t bytes, struct error *err);

#endif
