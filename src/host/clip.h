/* clip: a short clip of 16 kHz mono s16le from a file, with a RIFF header or raw. Host process, at start. */
#ifndef HOST_CLIP_H
#define HOST_CLIP_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum { CLIP_MAX_SAMPLES = 60 * 16000 };

/* *samples_out is the caller's to free. -1 with a sentence that names the file. */
int clip_read(const char *path, int16_t **samples_out, size_t *n_out, struct error *err);

#endif
