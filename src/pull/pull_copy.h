/* pull_copy: a model out of a file that is here: as it is, quantised or converted. Command line; blocks. */
#ifndef PULL_PULL_COPY_H
#define PULL_PULL_COPY_H

#include "models/convert.h"

struct error;
struct sink;

/* The sink has the whole model then. -1: the file cannot be read, or it is none. */
int pull_copy(const char *path, struct sink *sink, struct error *err);
/* The same, of what the file becomes in q8_0. */
int pull_quantised(const char *path, struct sink *sink, struct error *err);

/* A model in CTranslate2's form, model.bin and vocabulary.txt in a directory, as the ggml file that it becomes. */
int pull_convert(const char *dir, convert_write_f *write, void *arg, struct error *err);

#endif
