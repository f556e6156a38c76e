/* whisper_model: a file of weights, looked at before the library gets it, since that trusts what it reads. */
#ifndef ENGINE_WHISPER_MODEL_H
#define ENGINE_WHISPER_MODEL_H

#include <whisper.h>

struct error;
struct whisper_settings;

struct whisper_model {
	struct whisper_context *context; /* the caller's */
	char *name;                      /* the caller's: "tiny.en" of ".../ggml-tiny.en.bin" */
	unsigned window_floor;           /* frames; 0: the full window only */
};

/* -1 and a sentence that names the file; then *out is of no use. */
int whisper_model_open(
    struct whisper_model *out, const struct whisper_settings *s, struct error *err);

/* The last that the library complained of, for a sentence about what failed. */
const char *whisper_model_trouble(void);
/* It may have a client's words in it. */
void whisper_model_forget_trouble(void);

#endif
