/* whisper_tune: measures how short a window a model of Whisper bears. Takes minutes. */
#ifndef ENGINE_WHISPER_TUNE_H
#define ENGINE_WHISPER_TUNE_H

#include <stddef.h>
#include <stdio.h>

struct engine_clip;
struct error;

/* Says what it measures, a line each, and last "window_floor N", in frames of 20 ms; 0: the full window only. */
int whisper_tune(
    const char *model, const struct engine_clip *clips, size_t n, FILE *to, struct error *err);

#endif
