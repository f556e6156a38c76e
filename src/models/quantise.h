/* quantise: a ggml file of Whisper in 16 or 32 bits -> the same in q8_0, as whisper.cpp's tool makes it, byte for byte: matrices
 * become blocks of 32 numbers of 8 bits with a common factor; all else stays. Pure. */
#ifndef MODELS_QUANTISE_H
#define MODELS_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

#include "models/convert.h"

struct error;

/* `path` is for the sentences. -1: the bytes are no such file, or `write` failed. */
int quantise_q8_0(const char *path, const uint8_t *data, size_t n, convert_write_f *write,
    void *arg, struct error *err);

#endif
