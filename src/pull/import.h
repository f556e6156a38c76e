/* import: a model that somebody has brought into the store, under the name that its sum gives it: a ggml file, or the directory of
 * a model in CTranslate2's form (faster-whisper's), which is converted. Command line; blocks. */
#ifndef PULL_IMPORT_H
#define PULL_IMPORT_H

#include "models/store.h"

struct error;
struct model;

/* Which model of the catalogue it is. NULL: none, or it cannot be read; the sentence says what it is instead, and what to do
 * with a whole one. */
const struct model *import_recognise(const char *path, struct error *err);
/* Puts it into one's own directory. path_out: where it is then; -1: it could not be. */
int import_take(
    const struct model *m, const char *path, char path_out[STORE_PATH_BYTES], struct error *err);

#endif
