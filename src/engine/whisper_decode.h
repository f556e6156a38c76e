/* whisper_decode: an utterance through libwhisper, once or twice. Host and instance; one thread. */
#ifndef ENGINE_WHISPER_DECODE_H
#define ENGINE_WHISPER_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <whisper.h>

#include "engine/engine.h"
#include "engine/hypothesis.h"
#include "engine/whisper_settings.h"

struct error;

/* What decodes: the weights, which nobody writes to, and what one decode at a time writes to. */
struct whisper_decoder {
	struct whisper_context *context; /* owned by the engine */
	/* Likewise. Each is used for windows whose blocks of attention are either all full or all cut off at the same place, so that
	 * nothing an earlier decode left can be heard; both are made at once, since what is made in the host costs instances nothing. */
	struct whisper_state *cut, *whole;
	struct whisper_state *state; /* of these, the one that the decode in work has; borrowed */
	struct whisper_full_params initial
	    [2]; /* greedy, beam: read when the model is loaded, since the library looks up the cores */
	const struct whisper_settings *settings;
	unsigned window_floor; /* frames; 0: the full window only */

	/* who is asked whether to go on */
	engine_progress_f *on_progress; /* may be NULL */
	void *arg;
	uint64_t asked_ns;
	bool stopped; /* it was told no */
};

struct whisper_utterance {
	const float *samples; /* -1..1, 16 kHz */
	size_t n;
	const char *language; /* "en"; "auto" */
	const char *prompt;   /* "": none */
	bool translate;
};

/* Makes the states. */
int whisper_decoder_open(struct whisper_decoder *d, struct error *err);
void whisper_decoder_close(struct whisper_decoder *d);
/* *heard is what can be believed of it; *language as it was found out. -1 when it was stopped or could not be done. */
int whisper_decode_utterance(struct whisper_decoder *d, const struct whisper_utterance *u,
    struct hypothesis *heard, const char **language, struct error *err);

#endif
