/* import_tree: a model of Vosk that somebody has brought, a directory or a zip file of one, into the store under its own name. Command
 * line; blocks. */
#ifndef PULL_IMPORT_TREE_H
#define PULL_IMPORT_TREE_H

#include <stdbool.h>

#include "models/store.h"

struct error;
struct model;

/* Whether it is a directory or a file that import_tree would look into. */
bool import_tree_is_meant(const char *path);
/* The name is `name`, or where that is NULL the archive's or the directory's own; it is the catalogue's where the model is one of the
 * catalogue. *model_out and path_out: what it is then, and where. -1: it is no whole model of Vosk, or its name is none, or that of
 * another one of the catalogue. */
int import_tree(const char *path, const char *name, const struct model **model_out,
    char path_out[STORE_PATH_BYTES], struct error *err);

#endif
