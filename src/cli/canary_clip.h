/* canary_clip: the beginning of a WAV file, for pools to show that they decode. Server process, before the loop runs. */
#ifndef CLI_CANARY_CLIP_H
#define CLI_CANARY_CLIP_H

#include <stddef.h>
#include <stdint.h>

/* 16 kHz mono, the caller's to free; NULL, and a line in the log, when `path` cannot be used for it. */
int16_t *canary_clip_read(const char *path, size_t *n_out);

#endif
